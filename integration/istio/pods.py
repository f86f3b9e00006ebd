"""Pods: a namespace with Istio's iptables, pilot-agent with its Envoy, and an application; known to the API like
real ones.
"""

import collections
import json
import re
import shutil
import urllib.request

from apps import App
from namespaces import HOST, inside
from processes import Ended, Process, until

PORTS = {"http": 8080, "grpc": 8090}
# Port of the pod that no Service names.
UNNAMED_PORT = 7070
PROXY_USER = 1337
# tmpfs in place of /var/lib, so that the agent's cache leaves nothing on the machine.
START = """\
mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/istio/data && chown -R 1337:1337 . /var/lib/istio &&
exec setpriv --reuid 1337 --regid 1337 --clear-groups "$@" """


class Pod:
    def __init__(self, mesh, name, namespace, labels=None, variables=None, router=False, in_mesh=True, application=App):
        self.mesh, self.namespace, self.router = mesh, namespace, router
        self.workload = name
        self.net, self.address = mesh.network.add(name)
        number = self.address.rpartition(".")[2]
        self.name = f"{name}-{number}"
        self.service = f"10.96.0.{number}"
        self.labels = {"app": name, "security.istio.io/tlsMode": "istio"} | (labels or {})
        self.variables = variables or {}
        # For the next start: the annotations of the pod, and whether the mesh has the shipped defaultConfig.
        self.annotations, self.shipped_defaults = {}, True
        self.app = None
        self.agent = None
        self.runs = 0
        if not router:
            self.app = application(self.net, (*PORTS.values(), UNNAMED_PORT))
        if in_mesh:
            self._declare()
            if not router:
                self._capture()

    def _capture(self):
        words = "-p 15001 -z 15006 -u 1337 -g 1337 -m REDIRECT -i * -b * -d 15090,15020,15021 -x".split()
        folder = self.mesh.folder / self.name
        rules = Process("iptables", self.net, [self.mesh.agent, "istio-iptables", *words, ""], folder)
        if rules.process.wait(60) != 0:
            raise Ended(f"istio-iptables failed: {rules.log()[-1500:]}")

    def _declare(self):
        owner = {"namespace": self.namespace}
        ports = [{"name": name, "port": port, "targetPort": port} for name, port in PORTS.items()]
        if self.router:
            ports = [{"name": "http", "port": 8888, "targetPort": 8888}]
        meta = lambda name, **more: {"name": name, **owner, **more}
        items = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(self.workload)},
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta(self.name, labels=self.labels), "spec": {
                "serviceAccountName": self.workload, "nodeName": "node", "containers": [{"name": "app", "image": "none"}],
            }},
            {"apiVersion": "v1", "kind": "Service", "metadata": meta(self.name), "spec": {
                "clusterIP": self.service, "selector": {"app": self.workload}, "ports": ports,
            }},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": meta(self.name, labels={"kubernetes.io/service-name": self.name}),
             "endpoints": [{
                 "addresses": [self.address], "conditions": {"ready": True},
                 "targetRef": {"kind": "Pod", "name": self.name, "namespace": self.namespace},
             }],
             "ports": [{"name": one["name"], "port": one["port"]} for one in ports]},
        ]
        kubectl = self.mesh.plane.kubectl
        kubectl("apply", "--server-side", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        addresses = {"podIP": self.address, "podIPs": [{"ip": self.address}]}
        status = addresses | {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        patch = ["--subresource=status", "--type=merge", "--patch", json.dumps({"status": status})]
        kubectl("patch", "pod", self.name, f"--namespace={self.namespace}", *patch)

    def restart(self, wait=True):
        """Kills the proxy and starts it with an empty cache."""
        self.stop_agent()
        return self.start(wait)

    def start(self, wait=True):
        """Starts the agent, which starts Envoy."""
        self.runs += 1
        folder = self.mesh.folder / self.name / str(self.runs)
        for part in ("var/run/secrets/tokens", "var/run/secrets/istio", "etc/istio/proxy", "etc/istio/pod"):
            (folder / part).mkdir(parents=True)
        shutil.copy(self.mesh.tools / "share/envoy_bootstrap.json", folder)
        kubectl, space = self.mesh.plane.kubectl, f"--namespace={self.namespace}"
        token = kubectl(
            "create", "token", self.workload, space, "--audience=istio-ca", "--bound-object-kind=Pod", f"--bound-object-name={self.name}",
            "--duration=24h",
        )
        (folder / "var/run/secrets/tokens/istio-token").write_text(token)
        root = until("istiod writes its root certificate", lambda: kubectl(
            "get", "configmap", "istio-ca-root-cert", space, r"--output=jsonpath={.data.root-cert\.pem}",
        ), 30, 0.3)
        (folder / "var/run/secrets/istio/root-cert.pem").write_text(root)
        # In the format of the kubelet.
        annotations = "".join(f"{name}={json.dumps(text)}\n" for name, text in self.annotations.items())
        (folder / "etc/istio/pod/annotations").write_text(annotations)
        kind = "router" if self.router else "sidecar"
        self.agent = Process("agent", self.net, [
            "unshare", "--mount", "sh", "-c", START, "start", self.mesh.agent, "proxy", kind,
            "--domain", f"{self.namespace}.svc.cluster.local", "--proxyLogLevel=warning,misc:error,wasm:info",
        ], folder, self._environment(), owner=PROXY_USER)
        if wait:
            self.wait_ready()
        return self

    def _environment(self):
        # The mesh's defaultConfig, and the paths of this run.
        proxy = [
            self.mesh.plane.proxy if self.shipped_defaults else "", f"discoveryAddress: {HOST}:15012", f"binaryPath: {self.mesh.envoy}",
            "proxyBootstrapTemplatePath: ./envoy_bootstrap.json", "concurrency: 1",
        ]
        return {
            "POD_NAME": self.name, "POD_NAMESPACE": self.namespace, "SERVICE_ACCOUNT": self.workload, "INSTANCE_IP": self.address,
            "ISTIOD_SAN": "istiod.istio-system.svc", "ISTIO_META_CLUSTER_ID": "Kubernetes", "ISTIO_META_WORKLOAD_NAME": self.workload,
            "ISTIO_METAJSON_LABELS": json.dumps(self.labels),
            "PROXY_CONFIG": "\n".join(proxy),
        } | self.variables

    def wait_ready(self, seconds=90):
        def ready():
            self.agent.require_alive()
            return self.ask(15021, "/healthz/ready") is not None

        until(f"{self.name} is ready", ready, seconds)

    def ask(self, port, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        with inside(self.net), urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def dump(self):
        return json.loads(self.ask(15000, "/config_dump"))["configs"]

    def chain(self):
        """Extensions in the active listeners in order, and whether those listeners are the latest ones, with
        panveil's log.
        """
        return _chain(self.dump())

    def extensions(self):
        """Extensions in the active listeners as Istio delivered them, by name, without those of draining listeners."""
        dump = self.dump()
        filters = [one.get("ecds_filter", {}) for one in _part(dump, "EcdsConfigDump", "ecds_filters")]
        # A rejected one without a previous configuration has no name.
        delivered = {one["name"]: one for one in filters if "name" in one}
        return {name: delivered[name] for name in _chain(dump)[0] if name in delivered}

    def policies(self):
        """Policies of panveil in Envoy's dump. It shows a rejected one too, although the previous one stays active."""
        configs = (one["typed_config"].get("config", {}) for one in self.extensions().values())
        return [json.loads(one["configuration"]["value"]) for one in configs if "configuration" in one]

    def modules(self):
        """Module files that Envoy loads."""
        return re.findall(r'"filename": "([^"]+)"', json.dumps(self.extensions()))

    def rejected(self):
        """Reasons of rejected listeners, by name."""
        listeners = _part(self.dump(), "ListenersConfigDump", "dynamic_listeners")
        return {one.get("name"): one["error_state"].get("details") for one in listeners if "error_state" in one}

    def metrics(self):
        return self.ask(15090, "/stats/prometheus")

    def agent_metrics(self):
        return self.ask(15020, "/metrics")

    def access_log(self):
        """Lines of the access log since the agent's start. A column without a value is None."""
        lines = (line for line in self.agent.log().splitlines() if '"bytes_received"' in line)
        # The last line may be incomplete.
        lines = (json.loads(line) for line in lines if line.startswith("{") and line.endswith("}"))
        return [collections.defaultdict(lambda: None, line) for line in lines]

    def logged(self, path):
        """Lines for paths with this prefix."""
        return [one for one in self.access_log() if (one["path"] or "").startswith(path)]

    def stop_agent(self, seconds=0):
        if self.agent:
            self.agent.stop(seconds)
            self.agent = None

    def close(self):
        self.stop_agent()
        if self.app:
            self.app.stop()

    def delete(self):
        """Stops the pod and removes it from the API."""
        self.close()
        self.mesh.pods.remove(self)
        self.mesh.plane.kubectl(
            "delete", "--wait=false", "--force", "--ignore-not-found", f"--namespace={self.namespace}", f"pod/{self.name}",
            f"service/{self.name}", f"endpointslice/{self.name}",
        )
        self.mesh.network.remove(self.net)


def _part(dump, kind, field):
    for part in dump:
        if part["@type"].endswith(f".{kind}"):
            return part.get(field, [])
    return []


def _chain(dump):
    listeners = _part(dump, "ListenersConfigDump", "dynamic_listeners")
    active = json.dumps([one.get("active_state", {}) for one in listeners])
    names = list(dict.fromkeys(re.findall(r'"name": "(extensions\.istio\.io/[^"]+)"', active)))
    warm = not any("warming_state" in one for one in listeners)
    return names, warm and ("wasm.panveil.action" in active) == bool(names)
