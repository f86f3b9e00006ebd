"""Proxy of a Gateway: the Envoy of Envoy Gateway's Deployment, in a namespace of its own."""

import contextlib
import json
import re
import urllib.request

from gateway import HOST, NAME, NAMESPACE, with_root
from namespaces import inside
from processes import Process, until

OWNER = "gateway.envoyproxy.io/owning-gateway-"


class Proxy:
    def __init__(self, cluster, gateway, namespace):
        self.cluster, self.gateway, self.namespace = cluster, gateway, namespace
        self.name = f"proxy of {gateway}"
        self.net, self.address = cluster.network.add("proxy")
        self.runs = 0
        self.process = None

    def _one(self, kind):
        """The only resource of this kind that Envoy Gateway has created for the Gateway."""
        labels = f"{OWNER}name={self.gateway},{OWNER}namespace={self.namespace}"
        found = json.loads(self.cluster.plane.kubectl("get", kind, f"--namespace={NAMESPACE}", f"--selector={labels}", "--output=json"))
        return found["items"][0]

    def start(self):
        """Runs the container `envoy` of the Deployment, like a node."""
        self.runs += 1
        deployment = until("Envoy Gateway makes a Deployment", lambda: self._one("deployment"), 60, 0.3)
        folder = self.cluster.folder / "proxy" / str(self.runs)
        self.cluster.plane.secret("envoy", folder / "root/certs")
        sds = folder / "root/sds"
        sds.mkdir()
        for file, text in until("Envoy Gateway makes a ConfigMap", lambda: self._one("configmap"), 60, 0.3)["data"].items():
            (sds / file).write_text(text)
        container = next(one for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == "envoy")
        arguments = [self._argument(one) for one in container["args"]]
        self.process = Process("envoy", self.net, with_root([self.cluster.envoy, *arguments]), folder)
        until(f"the {self.name} is live", lambda: self.ask("/ready") is not None, 60)
        return self

    @staticmethod
    def _argument(text):
        # Variables that a node sets, and the name with its final dot, which /etc/hosts does not have.
        known = {"ENVOY_POD_NAME": "proxy-1", "ENVOY_POD_NAMESPACE": NAMESPACE, "ENVOY_SERVICE_ZONE": ""}
        text = re.sub(r"\$\((\w+)\)", lambda match: known.get(match[1], ""), text)
        return text.replace(f"{NAME}.", NAME)

    def stop(self):
        if self.process:
            self.process.stop(0)
            self.process = None

    def restart(self):
        """Kills the proxy and starts it with the current Deployment."""
        self.stop()
        return self.start()

    def ask(self, path, method="GET"):
        self.process.require_alive()
        request = urllib.request.Request(f"http://127.0.0.1:19000{path}", method=method)
        with inside(self.net), urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def metrics(self):
        """Page of the Prometheus port, which Envoy Gateway opens at the proxy's address."""
        with inside(self.cluster.client), urllib.request.urlopen(f"http://{self.address}:19001/stats/prometheus", timeout=20) as answer:
            return answer.read().decode()

    def counters(self, word):
        """Counters with this word in their names."""
        return dict(re.findall(rf"^(\S*{word}\S*): (\d+)$", self.ask("/stats"), re.MULTILINE))

    def listeners(self):
        for part in json.loads(self.ask("/config_dump"))["configs"]:
            if part["@type"].endswith(".ListenersConfigDump"):
                return part.get("dynamic_listeners", [])
        return []

    def filters(self):
        """HTTP filters of the active listeners, in order. Empty while a listener waits for its module."""
        listeners = self.listeners()
        if any("warming_state" in one for one in listeners):
            return []
        return [one for listener in listeners for one in _filters(listener.get("active_state", {}))]

    def plugins(self):
        """Configuration of each Wasm filter in the active listeners."""
        return [one["typed_config"]["config"] for one in self.filters() if one["name"].startswith("envoy.filters.http.wasm/")]

    def policies(self):
        return [json.loads(one["configuration"]["value"]) for one in self.plugins()]

    def modules(self):
        """Digests of the modules of the listeners."""
        return [one["vm_config"]["code"]["remote"]["sha256"] for one in self.plugins()]

    def rejected(self):
        """Reasons of rejected listeners."""
        return [one["error_state"].get("details") for one in self.listeners() if "error_state" in one]

    def log(self):
        return self.process.log()

    def access_log(self):
        """Lines of panveil's access log since the start."""
        lines = []
        for line in self.log().splitlines():
            # The last line may be incomplete.
            with contextlib.suppress(ValueError):
                if line.startswith("{") and '"panveil_action"' in line:
                    lines.append(json.loads(line))
        return lines

    def logged(self, path):
        return [one for one in self.access_log() if (one["path"] or "").startswith(path)]


def _filters(value):
    """HTTP filters of each connection manager in a configuration."""
    if isinstance(value, dict):
        yield from value.get("http_filters", [])
        for part in value.values():
            yield from _filters(part)
    elif isinstance(value, list):
        for part in value:
            yield from _filters(part)
