"""Alerts of envoy-config/prometheus/rules.yaml that a mesh can raise, in a Prometheus that scrapes the pods.

Only `for:` is shortened. The checks share pods: each continues with the state of the previous ones, and works alone
too. docs/istio-test.md lists the alerts.
"""

import json
import os
import time

import golden
from mesh import active, expect
from processes import until
from prometheus import Prometheus, past
from registry import url
from traffic import Steady, send
from trapping import trapping

# Pods, each in a namespace of its own.
PODS = ("watched", "reloading", "closed", "unfetched", "unwritable")
# Makes the proxy keep Envoy's request counter, which replaces Istio's.
COUNTING = {"proxy.istio.io/config": "proxyStatsMatcher: {inclusionPrefixes: [extension_config_discovery, http.inbound]}"}
CLEAN = b'{"amount":12}'
WITH_CARD = b'{"card_number":"4111111111111111"}'
# Zstandard frame with a window of 8 MiB, and as much content.
LARGE_WINDOW = b"\x28\xb5\x2f\xfd\x00\x68" + b"\x02\x00\x10a" * 64
SHIPPED = golden.shipped_policy()
# The limits: one finding in a message, and 8 MiB for decoding.
LIMITED = {
    "limits": {"memory_bytes": 8388608, "inflate_ratio": 1000000, "findings_per_message": 1},
    "rules": [{"name": "refused", "match": {"direction": "request", "path": {"prefix": "/refused"}}, "action": "block"}],
}


class Watch:
    """Pods of these checks, and the Prometheus that scrapes them. Created by the first check."""

    def __init__(self, mesh):
        self.mesh = mesh
        self.prometheus = Prometheus(mesh.options.prometheus, mesh.network, mesh.folder / "prometheus")
        mesh.further.append(self.prometheus)
        self.outside = mesh.get("outside")
        self.pods = {}
        for name in PODS:
            pod = self.pods[name] = mesh.pod(name, name, start=False)
            pod.annotations = COUNTING
            pod.start(wait=False)
        for pod in self.pods.values():
            pod.wait_ready()
        # For alerts that compare with the past. The other namespaces have no past.
        self.prometheus.start(self.pods.values(), past(self.pods["watched"]))
        until("Prometheus scrapes every pod", lambda: not self.prometheus.unreachable(), 30)
        self.crashing = mesh.registry.push_module("crashing", trapping(mesh.options.wasm.read_bytes(), "proxy_on_request_body"))
        self.crashes = None

    def apply(self, name, spec="", wait=True, **more):
        """Applies the overlay `mask` with this in its spec, in the namespace of this pod, until the next call."""
        self.mesh.apply(self.mesh.manifests.render(self.mesh.manifests.variant("overlays/mask", spec, namespace=name, **more)))
        if wait:
            active(self.pods[name])

    def watched(self, **policy):
        """The pod that has panveil with the shipped policy and these fields."""
        pod = self.pods["watched"]
        if pod.policies() != [SHIPPED | policy]:
            self.apply("watched", f"pluginConfig: {json.dumps(policy)}")
            until("the policy is active", lambda: pod.policies() == [SHIPPED | policy], 30)
        return pod

    def crash(self):
        """Starts requests that crash panveil in `reloading` repeatedly."""
        if not self.crashes:
            self.apply("reloading", f"url: {url('crashing')}\nsha256: {self.crashing}")
            self.crashes = Steady(self.outside.net, self.pods["reloading"].address, "/crash", pause=0.3).__enter__()

    def send(self, name, path="/no-card", body=CLEAN, **more):
        return send(self.outside.net, self.pods[name].address, path, body, **more)

    def names(self, namespace):
        return {one["alertname"] for one in self.prometheus.firing() if one.get("namespace", namespace) == namespace}

    def expect(self, namespace, *wanted, also=(), meanwhile=lambda: None, seconds=40):
        """Checks that these alerts fire in this namespace during this action. `also` names other alerts that may
        begin to fire.
        """
        before = self.names(namespace)

        def holds():
            meanwhile()
            lacking = set(wanted) - self.names(namespace)
            expect(not lacking, f"{sorted(lacking)} do not fire")
            return True

        until(f"alerts in {namespace}", holds, seconds, 0.5)
        more = self.names(namespace) - before - set(wanted) - set(also)
        expect(not more, f"{sorted(more)} fire too")
        errors = self.prometheus.errors()
        expect(not errors, f"rules fail: {errors}")


