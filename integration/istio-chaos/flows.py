"""Traffic: sequential exchanges over each protocol, with a card number in each request and in each response."""

import os
import random
import threading
import time
import traceback
from dataclasses import dataclass

import websocket
from apps import grpc_message
from http2 import Answer, Http2
from receipts import LINE
from traffic import BODY, CARD, JSON, Connection

# The card number is cut in two.
HALVES = (BODY[:24], BODY[24:])
GRPC = grpc_message(CARD.encode())
GRPC_HEADERS = {"content-type": "application/grpc", "te": "trailers"}
# Duration of a websocket, and the pause between its messages.
SESSIONS, MESSAGE_PAUSE = (1, 5, 60), 0.5
PAUSE = 0.1


@dataclass
class Exchange:
    flow: "Flow"
    path: str
    begun: float
    # Start time of the connection.
    connected: float = 0
    ended: float = 0
    answer: Answer | None = None
    error: str = ""


class Flow(threading.Thread):
    """Sequential exchanges. `direct`: from outside the mesh to the pod's address, in plaintext. Otherwise through
    the client's sidecar.
    """

    protocol = ""
    port = 8080

    def __init__(self, client, pod, judge, seed, direct=False):
        super().__init__(daemon=True)
        self.client, self.pod, self.judge, self.direct = client, pod, judge, direct
        self.address = pod.address if direct else pod.service
        self.label = f"{self.protocol.replace('/', '').lower()}-{'direct' if direct else 'mesh'}-{pod.workload}"
        self.rng = random.Random(f"{seed}/{self.label}")
        self.connection, self.connected = None, 0
        self.stopping = threading.Event()

    def run(self):
        number = 0
        try:
            while not self.stopping.is_set():
                number += 1
                self._one(Exchange(self, f"/{self.label}/{number}", time.monotonic()))
                self.stopping.wait(PAUSE)
        except Exception:
            self.judge.find(f"{self.label} ended: {traceback.format_exc()}")
        finally:
            self._disconnect()

    def _one(self, exchange):
        try:
            if not self.connection:
                self.connection, self.connected = self.connect(), time.monotonic()
            exchange.connected = self.connected
            exchange.answer = self.exchange(exchange)
        except (OSError, ValueError, LookupError) as error:
            exchange.error = f"{type(error).__name__}: {error}"
        exchange.ended = time.monotonic()
        if exchange.error or self.is_last(exchange.answer):
            self._disconnect()
        self.judge.take(exchange)

    def _disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def connect(self):
        raise NotImplementedError

    def exchange(self, exchange):
        raise NotImplementedError

    def is_last(self, answer):
        """Whether the other side accepts no more requests on this connection."""
        raise NotImplementedError


class Http1Flow(Flow):
    """One persistent connection. Bodies with a length and in chunks, sometimes a card number in the query."""

    protocol = "HTTP/1.1"

    def connect(self):
        return Connection(self.client.net, self.address, self.port)

    def exchange(self, exchange):
        path = exchange.path + (f"?card={CARD}" if self.rng.random() < 0.25 else "")
        if self.rng.random() < 0.5:
            return self.connection.request(path)
        return self.connection.chunked(path, HALVES, pause=0.01)

    def is_last(self, answer):
        return answer.headers.get("connection") == "close"


class Http2Flow(Flow):
    """One persistent connection, with a stream for each exchange."""

    protocol = "HTTP/2"
    headers, pieces = JSON, HALVES

    def connect(self):
        return Http2(self.client.net, self.address, self.port)

    def exchange(self, exchange):
        return self.connection.request(exchange.path, self.pieces, self.headers, pause=0.01)

    def is_last(self, answer):
        return self.connection.going_away


class GrpcFlow(Http2Flow):
    protocol = "gRPC"
    port = 8090
    headers, pieces = GRPC_HEADERS, (GRPC[:12], GRPC[12:])


class WebsocketFlow(Flow):
    """Each exchange is a session on its own connection, with a card number in each message in both directions."""

    protocol = "websocket"

    def connect(self):
        return Connection(self.client.net, self.address, self.port)

    def exchange(self, exchange):
        status, headers = self.connection.upgrade(exchange.path)
        if status != 101:
            return self.connection.rest(status, headers)
        answer = Answer(101, headers, b"")
        exchange.answer = answer
        return self._talk(answer, time.monotonic() + self.rng.choice(SESSIONS))

    def _talk(self, answer, end):
        data, sent = b"", 0
        while not websocket.closed(data):
            if answer.body.count(LINE) >= sent:
                if time.monotonic() > end or self.stopping.is_set():
                    self._send(websocket.CLOSE, b"\x03\xe8")
                    sent = float("inf")
                else:
                    self._send(websocket.TEXT, BODY + LINE)
                    sent += 1
            piece = self.connection.reader.read1(65536)
            if not piece:
                raise ConnectionError("the connection ended without an answer")
            data += piece
            answer.body, code, _ = websocket.read(data)
            if code is not None:
                answer.headers["close"] = code
            elif sent != float("inf"):
                self.stopping.wait(MESSAGE_PAUSE)
        return answer

    def _send(self, opcode, payload):
        self.connection.socket.sendall(websocket.frame(opcode, payload, key=os.urandom(4)))

    def is_last(self, answer):
        return True


def flows(mesh_client, outside, pods, judge, seed):
    every = []
    for pod in pods:
        every += [kind(mesh_client, pod, judge, seed) for kind in (Http1Flow, Http2Flow, GrpcFlow, WebsocketFlow)]
        every += [kind(outside, pod, judge, seed, direct=True) for kind in (Http1Flow, Http2Flow)]
    return every
