"""Cost of one-byte frames: CPU of Envoy with panveil, compared with the SDK's no-op filter.

    python frames.py --wasm dist/panveil.wasm --noop dist/noop.wasm --envoy PATH [--rounds N]

An HTTP/2 client sends a body byte by byte, each in a DATA frame of its own. Each round measures every policy and text
with both filters. The number of bytes that Envoy forwards at a time depends on the length of the body. Therefore the
growth of the cost per frame in a body of four times the length is compared with that of the no-op filter.
"""

import argparse
import asyncio
import os
import pathlib
import statistics
import sys
import tempfile

import chains
import peers
from envoy import Envoy

POLICIES = ["mask", "mask-none", "block", "base64-patterns", "monitor"]
# Texts whose chunks all end in a possible partial number or base64.
TEXTS = {
    "digits": lambda count: b"1234567890" * (count // 10),
    "groups": lambda count: b"4111 1111 1112 0000 " * (count // 20),
    "base64": lambda count: b"NDExMTExMTExMTEx" * (count // 16),
    "words": lambda count: b"ribbon to paper; " * (count // 17),
}
FEW, MANY = 4_000, 16_000
# Limits: the additional cost of a frame, and the additional growth in a longer body, both compared with the no-op
# filter.
MOST, STEEPEST = 3.0, 1.5


def cpu(pid):
    """Processor time of all threads of a process in nanoseconds, from the scheduler."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


async def turn(envoy, upstream, number, text):
    """Nanoseconds per frame."""
    pieces = [(bytes([byte]), 0) for byte in text]
    request = peers.Sending([("x-exchange", "frames"), ("content-type", "text/plain")], pieces, "end-on-last")
    exchange = peers.Exchange("frames", request, peers.Sending([], [(b"ok", 0)], "length"), "/h1/frames")
    upstream.exchanges["frames"] = exchange
    before = cpu(envoy.process.pid)
    await peers.ask(exchange, envoy.ports[number], True, 60)
    if exchange.client.end != "whole":
        raise RuntimeError(f"the exchange ended {exchange.client.end}")
    return (cpu(envoy.process.pid) - before) / len(pieces)


async def measure(options, folder):
    upstream = peers.Upstream()
    await upstream.start()
    ports = upstream.ports | {"side": 1, "side_grpc": 1}
    table = {number: {"before": "none", "behind": "none", "policy": policy, "limit": "default"} for number, policy in enumerate(POLICIES)}
    envoys = {}
    for name, module in (("noop", options.noop), ("panveil", options.wasm)):
        envoys[name] = Envoy(options.envoy, f"{folder}/{name}", chains.bootstrap(table, module, ports, f"{folder}/{name}"))
        envoys[name].start()
    try:
        for envoy in envoys.values():
            await envoy.ready()
        costs = {}
        for around in range(options.rounds + 1):
            for number, policy in enumerate(POLICIES):
                for kind, make in TEXTS.items():
                    for count in (FEW, MANY):
                        for name, envoy in envoys.items():
                            cost = await turn(envoy, upstream, number, make(count))
                            if around:
                                costs.setdefault((policy, kind, count, name), []).append(cost)
            if sys.stderr.isatty():
                print(f"\rround {around} of {options.rounds}", end="", file=sys.stderr)
    finally:
        for envoy in envoys.values():
            envoy.stop()
    return {key: statistics.median(values) / 1000 for key, values in costs.items()}


def show(costs):
    missed = 0
    print("| policy | text | no-op µs a frame | panveil µs a frame | ratio | no-op, to a short body | panveil, to a short body |")
    print("|---|---|---|---|---|---|---|")
    for policy in POLICIES:
        for kind in TEXTS:
            noop, many = (costs[policy, kind, MANY, name] for name in ("noop", "panveil"))
            growth = [costs[policy, kind, MANY, name] / costs[policy, kind, FEW, name] for name in ("noop", "panveil")]
            missed += many / noop > MOST or growth[1] / growth[0] > STEEPEST
            print(f"| `{policy}` | {kind} | {noop:.2f} | {many:.2f} | {many / noop:.2f} | {growth[0]:.2f} | {growth[1]:.2f} |")
    return missed


def main():
    parser = argparse.ArgumentParser(description="Measures the cost of one-byte frames.")
    for name in ("--wasm", "--noop"):
        parser.add_argument(name, required=True, type=os.path.abspath)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="frames-") as folder:
        missed = show(asyncio.run(measure(options, folder)))
    print(f"{missed} of {len(POLICIES) * len(TEXTS)} rows above {MOST} times the no-op, or {STEEPEST} times its growth")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
