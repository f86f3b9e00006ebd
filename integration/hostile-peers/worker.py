"""Process of the run: its own peers, an Envoy with panveil and one without, and many concurrent exchanges."""

import asyncio
import collections
import gc
import pathlib
import re
import time

import chains
import codings
import dimensions
import documents
import generator
import judge
import peers
import shrink
import side
import websocket
from envoy import Envoy

# Time limit of an exchange, also on a busy machine.
DEADLINE = 10
LONGEST_LOG_DELAY = 5
# A loss or a change must recur in one of this many attempts, and in none of many more without panveil: busy machines
# lose something now and then, and Envoy with two neighbours that wait for another service loses the last chunk of a
# request in up to a third of all attempts.
TRIES = 5
TRIES_WITHOUT = 60


class Worker:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.upstream = peers.Upstream()
        self.filtered = None
        self.control = None
        self.counts = collections.Counter()
        self.values = collections.Counter()
        self.pairs = collections.Counter()
        self.serial = 0
        self.sent_cards = set()
        self.stopping = False
        self.ports = {}
        self.lives = collections.Counter()
        self.under_way = {}
        self.mending = asyncio.Lock()
        self.reloads = 0
        self.killers = []
        self.running = []
        self.say = lambda text: None

    async def start(self):
        await self.upstream.start()
        self.ports = self.upstream.ports | await side.start()
        self.filtered = self.envoy("filtered", self.options.wasm)
        await self.filtered.ready()
        self.reader = asyncio.ensure_future(self.read_logs())

    def envoy(self, name, module, numbers=None):
        """Started Envoy with these chains or all, which may not be ready."""
        self.lives[name] += 1
        folder = f"{self.folder}/{name}-{self.lives[name]}"
        one = Envoy(self.options.envoy, folder, chains.bootstrap({number: dimensions.CHAINS[number] for number in numbers or range(len(dimensions.CHAINS))}, module, self.ports, folder))
        one.start()
        self.running = [other for other in self.running if other.alive()] + [one]
        return one

    async def mend(self):
        """Starts Envoy again after a crash, and sends the exchanges that were active then to another one, one by
        one, to find the cause.
        """
        async with self.mending:
            if self.control is None:
                # Most runs need none.
                control = self.envoy("control", None)
                await control.ready()
                self.control = control
            if self.filtered.alive() and self.control.alive():
                return
            for name, module in (("filtered", self.options.wasm), ("control", None)):
                if getattr(self, name).alive():
                    continue
                suspects = list(self.under_way[name].values()) if name in self.under_way else []
                self.counts[f"{name} Envoy ended"] += 1
                self.killers += await self.probe(name, module, suspects)
                fresh = self.envoy(name, module)
                await fresh.ready()
                setattr(self, name, fresh)

    async def probe(self, name, module, suspects):
        """Finds the exchange that crashes an Envoy by itself."""
        killers = []
        one = None
        for number, made in suspects:
            if one is None or not one.alive():
                one = self.envoy(f"probe-{name}", module, {dimensions.chain_of(suspect.drawn) for _, suspect in suspects})
                await one.ready()
            await self.send(made, one, probing=True)
            if not one.alive():
                killers.append((name, number, made, one.process.returncode))
                self.say(f"exchange {number} ends the {name} Envoy: {made.drawn}")
        if one:
            one.stop()
        return killers or [(name, None, None, None)]

    async def read_logs(self):
        while not self.stopping:
            for one in self.running:
                one.read_access_log()
            await asyncio.sleep(0.03)

    def stop(self):
        self.stopping = True
        for one in self.running:
            one.stop()

    async def send(self, made, envoy, probing=False):
        """Sends the exchange through this Envoy. Returns the exchange, and its log line."""
        drawn = made.drawn
        self.serial += 1
        token = f"{self.serial:x}".translate(str.maketrans("0123456789", "ghijklmnop"))
        exchange = generator.exchange(made, token)
        self.upstream.exchanges[token] = exchange
        log = None
        try:
            await peers.ask(exchange, envoy.ports[dimensions.chain_of(drawn)], drawn["down"] == "h2", 2 if probing else DEADLINE)
            if exchange.upstream.begun and not probing:
                try:
                    await asyncio.wait_for(asyncio.shield(exchange.upstream_done), 2)
                except asyncio.TimeoutError:
                    exchange.upstream_ended("silent")
            deadline = time.monotonic() + LONGEST_LOG_DELAY
            while not probing and time.monotonic() < deadline and envoy.alive() and exchange.client.end != "refused":
                log = envoy.lines.pop(token, None)
                if log:
                    break
                await asyncio.sleep(0.02)
        except OSError:
            exchange.client_ended("refused")
        finally:
            self.upstream.exchanges.pop(token, None)
        if exchange.client.end != "whole" if probing else log is None:
            # A crashing Envoy writes for a moment before it exits.
            await asyncio.sleep(0.5)
        return exchange, log

    async def once(self, made, number=None, control=False):
        """Sends and judges the exchange. Repeats it once if Envoy crashed meanwhile, whatever the cause."""
        name = "control" if control else "filtered"
        for _ in range(5):
            if control and self.control is None:
                await self.mend()
            envoy = getattr(self, name)
            key = object()
            self.under_way.setdefault(name, {})[key] = (number, made)
            exchange, log = await self.send(made, envoy)
            if envoy.alive():
                del self.under_way[name][key]
                return judge.judge(made, exchange, log, control), exchange, log
            await self.mend()
            del self.under_way[name][key]
            if any(killer is made for _, _, killer, _ in self.killers):
                return [judge.Finding("dead", "Envoy ends")], exchange, log
        return [judge.Finding("dead", "Envoy ends again and again")], exchange, log

    async def confirmed(self, made, number=None):
        """The findings that panveil causes, the last exchange with them, and its log line."""
        findings, exchange, log = await self.once(made, number)
        if not findings:
            return [], exchange, log
        if all(finding.kind in judge.CONTROLLED for finding in findings):
            # Decoded bytes are longer than the sent ones, so this also tests the buffers of neighbours with those.
            decoded = generator.make(self.options.seed, number, made.drawn | {"coding": "none"})
            for turn in range(TRIES_WITHOUT):
                without, _, _ = await self.once(made if turn % 2 == 0 else decoded, control=True)
                if any(finding.kind in judge.CONTROLLED for finding in without):
                    self.counts["the same without panveil"] += 1
                    return [], exchange, log
        if all(finding.kind in judge.CONTROLLED or finding.kind == "unlogged" for finding in findings):
            for _ in range(TRIES):
                again, exchange, log = await self.once(made)
                if again:
                    return again, exchange, log
            self.counts["not reproduced"] += 1
            return [], exchange, log
        return findings, exchange, log

    async def number(self, number, overrides=None):
        """Draws, sends and judges one exchange of the run. Returns a report when there is a finding."""
        drawn = dimensions.draw(self.options.seed, number)
        drawn.update(overrides or {})
        if any(drawn[name] == value for name, value in self.options.without):
            return None
        made = generator.make(self.options.seed, number, drawn)
        for card in made.document.cards:
            self.sent_cards.add(card.digits)
        self.counts["exchanges"] += 1
        self.counts["cards"] += len(made.document.cards)
        for name, value in drawn.items():
            self.values[name, value] += 1
        if not overrides:
            for pair in dimensions.pairs(drawn):
                self.pairs[pair] += 1
        if self.options.bare:
            findings, exchange, log = await self.once(made, number, control=True)
        else:
            findings, exchange, log = await self.confirmed(made, number)
        details = (log or {}).get("details") or "-"
        if not findings:
            if details.startswith("panveil_"):
                self.counts[f"blocked as documented: {details}"] += 1
            if exchange.lost_as_documented:
                self.counts["lost beside other filters, as documented"] += 1
            uninspected = (log or {}).get("uninspected")
            if uninspected and "released" in uninspected:
                self.counts["masked more than needed, and logged as released"] += 1
            if uninspected:
                self.counts[f"logged as uninspected: {uninspected}"] += 1
            return None
        report = describe(number, made, findings, exchange, log)
        return report

    async def smallest(self, number, report):
        """The report with the fewest values that are not the simplest and with the same kind of failure."""
        return await shrink.smallest(self, number, report)

    def watch(self):
        """Errors of Envoy itself, as findings."""
        reloads = self.filtered.reloads()
        return [f"the virtual machine was reloaded: {reloads}"] if reloads else []

    def leaks_in_logs(self):
        """Numbers in the output of Envoy."""
        found = []
        for file in pathlib.Path(self.folder).glob("filtered-*/*"):
            name = file.name
            if name not in ("envoy.log", "access.json"):
                continue
            text = file.read_bytes()
            if b"Caught Segmentation fault" in text:
                # Envoy's own report of a crash contains its buffers.
                continue
            for run in set(re.findall(rb"[0-9]{15,19}", text)):
                if run.decode() in self.sent_cards:
                    found.append(f"{name} holds {run.decode()}")
        return found


