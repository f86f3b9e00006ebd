"""Application in a pod: HTTP/1.1, HTTP/2 with prior knowledge and websockets on one port. It stores its requests."""

import base64
import hashlib
import socket
import threading
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import http1
import websocket
from namespaces import inside

# Public test number that no request of a check contains.
ANSWER = b'{"paid_with":"5105105105105100","amount":12}'
# Other responses, by the first segment of the path.
ANSWERS = {"no-card": b'{"amount":12}', "code": b'{"card_number":"5105105105105100","cvv":"123"}'}
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass
class Received:
    """Request at the application."""

    method: str
    path: str
    headers: dict
    body: bytes = b""
    version: str = "1.1"
    # Whether its end has arrived.
    whole: bool = False

    def text(self):
        """Complete text, as in logs and memory."""
        head = "\n".join([self.method, self.path, *(f"{name}: {value}" for name, value in self.headers.items())])
        return head + "\n" + self.body.decode("latin-1")


class App:
    def __init__(self, namespace, ports=(8080,)):
        self.received = []
        self.lock = threading.Lock()
        self.listeners = []
        for port in ports:
            with inside(namespace):
                listener = socket.create_server(("0.0.0.0", port), backlog=256)
            self.listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self):
        for listener in self.listeners:
            # Closing the socket does not wake the accepting thread.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def with_path(self, path):
        """Requests whose path has this prefix."""
        with self.lock:
            return [one for one in self.received if one.path.startswith(path)]

    def _keep(self, request):
        with self.lock:
            self.received.append(request)
        return request

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(120)
        try:
            with connection:
                start = connection.recv(len(PREFACE), socket.MSG_PEEK | socket.MSG_WAITALL) if self._is_http2(connection) else b""
                (self._http2 if start == PREFACE else self._http1)(connection)
        except (OSError, ValueError, h2.exceptions.ProtocolError):
            pass

    @staticmethod
    def _is_http2(connection):
        return connection.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL) == PREFACE[:4]

    def _http1(self, connection):
        reader = connection.makefile("rb")
        while True:
            head = http1.read_head(reader)
            if head is None:
                return
            line, headers = head
            method, path, _ = line.split(" ", 2)
            request = self._keep(Received(method, path, headers))
            if headers.get("upgrade", "").lower() == "websocket":
                return self._websocket(connection, reader, request)
            for piece in http1.body(reader, headers):
                request.body += piece
            request.whole = True
            answer = ANSWERS.get(path.split("/")[1], ANSWER)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
            )

    @staticmethod
    def _upgrade(connection, request):
        accept = base64.b64encode(hashlib.sha1(request.headers["sec-websocket-key"].encode() + MAGIC).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: %b\r\n\r\n" % accept
        )

    def _websocket(self, connection, reader, request):
        self._upgrade(connection, request)
        data = b""
        while not websocket.closed(data):
            piece = reader.read1(65536)
            if not piece:
                break
            data += piece
            request.body = websocket.read(data)[0]
        request.whole = websocket.closed(data)
        connection.sendall(websocket.frame(websocket.TEXT, ANSWER) + websocket.frame(websocket.CLOSE, b"\x03\xe8"))

    def _http2(self, connection):
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        requests = {}
        while True:
            data = connection.recv(65536)
            if not data:
                return
            for event in state.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    headers = dict(event.headers)
                    requests[event.stream_id] = self._keep(
                        Received(headers.pop(":method"), headers.pop(":path"), headers, version="2")
                    )
                elif isinstance(event, h2.events.DataReceived):
                    requests[event.stream_id].body += event.data
                    state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    requests[event.stream_id].whole = True
                    self._answer(state, event.stream_id, requests[event.stream_id].headers)
            connection.sendall(state.data_to_send())

    @staticmethod
    def _answer(state, stream, headers):
        if not headers.get("content-type", "").startswith("application/grpc"):
            state.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
            state.send_data(stream, ANSWER, end_stream=True)
            return
        state.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        state.send_data(stream, grpc_message(b"5105105105105100"))
        state.send_headers(stream, [("grpc-status", "0")], end_stream=True)


def grpc_message(text):
    """gRPC message with `text` as its field 1, including its prefix."""
    message = bytes([0x0A, len(text)]) + text
    return b"\x00" + len(message).to_bytes(4, "big") + message
