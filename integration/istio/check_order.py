"""Order in a chain: two plugins, and panveil with Istio's authentication and authorization."""

import re

from mesh import expect, expect_masked, settle
from processes import until
from tokens import Issuer
from traffic import CARD, JSON, send


def findings(pod, action, place="body"):
    """panveil's counter of findings in requests with this action and this location."""
    wanted = {f'action="{action}"', f'place="{place}"', 'direction="request"'}
    total = 0
    for labels, value in re.findall(r"^panveil_findings_total\{(.*)\} (\d+)$", pod.metrics(), re.MULTILINE):
        if wanted <= set(labels.split(",")):
            total += int(value)
    return total


def root_and_namespace_plugins_count_once(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with mesh.applied("overlays/mesh-wide", shop, client), mesh.applied("overlays/mask", shop, count=2):
        settle(client, shop.service)
        names, _ = shop.chain()
        expect("/shop.panveil" in names[0] and "/istio-system.panveil" in names[1], f"the order is {names}")
        # A plugin that ended may take its counters away, until another one counts under the same names.
        expect_masked(shop, "/first", send(client.net, shop.service, "/first"))
        masked, reported = findings(shop, "masked"), findings(shop, "reported")
        for number in range(5):
            expect_masked(shop, f"/stacked/{number}", send(client.net, shop.service, f"/stacked/{number}"))
        until("five findings are counted", lambda: findings(shop, "masked") - masked >= 5)
        expect(findings(shop, "masked") - masked == 5, f"{findings(shop, 'masked') - masked} findings are counted as masked")
        expect(findings(shop, "reported") == reported, "the plugin of the mesh counted a finding too")
        lines = until("five lines are logged", lambda: shop.logged("/stacked/")[4:] and shop.logged("/stacked/"), 20)
        expect(len(lines) == 5 and all(one["panveil_action"] == "masked" for one in lines), f"the access log says {lines}")


def authentication_after_panveil(mesh):
    _with_tokens(mesh, "overlays/mask", seen_when_refused=True)


def authentication_before_panveil(mesh):
    _with_tokens(mesh, mesh.manifests.variant("overlays/mask", components=["after-authentication"]), seen_when_refused=False)


def _with_tokens(mesh, overlay, seen_when_refused):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    issuer = Issuer(mesh.folder)
    valid = JSON | {"authorization": f"Bearer {issuer.token()}"}
    # Not signed by the issuer.
    forged = JSON | {"authorization": valid["authorization"][:-20] + "A" * 20}
    marker = "early" if seen_when_refused else "late"
    with mesh.resources(issuer.resources("shop", "shop")), mesh.applied(overlay, shop):
        settle(client, shop.service)
        until("a request without a token is refused", lambda: send(client.net, shop.service, "/settle").status == 403, 30)
        logged = len(shop.access_log())
        refused = send(client.net, shop.service, f"/{marker}/refused/{CARD}", headers=forged)
        expect(refused.status == 401, f"a forged token gets {refused.status}")
        denied = send(client.net, shop.service, f"/denied/{marker}/{CARD}", headers=valid)
        expect(denied.status == 403, f"the AuthorizationPolicy answers {denied.status}")
        expect_masked(shop, f"/{marker}/let-in", send(client.net, shop.service, f"/{marker}/let-in", headers=valid))
        until("three lines are logged", lambda: len(shop.access_log()) >= logged + 3, 20)
        lines = shop.access_log()[logged:]
        by_status = {one["status"]: one for one in lines}
        expect(sorted(by_status) == [200, 401, 403], f"the access log says {lines}")
        # A path in the access log has no digit of a card number, even if panveil does not see the request.
        for status, path in ((401, f"/{marker}/refused/{'*' * 16}"), (403, f"/denied/{marker}/{'*' * 16}")):
            expect(by_status[status]["path"] == path, f"the path of the {status} is {by_status[status]['path']}")
        actions = by_status[401]["panveil_action"], by_status[403]["panveil_action"]
        expect(actions == ("masked" if seen_when_refused else None, "masked"), f"the actions of the 401 and the 403 are {actions}")
        expect(CARD not in shop.agent.log(), "the proxy logged the card")
        arrived = shop.app.with_path("/denied") + shop.app.with_path(f"/{marker}/refused")
        expect(not arrived, "the application received a refused request")


CHECKS = [root_and_namespace_plugins_count_once, authentication_after_panveil, authentication_before_panveil]
