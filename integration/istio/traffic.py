"""Clients in a namespace: single requests, persistent connections, HTTP/2 streams, websockets and steady traffic."""

import base64
import os
import socket
import threading
import time

import http1
import websocket
from http2 import Answer, Http2
from namespaces import inside

CARD = "4111111111111111"
MASKED = "411111******1111"
ANSWERED = "5105105105105100"
ANSWERED_MASKED = "510510******5100"
JSON = {"content-type": "application/json"}
BODY = b'{"card_number":"4111111111111111","amount":12}'


class Connection:
    """HTTP/1.1 connection to one address, kept for as many requests as the other side allows."""

    def __init__(self, namespace, address, port=8080, seconds=20):
        self.authority = f"{address}:{port}"
        with inside(namespace):
            self.socket = socket.create_connection((address, port), timeout=seconds)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send_head(self, method, path, headers):
        lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in ({"host": self.authority} | headers).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def request(self, path="/", body=BODY, headers=JSON, method="POST"):
        self.send_head(method, path, headers | {"content-length": str(len(body))})
        self.socket.sendall(body)
        return self.answer()

    def chunked(self, path, pieces, headers=JSON, pause=0):
        """Body of unknown length, in these chunks."""
        self.send_head("POST", path, headers | {"transfer-encoding": "chunked"})
        for piece in pieces:
            self.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            time.sleep(pause)
        self.socket.sendall(b"0\r\n\r\n")
        return self.answer()

    def upgrade(self, path):
        """Requests a websocket. Returns the status and the headers of the response."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.send_head("GET", path, {
            "upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13", "sec-websocket-key": key,
        })
        return self.head()

    def head(self):
        head = http1.read_head(self.reader)
        if head is None:
            raise ConnectionError("the connection ended without an answer")
        line, headers = head
        return int(line.split(" ")[1]), headers

    def rest(self, status, headers):
        """Response with these headers."""
        return Answer(status, headers, b"".join(http1.body(self.reader, headers, to_end=True)))

    def answer(self):
        return self.rest(*self.head())


def send(namespace, address, path="/", body=BODY, headers=JSON, method="POST", port=8080):
    with Connection(namespace, address, port) as connection:
        return connection.request(path, body, headers | {"connection": "close"}, method)


def send_http2(namespace, address, path, pieces, headers=JSON, port=8080, pause=0.05, trailers=None):
    """Runs one stream on a connection of its own."""
    with Http2(namespace, address, port) as connection:
        return connection.request(path, pieces, headers, pause, trailers)


def talk_websocket(namespace, address, path, text):
    """Contents of the upstream's frames, after one text message from the client."""
    with Connection(namespace, address) as connection:
        status, _ = connection.upgrade(path)
        if status != 101:
            raise ConnectionError(f"no websocket: {status}")
        connection.socket.sendall(websocket.frame(websocket.TEXT, text, key=os.urandom(4)))
        connection.socket.sendall(websocket.frame(websocket.CLOSE, b"\x03\xe8", key=os.urandom(4)))
        data = b""
        while not websocket.closed(data):
            piece = connection.reader.read1(65536)
            if not piece:
                break
            data += piece
        return websocket.read(data)[0]


class Steady:
    """Sends one request after another, each on its own connection, until it is stopped. Stores the responses."""

    def __init__(self, namespace, address, path, pause=0.02, port=8080):
        self.namespace, self.address, self.path, self.pause, self.port = namespace, address, path, pause, port
        # (time, status, whether the response's card number was readable); status 0: no response.
        self.answers = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(30)

    def _run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            try:
                answer = send(self.namespace, self.address, f"{self.path}/{number}", port=self.port)
                self.answers.append((time.monotonic(), answer.status, ANSWERED in answer.text()))
            except (OSError, ValueError):
                self.answers.append((time.monotonic(), 0, False))
            self.stopping.wait(self.pause)

    def more(self, count=20, seconds=60):
        """Waits for this many further responses."""
        deadline, wanted = time.monotonic() + seconds, len(self.answers) + count
        while len(self.answers) < wanted and time.monotonic() < deadline:
            time.sleep(0.05)

    def statuses(self):
        return sorted({status for _, status, _ in self.answers})

    def readable(self):
        return sum(readable for _, _, readable in self.answers)
