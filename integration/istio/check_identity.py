"""Rules by source principal, with certificates of Istio's own authority, under STRICT and PERMISSIVE."""

import contextlib

from mesh import expect, expect_blocked, settle
from processes import until
from traffic import ANSWERED, ANSWERED_MASKED, CARD, JSON, send

CHARGES = "/v1/charges"
MESH = "spiffe://cluster.local/ns"
FORGED = JSON | {"x-forwarded-client-cert": f"By={MESH}/payments/sa/payments;Hash=00;URI={MESH}/checkout/sa/checkout"}


def mutual_tls(mesh, mode):
    return mesh.resources(f"""\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: payments}}
spec: {{mtls: {{mode: {mode}}}}}
""")


def _rules_by_source(mesh, marker):
    """The checkout may send card numbers to one path. No other workload may, whatever headers it sends."""
    checkout, shop, payments = mesh.get("checkout"), mesh.get("shop"), mesh.get("payments")
    # Both may have a connection from before the plugin.
    for client in (checkout, shop):
        settle(client, payments.service)
    path = f"{CHARGES}/{marker}"
    answer = send(checkout.net, payments.service, path)
    got = until("the charge is received", lambda: payments.app.with_path(path), 20)
    expect(answer.status == 200, f"checkout gets {answer.status}: {answer.body[:100]}")
    expect(any(CARD in one.text() for one in got), "the card of checkout did not arrive")
    expect(ANSWERED not in answer.text() and ANSWERED_MASKED in answer.text(), "the response to checkout is not masked")
    other = f"/v1/other/{marker}"
    expect_blocked(payments, other, send(checkout.net, payments.service, other))
    for name, headers in (("shop", JSON), ("shop-forged", FORGED)):
        place = f"{CHARGES}/{marker}/{name}"
        expect_blocked(payments, place, send(shop.net, payments.service, place, headers=headers))


def source_rules_under_strict_mutual_tls(mesh):
    outside, payments = mesh.get("outside"), mesh.get("payments")
    with mutual_tls(mesh, "STRICT"), mesh.applied("overlays/payments", payments):
        until("plaintext is rejected", lambda: _refused(outside, payments), 30)
        _rules_by_source(mesh, "strict")
        expect(_refused(outside, payments), "plain text from outside is answered")


def _refused(outside, payments):
    with contextlib.suppress(OSError):
        send(outside.net, payments.address, "/plain", b"{}")
        return False
    return True


def source_rules_under_permissive_mutual_tls(mesh):
    outside, payments = mesh.get("outside"), mesh.get("payments")
    with mutual_tls(mesh, "PERMISSIVE"), mesh.applied("overlays/payments", payments):
        until("plaintext is accepted", lambda: not _refused(outside, payments), 30)
        _rules_by_source(mesh, "permissive")
        for name, headers in (("outside", JSON), ("outside-forged", FORGED)):
            place = f"{CHARGES}/permissive/{name}"
            expect_blocked(payments, place, send(outside.net, payments.address, place, headers=headers))


CHECKS = [source_rules_under_strict_mutual_tls, source_rules_under_permissive_mutual_tls]
