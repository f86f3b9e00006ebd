"""One process of the run: its own peers, an Envoy with panveil and one without, and many exchanges at once."""

import asyncio
import collections
import gc
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
from envoy import Envoy

# Longer than anything here takes on a busy machine. Who says nothing for so long has been forgotten.
DEADLINE = 8
LONGEST_LOG_DELAY = 5
# A finding that says that something was lost must come again in as many tries: a busy machine may lose a connection.
TRIES = 3
# Kinds that may be Envoy's own doing, or a neighbour's: the same chain without panveil says.
CONTROLLED = {"lost", "hang", "changed"}


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

    async def start(self):
        await self.upstream.start()
        ports = self.upstream.ports | await side.start()
        for name, module in (("filtered", self.options.wasm), ("control", None)):
            folder = f"{self.folder}/{name}"
            config = chains.bootstrap(dimensions.CHAINS, module, ports, folder)
            one = Envoy(self.options.envoy, folder, config)
            one.start()
            setattr(self, name, one)
        await self.filtered.ready()
        await self.control.ready()
        self.reader = asyncio.ensure_future(self.read_logs())

    async def read_logs(self):
        while not self.stopping:
            self.filtered.read_access_log()
            self.control.read_access_log()
            await asyncio.sleep(0.03)

    def stop(self):
        self.stopping = True
        for one in (self.filtered, self.control):
            if one:
                one.stop()

    async def once(self, made, control=False):
        """Sends the exchange once, and judges it."""
        drawn = made.drawn
        self.serial += 1
        token = f"{self.serial:x}".translate(str.maketrans("0123456789", "ghijklmnop"))
        exchange = generator.exchange(made, token)
        envoy = self.control if control else self.filtered
        self.upstream.exchanges[token] = exchange
        try:
            port = envoy.ports[dimensions.chain_of(drawn)]
            await peers.ask(exchange, port, drawn["down"] == "h2", DEADLINE)
            if exchange.upstream.begun:
                try:
                    await asyncio.wait_for(asyncio.shield(exchange.upstream_done), 2)
                except asyncio.TimeoutError:
                    exchange.upstream_ended("silent")
            log = None
            deadline = time.monotonic() + LONGEST_LOG_DELAY
            while time.monotonic() < deadline:
                log = envoy.lines.pop(token, None)
                if log or not envoy.alive():
                    break
                await asyncio.sleep(0.02)
        except OSError as error:
            return [judge.Finding("dead", f"Envoy takes no connection: {error}")], exchange, None
        finally:
            self.upstream.exchanges.pop(token, None)
        return judge.judge(made, exchange, log, control), exchange, log

    async def confirmed(self, made):
        """The findings that are panveil's, the last exchange that shows them, and its line in the log."""
        findings, exchange, log = await self.once(made)
        if not findings:
            return [], exchange, log
        if all(finding.kind in CONTROLLED for finding in findings):
            for _ in range(2):
                without, _, _ = await self.once(made, control=True)
                if any(finding.kind in CONTROLLED for finding in without):
                    self.counts["the same without panveil"] += 1
                    return [], exchange, log
        if any(finding.kind in ("lost", "hang", "dead", "unlogged") for finding in findings):
            for _ in range(TRIES):
                again, exchange, log = await self.once(made)
                if again:
                    return again, exchange, log
            self.counts["did not come again"] += 1
            return [], exchange, log
        return findings, exchange, log

    async def number(self, number, overrides=None):
        """Draws, sends and judges one exchange of the run. A report of it when there is a finding."""
        drawn = dimensions.draw(self.options.seed, number)
        drawn.update(overrides or {})
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
        findings, exchange, log = await self.confirmed(made)
        details = (log or {}).get("details") or "-"
        if not findings:
            if details.startswith("panveil_"):
                self.counts[f"refused as documented: {details}"] += 1
            uninspected = (log or {}).get("uninspected")
            if uninspected:
                self.counts[f"logged as uninspected: {uninspected}"] += 1
            return None
        report = describe(number, made, findings, exchange, log)
        return report

    async def smallest(self, number, report):
        """The report with the fewest values that are not the simplest and that still fails in the same way."""
        return await shrink.smallest(self, number, report)

    def watch(self):
        """What is wrong with Envoy itself, as findings."""
        wrong = []
        if not self.filtered.alive():
            return [f"Envoy ended with {self.filtered.process.returncode}: {self.filtered.log()[-500:]}"]
        reloads = self.filtered.reloads()
        if reloads:
            wrong.append(f"the virtual machine was reloaded: {reloads}")
        return wrong

    def leaks_in_logs(self):
        """Numbers in what Envoy wrote."""
        found = []
        for name in ("envoy.log", "access.json"):
            try:
                text = open(f"{self.folder}/filtered/{name}", "rb").read()
            except FileNotFoundError:
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
    """The process: sends every `options.workers`-th exchange, and tells the parent what comes of it."""
    gc.freeze()
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    asyncio.run(work(index, options, folder, queue))


async def work(index, options, folder, queue):
    worker = Worker(options, folder)
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
                    if options.shrink and report["drawn"] and reported[kind] <= options.shrink:
                        report = await worker.smallest(number, report)
                    queue.put(("finding", index, report))
                    if not worker.filtered.alive():
                        queue.put(("finding", index, {"number": number, "findings": [("dead", text) for text in worker.watch()], "drawn": report["drawn"]}))
                        worker.stopping = True

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
