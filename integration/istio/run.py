"""Istio's own control plane against the shipped manifests, without a cluster.

    python run.py --tools FOLDER --envoy PATH --wasm PATH --registry PATH --kustomize PATH --image-tool PATH [--only WORD]...

Needs root. Everything runs in network namespaces of this run; they go away with it.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile-peers"))

import checks
import runner
from mesh import Mesh


def main():
    update = ("--update", {"action": "store_true", "help": "rewrites the golden files"})
    options = runner.arguments("Runs Istio's control plane against the shipped manifests.", [update])
    return runner.run("istio", options, checks.ALL, options.tools / "versions", Mesh)


if __name__ == "__main__":
    sys.exit(main())
