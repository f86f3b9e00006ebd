"""Chaos run: the mesh, the traffic, a warm-up, events in a random order, and the end."""

import collections
import random
import time

import certificates
import images
import memory
import report
from flows import flows
from judge import Judge
from operations import Operations
from plugin import Plugin
from processes import Failure
from receipts import Receipts
from schedule import Event, Schedule
from spans import DRAIN, SLACK, Spans

# Each kind of change once, before the first measurement of memory.
WARM_UP = [
    Event("policy edit", "block", 3), Event("upgrade", "1", 3), Event("rejected policy", "", 3), Event("policy edit", "mask", 3),
    Event("plugin removed", "", 3), Event("plugin returned", "", 3), Event("upgrade", "0", 3),
]
# Seconds between two checks of certificates and memory, and between two lines about memory.
LOOK, TELL = 5, 60


class Chaos:
    def __init__(self, mesh):
        self.mesh, self.begun = mesh, time.monotonic()
        options = mesh.options
        pod = lambda name, space: mesh.pod(name, space, variables=certificates.VARIABLES, application=Receipts)
        self.outside = mesh.get("outside")
        client = pod("checkout", "checkout")
        shops = [pod("shop", "shop"), pod("cart", "shop")]
        self.spans = Spans()
        self.judge = Judge(self.spans, client.workload, self.log, self.begun)
        wanted = Plugin(mesh, images.push(mesh.registry, options.wasm.read_bytes()))
        self.operations = Operations(mesh, wanted, client, shops, self.spans, self.log)
        self.certificates = certificates.Certificates([client, *shops], self.log)
        self.memory = memory.Memory([client, *shops])
        self.pods = shops
        self.flows = flows(client, self.outside, shops, self.judge, options.seed)
        self.events = collections.Counter()
        self.looked = self.told = 0

    def log(self, text):
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", flush=True)

    def run(self):
        options = self.mesh.options
        try:
            self.operations.restore()
            for flow in self.flows:
                flow.start()
            self.log(f"{len(self.flows)} flows send; seed {options.seed}, {options.seconds} s")
            for event in WARM_UP:
                self._happen(event)
            self._wait(DRAIN + SLACK)
            self.memory.sample(warm=True)
            self.log("warmed up")
            self._events(time.monotonic() + options.seconds)
            self.log("no further events")
            self.operations.settle()
            self._wait(DRAIN + SLACK)
            self._end()
        except Failure as failure:
            self.judge.find(f"the run cannot go on: {failure}")
            raise
        finally:
            self._stop()
            print("\n".join(report.report(self.judge, self.events, self.certificates.renewed, self.memory)), flush=True)
        if self.judge.found:
            raise Failure(f"{self.judge.found} findings; the order again: SEED={options.seed}")

    def _events(self, deadline):
        for event in Schedule(random.Random(self.mesh.options.seed), images.COUNT).events():
            if time.monotonic() + event.pause > deadline:
                return
            self._happen(event)

    def _happen(self, event):
        self._wait(event.pause)
        self.events[event.kind] += 1
        begun = time.monotonic()
        self.log(str(event))
        self.operations.happen(event)
        self.log(f"  done after {time.monotonic() - begun:.1f} s")

    def _wait(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            self._look()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 1))

    def _look(self):
        if time.monotonic() < self.looked + LOOK:
            return
        self.looked = time.monotonic()
        self.judge.sweep()
        self.spans.forget(self.looked - 300)
        self.certificates.look()
        self.memory.sample()
        if self.looked > self.told + TELL:
            self.told = self.looked
            self.log(f"memory: {self.memory.now()}")

    def _end(self):
        """Checks for the whole run."""
        self.memory.sample()
        for life in self.memory.judged():
            if life.last > life.bound():
                self.judge.find(f"memory grows: {life.told()}, bound {life.bound() >> 20} MiB")
        for flow in self.flows:
            if not flow.is_alive():
                self.judge.find(f"{flow.label} does not send any more")
        steady = self.pods[0].workload
        if self.mesh.options.seconds > 2 * certificates.LIFE and not self.certificates.renewed[steady]:
            self.judge.find(f"the certificate of {steady} was not renewed")

    def _stop(self):
        for flow in self.flows:
            flow.stopping.set()
        for flow in self.flows:
            if flow.is_alive():
                flow.join(30)
        self.judge.sweep(everything=True)
        for pod in self.pods:
            rest = pod.app.rest()
            if rest:
                self.judge.find(f"{len(rest)} requests at {pod.name} belong to no exchange, first {rest[0].path}")


def chaos(mesh):
    Chaos(mesh).run()
