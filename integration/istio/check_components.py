"""Components of envoy-config/istio that no other file applies: file-source, http-source, metrics and older-istio."""

import json
import re
import shutil

import private
from check_private_registry import refuses, trusting
from mesh import active, expect, expect_masked
from processes import until
from registry import url
from traffic import send
from trapping import trapping

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: labelled}
spec:
  selector: {matchLabels: {app: labelled}}
  template:
    metadata: {labels: {app: labelled}}
    spec: {containers: [{name: app, image: none}]}
"""


def file_source_needs_no_registry(mesh):
    outside, cart = mesh.get("outside"), mesh.get("cart")
    module = mesh.folder / "panveil.wasm"
    shutil.copy(mesh.options.wasm, module)
    module.chmod(0o644)
    with mesh.applied(mesh.manifests.variant("overlays/mask", f"url: file://{module}", components=["file-source"]), cart):
        mesh.registry.stop()
        try:
            cart.restart()
            expect_masked(cart, "/from-file", send(outside.net, cart.address, "/from-file"))
        finally:
            mesh.registry.start()
        expect("istio_agent_wasm_remote_fetch_count" not in cart.agent_metrics(), "the agent fetched something")
        # As the component documents: with a file for each plugin, each edit of it has a new Wasm VM.
        told = "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION" in json.dumps(cart.extensions())
        expect(told, "the Wasm VM does not have the version of the resource: the component can say so")


def http_source_takes_the_digest_of_the_file(mesh):
    outside, pod = mesh.get("outside"), trusting(mesh)
    with private.web_server(mesh) as (address, digest):
        def overlay(sha256):
            spec = f"url: {address}\nsha256: {sha256}"
            return mesh.manifests.variant("overlays/mask", spec, components=["http-source"], namespace=pod.namespace)

        with mesh.applied(overlay(mesh.digest), pod):
            refuses(mesh, pod, "/digest-of-image", "checksum")
            mesh.apply(mesh.manifests.render(overlay(digest)))
            until("the right digest heals it", lambda: send(outside.net, pod.address, "/settle").status == 200, 30)
            active(pod)
            expect_masked(pod, "/from-web-server", send(outside.net, pod.address, "/from-web-server"))


def metrics_component_labels_the_counters_of_a_workload(mesh):
    outside, pod = mesh.get("outside"), mesh.pod("labelled", "labelled", start=False)
    pod.shipped_defaults = False
    pod.start()
    try:
        with mesh.applied(mesh.manifests.variant("overlays/mask", namespace="labelled"), pod):
            expect_masked(pod, "/unlabelled", send(outside.net, pod.address, "/unlabelled"))
            until("panveil counts", lambda: re.search(r"^panveil_config_version_\w+", pod.metrics(), re.MULTILINE), 30)
            expect("extension_config_discovery" not in pod.metrics(), "Istio keeps the statistics without the component")
            pod.annotations = _annotations(mesh)
            pod.restart()
            expect_masked(pod, "/labelled", send(outside.net, pod.address, "/labelled"))
            found = r'^panveil_findings_total\{(?=.*brand="visa")(?=.*place="body").*\} '
            until("panveil counts with labels", lambda: re.search(found, pod.metrics(), re.MULTILINE), 30)
            expect("envoy_extension_config_discovery" in pod.metrics(), "Istio leaves the statistics out")
    finally:
        pod.delete()


def _annotations(mesh):
    """Pod annotations that the component adds to a Deployment."""
    folder = mesh.manifests.folder / "overlays/labelled"
    folder.mkdir()
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    (folder / "kustomization.yaml").write_text("resources: [deployment.yaml]\ncomponents: [../../components/metrics]\n")
    made = mesh.plane.kubectl(
        "create", "--dry-run=server", "--output=json", "--filename=-", text=mesh.manifests.render("overlays/labelled"),
    )
    return json.loads(made)["spec"]["template"]["metadata"]["annotations"]


def older_istio_refuses_after_a_crash_until_a_restart(mesh):
    """panveil with a crash in requests with a body; others do not crash it."""
    outside, cart = mesh.get("outside"), mesh.get("cart")
    get = {"body": b"", "method": "GET"}
    digest = mesh.registry.push_module("crashing", trapping(mesh.options.wasm.read_bytes(), "proxy_on_request_body"))
    spec = f"url: {url('crashing')}\nsha256: {digest}"
    with mesh.applied(mesh.manifests.variant("overlays/mask", spec, components=["older-istio"]), cart):
        expect(send(outside.net, cart.address, "/crash/before", **get).status == 200, "panveil does not work before the crash")
        expect(send(outside.net, cart.address, "/crash").status == 503, "panveil did not crash")
        answers = [send(outside.net, cart.address, f"/crash/after/{number}", **get).status for number in range(5)]
        expect(answers == [503] * 5, f"the client received {answers}")
        expect(not cart.app.with_path("/crash/after"), "the application received a request")
        cart.restart()
        expect(send(outside.net, cart.address, "/crash/restarted", **get).status == 200, "a restart does not heal it")


CHECKS = [
    file_source_needs_no_registry, http_source_takes_the_digest_of_the_file, metrics_component_labels_the_counters_of_a_workload,
    older_istio_refuses_after_a_crash_until_a_restart,
]
