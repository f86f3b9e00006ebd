"""Sources of the module: image by digest and by tag, web server, wrong digests, and an unavailable registry."""

import functools
import hashlib
import http.server
import threading

from mesh import expect, expect_masked, expect_plain
from namespaces import HOST, inside
from processes import until
from registry import url

ZEROS = "0" * 64


def image_variant_artifact_by_digest(cluster):
    digest = cluster.registry.push("artifact", "artifact")
    _comes(cluster, cluster.manifests.changed("overlays/gateway", code_image_url=url("artifact"), code_image_sha256=digest), "artifact")


def image_by_tag_alone(cluster):
    cluster.registry.push("tagged", "compat")
    overlay = cluster.manifests.variant("overlays/gateway", f"""\
- {{op: replace, path: /spec/wasm/0/code/image/url, value: "{url('tagged')}"}}
- {{op: remove, path: /spec/wasm/0/code/image/sha256}}
""")
    _comes(cluster, overlay, "by-tag")


def module_from_a_web_server(cluster):
    with WebServer(cluster) as server:
        right = hashlib.sha256(cluster.options.wasm.read_bytes()).hexdigest()
        _comes(cluster, _over_http(cluster, server.url, right), "by-http")


def _comes(cluster, overlay, name):
    with cluster.applied(overlay):
        expect_masked(cluster.shop, f"/catalog/{name}", cluster.send(f"/catalog/{name}"))


def _over_http(cluster, address, digest):
    return cluster.manifests.variant("overlays/gateway", f"""\
- {{op: replace, path: /spec/wasm/0/code/http/url, value: "{address}"}}
- {{op: replace, path: /spec/wasm/0/code/http/sha256, value: "{digest}"}}
""", components=["http-source"])


class WebServer:
    """Serves the module to the control plane."""

    def __init__(self, cluster):
        handler = functools.partial(Quiet, directory=str(cluster.options.wasm.parent))
        with inside(cluster.network.host):
            self.server = http.server.ThreadingHTTPServer((HOST, 8181), handler)
        self.url = f"http://{HOST}:8181/{cluster.options.wasm.name}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def a_wrong_digest_refuses_until_it_is_right(cluster):
    wrong = cluster.manifests.changed("overlays/gateway", code_image_sha256="1" * 64)
    _refused_then_right(cluster, wrong, "wrong-digest", "checksum")


def a_wrong_digest_of_a_file_refuses_until_it_is_right(cluster):
    with WebServer(cluster) as server:
        _refused_then_right(cluster, _over_http(cluster, server.url, "1" * 64), "wrong-file", "checksum")


def a_wrong_digest_on_a_route_leaves_the_others(cluster):
    with cluster.applied(cluster.manifests.changed("overlays/route", code_image_sha256="2" * 64), wait=False):
        until("the route refuses", lambda: cluster.status("/checkout/wrong-digest") == 500, 30)
        expect_plain(cluster.shop, "/catalog/right", cluster.send("/catalog/right"))


def the_digest_that_is_shipped_refuses(cluster):
    _refused_then_right(cluster, cluster.manifests.changed("overlays/gateway", code_image_sha256=ZEROS), "zeros", "checksum")


def _refused_then_right(cluster, wrong, name, reason):
    """Every request of the routes gets status 500, and the status of the policy has the reason."""
    with cluster.applied(wrong, wait=False):
        path = f"/catalog/{name}"
        until("the routes refuse", lambda: cluster.send(path + "/settle").status == 500, 30)
        arrived = len(cluster.shop.app.with_path(path))
        answer = cluster.send(path)
        expect(answer.status == 500, f"the client received {answer.status}")
        expect(len(cluster.shop.app.with_path(path)) == arrived, "the application received the request")
        told = until("the policy's status says it", lambda: [one for one in cluster.conditions() if one[0] == "Accepted"], 20)[0]
        expect(told[1] == "False" and told[2] == "Invalid" and reason in told[3], f"the policy's status says {told}")
        cluster.apply(cluster.manifests.render("overlays/gateway"))
        cluster.active()
        expect_masked(cluster.shop, path + "/right", cluster.send(path + "/right"))


def failed_pulls_lock_the_image_for_an_hour(cluster):
    """A limit of Envoy Gateway: after eleven failures it does not retry an address for an hour, even with a correct
    digest.
    """
    cluster.registry.push("locked", "compat")

    def pinned(digest):
        return cluster.manifests.changed("overlays/gateway", code_image_url=url("locked"), code_image_sha256=digest)

    def wait_for(*told):
        until("the policy's status says it", lambda: any(word in one[3] for one in cluster.conditions() for word in told), 20)

    with cluster.applied(pinned("f" * 64), wait=False):
        for number in range(1, 13):
            digest = f"{number:064x}"
            cluster.apply(cluster.manifests.render(pinned(digest)))
            wait_for(digest, "after 10 attempts")
        cluster.apply(cluster.manifests.render(pinned(cluster.digest)))
        wait_for("after 10 attempts")
        expect(cluster.status("/catalog/locked") == 500, "the right digest heals it")
        # Another address of the same image.
        cluster.apply(cluster.manifests.render("overlays/gateway"))
        cluster.active()
        expect_masked(cluster.shop, "/catalog/unlocked", cluster.send("/catalog/unlocked"))


def the_control_plane_restarts_while_the_registry_is_away(cluster):
    """A limit of Envoy Gateway: it loses its modules, and cannot pull. The routes reject requests until it has them
    again.
    """
    with cluster.applied("overlays/gateway"):
        cluster.registry.stop()
        try:
            cluster.plane.stop_server()
            expect_masked(cluster.shop, "/catalog/no-control-plane", cluster.send("/catalog/no-control-plane"))
            cluster.plane.start_server()
            until("the routes refuse", lambda: cluster.send("/catalog/registry-away").status == 500, 60)
        finally:
            cluster.registry.start()
        cluster.annotate()
        until("an annotation heals it", lambda: cluster.send("/catalog/settle").status == 200, 60)
        cluster.active()
        expect_masked(cluster.shop, "/catalog/registry-back", cluster.send("/catalog/registry-back"))


CHECKS = [
    image_variant_artifact_by_digest, image_by_tag_alone, module_from_a_web_server, a_wrong_digest_refuses_until_it_is_right,
    a_wrong_digest_of_a_file_refuses_until_it_is_right,
    a_wrong_digest_on_a_route_leaves_the_others, the_digest_that_is_shipped_refuses, failed_pulls_lock_the_image_for_an_hour,
    the_control_plane_restarts_while_the_registry_is_away,
]
