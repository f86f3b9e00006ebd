"""Prometheus in the host namespace that scrapes pods like that of a cluster, with the shipped alerts."""

import json
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

from namespaces import inside
from processes import Process, until

RULES = pathlib.Path(__file__).resolve().parents[2] / "envoy-config/prometheus/rules.yaml"
ADDRESS = "127.0.0.1:9090"
# The endpoint of Istio's agent, with the metrics of Envoy and its own in one page.
MERGED = 15020
JOB = "pods"


def quick_rules():
    """The shipped rules with a shorter duration of each alert."""
    return re.sub(r"^( +for: ).*$", r"\g<1>1s", RULES.read_text(), flags=re.MULTILINE)


def config(pods):
    targets = [{"targets": [target(pod)], "labels": {"namespace": pod.namespace, "pod": pod.name}} for pod in pods]
    # Istio's request counter comes from a filter that only its own build of Envoy has. Envoy's own counter replaces it.
    stand_in = [
        {"source_labels": ["__name__"], "regex": "envoy_http_.*downstream_rq_total", "target_label": "reporter",
         "replacement": "destination"},
        {"source_labels": ["reporter"], "regex": "destination", "target_label": "__name__", "replacement": "istio_requests_total"},
    ]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{
            "job_name": JOB, "metrics_path": "/stats/prometheus", "static_configs": targets, "metric_relabel_configs": stand_in,
        }],
    }


def target(pod):
    return f"{pod.address}:{MERGED}"


def past(pod):
    """Metrics of panveil in a pod from 150 to 70 minutes ago, as OpenMetrics."""
    now = int(time.time())
    labels = f'namespace="{pod.namespace}",pod="{pod.name}",job="{JOB}",instance="{target(pod)}",version="0.1.0",mode="enforce"'
    lines = [f"panveil_config_info{{{labels}}} 1 {now - minutes * 60}" for minutes in range(150, 69, -1)]
    return "\n".join(["# TYPE panveil_config_info gauge", *lines, "# EOF\n"])


class Prometheus:
    def __init__(self, binaries, network, folder):
        self.binaries, self.network, self.folder = binaries, network, folder
        self.process = None

    def start(self, pods, history):
        self.folder.mkdir()
        (self.folder / "rules.yaml").write_text(quick_rules())
        (self.folder / "prometheus.json").write_text(json.dumps(config(pods)))
        (self.folder / "history").write_text(history)
        command = [self.binaries / "promtool", "tsdb", "create-blocks-from", "openmetrics", "history", "data"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"promtool: {done.stderr.strip()}")
        self.process = Process("prometheus", self.network.host, [
            self.binaries / "prometheus", "--config.file=prometheus.json", "--storage.tsdb.path=data", f"--web.listen-address={ADDRESS}",
        ], self.folder)

        def ready():
            self.process.require_alive()
            return self._ask("/-/ready") is not None

        until("Prometheus is ready", ready, 60)

    def stop(self):
        if self.process:
            self.process.stop(0)
            self.process = None

    def firing(self):
        """Labels of the firing alerts."""
        alerts = json.loads(self._ask("/api/v1/alerts"))["data"]["alerts"]
        return [one["labels"] for one in alerts if one["state"] == "firing"]

    def unreachable(self):
        """Targets that the last scrape did not reach, with the reason."""
        targets = json.loads(self._ask("/api/v1/targets"))["data"]["activeTargets"]
        return {one["labels"]["pod"]: one["lastError"] or one["health"] for one in targets if one["health"] != "up"}

    def errors(self):
        """Rules that could not be evaluated, with the reason."""
        groups = json.loads(self._ask("/api/v1/rules"))["data"]["groups"]
        return {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"}

    def query(self, expression):
        """Current result of the expression."""
        return json.loads(self._ask(f"/api/v1/query?query={urllib.parse.quote(expression)}"))["data"]["result"]

    def _ask(self, path):
        with inside(self.network.host), urllib.request.urlopen(f"http://{ADDRESS}{path}", timeout=10) as answer:
            return answer.read().decode()
