"""Changes under traffic: edits, rejected policies, upgrades, removal and return, crashes, restarts."""

import time

from check_sources import ZEROS
from check_targets import OTHER, has_header
from mesh import expect, expect_masked, expect_plain
from processes import until
from registry import another, url
from traffic import CARD
from trapping import trapping

BLOCK = {"mode": "enforce", "request": "block", "response": "mask"}
# Valid for the API, which does not validate `config`.
REJECTED = {"request": "nonsense"}


def expect_nothing_plain(app, path):
    plain = [one.path for one in app.with_path(path) if CARD in one.text()]
    expect(not plain, f"{len(plain)} of {len(app.with_path(path))} requests arrived with the card, first {plain[:1]}")


def restart(cluster):
    """Starts a new proxy, without a module of an earlier policy: see an_upgrade_acts_after_another_edit."""
    cluster.proxy.restart()
    until("the proxy answers", lambda: cluster.status("/catalog/settle") == 200, 60)


def policy_edits_under_traffic(cluster):
    masking, blocking = "overlays/gateway", cluster.manifests.changed("overlays/gateway", config=BLOCK)
    with cluster.applied(masking), cluster.steady("/catalog/edited") as traffic:
        for _ in range(3):
            cluster.apply(cluster.manifests.render(blocking))
            until("requests are blocked", lambda: traffic.answers[-1][1] == 403, 30)
            cluster.apply(cluster.manifests.render(masking))
            until("requests are masked", lambda: traffic.answers[-1][1] == 200, 30)
    expect(traffic.statuses() == [200, 403], f"the client received {traffic.statuses()}")
    expect(traffic.readable() == 0, f"{traffic.readable()} responses had the card")
    expect_nothing_plain(cluster.shop.app, "/catalog/edited")


def a_kept_connection_takes_one_request_under_the_previous_policy(cluster):
    blocking = cluster.manifests.changed("overlays/gateway", config=BLOCK)
    with cluster.applied("overlays/gateway"), cluster.connect() as kept:
        expect_masked(cluster.shop, "/catalog/kept/before", kept.request("/catalog/kept/before"))
        cluster.apply(cluster.manifests.render(blocking))
        until("the edit is active", lambda: cluster.send("/catalog/kept/new").status == 403, 30)
        answer = kept.request("/catalog/kept/old")
        expect_masked(cluster.shop, "/catalog/kept/old", answer)
        expect(answer.headers.get("connection") == "close", "the response does not end the connection")


def the_first_policy_under_traffic(cluster):
    """New connections are inspected from one request on. No later request passes uninspected."""
    with cluster.steady("/catalog/first") as traffic:
        traffic.more(10)
        with cluster.applied("overlays/gateway"):
            traffic.more(20)
            statuses, readable = traffic.statuses(), [one[2] for one in traffic.answers]
    expect(statuses == [200], f"the client received {statuses}")
    first = readable.index(False)
    expect(not any(readable[first:]), "a card passed after the first response that was masked")


def a_rejected_policy_leaves_the_previous_one(cluster):
    wrong = cluster.manifests.changed("overlays/gateway", config=REJECTED)
    with cluster.applied("overlays/gateway"):
        with cluster.steady("/catalog/rejected") as traffic:
            cluster.apply(cluster.manifests.render(wrong))
            reasons = until("Envoy rejects the listener", cluster.proxy.rejected, 30)
            traffic.more(20)
        expect(traffic.statuses() == [200] and traffic.readable() == 0, f"the client received {traffic.statuses()}")
        expect_nothing_plain(cluster.shop.app, "/catalog/rejected")
        expect("Wasm" in str(reasons), f"Envoy reports {reasons}")
        # The operator must check the proxy: the status of the policy reports success.
        expect("update_rejected" in str(cluster.proxy.counters("listener_manager.lds.update_rejected")), "the proxy does not count it")
        accepted = [one[1] for one in cluster.conditions() if one[0] == "Accepted"]
        expect(accepted == ["True"], f"the policy's status says {cluster.conditions()}")


