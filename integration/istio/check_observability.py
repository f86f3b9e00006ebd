"""Access log and metrics of the shipped Telemetry and mesh configuration."""

import pathlib
import re
import secrets

from mesh import expect, expect_masked, received, settle
from processes import until
from traffic import CARD, send

SIDECAR = pathlib.Path(__file__).resolve().parents[2] / "envoy-config/standalone/sidecar.yaml"


def log_has_the_columns_of_the_standalone_sidecar(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        expect_masked(shop, "/logged", send(client.net, shop.service, "/logged"))
        line = until("the request is logged", lambda: shop.logged("/logged"), 20)[0]
        wanted = re.findall(r'^ +(\w+): "%', SIDECAR.read_text().partition("json_format:")[2], re.MULTILINE)
        expect(set(line) <= set(wanted), f"other columns: {sorted(set(line) - set(wanted))}")
        lacking = {"authority", "client", "request_id", "upstream_cluster", "upstream_host"} - set(line)
        expect(not lacking, f"no {sorted(lacking)}")
        told = {name: line[name] for name in ("status", "panveil_action", "panveil_found", "panveil_where", "panveil_peer")}
        expect(told["panveil_action"] == "masked" and told["status"] == 200, f"the line says {told}")
        # Istio's own access log is disabled: each request has one line.
        expect(not re.findall(r'^\[\d{4}-\d\d-\d\dT.*"POST', shop.agent.log(), re.MULTILINE), "Istio's own access log is on")


def counters_have_labels(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    labels = {
        "panveil_findings_total": ("direction", "place", "brand", "action"),
        "panveil_messages_total": ("direction", "outcome"),
        "panveil_config_info": ("version", "mode"),
    }
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        expect_masked(shop, "/counted", send(client.net, shop.service, "/counted"))
        for name, wanted in labels.items():
            lines = until(f"{name} is there", lambda: re.findall(rf"^{name}\{{(.*)\}} ", shop.metrics(), re.MULTILINE), 30)
            lacking = [one for one in wanted if not any(f'{one}="' in line for line in lines)]
            expect(not lacking, f"{name} lacks {lacking}")
        wrong = re.findall(r"^panveil_\w*__+\w*", shop.metrics(), re.MULTILINE)
        expect(not wrong, f"labels are left in names: {wrong[:3]}")


def fingerprints_need_the_key_in_the_environment(mesh):
    client, shop, cart = mesh.get("checkout"), mesh.get("shop"), mesh.get("cart")
    cart.variables = {"PANVEIL_HMAC_KEY": secrets.token_hex(32)}
    cart.restart()
    with mesh.applied(mesh.manifests.variant("overlays/mask", components=["fingerprints"]), cart):
        settle(client, cart.service)
        answer = send(client.net, cart.service, "/fingerprint")
        body = received(cart, "/fingerprint").text()
        expect(answer.status == 200 and "*" * 16 in body and CARD not in body, f"{answer.status}, the application received {body[-80:]}")
        line = until("the request is logged", lambda: cart.logged("/fingerprint"), 20)[0]
        expect(line["panveil_fingerprints"], "the access log has no fingerprint")
        # A proxy that had the plugin a moment ago would keep its policy.
        shop.restart()
        status = send(client.net, shop.service, "/no-key").status
        expect(status == 500, f"a proxy without the key answers {status}")
        expect(not shop.app.with_path("/no-key"), "the application behind it received a request")
    # See a_plugin_right_after_a_rejected_one in check_changes.py.
    shop.restart()


CHECKS = [log_has_the_columns_of_the_standalone_sidecar, counters_have_labels, fingerprints_need_the_key_in_the_environment]
