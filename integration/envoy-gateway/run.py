"""Envoy Gateway against the shipped manifests, without a cluster.

    python run.py --tools FOLDER --envoy PATH --wasm PATH --registry PATH --kustomize PATH --image-tool PATH [--only WORD]...

Needs root. Everything runs in network namespaces of this run; they go away with it.
"""

import pathlib
import sys

for folder in ("istio", "hostile-peers"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / folder))

import check_changes
import check_observability
import check_sources
import check_targets
import runner
from cluster import Cluster

CHECKS = [check for module in (check_targets, check_sources, check_observability, check_changes) for check in module.CHECKS]


def main():
    options = runner.arguments("Runs Envoy Gateway against the shipped manifests.")
    return runner.run("envoy-gateway", options, CHECKS, options.tools / "versions-envoy-gateway", Cluster)


if __name__ == "__main__":
    sys.exit(main())
