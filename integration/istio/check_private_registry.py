"""Registries with a password: the component `private-registry` with TLS, its pull secret, and registries that
Istio's agent rejects.
"""

import base64
import contextlib

import private
from mesh import active, expect, expect_masked
from processes import until
from traffic import send

# Istio rejects a realm that is no URL, even if it does not use it, as with `Basic`.
GOOD_REALM, USUAL_REALM = "https://registry.example/", "Registry"


def trusting(mesh):
    """Shared pod whose agent accepts the certificate of the private servers."""
    if "trusting" not in mesh.shared:
        variables = {"SSL_CERT_FILE": str(private.certificate(mesh.folder / "private"))}
        mesh.shared["trusting"] = mesh.pod("trusting", "trusting", variables=variables)
    return mesh.shared["trusting"]


def _overlay(mesh, namespace, port=private.PORT):
    spec = f"url: {private.url(port)}"
    return mesh.manifests.variant("overlays/mask", spec, components=["private-registry"], namespace=namespace)


def refuses(mesh, pod, path, reason):
    """Checks that the pod has the agent's filter in place of panveil, which rejects requests, and that the agent
    logs the reason.
    """
    outside = mesh.get("outside")
    answer = send(outside.net, pod.address, path)
    expect(answer.status == 403, f"the client received {answer.status}")
    expect(not pod.app.with_path(path), "the application received the request")
    until(f"the agent says: {reason}", lambda: reason in pod.agent.log(), 10)


@contextlib.contextmanager
def _secret(mesh, pod, password, port=private.PORT):
    with mesh.resources(private.pull_secret(pod.namespace, password, port)):
        yield


def a_missing_pull_secret_refuses(mesh):
    pod = trusting(mesh)
    with private.registry(mesh, GOOD_REALM), mesh.applied(_overlay(mesh, pod.namespace), pod):
        refuses(mesh, pod, "/no-secret", "missing image pulling secret")
        counted = 'istio_agent_wasm_config_conversion_count{result="fetch_failure"}'
        expect(counted in pod.agent_metrics(), "the agent does not count it")


def a_wrong_pull_secret_refuses_until_it_is_right(mesh):
    pod, outside = trusting(mesh), mesh.get("outside")
    with private.registry(mesh, GOOD_REALM), _secret(mesh, pod, "wrong"), mesh.applied(_overlay(mesh, pod.namespace), pod):
        refuses(mesh, pod, "/wrong-secret", "UNAUTHORIZED: authentication required")
        # istiod sends the secret with the plugin, so a change of the secret alone is enough.
        mesh.apply(private.pull_secret(pod.namespace, private.PASSWORD))
        until("the right secret heals it", lambda: send(outside.net, pod.address, "/settle").status == 200, 30)
        active(pod)
        expect_masked(pod, "/right-secret", send(outside.net, pod.address, "/right-secret"))


def a_realm_that_is_no_url_refuses(mesh):
    """A limit of Istio, which the component documents."""
    pod = trusting(mesh)
    with private.registry(mesh, USUAL_REALM), _secret(mesh, pod, private.PASSWORD), mesh.applied(_again(mesh, pod), pod):
        refuses(mesh, pod, "/usual-realm", "rejected unsafe bearer realm")


def _again(mesh, pod):
    """Like _overlay, with another digest, so that the agent does not have the module already."""
    digest = mesh.registry.push("0.1.0-artifact", "artifact")
    spec = f"url: {private.url().replace('0.1.0', '0.1.0-artifact')}\nsha256: {digest}"
    return mesh.manifests.variant("overlays/mask", spec, components=["private-registry"], namespace=pod.namespace)


def a_certificate_of_an_unknown_authority_refuses(mesh):
    pod = mesh.get("checkout")
    with private.registry(mesh, GOOD_REALM), _secret(mesh, pod, private.PASSWORD), mesh.applied(_again(mesh, pod), pod):
        refuses(mesh, pod, "/unknown-authority", "certificate signed by unknown authority")


def a_registry_without_tls_gets_the_pull_secret_in_clear(mesh):
    """A limit of Istio, which the component documents."""
    pod, port = mesh.get("checkout"), private.PLAIN_PORT
    with private.plain_registry(mesh) as logins, _secret(mesh, pod, private.PASSWORD, port):
        with mesh.applied(_overlay(mesh, pod.namespace, port), pod):
            refuses(mesh, pod, "/without-tls", "401 Unauthorized")
    wanted = base64.b64encode(f"{private.USER}:{private.PASSWORD}".encode()).decode()
    expect(f"Basic {wanted}" in logins, f"the registry was sent {logins}")


CHECKS = [
    a_missing_pull_secret_refuses, a_wrong_pull_secret_refuses_until_it_is_right, a_realm_that_is_no_url_refuses,
    a_certificate_of_an_unknown_authority_refuses, a_registry_without_tls_gets_the_pull_secret_in_clear,
]
