"""Cluster of one run: control plane, registry, manifests, the shop behind a Gateway and the Gateway's proxy, and
operations for checks.
"""

import contextlib
import json
import shutil
import textwrap
import time

from apps import App
from gateway import EnvoyGateway
from manifests import Manifests
from mesh import expect
from namespaces import Network
from processes import until
from proxies import Proxy
from registry import ROOT, Registry, url
from traffic import Connection, Steady, send, send_http2

PORT = 8888
POLICY = "EnvoyExtensionPolicy"
# The Gateway and the routes that the shipped overlays name. The class also has an EnvoyProxy, with another log.
RESOURCES = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: envoy}}
spec:
  controllerName: gateway.envoyproxy.io/gatewayclass-controller
  parametersRef: {{group: gateway.envoyproxy.io, kind: EnvoyProxy, name: class, namespace: ingress}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {{name: class, namespace: ingress}}
spec:
  concurrency: 1
  telemetry:
    accessLog:
      settings:
        - sinks: [{{type: File, file: {{path: /dev/stdout}}}}]
          format: {{type: Text, text: "of the class: %REQ(:PATH)%\\n"}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public, namespace: ingress}}
spec:
  gatewayClassName: envoy
  infrastructure: {{parametersRef: {{group: gateway.envoyproxy.io, kind: EnvoyProxy, name: panveil}}}}
  listeners: [{{name: http, port: {PORT}, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: checkout, namespace: shop}}
spec:
  parentRefs: [{{name: public, namespace: ingress}}]
  rules: [{{matches: [{{path: {{value: /checkout}}}}], backendRefs: [{{name: shop, port: 8080}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: catalog, namespace: shop}}
spec:
  parentRefs: [{{name: public, namespace: ingress}}]
  rules: [{{matches: [{{path: {{value: /catalog}}}}], backendRefs: [{{name: shop, port: 8080}}]}}]
"""


class GatewayManifests(Manifests):
    shipped, bases = ROOT / "envoy-config/envoy-gateway", ("base",)

    def variant(self, overlay, patch="", components=()):
        """Overlay based on another, as an operator writes it. `patch` is a JSON patch of the policy, as YAML."""
        self.made += 1
        name = f"overlays/variant-{self.made}"
        text = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../{overlay}]\n"
        if components:
            text += f"components: [{', '.join(f'../../components/{one}' for one in components)}]\n"
        if patch:
            body = textwrap.indent(textwrap.dedent(patch).strip(), "      ")
            text += f"patches:\n  - target: {{kind: {POLICY}}}\n    patch: |-\n{body}\n"
        (self.folder / name).mkdir()
        (self.folder / name / "kustomization.yaml").write_text(text)
        return name

    def changed(self, overlay, **values):
        """Variant with other values of fields of the plugin: `code_image_url` is spec.wasm[0].code.image.url."""
        paths = {name: f"/spec/wasm/0/{name.replace('_', '/')}" for name in values}
        lines = [f"- {{op: add, path: {paths[name]}, value: {json.dumps(value)}}}" for name, value in values.items()]
        return self.variant(overlay, "\n".join(lines))


class Shop:
    """Application behind the Gateway."""

    def __init__(self, cluster):
        self.name = "shop"
        self.net, self.address = cluster.network.add("shop")
        self.app = App(self.net)

    def resources(self):
        about = {"name": self.name, "namespace": "shop"}
        return [
            {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {
                "selector": {"app": self.name}, "ports": [{"name": "http", "port": 8080, "targetPort": 8080}],
            }},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": about | {"labels": {"kubernetes.io/service-name": self.name}},
             "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}], "ports": [{"name": "http", "port": 8080}]},
        ]


class Cluster:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.network = Network()
        self.plane = EnvoyGateway(self.network, options.tools, folder)
        self.registry = Registry(options.registry, self.network, folder / "registry")
        self.manifests = GatewayManifests(folder / "manifests", options.kustomize, options.image_tool)
        self.envoy = folder / "envoy"
        shutil.copy(options.envoy, self.envoy)
        self.client = self.digest = self.shop = self.proxy = None

    def start(self):
        self.network.start()
        self.client, _ = self.network.add("client")
        self.registry.start()
        self.digest = self.registry.push("0.1.0", "compat")
        self.manifests.pin(url("0.1.0").removeprefix("oci://"), self.digest)
        self.plane.start()
        for namespace in ("ingress", "shop"):
            self.plane.kubectl("create", "namespace", namespace)
        self.shop = Shop(self)
        self.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": self.shop.resources()}))
        self.plane.kubectl("apply", "--namespace=ingress", "--filename=-", text=self.manifests.render("proxy"))
        self.apply(RESOURCES)
        self.proxy = Proxy(self, "public", "ingress").start()
        until("the Gateway answers", lambda: self.send("/catalog/ready").status == 200, 60)

    def close(self):
        if self.proxy:
            self.proxy.stop()
        if self.shop:
            self.shop.app.stop()
        self.registry.stop()
        self.plane.stop()
        self.network.close()

    def send(self, path, **more):
        """Sends a request from outside, through the Gateway."""
        return send(self.client, self.proxy.address, path, port=PORT, **more)

    def status(self, path):
        """Status at the client; 0 without a response."""
        try:
            return self.send(path).status
        except OSError:
            return 0

    def steady(self, path):
        return Steady(self.client, self.proxy.address, path, port=PORT)

    def send_trailers(self, path):
        """Status at an HTTP/2 client whose request has trailers; 0 without a response."""
        try:
            return send_http2(self.client, self.proxy.address, path, [b"{}"], port=PORT, trailers={"x-end": "yes"}).status
        except (OSError, KeyError):
            return 0

    def crash(self, path):
        """Crashes the VM of a module that traps in trailers."""
        status = self.send_trailers(path)
        until(f"the virtual machine has crashed, status {status}", lambda: "proxy_on_request_trailers" in self.proxy.log(), 20)

    def connect(self):
        return Connection(self.client, self.proxy.address, PORT)

    def apply(self, text):
        self.plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", text=text)

    def policy(self, name="panveil", namespace="ingress"):
        return json.loads(self.plane.kubectl("get", POLICY, name, f"--namespace={namespace}", "--output=json"))

    def annotate(self):
        """Changes only the version of the policy."""
        self.plane.kubectl("annotate", "--overwrite", "--namespace=ingress", f"{POLICY}/panveil", f"panveil/retried={time.time():.0f}")

    def conditions(self, namespace="ingress"):
        """Conditions in the status of a policy: (type, status, reason, message)."""
        ancestors = self.policy(namespace=namespace).get("status", {}).get("ancestors", [])
        return [
            (one["type"], one["status"], one["reason"], one["message"]) for ancestor in ancestors for one in ancestor["conditions"]
        ]

    @contextlib.contextmanager
    def applied(self, overlay, count=1, wait=True):
        """Applies an overlay during a check. `count`: number of plugins of the proxy then."""
        text = self.manifests.render(overlay)
        self.apply(text)
        try:
            if wait:
                self.active(count)
            yield
        finally:
            # Keeps the EnvoyProxy, which the Gateway names.
            for document in text.split("\n---\n"):
                if f"kind: {POLICY}\n" in document:
                    self.plane.kubectl("delete", "--ignore-not-found", "--filename=-", text=document)
            self.gone(count - 1)

    def active(self, count=1, seconds=60):
        """Waits until the proxy's listener has this many plugins, and its module."""

        def holds():
            rejected = self.proxy.rejected()
            expect(not rejected, f"Envoy rejects {rejected}")
            return len(self.proxy.plugins()) == count

        until(f"the proxy has {count} plugin(s)", holds, seconds)

    def gone(self, count=0, seconds=60):
        until(f"the proxy has {count} plugin(s)", lambda: self.proxy.filters() and len(self.proxy.plugins()) <= count, seconds)
