"""Access log, metrics and filter order of the shipped EnvoyProxy."""

import json
import re

from mesh import expect, expect_masked
from processes import until
from registry import ROOT
from traffic import ANSWERED, BODY, CARD, MASKED

SIDECAR = ROOT / "envoy-config/standalone/sidecar.yaml"
SCRIPT = "function envoy_on_request(handle) handle:logWarn('script saw ' .. handle:headers():get('x-note')) end"


def log_has_the_columns_of_the_standalone_sidecar(cluster):
    with cluster.applied("overlays/gateway"):
        expect_masked(cluster.shop, "/catalog/logged", cluster.send(f"/catalog/logged?card={CARD}"))
        line = until("the request is logged", lambda: cluster.proxy.logged("/catalog/logged"), 20)[0]
        wanted = re.findall(r'^ +(\w+): "%', SIDECAR.read_text().partition("json_format:")[2], re.MULTILINE)
        expect(sorted(line) == sorted(wanted), f"columns: {sorted(set(line) ^ set(wanted))} differ")
        expect(line["panveil_action"] == "masked" and line["status"] == 200, f"the line says {line}")
        expect(line["path"] == f"/catalog/logged?card={'*' * 16}" or MASKED in line["path"], f"the path is {line['path']}")


def no_output_of_the_proxy_has_a_card(cluster):
    """Checks the output for all inspected requests so far, including those of this check."""
    with cluster.applied("overlays/gateway"):
        cluster.send(f"/catalog/no-card?card={CARD}", headers={"content-type": "application/json", "x-card": CARD, "host": f"{CARD}.test"})
        until("the request is logged", lambda: cluster.proxy.logged("/catalog/no-card"), 20)
        log = cluster.proxy.log()
        expect(CARD not in log and ANSWERED not in log, "the proxy's output has a card")
        expect("of the class" not in log, "the log of the GatewayClass is on")


def counters_have_labels(cluster):
    labels = {
        "panveil_findings_total": ("direction", "place", "brand", "action"),
        "panveil_messages_total": ("direction", "outcome"),
        "panveil_config_info": ("version", "mode"),
    }
    with cluster.applied("overlays/gateway"):
        expect_masked(cluster.shop, "/catalog/counted", cluster.send("/catalog/counted"))
        for name, wanted in labels.items():
            lines = until(f"{name} is there", lambda: re.findall(rf"^{name}\{{(.*)\}} ", cluster.proxy.metrics(), re.MULTILINE), 30)
            lacking = [one for one in wanted if not any(f'{one}="' in line for line in lines)]
            expect(not lacking, f"{name} lacks {lacking}")
        wrong = re.findall(r"^panveil_\w*__+\w*", cluster.proxy.metrics(), re.MULTILINE)
        expect(not wrong, f"labels are left in names: {wrong[:3]}")


def scripts_come_after_panveil(cluster):
    """Uses panveil's filter order. Without it a script sees the request before panveil."""
    note = {"content-type": "application/json", "x-note": CARD}
    script = json.dumps([{"type": "Inline", "inline": SCRIPT}])
    overlay = cluster.manifests.variant("overlays/gateway", f"- {{op: add, path: /spec/lua, value: {script}}}")
    with cluster.applied(overlay):
        answer = cluster.send("/catalog/scripted", body=BODY, headers=note)
        expect_masked(cluster.shop, "/catalog/scripted", answer)
        told = until("the script runs", lambda: re.findall(r"script saw (\S+)", cluster.proxy.log()), 20)
        expect(CARD not in told[-1], f"the script saw {told[-1]}")


CHECKS = [
    log_has_the_columns_of_the_standalone_sidecar, counters_have_labels, scripts_come_after_panveil, no_output_of_the_proxy_has_a_card,
]
