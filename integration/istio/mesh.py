"""Mesh of one run: control plane, registry, manifests and pods, and operations for checks."""

import contextlib
import shutil
import time

from control_plane import ControlPlane
from manifests import SHIPPED, Manifests
from namespaces import Network
from pods import Pod
from processes import Failure, until
from registry import Registry, url
from traffic import ANSWERED, ANSWERED_MASKED, CARD, MASKED, send

# Pods that checks share, by the namespaces of the shipped overlays.
SHARED = {"checkout": "checkout", "shop": "shop", "cart": "shop", "payments": "payments"}


def expect(holds, told):
    if not holds:
        raise Failure(told)


class Mesh:
    def __init__(self, options, folder):
        self.options, self.folder, self.tools = options, folder, options.tools
        self.pods, self.shared = [], {}
        self.network = Network()
        self.plane = ControlPlane(self.network, self.tools, folder, SHIPPED / "telemetry/mesh-config.yaml")
        self.registry = Registry(options.registry, self.network, folder / "registry")
        # Processes of checks, which are stopped with the rest.
        self.further = []
        self.manifests = Manifests(folder / "manifests", options.kustomize, options.image_tool)
        # The user of the proxy has no permission for the original folders.
        self.envoy, self.agent = folder / "envoy", folder / "pilot-agent"
        shutil.copy(options.envoy, self.envoy)
        shutil.copy(self.tools / "bin/pilot-agent", self.agent)
        self.digest = None
        self.istio_version = (self.tools / "versions").read_text().split()[1]

    def start(self):
        self.network.start()
        self.registry.start()
        self.digest = self.registry.push("0.1.0", "compat")
        self.manifests.pin(url("0.1.0").removeprefix("oci://"), self.digest)
        self.plane.start()

    def close(self):
        for pod in list(self.pods):
            pod.close()
        for one in self.further:
            one.stop()
        self.registry.stop()
        self.plane.stop()
        self.network.close()

    def pod(self, name, namespace, start=True, **more):
        pod = Pod(self, name, namespace, **more)
        self.pods.append(pod)
        return pod.start() if start else pod

    def get(self, name):
        """Shared pod, started by its first use. `outside` has no sidecar."""
        if name not in self.shared:
            if name == "outside":
                self.shared[name] = self.pod(name, name, start=False, in_mesh=False)
            else:
                self.shared[name] = self.pod(name, SHARED[name])
        return self.shared[name]

    def apply(self, text):
        self.plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", text=text)

    def delete(self, text):
        self.plane.kubectl("delete", "--ignore-not-found", "--filename=-", text=text)

    @contextlib.contextmanager
    def resources(self, text):
        """Applies these resources during a check."""
        self.apply(text)
        try:
            yield
        finally:
            self.delete(text)

    @contextlib.contextmanager
    def applied(self, overlay, *pods, count=1, wait=True):
        """Applies an overlay during a check, and waits until it is active in these pods. `count`: number of their
        extensions then.
        """
        text = self.manifests.render(overlay)
        self.apply(text)
        try:
            if wait:
                for pod in pods:
                    active(pod, count)
            yield
        finally:
            self.delete(text)
            everywhere = "namespace: istio-system" in text
            for pod in self.pods:
                if pod.agent and (everywhere or f"namespace: {pod.namespace}\n" in text):
                    gone(pod, count - 1)


def active(pod, count=1, seconds=60):
    """Waits until the active listeners of a pod have this many extensions with a configuration."""

    def holds():
        rejected = pod.rejected()
        expect(not rejected, f"Envoy rejects {rejected}")
        names, complete = pod.chain()
        return complete and len(names) == count and len(pod.extensions()) == count

    until(f"{pod.name} has {count} extension(s) active", holds, seconds)


def gone(pod, count=0, seconds=60):
    def holds():
        names, complete = pod.chain()
        return complete and len(names) <= count

    until(f"{pod.name} has no more than {count} extension(s)", holds, seconds)


def settle(client, service, port=8080):
    """Ends the connections of the client's sidecar to the old listener: each accepts one more request."""
    for _ in range(3):
        with contextlib.suppress(OSError):
            send(client.net, service, "/settle", b"", port=port)
        time.sleep(0.05)


def received(pod, path, seconds=20):
    """The one request with this path, once its end has reached the application."""
    return until(f"the application receives {path}", lambda: [one for one in pod.app.with_path(path) if one.whole], seconds)[0]


def expect_masked(pod, path, answer):
    """Checks that application and client received masks in place of both card numbers."""
    request = received(pod, path)
    expect(CARD not in request.text(), f"the application received the card: {request.body[:120]}")
    expect(MASKED in request.text(), f"the application received no mask: {request.body[:120]}")
    expect(answer.status == 200, f"the client received {answer.status}: {answer.body[:120]}")
    expect(ANSWERED not in answer.text(), "the client received the card of the response")
    expect(ANSWERED_MASKED in answer.text(), f"the client received no mask: {answer.body[:120]}")


def expect_plain(pod, path, answer):
    """Checks that no message was changed."""
    request = received(pod, path)
    expect(CARD in request.text(), f"the application received a changed request: {request.body[:120]}")
    expect(answer.status == 200 and ANSWERED in answer.text(), f"the client received {answer.status}: {answer.body[:120]}")


def expect_blocked(pod, path, answer):
    """Checks that panveil sent a local reply, and the application received nothing."""
    expect(answer.status == 403, f"the client received {answer.status}: {answer.body[:120]}")
    expect(not any(CARD in one.text() for one in pod.app.with_path(path)), "the application received the card")
