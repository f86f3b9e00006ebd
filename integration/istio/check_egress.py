"""The overlay for the egress gateway: a third party over TLS, its routes, and the audit of them."""

import contextlib
import ssl

from apps import App
from check_audit import Audit
from check_overlays import compare
from mesh import expect, expect_blocked, received
from private import certificate
from processes import until
from traffic import ANSWERED, ANSWERED_MASKED, CARD, JSON, send

HOST = "api.psp.example"
# The user of the proxy may not bind port 80 here.
GATEWAY_PORT = 8888


def egress_overlay_blocks_at_the_gateway(mesh):
    folder = mesh.folder / "third-party"
    certificate(folder, f"DNS:{HOST}")
    third_party = mesh.pod("third-party", "outside", start=False, in_mesh=False, application=lambda net, _: TlsApp(net, folder))
    gateway = mesh.pod("egress", "istio-egress", labels={"istio": "egressgateway"}, router=True)
    clients = {name: mesh.pod(name, "shop") for name in ("checkout", "web")}
    _adapt(mesh.manifests.folder / "egress", gateway.name, third_party.address, folder / "certificate.pem")

    def ask(client, path):
        # Any address: the sidecar routes by the host.
        return send(clients[client].net, third_party.address, path, headers=JSON | {"host": HOST}, port=80)

    def answers():
        with contextlib.suppress(OSError):
            return ask("web", "/no-card/settle").status in (200, 403)

    try:
        told = compare(mesh, "egress", gateway)
        with mesh.applied("overlays/egress", gateway):
            until("the third party answers through the gateway", answers, 60)
            answer = ask("checkout", "/allowed")
            expect(CARD in received(third_party, "/allowed").text(), "the payment provider did not receive the card of checkout")
            expect(answer.status == 200 and ANSWERED_MASKED in answer.text(), f"checkout received {answer.status}: {answer.body[:120]}")
            expect(ANSWERED not in answer.text(), "checkout received the card of the response")
            expect_blocked(third_party, "/blocked", ask("web", "/blocked"))
            until("the gateway logs the block", lambda: gateway.logged("/blocked"), 20)
            found = Audit(mesh).rules("istio-egress/api-psp-example", "Gateway istio-egress/egress")
            expect(not found, f"the audit says {found}")
            with mesh.resources(ENTRY_WITH_TLS):
                found = Audit(mesh).rules("istio-egress/other")
                expect(found == ["egress-tls"], f"with a port of protocol TLS the audit says {found}")
            other_name = mesh.manifests.render("overlays/egress").replace(f"subjectAltNames:\n        - {HOST}", "subjectAltNames: [other.example]")
            mesh.apply(other_name)
            until("the gateway rejects a certificate of another name", lambda: ask("checkout", "/other-name").status == 503, 30)
        expect(not told, "; ".join(told))
    finally:
        for pod in (gateway, *clients.values()):
            pod.delete()


# Requests to it would pass the sidecars unread.
ENTRY_WITH_TLS = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: other, namespace: istio-egress}
spec: {hosts: [other.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
"""


def _adapt(routes, gateway, address, authority):
    """Writes the names of this run into the routes, as an operator does."""
    for name in ("gateway.yaml", "third-party.yaml"):
        file = routes / name
        text = file.read_text().replace("istio-egressgateway", gateway)
        if name == "gateway.yaml":
            text = text.replace("number: 80\n", f"number: {GATEWAY_PORT}\n")
        else:
            to_gateway = f"host: {gateway}\n            port:\n              number: "
            text = text.replace(f"{to_gateway}80\n", f"{to_gateway}{GATEWAY_PORT}\n")
            # There is no DNS, and no public authority for this name.
            text = text.replace("resolution: DNS\n", f"resolution: DNS\n  endpoints:\n    - address: {address}\n")
            text = text.replace("          mode: SIMPLE\n", f"          mode: SIMPLE\n          caCertificates: {authority}\n")
        file.write_text(text)


class TlsApp(App):
    """Application of the third party: port 443, TLS only."""

    def __init__(self, namespace, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        super().__init__(namespace, (443,))

    def _serve(self, connection):
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as encrypted:
            self._http1(encrypted)


CHECKS = [egress_overlay_blocks_at_the_gateway]
