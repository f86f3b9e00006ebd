"""Events as operations of an operator: the change, the wait until proxies confirm it, and the spans that it opens
and closes.
"""

import time

import plugin
import spans as kinds
from processes import until

# Time limits for the confirmation of a change, and for the start of a proxy.
CONFIRM, READY = 90, 120
# Delay after a proxy is ready, until its peers have noticed the end of old connections.
SETTLE = 2
# Delay before the operator changes a rejected plugin again.
PATIENCE = 3


class Operations:
    def __init__(self, mesh, wanted, client, pods, spans, log):
        self.mesh, self.plugin, self.client, self.spans, self.log = mesh, wanted, client, spans, log
        self.pods = {pod.workload: pod for pod in pods}
        self.all = self.pods | {client.workload: client}
        # For each pod: the spans that close when it confirms, with the seconds after that; the span of the active
        # policy; that of the removal.
        self.closing = {name: [] for name in self.pods}
        self.deciding, self.removed = {}, {name: spans.open(kinds.REMOVED, name) for name in self.pods}
        self.istiod = self.registry = True
        # Proxies that wait for istiod; pods without the module; pods without an accepted policy.
        self.starting, self.unfetched, self.unaccepted = {}, set(), set()
        self.remedied = 0
        self.kinds = {
            "policy edit": self.edit, "rejected policy": self.reject, "upgrade": self.upgrade, "plugin removed": self.remove,
            "plugin returned": self.restore, "proxy restarted": lambda name: self.restart(name, 10),
            "proxy killed": lambda name: self.restart(name, 0), "istiod away": self.istiod_away, "istiod back": self.istiod_back,
            "registry away": self.registry_away, "registry back": self.registry_back, "quiet": lambda: None,
        }

    def happen(self, event):
        self.kinds[event.kind](*([event.detail] if event.detail else []))

    def edit(self, policy):
        self._change(policy, self.plugin.image)

    def upgrade(self, image):
        if not self.registry:
            for name in self.pods:
                self._unfetched(name)
        self._change(self.plugin.policy, int(image))

    def restore(self):
        for name in self.pods:
            self._changes_listener(name)
            self.closing[name].append((self.removed[name], 0))
        self._change(self.plugin.policy, self.plugin.image)

    def _change(self, policy, image):
        self.plugin.policy, self.plugin.image, self.plugin.rejected = policy, image, False
        kind = kinds.BLOCKING if policy == "block" else kinds.MASKING
        for name in self.pods:
            before = self.deciding.get(name)
            if before and before.kind == kind:
                continue
            if before:
                self.closing[name].append((before, SETTLE))
            self.deciding[name] = self.spans.open(kind, name)
        self.plugin.apply()
        self.confirm()

    def reject(self):
        accepting = [pod for name, pod in self.pods.items() if name not in self.unaccepted | self.unfetched]
        before = {pod: plugin.rejections(pod) for pod in accepting}
        self.plugin.rejected = True
        self.plugin.apply()
        for pod in accepting:
            until(f"{pod.name} rejects the policy", lambda: plugin.rejections(pod) > before[pod], CONFIRM, 0.3)
        self.confirm()

    def remove(self):
        for name in self.pods:
            self._changes_listener(name)
            self.removed[name] = self.spans.open(kinds.REMOVED, name)
            # Old connections keep the policy until they are drained.
            self.closing[name].append((self.deciding.pop(name), kinds.DRAIN + kinds.SLACK))
        self.plugin.delete()
        self.confirm()

    def _changes_listener(self, name):
        span = self.spans.open(kinds.DRAINED, name, later=kinds.DRAIN - kinds.EARLY)
        self.closing[name].append((span, kinds.DRAIN + kinds.SLACK))

    def restart(self, name, seconds):
        """Restarts the proxy. `seconds`: time limit for the agent's exit; 0 kills it with Envoy."""
        pod = self.all[name]
        span = self.spans.open(kinds.RESTARTED if self.istiod else kinds.WITHOUT_ISTIOD, name)
        if name in self.pods and self.plugin.present:
            if self.plugin.rejected:
                self.unaccepted.add(name)
                self.closing[name].append((self.spans.open(kinds.FIRST_REJECTED, name), SETTLE))
            if not self.registry:
                self._unfetched(name)
        pod.stop_agent(seconds)
        pod.start(wait=False)
        self.starting[name] = span
        self._started()

    def _started(self):
        """Waits for the starting proxies, except for those that need istiod."""
        if not self.istiod:
            return
        for name, span in list(self.starting.items()):
            self.all[name].wait_ready(READY)
            span.close(SETTLE)
            del self.starting[name]
        self.confirm()

    def _unfetched(self, name):
        self.unfetched.add(name)
        self.closing[name].append((self.spans.open(kinds.NOT_FETCHED, name), SETTLE))

    def istiod_away(self):
        self.mesh.plane.stop_istiod()
        self.istiod = False

    def istiod_back(self):
        self.mesh.plane.start_istiod()
        self.istiod = True
        self._started()

    def registry_away(self):
        self.mesh.registry.stop()
        self.registry = False

    def registry_back(self):
        self.mesh.registry.start()
        self.registry = True
        if self.unfetched and self.plugin.present:
            # The agent does not retry by itself.
            self._remedy("a module was not fetched")
        self.unfetched.clear()
        self.confirm()

    def _remedy(self, why):
        self.remedied = time.monotonic()
        self.log(f"remedy: {why}, so the plugin is annotated")
        self.plugin.annotate(f"{self.remedied:.0f}")

    def confirm(self):
        """Waits until each reachable proxy has the current plugin. Others are confirmed later."""
        if not self.istiod:
            return
        if not self.plugin.rejected:
            self.unaccepted.clear()
        for name in sorted(self.pods.keys() - self.starting.keys() - self.unfetched - self.unaccepted):
            pod = self.pods[name]
            until(f"{pod.name} confirms", lambda pod=pod: self._confirms(pod), CONFIRM)
            self._confirmed(name, pod)

    def _confirms(self, pod):
        if self.plugin.present and pod.rejected() and time.monotonic() > self.remedied + PATIENCE:
            # A limit of Envoy: docs/istio-test.md, a_plugin_right_after_a_rejected_one.
            self._remedy(f"{pod.name} rejects the listener")
        return self.plugin.is_in(pod)

    def _confirmed(self, name, pod):
        if name in self.removed and self.plugin.present:
            # Each older connection accepts one more request.
            span = self.spans.open(kinds.OLD_CONNECTION, name, left=self._connections_to(pod))
            span.close(kinds.DRAIN + kinds.SLACK)
            del self.removed[name]
        for span, later in self.closing[name]:
            span.close(later)
        self.closing[name].clear()

    def _connections_to(self, pod):
        """Number of connections from the client's sidecar to it."""
        if self.client.workload in self.starting:
            return 0
        lines = self.client.ask(15000, "/clusters").splitlines()
        return sum(int(line.rpartition("::")[2]) for line in lines if f"::{pod.address}:" in line and "::cx_active::" in line)

    def settle(self):
        """Ends every outage, and leaves the plugin active with its first policy."""
        if not self.istiod:
            self.istiod_back()
        if not self.registry:
            self.registry_back()
        if not self.plugin.present:
            self.restore()
        self.edit("mask")
