"""Random changes and outages of an Istio mesh under traffic, without a cluster.

    python run.py --tools FOLDER --envoy PATH --wasm PATH --registry PATH --kustomize PATH --image-tool PATH [--seconds N] [--seed N]

Requires root. Everything runs in network namespaces of this run, which are removed at its end.
"""

import pathlib
import random
import sys

for folder in ("istio", "hostile-peers"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / folder))

import runner
from chaos import chaos
from mesh import Mesh

OPTIONS = [
    ("--seconds", {"type": int, "default": 300, "help": "how long events happen"}),
    ("--seed", {"type": int, "default": random.randrange(1_000_000), "help": "the order of the events"}),
]


def main():
    options = runner.arguments("Changes and outages in a random order, under traffic.", OPTIONS)
    return runner.run("istio-chaos", options, [chaos], options.tools / "versions", Mesh)


if __name__ == "__main__":
    sys.exit(main())
