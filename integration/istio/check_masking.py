"""Selection of masked traffic: by namespace, by selector, inbound only, from outside the mesh, without a Service."""

from mesh import expect, expect_masked, expect_plain, settle
from pods import UNNAMED_PORT
from traffic import send


def namespace_overlay_masks(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    expect_plain(shop, "/before", send(client.net, shop.service, "/before"))
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        expect_masked(shop, "/masked", send(client.net, shop.service, "/masked"))
        expect("x-forwarded-client-cert" in shop.app.with_path("/masked")[0].headers, "the request did not come through mutual TLS")
        expect(not client.extensions(), "the client's sidecar has panveil too")
    settle(client, shop.service)
    expect_plain(shop, "/after", send(client.net, shop.service, "/after"))


def selector_picks_one_workload(mesh):
    client, shop, cart = mesh.get("checkout"), mesh.get("shop"), mesh.get("cart")
    overlay = mesh.manifests.variant("overlays/mask", "selector: {matchLabels: {app: shop}}")
    with mesh.applied(overlay, shop):
        settle(client, shop.service)
        expect_masked(shop, "/selected", send(client.net, shop.service, "/selected"))
        expect_plain(cart, "/not-selected", send(client.net, cart.service, "/not-selected"))
        expect(not cart.extensions(), "the other workload has panveil too")


def requests_of_the_workload_itself_pass(mesh):
    shop, payments = mesh.get("shop"), mesh.get("payments")
    with mesh.applied("overlays/mask", shop):
        expect_plain(payments, "/outbound", send(shop.net, payments.service, "/outbound"))


def plain_text_from_outside_the_mesh_is_masked(mesh):
    outside, shop = mesh.get("outside"), mesh.get("shop")
    with mesh.applied("overlays/mask", shop):
        expect_masked(shop, "/from-outside", send(outside.net, shop.address, "/from-outside"))


def a_port_without_a_service_is_masked(mesh):
    client, outside, shop = mesh.get("checkout"), mesh.get("outside"), mesh.get("shop")
    with mesh.applied("overlays/mask", shop):
        for sender, path in ((outside, "/unnamed-outside"), (client, "/unnamed-mesh")):
            expect_masked(shop, path, send(sender.net, shop.address, path, port=UNNAMED_PORT))


CHECKS = [
    namespace_overlay_masks, selector_picks_one_workload, requests_of_the_workload_itself_pass,
    plain_text_from_outside_the_mesh_is_masked, a_port_without_a_service_is_masked,
]
