"""Servers with TLS or a password in the host namespace, and the pull secret for them."""

import base64
import contextlib
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

from namespaces import HOST, inside
from processes import Process, until
from registry import REPOSITORY

SECRET = "panveil-registry"
USER, PASSWORD = "puller", "a-password-of-the-test"
# PASSWORD in the format of `htpasswd -B`.
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuucJN1xUTuNbvk10ocK89fJt/kt8RDCH6\n"
PORT, WEB_PORT, PLAIN_PORT = 5443, 8443, 5080
CONFIG = """\
version: 0.1
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "0.0.0.0:%d", tls: {certificate: certificate.pem, key: key.pem}}
auth: {htpasswd: {realm: "%s", path: htpasswd}}
log: {level: warn, accesslog: {disabled: true}}
"""


def certificate(folder, name=f"IP:{HOST}"):
    """Self-signed certificate for the host namespace's address, or for another name."""
    if not (folder / "certificate.pem").exists():
        folder.mkdir(exist_ok=True)
        words = "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=panveil.test -keyout key.pem -out certificate.pem -addext".split()
        subprocess.run(["openssl", *words, f"subjectAltName={name}"], cwd=folder, capture_output=True, check=True, timeout=60)
    return folder / "certificate.pem"


def url(port=PORT):
    return f"oci://{HOST}:{port}/{REPOSITORY}:0.1.0"


def pull_secret(namespace, password, port=PORT):
    """Result of `kubectl create secret docker-registry`."""
    login = {"username": USER, "password": password, "auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}
    text = json.dumps({"auths": {f"{HOST}:{port}": login}})
    return json.dumps({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": SECRET, "namespace": namespace},
        "stringData": {".dockerconfigjson": text},
    })


@contextlib.contextmanager
def registry(mesh, realm):
    """Registry over TLS with a password, which has the images of the other one. `realm`: its realm in a 401."""
    folder = mesh.folder / "private"
    certificate(folder)
    (folder / "htpasswd").write_text(HTPASSWD)
    (folder / "config.yaml").write_text(CONFIG % (mesh.registry.folder / "storage", PORT, realm))
    process = Process("private-registry", mesh.network.host, [mesh.options.registry, "serve", "config.yaml"], folder)

    def ready():
        process.require_alive()
        try:
            with inside(mesh.network.host):
                urllib.request.urlopen(f"https://{HOST}:{PORT}/v2/", timeout=5, context=ssl._create_unverified_context())
        except urllib.error.HTTPError as error:
            return error.code == 401

    try:
        until("the private registry is ready", ready, 30)
        yield
    finally:
        process.stop(0)


@contextlib.contextmanager
def web_server(mesh):
    """Serves the module over TLS. Returns the URL, and the digest of the file."""
    module = mesh.options.wasm.read_bytes()

    class Module(_Quiet):
        def do_GET(self):
            self.answer(200, {"content-type": "application/wasm"}, module)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(mesh.folder / "private"), mesh.folder / "private/key.pem")
    with _serving(mesh, WEB_PORT, Module, context):
        yield f"https://{HOST}:{WEB_PORT}/panveil.wasm", hashlib.sha256(module).hexdigest()


@contextlib.contextmanager
def plain_registry(mesh):
    """Registry without TLS that rejects every login. Returns the received logins."""
    logins = []

    class Refuses(_Quiet):
        def do_GET(self):
            if "authorization" in self.headers:
                logins.append(self.headers["authorization"])
            self.answer(401, {"www-authenticate": "Basic", "content-type": "text/plain"}, b"")

    with _serving(mesh, PLAIN_PORT, Refuses):
        yield logins


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def _serving(mesh, port, handler, context=None):
    with inside(mesh.network.host):
        server = http.server.ThreadingHTTPServer((HOST, port), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
