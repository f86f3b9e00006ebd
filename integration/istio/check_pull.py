"""Sources of the module: image variants by digest and by tag, a wrong digest, and an unavailable registry."""

import time

from mesh import active, expect, expect_masked, settle
from processes import until
from registry import url
from traffic import send

BY_TAG = """\
- op: remove
  path: /spec/sha256
"""


def image_variant_artifact_by_digest(mesh):
    digest = mesh.registry.push("artifact", "artifact")
    _pulled(mesh, mesh.manifests.variant("overlays/mask", f"url: {url('artifact')}\nsha256: {digest}"), "/artifact")


def image_by_tag_alone(mesh):
    mesh.registry.push("tagged", "compat")
    _pulled(mesh, mesh.manifests.variant("overlays/mask", f"url: {url('tagged')}", patch=BY_TAG), "/by-tag")


def _pulled(mesh, overlay, path):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with mesh.applied(overlay, shop):
        settle(client, shop.service)
        expect_masked(shop, path, send(client.net, shop.service, path))


def a_wrong_digest_refuses_until_it_is_right(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    wrong = mesh.manifests.variant("overlays/mask", f"sha256: {'1' * 64}")
    with mesh.applied(wrong, shop):
        settle(client, shop.service)
        answer = send(client.net, shop.service, "/wrong-digest")
        expect(answer.status == 403, f"the client received {answer.status}")
        expect(not shop.app.with_path("/wrong-digest"), "the application received the request")
        expect('istio_agent_wasm_remote_fetch_count{result="checksum_mismatched"}' in shop.agent_metrics(), "the agent does not count it")
        mesh.apply(mesh.manifests.render("overlays/mask"))
        until("the right digest heals it", lambda: send(client.net, shop.service, "/settle").status == 200, 30)
        expect_masked(shop, "/right-digest", send(client.net, shop.service, "/right-digest"))
        lines = until("the refusal is logged", lambda: [one for one in shop.access_log() if one["status"] == 403], 20)
        details = lines[-1]["details"]
        expect(details == "rbac_access_denied_matched_policy[none]", f"the access log says {details}")


def a_registry_away_at_the_start_refuses_until_an_annotation(mesh):
    """The agent fetches the module once. A change of the resource makes it retry."""
    client, cart = mesh.get("checkout"), mesh.get("cart")
    with mesh.applied("overlays/mask", cart):
        mesh.registry.stop()
        try:
            cart.restart()
            until("the pod refuses", lambda: send(client.net, cart.service, "/registry-away").status == 403, 60)
        finally:
            mesh.registry.start()
        time.sleep(10)
        expect(send(client.net, cart.service, "/registry-away").status == 403, "the agent has tried again by itself")
        expect(not cart.app.with_path("/registry-away"), "the application received a request")
        mesh.plane.kubectl("annotate", "--overwrite", "--namespace=shop", "wasmplugin/panveil", f"panveil/retried={time.time():.0f}")
        until("the annotation heals it", lambda: send(client.net, cart.service, "/settle").status == 200, 30)
        active(cart)
        expect_masked(cart, "/retried", send(client.net, cart.service, "/retried"))


CHECKS = [
    image_variant_artifact_by_digest, image_by_tag_alone, a_wrong_digest_refuses_until_it_is_right,
    a_registry_away_at_the_start_refuses_until_an_annotation,
]