def a_rejected_policy_blocks_other_changes_of_the_listener(cluster):
    """A limit of Envoy and Envoy Gateway: a listener is accepted as a whole, and contains all policies of a Gateway."""
    wrong = cluster.manifests.changed("overlays/gateway", config=REJECTED)
    with cluster.applied("overlays/gateway"):
        cluster.apply(cluster.manifests.render(wrong))
        until("Envoy rejects the listener", cluster.proxy.rejected, 30)
        cluster.apply(OTHER)
        try:
            time.sleep(5)
            expect(not has_header(cluster, "/catalog/blocked"), "the other policy acts")
            cluster.apply(cluster.manifests.render("overlays/gateway"))
            until("the other policy acts", lambda: has_header(cluster, "/catalog/unblocked"), 30)
        finally:
            cluster.plane.kubectl("delete", "--filename=-", text=OTHER)


def a_proxy_that_starts_with_a_rejected_policy_refuses(cluster):
    wrong = cluster.manifests.changed("overlays/gateway", config=REJECTED)
    with cluster.applied(wrong, wait=False):
        cluster.proxy.restart()
        answers = [cluster.status(f"/catalog/started-wrong/{number}") for number in range(5)]
        expect(answers == [503] * 5, f"the client received {answers}")
        expect("policy: request: unknown value" in cluster.proxy.log(), "the proxy's log does not say why")
        expect(not cluster.shop.app.with_path("/catalog/started-wrong"), "the application received a request")
        cluster.apply(cluster.manifests.render("overlays/gateway"))
        until("a right policy heals it", lambda: cluster.status("/catalog/settle") == 200, 60)
        expect_masked(cluster.shop, "/catalog/healed", cluster.send("/catalog/healed"))


def upgrade_by_digest_under_traffic(cluster):
    module = cluster.options.wasm.read_bytes()
    with cluster.applied("overlays/gateway"), cluster.steady("/catalog/upgraded") as traffic:
        for number in (1, 2):
            digest = cluster.registry.push_module(f"0.1.{number}", another(module, number))
            before = cluster.proxy.modules()
            overlay = cluster.manifests.changed("overlays/gateway", code_image_url=url(f"0.1.{number}"), code_image_sha256=digest)
            cluster.apply(cluster.manifests.render(overlay))
            until("the proxy has the new module", lambda before=before: cluster.proxy.modules() not in (before, []), 60)
            traffic.more(20)
    expect(traffic.statuses() == [200] and traffic.readable() == 0, f"the client received {traffic.statuses()}")
    expect_nothing_plain(cluster.shop.app, "/catalog/upgraded")


def an_upgrade_acts_after_another_edit(cluster):
    """A limit of Envoy with fetched modules: after the first fetch it keeps the VM of the previous module while that
    exists. It takes the new module from its cache at the next change.
    """
    with cluster.applied("overlays/gateway"):
        restart(cluster)
        before = cluster.proxy.modules()
        overlay = _crashing(cluster)
        cluster.apply(cluster.manifests.render(overlay))
        until("the proxy has the new module", lambda: cluster.proxy.modules() not in (before, []), 60)
        for _ in range(3):
            status = cluster.send_trailers("/catalog/upgraded-once")
            expect(status == 200, f"the new module runs, the client received {status}: the docs can say so")
            time.sleep(1)
        cluster.apply(cluster.manifests.render(cluster.manifests.changed(overlay, config=BLOCK)))
        until("the edit is active", lambda: cluster.status("/catalog/upgraded-twice") == 403, 30)
        cluster.crash("/catalog/upgraded-twice")
    restart(cluster)


def _crashing(cluster, **more):
    """The overlay with a module that crashes in trailers."""
    trap = trapping(cluster.options.wasm.read_bytes(), "proxy_on_request_trailers")
    digest = cluster.registry.push_module("trapping", trap)
    return cluster.manifests.changed("overlays/gateway", code_image_url=url("trapping"), code_image_sha256=digest, **more)


