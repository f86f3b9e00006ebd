"""Istio's own control plane against the shipped manifests, without a cluster.

    python run.py --tools FOLDER --envoy PATH --wasm PATH --registry PATH --kustomize PATH --image-tool PATH
        --prometheus FOLDER --panveil PATH [--only WORD]...

Requires root. Everything runs in network namespaces of this run, which are removed at its end.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile-peers"))

import checks
import runner
from mesh import Mesh


def main():
    update = ("--update", {"action": "store_true", "help": "rewrites the golden files"})
    prometheus = ("--prometheus", {"required": True, "type": runner.path, "help": "the folder with prometheus and promtool"})
    panveil = ("--panveil", {"required": True, "type": runner.path, "help": "the command, for the checks of its audit"})
    options = runner.arguments("Runs Istio's control plane against the shipped manifests.", [update, prometheus, panveil])
    return runner.run("istio", options, checks.ALL, options.tools / "versions", Mesh)


if __name__ == "__main__":
    sys.exit(main())
