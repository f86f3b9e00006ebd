"""Hostile peers test: random exchanges through a real Envoy, judged at the receiver.

python run.py --wasm dist/panveil.wasm --envoy PATH [--exchanges N] [--seed N] [--only NUMBER [--with name=value ...]]
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import queue as queues
import random
import shutil
import sys
import tempfile
import time

import report
import worker


def arguments():
    parser = argparse.ArgumentParser(description="Sends random exchanges through a real Envoy and judges them at the receiver.")
    parser.add_argument("--wasm", required=True, type=os.path.abspath)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--exchanges", type=int, default=300_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first exchange")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, default=None, help="sends only the exchange with this number")
    parser.add_argument("--with", dest="overrides", action="append", default=[], metavar="NAME=VALUE", help="replaces a drawn value")
    parser.add_argument("--without", action="append", default=[], metavar="NAME=VALUE", help="skips exchanges with this value")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=128, help="concurrent exchanges of each worker")
    parser.add_argument("--shrink", type=int, default=3, help="maximum number of findings of a kind that each worker shrinks")
    parser.add_argument("--show", type=int, default=10, help="maximum number of printed findings of a kind")
    parser.add_argument("--json", type=pathlib.Path, help="writes the complete report to this file")
    parser.add_argument("--bare", action="store_true", help="judges the chains without panveil: panveil does not cause those losses")
    parser.add_argument("--keep", action="store_true", help="keeps the output of Envoy")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 10**9)
    options.overrides = [tuple(one.split("=", 1)) for one in options.overrides]
    options.without = [tuple(one.split("=", 1)) for one in options.without]
    if options.only is not None:
        options.workers = 1
        options.concurrency = 1
    return options


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="hostile-peers-")
    queue = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=worker.run, args=(index, options, f"{folder}/{index}", queue))
        for index in range(options.workers)
    ]
    print(f"hostile-peers: seed {options.seed}, {options.exchanges if options.only is None else 1} exchanges", flush=True)
    begun = time.monotonic()
    for process in processes:
        process.start()
    findings, failed = [], []
    counts, values, pairs = collections.Counter(), collections.Counter(), collections.Counter()
    progress = [0] * options.workers
    shown = collections.Counter()
    running = set(range(options.workers))
    terminal = sys.stderr.isatty()
    while running:
        try:
            kind, index, told = queue.get(timeout=1)
        except queues.Empty:
            for index in list(running):
                if not processes[index].is_alive():
                    failed.append(f"worker {index} ended with {processes[index].exitcode}")
                    running.discard(index)
            continue
        if kind == "progress":
            progress[index] = told
            if terminal:
                seconds = time.monotonic() - begun
                print(f"\r{sum(progress)} exchanges, {sum(progress) / seconds:.0f}/s, {len(findings)} findings ", end="", file=sys.stderr)
        elif kind == "finding":
            findings.append(told)
            first = told["findings"][0][0]
            shown[first] += 1
            if shown[first] <= options.show:
                report.finding(options, told)
        elif kind == "said":
            print(f"\n{told}", flush=True)
        elif kind == "done":
            counts += told[0]
            values += told[1]
            pairs += told[2]
            running.discard(index)
        elif kind == "failed":
            failed.append(f"worker {index}: {told}")
            running.discard(index)
    for process in processes:
        process.join(20)
    seconds = time.monotonic() - begun
    summary = report.summary(options, counts, values, pairs, findings, failed, seconds)
    if options.json:
        options.json.write_text(json.dumps(summary | {"findings": findings}, indent=1, default=str) + "\n")
    if options.keep:
        print(f"output of Envoy: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if findings or failed else 0


if __name__ == "__main__":
    sys.exit(main())
