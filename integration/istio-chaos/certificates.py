"""Certificates of the proxies, which Istio's agents renew at half of their lifetime."""

import json

LIFE = 120
VARIABLES = {"SECRET_TTL": f"{LIFE}s"}


class Certificates:
    def __init__(self, pods, log):
        self.pods, self.log = pods, log
        # Serial number of each proxy's certificate, with the start time of the proxy.
        self.serials, self.renewed = {}, {pod.workload: 0 for pod in pods}

    def look(self):
        for pod in self.pods:
            try:
                serial = _serial(pod)
            except (OSError, ValueError, LookupError):
                serial = None
            if serial is None:
                # The proxy is starting, or has no certificate yet.
                continue
            run, before = self.serials.get(pod.workload, (None, None))
            if run == pod.runs and before != serial:
                self.renewed[pod.workload] += 1
                self.log(f"certificate renewed: {pod.workload}")
            self.serials[pod.workload] = pod.runs, serial


def _serial(pod):
    """Serial number of the certificate with its identity; `None` while it has none."""
    every = json.loads(pod.ask(15000, "/certs"))["certificates"]
    serials = (chain["serial_number"] for one in every for chain in one["cert_chain"] if any(
        name.get("uri", "").startswith("spiffe://") for name in chain["subject_alt_names"]
    ))
    return next(serials, None)
