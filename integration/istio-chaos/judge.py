"""Verdict of each exchange from the messages at the application and at the client, and counts."""

import collections
import threading
import time

import spans as kinds
from traffic import ANSWERED, CARD

# Outcomes of an exchange.
MASKED, BLOCKED, UNREAD, LOST = "masked", "blocked", "unread", "lost"
# Maximum delay of a request after its client gave up, and maximum number of printed findings.
LATE, PRINTED = 25, 20


class Judge:
    """`client`: the workload whose sidecar the exchanges pass, except for the direct ones."""

    def __init__(self, spans, client, log, begun):
        self.spans, self.client, self.log, self.begun = spans, client, log, begun
        self.lock = threading.RLock()
        self.counts, self.losses, self.unread = collections.Counter(), collections.Counter(), collections.Counter()
        self.findings, self.found = [], 0
        # Exchanges whose requests may be incomplete at the application.
        self.late = collections.deque()

    def find(self, text):
        with self.lock:
            self.found += 1
            if self.found <= PRINTED:
                self.findings.append(text)
                self.log(f"FINDING: {text}")

    def take(self, exchange):
        with self.lock:
            outcome = self._outcome(exchange)
            self.counts[exchange.flow.protocol, outcome] += 1

    def sweep(self, everything=False):
        """Judges the requests of incomplete exchanges, once no more data can arrive."""
        with self.lock:
            while self.late and (everything or self.late[0].ended < time.monotonic() - LATE):
                exchange = self.late.popleft()
                self._read(exchange, exchange.flow.pod.app.take(exchange.path))

    def _outcome(self, exchange):
        verdict = _verdict(exchange)
        if verdict == MASKED:
            requests = exchange.flow.pod.app.take(exchange.path)
            if self._read(exchange, requests):
                return UNREAD
            self._complete(exchange, requests)
            return MASKED
        self.late.append(exchange)
        self._read(exchange, [])
        if verdict == BLOCKED:
            if not self._spans(kinds.BLOCKING, exchange):
                self.find(f"{self._about(exchange)}: blocked, although the policy masks")
            return BLOCKED
        cause = self._cause(exchange)
        self.losses[cause or "none"] += 1
        if not cause:
            self.find(f"{self._about(exchange)}: lost without a cause")
        return LOST

    def _complete(self, exchange, requests):
        if not any(request.whole and "*" in request.text() for request in requests):
            self.find(f"{self._about(exchange)}: the application received no whole request with a mask")
        if "*" not in exchange.answer.text():
            self.find(f"{self._about(exchange)}: the client received no mask")
        if not self._spans(kinds.MASKING, exchange) and not self._spans(kinds.REMOVED, exchange):
            self.find(f"{self._about(exchange)}: passed, although the policy blocks")

    def _read(self, exchange, requests):
        """Whether a card number was readable at one of the ends. Counts the permitted cause, or reports a finding."""
        places = ["the application"] if any(CARD in request.text() for request in requests) else []
        if exchange.answer and ANSWERED in exchange.answer.text():
            places.append("the client")
        if places:
            why = self._why_unread(exchange)
            self.unread[why or "none"] += 1
            if not why:
                self.find(f"{self._about(exchange)}: a card was readable for {' and '.join(places)}")
        return bool(places)

    def _why_unread(self, exchange):
        for span in self._spans(kinds.REMOVED, exchange):
            # Connections that are open at the return of the plugin are closed when the old listener is drained.
            if exchange.ended <= span.ended + kinds.DRAIN + kinds.SLACK:
                return kinds.REMOVED
        for span in self._spans(kinds.OLD_CONNECTION, exchange):
            if exchange.flow.direct:
                if exchange.connected <= span.begun and exchange.flow.label not in span.used:
                    span.used.add(exchange.flow.label)
                    return kinds.OLD_CONNECTION
            elif span.left > 0:
                span.left -= 1
                return kinds.OLD_CONNECTION
        return None

    def _cause(self, exchange):
        for cause in kinds.CAUSES:
            if self._spans(cause, exchange) and _fits(cause, exchange):
                return cause
            if not exchange.flow.direct and self.spans.find(cause, self.client, exchange.begun, exchange.ended):
                return f"client's {cause}"
        return None

    def _about(self, exchange):
        answer = exchange.answer
        got = exchange.error or (f"status {answer.status}" if answer else "no response")
        return f"{exchange.path} ({exchange.begun - self.begun:.2f} s to {exchange.ended - self.begun:.2f} s, {got})"

    def _spans(self, kind, exchange):
        return self.spans.find(kind, exchange.flow.pod.workload, exchange.begun, exchange.ended)


def _verdict(exchange):
    answer = exchange.answer
    if exchange.error or answer is None:
        return LOST
    refused = answer.headers.get("grpc-status") == "7" or answer.status == 403 or answer.headers.get("close") == 1008
    if refused:
        # Without a module Istio's agent delivers a filter that rejects requests.
        return LOST if "RBAC" in answer.text() + answer.headers.get("grpc-message", "") else BLOCKED
    if answer.status == 101:
        return MASKED if answer.headers.get("close") == 1000 else LOST
    return MASKED if answer.status == 200 and answer.headers.get("grpc-status", "0") == "0" else LOST


def _fits(cause, exchange):
    """Whether this cause explains such a loss: some causes affect requests, one affects long connections."""
    if cause in (kinds.NOT_FETCHED, kinds.FIRST_REJECTED):
        return not exchange.error
    if cause == kinds.DRAINED:
        return exchange.flow.protocol == "websocket" and bool(exchange.error)
    return True