def _watch(mesh):
    if "alerts" not in mesh.shared:
        mesh.shared["alerts"] = Watch(mesh)
    return mesh.shared["alerts"]


def alert_absent_and_missing_where_panveil_was_removed(mesh):
    """No pod has panveil now. One namespace had it an hour ago."""
    _watch(mesh).expect("watched", "PanveilAbsent", "PanveilMissing")


def no_alert_in_a_healthy_mesh(mesh):
    watch = _watch(mesh)
    pod = watch.watched()

    def silent():
        watch.send("watched")
        firing = watch.prometheus.firing()
        expect(not firing, f"{[one['alertname'] for one in firing]} fire")
        return True

    # panveil's counters follow some seconds later. Until then PanveilNotInspecting is pending; in the shipped rules,
    # for 5 minutes.
    def counted():
        watch.send("watched")
        return watch.prometheus.query(f'proxy:panveil_requests:rate5m{{pod="{pod.name}"}} > 0')

    until("Prometheus knows that panveil counts requests", counted, 30, 0.5)
    until("the alerts end", silent, 30, 0.5)
    begun = time.monotonic()
    while time.monotonic() - begun < 6:
        silent()
        time.sleep(0.3)
    errors = watch.prometheus.errors()
    expect(not errors, f"rules fail: {errors}")


def alert_trapped_after_a_crash(mesh):
    watch = _watch(mesh)
    watch.crash()
    # Rejected in between, and panveil does not count requests that crash it.
    watch.expect("reloading", "PanveilTrapped", also=["PanveilNotInspecting", "PanveilRefusing"])


def alert_not_fetched_without_a_pull_secret(mesh):
    watch = _watch(mesh)
    watch.apply("unfetched", components=["private-registry"])
    _told_not_fetched(watch, "fetch_failure")


def alert_not_fetched_with_a_wrong_digest(mesh):
    watch = _watch(mesh)
    watch.apply("unfetched", f"sha256: {'1' * 64}")
    _told_not_fetched(watch, "checksum_mismatched")


def _told_not_fetched(watch, result):
    watch.expect("unfetched", "PanveilNotFetched", "PanveilMissing")
    until(f"the alert says {result}", lambda: result in {one.get("result") for one in watch.prometheus.firing()}, 20)
    status = watch.send("unfetched").status
    expect(status == 403, f"the client received {status}")


def alert_listener_rejected_where_the_log_cannot_be_opened(mesh):
    watch = _watch(mesh)
    # Envoy has no permission for /dev/stdout, where the shipped Telemetry logs.
    os.chown(watch.pods["unwritable"].agent.log_path, 0, 0)
    watch.apply("unwritable", wait=False)
    until("Envoy rejects the listener", lambda: watch.pods["unwritable"].rejected(), 30)
    watch.expect("unwritable", "PanveilListenerRejected")


def alert_not_inspecting_after_a_crash_without_reload(mesh):
    watch = _watch(mesh)
    watch.apply("closed", f"url: {url('crashing')}\nsha256: {watch.crashing}", components=["older-istio"])
    expect(watch.send("closed").status == 503, "panveil did not crash")

    def refused():
        status = watch.send("closed").status
        expect(status == 503, f"the client received {status}")

    watch.expect("closed", "PanveilNotInspecting", meanwhile=refused)


def alert_policy_refused(mesh):
    watch = _watch(mesh)
    watch.watched()
    watch.apply("watched", "pluginConfig: {request: nonsense}", wait=False)
    watch.expect("watched", "PanveilPolicyRefused")


