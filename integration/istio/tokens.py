"""JSON Web Tokens of a test issuer, and the resources that make Istio require them. openssl has the key."""

import base64
import json
import subprocess

ISSUER = "issuer@panveil.test"


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*words, text=b""):
    return subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, check=True, timeout=60).stdout


class Issuer:
    def __init__(self, folder):
        self.key = folder / "issuer.pem"
        if not self.key.exists():
            _openssl("genrsa", "-out", self.key, "2048")
        modulus = _openssl("rsa", "-in", self.key, "-noout", "-modulus").strip().partition(b"=")[2]
        key = {"kty": "RSA", "kid": "one", "alg": "RS256", "e": "AQAB", "n": _base64url(bytes.fromhex(modulus.decode()))}
        self.key_set = json.dumps({"keys": [key]})

    def token(self):
        """Token that is valid for a hundred years."""
        claims = {"iss": ISSUER, "sub": "tester", "exp": 4_900_000_000}
        head = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64url(_openssl('dgst', '-sha256', '-sign', self.key, text=signed.encode()))}"

    def resources(self, namespace, workload):
        """RequestAuthentication, and an AuthorizationPolicy that requires a token, except at /denied."""
        about = {"name": "tokens", "namespace": namespace}
        where = {"selector": {"matchLabels": {"app": workload}}}
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "metadata": about,
                "spec": where | {"jwtRules": [{"issuer": ISSUER, "jwks": self.key_set}]},
            },
            {
                "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": about,
                "spec": where | {"action": "ALLOW", "rules": [{
                    "from": [{"source": {"requestPrincipals": [f"{ISSUER}/*"]}}], "to": [{"operation": {"notPaths": ["/denied*"]}}],
                }]},
            },
        ]})
