"""Each shipped overlay in both kinds: the configuration at the proxy, compared with golden/, and its effect."""

import golden
from mesh import expect, expect_blocked, expect_masked, received, settle
from processes import until
from traffic import CARD, send

# Overlays, and the shared pod in the namespace of each.
OVERLAYS = {"mask": "shop", "monitor": "checkout", "payments": "payments", "payment-api": "payments", "mesh-wide": "shop", "incident": "shop"}
KINDS = {"": "wasmplugin", "traffic-extension/": "trafficextension"}


def shared_overlays_are_delivered_as_before(mesh):
    told = [one for overlay, name in OVERLAYS.items() for one in compare(mesh, overlay, mesh.get(name))]
    expect(not told, "; ".join(told))


def compare(mesh, overlay, pod):
    """Applies an overlay in both kinds. Returns the differences from the golden files, and between the kinds."""
    told, found = [], {}
    for place, kind in KINDS.items():
        with mesh.applied(f"{place}overlays/{overlay}", pod):
            found[kind] = golden.delivered(pod)
        told.append(golden.difference(f"{overlay}-{kind}", mesh.istio_version, found[kind], mesh.options.update))
    one, other = (_nameless(found[kind]) for kind in KINDS.values())
    told.append(None if one == other else f"{overlay}: the kinds differ by more than the name")
    return [one for one in told if one]


def _nameless(found):
    """Delivered configuration without the plugin's name, which contains the kind."""
    configs = [one["typed_config"]["config"] for one in found["extensions"]]
    places = [["panveil" if "/panveil" in name or ".panveil" in name else name for name in chain] for chain in found["http_filters"]]
    return [{name: value for name, value in one.items() if name != "name"} for one in configs], places


def trafficextension_masks_like_wasmplugin(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with mesh.applied("traffic-extension/overlays/mask", shop):
        settle(client, shop.service)
        expect_masked(shop, "/traffic-extension", send(client.net, shop.service, "/traffic-extension"))


def monitor_overlay_reports(mesh):
    client, checkout = mesh.get("shop"), mesh.get("checkout")
    with mesh.applied("overlays/monitor", checkout):
        settle(client, checkout.service)
        answer = send(client.net, checkout.service, "/monitored")
        expect(CARD in received(checkout, "/monitored").text() and answer.status == 200, "a request was changed")
        line = until("the request is logged", lambda: checkout.logged("/monitored"), 20)[0]
        expect(line["panveil_action"] == "reported", f"the access log says {line['panveil_action']}")


def block_overlay_refuses(mesh):
    client = mesh.get("checkout")
    reporting = mesh.pod("reporting", "reporting")
    try:
        told = compare(mesh, "block", reporting)
        with mesh.applied("overlays/block", reporting):
            settle(client, reporting.service)
            expect_blocked(reporting, "/blocked", send(client.net, reporting.service, "/blocked"))
        expect(not told, "; ".join(told))
    finally:
        reporting.delete()


CHECKS = [
    trafficextension_masks_like_wasmplugin, monitor_overlay_reports, block_overlay_refuses,
    shared_overlays_are_delivered_as_before,
]