def alert_cards_appeared(mesh):
    watch = _watch(mesh)
    watch.watched(**LIMITED)
    expect(watch.send("watched", body=WITH_CARD).status == 200, "the request was refused")
    watch.expect("watched", "PanveilCardsAppeared", "PanveilCardsOnPlaintext")


def alert_cards_refused(mesh):
    watch = _watch(mesh)
    watch.watched(**LIMITED)
    expect(watch.send("watched", "/refused", WITH_CARD).status == 403, "the request was not refused")
    watch.expect("watched", "PanveilCardsRefused", also=["PanveilCardsAppeared", "PanveilCardsOnPlaintext"])


def alert_uninspected(mesh):
    watch = _watch(mesh)
    watch.watched(**LIMITED)
    headers = {"content-type": "text/plain", "content-encoding": "compress"}
    watch.expect("watched", "PanveilUninspected", meanwhile=lambda: watch.send("watched", body=b"\x1f\x9d\x90", headers=headers))


def alert_memory_exhausted(mesh):
    watch = _watch(mesh)
    watch.watched(**LIMITED)
    headers = {"content-type": "text/plain", "content-encoding": "zstd"}
    status = watch.send("watched", body=LARGE_WINDOW, headers=headers).status
    expect(status == 403, f"the client received {status}")
    watch.expect("watched", "PanveilMemoryExhausted", also=["PanveilUninspected"])


def alert_authentication_data_answered_and_limit_reached(mesh):
    """A card number and its verification code: one more finding than the limit."""
    watch = _watch(mesh)
    watch.watched(**LIMITED)
    answer = watch.send("watched", "/code")
    expect(answer.status == 200 and b'"cvv":"***"' in answer.body, f"the client received {answer.status}: {answer.body}")
    watch.expect(
        "watched", "PanveilAuthenticationDataAnswered", "PanveilLimitReached",
        also=["PanveilCardsAppeared", "PanveilCardsOnPlaintext", "PanveilUninspected"],
    )


def alert_rule_expires(mesh):
    watch = _watch(mesh)
    allow = {"name": "exception", "match": {"path": {"prefix": "/exception"}}, "action": "allow", "expires": "2020-01-01"}
    watch.watched(request="block", rules=[allow])
    expect(watch.send("watched", "/exception", WITH_CARD).status == 403, "an expired rule matches")
    watch.expect("watched", "PanveilRuleExpires", also=["PanveilCardsAppeared", "PanveilCardsOnPlaintext", "PanveilCardsRefused"])


def alert_stopped_enforcing(mesh):
    watch = _watch(mesh)
    watch.watched(mode="monitor")
    watch.expect("watched", "PanveilStoppedEnforcing")


def alert_refusing_while_it_crashes_again_and_again(mesh):
    watch = _watch(mesh)
    watch.crash()
    try:
        # Its rule covers two minutes in steps of 30 s.
        watch.expect("reloading", "PanveilRefusing", also=["PanveilTrapped", "PanveilNotInspecting"], seconds=120)
    finally:
        watch.crashes.__exit__()


def alert_not_scraped(mesh):
    watch = _watch(mesh)
    pod = watch.watched()
    until("Prometheus has seen panveil", lambda: "panveil_config_info{" in pod.metrics(), 30)
    time.sleep(2)
    pod.stop_agent()
    watch.expect("watched", "PanveilNotScraped")


CHECKS = [
    alert_absent_and_missing_where_panveil_was_removed, no_alert_in_a_healthy_mesh, alert_trapped_after_a_crash,
    alert_not_fetched_without_a_pull_secret, alert_not_fetched_with_a_wrong_digest,
    alert_listener_rejected_where_the_log_cannot_be_opened, alert_not_inspecting_after_a_crash_without_reload, alert_policy_refused,
    alert_cards_appeared, alert_cards_refused, alert_uninspected, alert_memory_exhausted,
    alert_authentication_data_answered_and_limit_reached, alert_rule_expires, alert_stopped_enforcing,
    alert_refusing_while_it_crashes_again_and_again, alert_not_scraped,
]
