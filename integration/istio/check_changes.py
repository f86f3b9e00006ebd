"""Changes under traffic: edits, rejected policies, upgrades, removal, and istiod away."""

import contextlib
import time

from mesh import active, expect, expect_masked, expect_plain, gone, settle
from processes import until
from registry import another, url
from traffic import ANSWERED, CARD, Connection, Steady, send

MASK, BLOCK = "pluginConfig: {request: mask}", "pluginConfig: {request: block}"
# Valid for the API, which does not validate pluginConfig.
REJECTED = "pluginConfig: {request: nonsense}"


def edit(mesh, pod, overlay, change):
    """Applies a changed overlay and waits until `change` holds."""
    mesh.apply(mesh.manifests.render(overlay))
    until(f"{pod.name} has the new configuration", change, 60)


def expect_nothing_plain(app, path):
    plain = [one.path for one in app.with_path(path) if CARD in one.text()]
    expect(not plain, f"{len(plain)} of {len(app.with_path(path))} requests arrived with the card, first {plain[:1]}")


def policy_edits_under_traffic(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    masking, blocking = (mesh.manifests.variant("overlays/mask", spec) for spec in (MASK, BLOCK))
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        with Steady(client.net, shop.service, "/edited") as traffic:
            for _ in range(3):
                edit(mesh, shop, blocking, lambda: shop.policies()[0]["request"] == "block")
                until("requests are blocked", lambda: traffic.answers[-1][1] == 403, 20)
                edit(mesh, shop, masking, lambda: shop.policies()[0]["request"] == "mask")
                until("requests are masked", lambda: traffic.answers[-1][1] == 200, 20)
        expect(traffic.statuses() == [200, 403], f"the client received {traffic.statuses()}")
        expect(traffic.readable() == 0, f"{traffic.readable()} responses had the card")
        expect_nothing_plain(shop.app, "/edited")


def a_rejected_policy_leaves_the_previous_one(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    wrong = mesh.manifests.variant("overlays/mask", REJECTED)

    def rejections():
        return sum(
            int(line.rpartition(" ")[2]) for line in shop.metrics().splitlines()
            if line.startswith("envoy_extension_config_discovery") and ("config_fail" in line or "update_rejected" in line)
        )

    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        before = rejections()
        with Steady(client.net, shop.service, "/rejected") as traffic:
            mesh.apply(mesh.manifests.render(wrong))
            until("Envoy rejects the policy", lambda: rejections() > before, 30)
            traffic.more(20)
        expect(traffic.statuses() == [200] and traffic.readable() == 0, f"the client received {traffic.statuses()}")
        expect_nothing_plain(shop.app, "/rejected")


def a_pod_that_starts_with_a_rejected_policy_refuses(mesh):
    client, cart = mesh.get("checkout"), mesh.get("cart")
    wrong = mesh.manifests.variant("overlays/mask", REJECTED)
    with mesh.applied(wrong, wait=False):
        cart.restart()
        answers = [send(client.net, cart.service, f"/started-wrong/{number}") for number in range(5)]
        expect([one.status for one in answers] == [500] * 5, f"the client received {[one.status for one in answers]}")
        expect(not cart.app.with_path("/started-wrong"), "the application received a request")
        mesh.apply(mesh.manifests.render("overlays/mask"))
        until("a right policy heals it", lambda: send(client.net, cart.service, "/settle").status == 200, 30)
        expect_masked(cart, "/healed", send(client.net, cart.service, "/healed"))


def upgrade_by_digest_under_traffic(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    module = mesh.options.wasm.read_bytes()
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        with Steady(client.net, shop.service, "/upgraded") as traffic:
            for number in (1, 2):
                digest = mesh.registry.push_module(f"0.1.{number}", another(module, number))
                overlay = mesh.manifests.variant("overlays/mask", f"url: {url(f'0.1.{number}')}\nsha256: {digest}")
                before = shop.modules()
                edit(mesh, shop, overlay, lambda before=before: shop.modules() != before)
                traffic.more(20)
        expect(traffic.statuses() == [200] and traffic.readable() == 0, f"the client received {traffic.statuses()}")
        expect_nothing_plain(shop.app, "/upgraded")


def removal_and_return_under_traffic(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    text = mesh.manifests.render("overlays/mask")
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        with Steady(client.net, shop.service, "/removed") as traffic:
            traffic.more(10)
            mesh.delete(text)
            gone(shop)
            traffic.more(20)
            mesh.apply(text)
            active(shop)
            # The persistent connection of the client's sidecar accepts one more request on the old listener.
            traffic.more(5)
            before = len(traffic.answers)
            traffic.more(20)
        expect(traffic.statuses() == [200], f"the client received {traffic.statuses()}")
        readable = sum(one for _, _, one in traffic.answers[before:])
        expect(readable == 0, f"{readable} responses had the card after the return")


def istiod_away(mesh):
    outside, shop, cart = mesh.get("outside"), mesh.get("shop"), mesh.get("cart")
    with mesh.applied("overlays/mask", shop, cart):
        mesh.plane.stop_istiod()
        try:
            expect_masked(shop, "/istiod-away", send(outside.net, shop.address, "/istiod-away"))
            cart.restart(wait=False)
            with Steady(outside.net, cart.address, "/restarted", pause=0.1) as traffic:
                time.sleep(8)
                expect(set(traffic.statuses()) <= {0, 503}, f"a pod that starts without istiod answers {traffic.statuses()}")
                mesh.plane.start_istiod()
                cart.wait_ready(120)
                until("the restarted pod answers", lambda: traffic.answers[-1][1] == 200, 60)
                traffic.more(20)
            expect(traffic.readable() == 0, f"{traffic.readable()} responses had the card")
            expect_nothing_plain(cart.app, "/restarted")
        finally:
            if "istiod" not in mesh.plane.processes:
                mesh.plane.start_istiod()
        expect_masked(shop, "/istiod-back", send(outside.net, shop.address, "/istiod-back"))


def a_plugin_right_after_a_rejected_one(mesh):
    """A limit of Envoy: until the old listener has drained, it checks a new one with the rejected configuration.

    The previous listener, without panveil, stays, although the valid policy is accepted a moment later. The next change
    of the resource repairs it.
    """
    outside, cart = mesh.get("outside"), mesh.get("cart")
    with mesh.applied(mesh.manifests.variant("overlays/mask", REJECTED), wait=False):
        cart.restart()
    with mesh.applied("overlays/mask", wait=False):
        until("Envoy rejects the listener", cart.rejected, 20)
        until("Envoy accepts the policy", lambda: "panveil_config_info{" in cart.metrics(), 20)
        expect_plain(cart, "/after-rejected", send(outside.net, cart.address, "/after-rejected"))
        mesh.plane.kubectl("annotate", "--overwrite", "--namespace=shop", "wasmplugin/panveil", f"panveil/retried={time.time():.0f}")
        until("the annotation heals it", lambda: not cart.rejected(), 20)
        active(cart)
        expect_masked(cart, "/after-annotation", send(outside.net, cart.address, "/after-annotation"))


def a_kept_connection_passes_one_request_unread(mesh):
    """A connection that is older than panveil stays on the old filter chain. The response to its next request ends
    it.
    """
    outside, shop = mesh.get("outside"), mesh.get("shop")
    with Connection(outside.net, shop.address) as kept:
        expect_plain(shop, "/kept/before", kept.request("/kept/before"))
        with mesh.applied("overlays/mask", shop):
            expect_masked(shop, "/kept/new", send(outside.net, shop.address, "/kept/new"))
            answer = kept.request("/kept/old")
            expect(ANSWERED in answer.text(), "the request on the kept connection was masked: the docs can say so")
            expect(answer.headers.get("connection") == "close", "the response does not end the connection")
            # A client that continues nevertheless is disconnected.
            begun = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - begun < 30:
                    kept.request("/kept/on")
                    time.sleep(0.5)
            expect(time.monotonic() - begun < 30, "the connection stays open for 30 s")


CHECKS = [
    policy_edits_under_traffic, a_rejected_policy_leaves_the_previous_one, a_pod_that_starts_with_a_rejected_policy_refuses,
    upgrade_by_digest_under_traffic, removal_and_return_under_traffic, a_kept_connection_passes_one_request_unread,
    a_plugin_right_after_a_rejected_one, istiod_away,
]