def removal_and_return_under_traffic(cluster):
    text = cluster.manifests.render("overlays/gateway")
    with cluster.applied("overlays/gateway"), cluster.steady("/catalog/removed") as traffic:
        traffic.more(10)
        cluster.plane.kubectl("delete", "envoyextensionpolicy", "panveil", "--namespace=ingress")
        cluster.gone()
        traffic.more(20)
        cluster.apply(text)
        cluster.active()
        before = len(traffic.answers) + 1
        traffic.more(20)
    expect(traffic.statuses() == [200], f"the client received {traffic.statuses()}")
    readable = sum(one for _, _, one in traffic.answers[before:])
    expect(readable == 0, f"{readable} responses had the card after the return")


def a_crash_refuses_until_the_proxy_restarts(cluster):
    """Envoy Gateway has no FAIL_RELOAD: `failOpen: false` is FAIL_CLOSED."""
    overlay = _crashing(cluster)
    with cluster.applied(overlay):
        restart(cluster)
        expect_masked(cluster.shop, "/catalog/crash/before", cluster.send("/catalog/crash/before"))
        cluster.crash("/catalog/crash/trailers")
        for _ in range(4):
            answer = cluster.send("/catalog/crash/after")
            expect(answer.status == 503, f"the client received {answer.status}")
            time.sleep(1)
        expect(not cluster.shop.app.with_path("/catalog/crash/after"), "the application received a request")
        restart(cluster)
        expect_masked(cluster.shop, "/catalog/crash/healed", cluster.send("/catalog/crash/healed"))
        cluster.crash("/catalog/crash/again")
        expect(cluster.status("/catalog/crash/after") == 503, "the second crash does not refuse")
        edited = cluster.manifests.changed(overlay, config=BLOCK)
        cluster.apply(cluster.manifests.render(edited))
        until("an edit of the policy heals it", lambda: cluster.status("/catalog/crash/edited") == 403, 30)


def fail_open_lets_cards_through_after_a_crash(cluster):
    """The reason for the explicit `failOpen: false` in the base."""
    overlay = _crashing(cluster, failOpen=True)
    with cluster.applied(overlay):
        restart(cluster)
        expect_masked(cluster.shop, "/catalog/open/before", cluster.send("/catalog/open/before"))
        cluster.crash("/catalog/open/trailers")
        expect_plain(cluster.shop, "/catalog/open/after", cluster.send("/catalog/open/after"))
    restart(cluster)


def fail_open_defaults_to_false(cluster):
    overlay = cluster.manifests.variant("overlays/gateway", f"""\
- {{op: remove, path: /spec/wasm/0/failOpen}}
- {{op: replace, path: /spec/wasm/0/code/image/sha256, value: "{ZEROS}"}}
""")
    with cluster.applied(overlay, wait=False):
        expect(cluster.policy()["spec"]["wasm"][0]["failOpen"] is False, "the API writes another default")
        until("the routes refuse", lambda: cluster.status("/catalog/default") == 500, 30)


def a_restart_under_traffic_passes_no_card(cluster):
    with cluster.applied("overlays/gateway"):
        with cluster.steady("/catalog/restarted") as traffic:
            traffic.more(5)
            cluster.proxy.restart()
            until("the proxy answers", lambda: traffic.answers[-1][1] == 200, 60)
            traffic.more(20)
        expect(set(traffic.statuses()) <= {0, 200, 503}, f"the client received {traffic.statuses()}")
        expect(traffic.readable() == 0, f"{traffic.readable()} responses had the card")
        expect_nothing_plain(cluster.shop.app, "/catalog/restarted")


CHECKS = [
    the_first_policy_under_traffic, policy_edits_under_traffic, a_kept_connection_takes_one_request_under_the_previous_policy,
    a_rejected_policy_leaves_the_previous_one, a_rejected_policy_blocks_other_changes_of_the_listener,
    a_proxy_that_starts_with_a_rejected_policy_refuses, upgrade_by_digest_under_traffic, an_upgrade_acts_after_another_edit,
    removal_and_return_under_traffic, a_restart_under_traffic_passes_no_card, fail_open_defaults_to_false,
    a_crash_refuses_until_the_proxy_restarts, fail_open_lets_cards_through_after_a_crash,
]