def describe(number, made, findings, exchange, log):
    drawn, document = made.drawn, made.document
    request = drawn["direction"] == "request"
    receiver = exchange.upstream if request else exchange.client
    try:
        if drawn["carrier"] == "websocket":
            got = websocket.read(bytes(receiver.data))[0]
        else:
            got, _ = codings.decode(receiver.headers, bytes(receiver.data))
        got = documents.unwrap(document.kind, got) or got
    except KeyError:
        got = bytes(receiver.data)
    point = document.points[0]
    near = slice(max(0, point[0] - 60), point[1] + 60)
    return {
        "number": number,
        "drawn": drawn,
        "findings": [(finding.kind, finding.text) for finding in findings],
        "cards": [card.digits for card in document.cards],
        "headers": made.headers,
        "pieces": [len(piece) for piece, _ in made.pieces][:60],
        "sent": repr(document.inner[near]),
        "received": repr(got[near]),
        "received headers": receiver.headers,
        "log": log,
    }


def run(index, options, folder, queue):
    """Main function of the process: sends every `options.workers`-th exchange, and reports the results to the
    parent.
    """
    gc.freeze()
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    asyncio.run(work(index, options, folder, queue))


async def work(index, options, folder, queue):
    worker = Worker(options, folder)
    worker.say = lambda text: queue.put(("said", index, text))
    try:
        await worker.start()
        queue.put(("ready", index, None))
        numbers = iter([options.only] if options.only is not None else range(options.first + index, options.first + options.exchanges, options.workers))
        overrides = dict(options.overrides)
        reported = collections.Counter()

        async def lane():
            for number in numbers:
                if worker.stopping:
                    return
                try:
                    report = await worker.number(number, overrides)
                except Exception as error:
                    report = {"number": number, "findings": [("judge", f"{type(error).__name__}: {error}")], "drawn": {}}
                    if options.only is not None:
                        raise
                if report:
                    kind = report["findings"][0][0]
                    reported[kind] += 1
                    if options.shrink and report["drawn"] and kind != "dead" and reported[kind] <= options.shrink:
                        report = await worker.smallest(number, report)
                    queue.put(("finding", index, report))

        async def tell():
            while True:
                await asyncio.sleep(1)
                queue.put(("progress", index, worker.counts["exchanges"]))

        telling = asyncio.ensure_future(tell())
        await asyncio.gather(*(lane() for _ in range(options.concurrency)))
        telling.cancel()
        await asyncio.sleep(0.2)
        for text in worker.watch() + worker.leaks_in_logs():
            queue.put(("finding", index, {"number": -1, "findings": [("envoy", text)], "drawn": {}}))
        queue.put(("done", index, (worker.counts, worker.values, worker.pairs)))
    except BaseException as error:
        queue.put(("failed", index, f"{type(error).__name__}: {error}"))
        raise
    finally:
        worker.stop()
