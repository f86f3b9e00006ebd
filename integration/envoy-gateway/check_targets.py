"""Targets of the policy: all routes of a Gateway, one route, and the effect of a second policy."""

import json

from cluster import POLICY
from mesh import expect, expect_blocked, expect_masked, expect_plain
from processes import until
from traffic import ANSWERED, BODY, CARD

# A policy for another purpose on one route, written by its team.
OTHER = json.dumps({
    "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": POLICY, "metadata": {"name": "other", "namespace": "shop"},
    "spec": {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "catalog"}],
        "lua": [{"type": "Inline", "inline": "function envoy_on_request(handle) handle:headers():add('x-other', 'yes') end"}],
    },
})


def the_gateway_overlay_masks(cluster):
    shop = cluster.shop
    expect_plain(shop, "/catalog/before", cluster.send("/catalog/before"))
    with cluster.applied("overlays/gateway"):
        for path in ("/catalog/masked", "/checkout/masked"):
            expect_masked(shop, path, cluster.send(path))
        with cluster.connect() as connection:
            answer = connection.chunked("/catalog/chunked", [BODY[:20], BODY[20:]], pause=0.05)
        expect_masked(shop, "/catalog/chunked", answer)
    expect_plain(shop, "/catalog/after", cluster.send("/catalog/after"))


def the_monitor_overlay_reports(cluster):
    with cluster.applied("overlays/monitor"):
        expect_plain(cluster.shop, "/catalog/monitored", cluster.send("/catalog/monitored"))
        line = until("the request is logged", lambda: cluster.proxy.logged("/catalog/monitored"), 20)[0]
        expect(line["panveil_action"] == "reported", f"the access log says {line['panveil_action']}")


def the_route_overlay_acts_on_its_route(cluster):
    shop = cluster.shop
    with cluster.applied("overlays/route"):
        expect_blocked(shop, "/checkout/blocked", cluster.send("/checkout/blocked"))
        answer = cluster.send("/checkout/answered", body=b"{}")
        expect(answer.status == 200 and ANSWERED not in answer.text(), f"the client received {answer.status}: {answer.body[:120]}")
        expect_plain(shop, "/catalog/other", cluster.send("/catalog/other"))


def a_route_overlay_replaces_that_of_the_gateway(cluster):
    shop = cluster.shop
    with cluster.applied("overlays/gateway"), cluster.applied("overlays/route", count=2):
        expect_blocked(shop, "/checkout/both", cluster.send("/checkout/both"))
        expect_masked(shop, "/catalog/both", cluster.send("/catalog/both"))
        counted = cluster.proxy.counters("panveil.*messages.*direction=.=request")
        expect(counted, "no counters")


def another_policy_on_a_route_takes_panveil_off_it(cluster):
    """A limit of Envoy Gateway: only the most specific policy is active, even if it has another purpose."""
    shop = cluster.shop
    with cluster.applied("overlays/gateway"):
        cluster.apply(OTHER)
        try:
            until("the other policy acts", lambda: has_header(cluster, "/catalog/other-policy"), 20)
            expect_plain(shop, "/catalog/uncovered", cluster.send("/catalog/uncovered"))
            expect_masked(shop, "/checkout/covered", cluster.send("/checkout/covered"))
            told = [one for one in cluster.conditions() if one[0] == "Overridden" and one[1] == "True"]
            expect(told and "shop/catalog" in told[0][3], f"the policy's status says {cluster.conditions()}")
        finally:
            cluster.plane.kubectl("delete", "--filename=-", text=OTHER)
        until("the other policy is gone", lambda: not has_header(cluster, "/catalog/other-gone"), 20)
        expect_masked(shop, "/catalog/covered", cluster.send("/catalog/covered"))


def has_header(cluster, path):
    cluster.send(path)
    return "x-other" in cluster.shop.app.with_path(path)[-1].headers


def a_request_without_a_route_is_not_inspected(cluster):
    with cluster.applied("overlays/gateway"):
        answer = cluster.send(f"/nowhere/{CARD}")
        expect(answer.status == 404, f"the client received {answer.status}")
        lines = until("the request is logged", lambda: [one for one in cluster.proxy.access_log() if one["status"] == 404], 20)
        expect(lines[-1]["path"] is None, f"the access log says {lines[-1]}")
        expect(CARD not in cluster.proxy.log(), "the proxy's output has the card")


CHECKS = [
    the_gateway_overlay_masks, the_monitor_overlay_reports, the_route_overlay_acts_on_its_route,
    a_route_overlay_replaces_that_of_the_gateway, another_policy_on_a_route_takes_panveil_off_it,
    a_request_without_a_route_is_not_inspected,
]
