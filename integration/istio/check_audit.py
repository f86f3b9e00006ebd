"""`panveil audit` of the resources in the Kubernetes API, compared with the proxies and the traffic, and with seeded faults."""

import json
import subprocess

from manifests import SHIPPED
from mesh import active, expect, gone, settle
from processes import until
from traffic import send

KINDS = [
    "namespaces", "pods", "services", "wasmplugins.extensions.istio.io", "trafficextensions.extensions.istio.io",
    "envoyfilters.networking.istio.io", "telemetries.telemetry.istio.io", "peerauthentications.security.istio.io",
    "authorizationpolicies.security.istio.io", "gateways.networking.istio.io", "gateways.gateway.networking.k8s.io",
    "gatewayclasses.gateway.networking.k8s.io", "serviceentries.networking.istio.io", "destinationrules.networking.istio.io",
    "virtualservices.networking.istio.io",
]
SECURITY = "apiVersion: security.istio.io/v1"
STRICT = f"{SECURITY}\nkind: PeerAuthentication\nmetadata: {{name: default, namespace: istio-system}}\nspec: {{mtls: {{mode: STRICT}}}}\n"


class Audit:
    """Result of one run over the API's resources and the configuration dumps of these pods."""

    def __init__(self, mesh, *pods):
        dump = json.loads(mesh.plane.kubectl("get", ",".join(KINDS), "--all-namespaces", "--output=json"))
        sidecars = {one.name for one in mesh.pods if one.agent}
        # The harness starts the proxy itself, so that the API does not list its container.
        for item in dump["items"]:
            if item["kind"] == "Pod" and item["metadata"]["name"] in sidecars:
                item["spec"]["containers"].append({"name": "istio-proxy", "image": "none"})
        folder = mesh.folder / "audit"
        folder.mkdir(exist_ok=True)
        files = [folder / "cluster.json"] + [folder / f"{pod.name}.json" for pod in pods]
        files[0].write_text(json.dumps(dump))
        for file, pod in zip(files[1:], pods):
            file.write_text(pod.ask(15000, "/config_dump"))
        command = [mesh.options.panveil, "audit", "--format", "json", *files, SHIPPED / "telemetry/mesh-config.yaml"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        expect(done.returncode in (0, 1), f"the audit ends with {done.returncode}: {done.stderr}")
        self.lines = [json.loads(line) for line in done.stdout.splitlines()]

    def port(self, pod, number=8080):
        """Row of a port."""
        subject = f"Pod {pod.namespace}/{pod.name}"
        return next(one for one in self.lines if one["record"] == "port" and one["subject"] == subject and one["port"] == number)

    def rules(self, *names):
        """Rules of the findings whose subject has one of these names in it."""
        found = (one for one in self.lines if one["record"] == "finding")
        return sorted({one["rule"] for one in found if any(name in one["subject"] for name in names)})


def peer_authentication(spec, namespace="shop"):
    return f"{SECURITY}\nkind: PeerAuthentication\nmetadata: {{name: audited, namespace: {namespace}}}\nspec: {spec}\n"


def audit_agrees_about_the_proxies_with_panveil(mesh):
    pods = [mesh.get(name) for name in ("checkout", "shop", "cart", "payments")]
    selected = mesh.manifests.variant("overlays/mask", "selector: {matchLabels: {app: cart}}")
    for overlay, covered in (("overlays/mask", {"shop", "cart"}), (selected, {"cart"}), ("overlays/mesh-wide", {"checkout", "shop", "cart"})):
        with mesh.applied(overlay, *(pod for pod in pods if pod.workload in covered)):
            audit = Audit(mesh)
            for pod in pods:
                inspected = audit.port(pod)["inspected"]
                expect(inspected == (pod.workload in covered), f"{overlay}: the audit says {inspected} for {pod.name}")
                # The mesh-wide plugin is in every chain, also where its policy excludes the namespace.
                has_filter = bool(pod.chain()[0])
                expect(has_filter or not inspected, f"{overlay}: {pod.name} has no filter")
                if "mesh-wide" not in overlay:
                    expect(has_filter == inspected, f"{overlay}: the audit disagrees with the chain of {pod.name}")


def audit_agrees_about_mutual_tls(mesh):
    shop, outside = mesh.get("shop"), mesh.get("outside")

    def takes_plaintext():
        try:
            return send(outside.net, shop.address, "/plaintext").status == 200
        except (OSError, ValueError, EOFError):
            return False

    own = "selector: {matchLabels: {app: shop}}"
    for text, mode in (
        ("", "PERMISSIVE"),
        (STRICT, "STRICT"),
        (STRICT + "---\n" + peer_authentication("{mtls: {mode: UNSET}}"), "STRICT"),
        (STRICT + "---\n" + peer_authentication("{mtls: {mode: PERMISSIVE}}"), "PERMISSIVE"),
        (STRICT + "---\n" + peer_authentication(f"{{{own}, portLevelMtls: {{8080: {{mode: PERMISSIVE}}}}}}"), "PERMISSIVE"),
        (STRICT + "---\n" + peer_authentication(f"{{{own}, portLevelMtls: {{8090: {{mode: PERMISSIVE}}}}}}"), "STRICT"),
        (STRICT + "---\n" + peer_authentication(f"{{{own}, mtls: {{mode: DISABLE}}}}", "istio-system"), "STRICT"),
    ):
        with mesh.resources(text or peer_authentication("{}")):
            said = Audit(mesh).port(shop)["mtls"]
            expect(said == mode, f"{text}: the audit says {said}")
            until(f"{text}: plaintext is {'refused' if mode == 'STRICT' else 'accepted'}", lambda: takes_plaintext() == (mode != "STRICT"), 20)


def audit_names_seeded_faults(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    names = ("shop/", "Namespace shop", shop.name)
    with mesh.resources(STRICT), mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        clean = Audit(mesh, shop).rules(*names)
        expect(not clean, f"the audit of the clean mesh says {clean}")
        chain = (
            "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: audited, namespace: shop}\nspec:\n"
            "  configPatches:\n  - applyTo: NETWORK_FILTER\n    match: {context: SIDECAR_INBOUND}\n"
            "    patch: {operation: MERGE, value: {typed_config: {access_log: []}}}\n"
        )
        log = (
            "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: audited, namespace: shop}\nspec:\n"
            "  selector: {matchLabels: {app: shop}}\n  accessLogging: [{providers: [{name: envoy}]}]\n"
        )
        tls = peer_authentication("{mtls: {mode: PERMISSIVE}}")
        for text, rule in ((chain, "envoy-filter"), (log, "access-log-raw"), (tls, "mtls-permissive")):
            with mesh.resources(text):
                expect(Audit(mesh).rules(*names) == [rule], f"{rule}: the audit says {Audit(mesh).rules(*names)}")
    gone(shop)
    found = Audit(mesh, shop).rules(*names)
    expect({"no-plugin", "proxy-without-panveil"} <= set(found), f"without a plugin the audit says {found}")
    for spec, rule in (("pluginConfig: {mode: monitor}", "monitor-mode"), ("failStrategy: FAIL_OPEN", "fail-open")):
        with mesh.resources(STRICT), mesh.applied(mesh.manifests.variant("overlays/mask", spec), shop):
            active(shop)
            found = Audit(mesh).rules("WasmPlugin shop/")
            expect(found == [rule], f"{rule}: the audit says {found}")


CHECKS = [audit_agrees_about_the_proxies_with_panveil, audit_agrees_about_mutual_tls, audit_names_seeded_faults]
