"""The overlay for an incident: in with one apply, out with the apply of the overlay before it."""

import contextlib

from mesh import expect, expect_blocked, expect_masked, expect_plain, received, settle
from processes import until
from traffic import ANSWERED, CARD, Connection, send


def incident_overlay_blocks_everywhere_until_the_former_one(mesh):
    client, shop, outside = mesh.get("checkout"), mesh.get("shop"), mesh.get("outside")
    with mesh.applied("overlays/mesh-wide", client, shop):
        # A connection from before the incident.
        with Connection(outside.net, shop.address) as kept:
            settle(client, shop.service)
            expect_plain(shop, "/kept/before", kept.request("/kept/before"))
            _apply(mesh, "incident", "block", client, shop)
            expect_blocked(shop, "/kept/during", kept.request("/kept/during"))
        # The sidecar of the client blocks too, also on the way out of the mesh.
        expect_blocked(shop, "/incident", send(client.net, shop.service, "/incident"))
        settle(client, outside.address)
        expect_blocked(outside, "/incident-out", send(client.net, outside.address, "/incident-out"))
        # Its headers have been forwarded, so that it ends early.
        with contextlib.suppress(ConnectionError):
            answer = send(client.net, shop.service, "/incident-response", body=b"{}")
            expect(answer.status == 502 and ANSWERED not in answer.text(), f"a response with a card became {answer.status}")
        answer = send(client.net, shop.service, "/no-card/incident", body=b"{}")
        expect(answer.status == 200, f"a request without a card became {answer.status}")
        _apply(mesh, "mesh-wide", "mask", client, shop)
        settle(client, shop.service)
        expect_plain(shop, "/incident-over", send(client.net, shop.service, "/incident-over"))
        settle(client, outside.address)
        send(client.net, outside.address, "/incident-out-over")
        expect(CARD in received(outside, "/incident-out-over").text(), "a request out of the mesh was changed")


def incident_overlay_comes_before_the_plugin_of_a_namespace(mesh):
    client, outside, shop = mesh.get("checkout"), mesh.get("outside"), mesh.get("shop")
    with mesh.applied("overlays/mesh-wide", client, shop), mesh.applied("overlays/mask", shop, count=2):
        settle(client, shop.service)
        expect_masked(shop, "/own-before", send(client.net, shop.service, "/own-before"))
        _apply(mesh, "incident", "block", client, shop)

        # The order of the plugins changes with the listener.
        def first():
            names, complete = shop.chain()
            return complete and "istio-system" in names[0]

        until("the plugin of the incident is the first one", first, 60)
        settle(outside, shop.address)
        expect_blocked(shop, "/own-during", send(outside.net, shop.address, "/own-during"))
        _apply(mesh, "mesh-wide", "mask", client, shop)
        until("the plugin of the namespace is the first one", lambda: not first(), 60)
        settle(client, shop.service)
        expect_masked(shop, "/own-after", send(client.net, shop.service, "/own-after"))


def _apply(mesh, overlay, request, *pods):
    """Applies an overlay of the mesh in place of the former one, and waits for its policy."""
    mesh.apply(mesh.manifests.render(f"overlays/{overlay}"))

    def holds(pod):
        names, complete = pod.chain()
        return complete and any(one.get("request") == request and "namespaces" in one for one in pod.policies())

    for pod in pods:
        until(f"{overlay} is active in {pod.name}", lambda pod=pod: holds(pod), 60)


CHECKS = [
    incident_overlay_blocks_everywhere_until_the_former_one, incident_overlay_comes_before_the_plugin_of_a_namespace,
]
