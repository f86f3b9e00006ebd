"""Strict HTTP/2 peer on python-h2, which rejects protocol errors.

    peer.py serve ANSWERS COUNT   answers COUNT requests, each path as ANSWERS (a JSON file) says; prints its port, then
                                  the received messages, a line of JSON each
    peer.py send PORT MESSAGE     sends one message (a JSON file, with `method` and `path`); prints the response

A message: {"headers": [[name, value], ...], "pieces": [base64, ...], "trailers": [[name, value], ...]}. A received
message has `body` in base64, and `error`, which is null for a complete message.
"""

import base64
import contextlib
import json
import socket
import sys
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

# Time limit of an exchange, also on a busy machine.
PATIENCE = 30
# Interval between pieces, so that each is a chunk of its own.
GAP = 0.005


class Gone(Exception):
    """The other side closed the connection, or violated the protocol."""


class Peer:
    """One side of one connection."""

    def __init__(self, sock, client_side):
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client_side, header_encoding="utf-8"))
        self.received = {}
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        try:
            self.sock.sendall(self.h2.data_to_send())
        except OSError as error:
            # The other side may be strict too, and have closed first.
            raise Gone(str(error)) from error

    def pump(self):
        """Reads the received data. Returns the streams that ended with it."""
        try:
            data = self.sock.recv(1 << 16)
        except OSError as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("connection closed")
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            with contextlib.suppress(Gone):
                self.flush()
            raise Gone(f"{type(error).__name__}: {error}") from error
        ended = [stream for stream in map(self.take, events) if stream]
        self.flush()
        return ended

    def take(self, event):
        match event:
            case h2.events.RequestReceived() | h2.events.ResponseReceived():
                message = {"headers": event.headers, "body": b"", "trailers": [], "error": "not whole"}
                self.received[event.stream_id] = message
            case h2.events.DataReceived():
                self.received[event.stream_id]["body"] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                self.received[event.stream_id]["trailers"] = event.headers
            case h2.events.StreamEnded():
                self.received[event.stream_id]["error"] = None
                return event.stream_id
            case h2.events.StreamReset():
                nothing = {"headers": [], "body": b"", "trailers": []}
                self.received.setdefault(event.stream_id, nothing)["error"] = f"reset {event.error_code}"
                return event.stream_id
        return None

    def send(self, stream, headers, message):
        pieces = [base64.b64decode(piece) for piece in message["pieces"]]
        headers = headers + [tuple(field) for field in message["headers"]]
        self.h2.send_headers(stream, headers, end_stream=not pieces)
        self.flush()
        for number, piece in enumerate(pieces):
            time.sleep(GAP)
            last = number + 1 == len(pieces) and not message["trailers"]
            self.send_piece(stream, piece, last)
        if message["trailers"]:
            time.sleep(GAP)
            self.h2.send_headers(stream, [tuple(field) for field in message["trailers"]], end_stream=True)
            self.flush()

    def send_piece(self, stream, piece, last):
        while piece:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.pump()
                continue
            frame, piece = piece[:room], piece[room:]
            self.h2.send_data(stream, frame, end_stream=last and not piece)
            self.flush()


def shown(message):
    return json.dumps({**message, "body": base64.b64encode(message["body"]).decode()})


def serve(answers, count):
    with open(answers, encoding="utf-8") as file:
        answers = json.load(file)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    print(listener.getsockname()[1], flush=True)
    # Printed at the end only: the parent does not read the pipe before.
    requests = []
    while len(requests) < count:
        peer = Peer(listener.accept()[0], client_side=False)
        try:
            while len(requests) < count:
                for stream in peer.pump():
                    request = peer.received.pop(stream)
                    requests.append(request)
                    if request["error"] is None:
                        path = dict(request["headers"])[":path"]
                        peer.send(stream, [(":status", "200")], answers[path])
        except Gone as gone:
            requests += [{**request, "error": str(gone)} for request in peer.received.values()]
            peer.sock.close()
    # The reader of the last response closes the connection.
    try:
        while True:
            peer.pump()
    except Gone:
        pass
    for request in requests:
        print(shown(request))


def send(port, message):
    with open(message, encoding="utf-8") as file:
        message = json.load(file)
    peer = Peer(socket.create_connection(("127.0.0.1", port)), client_side=True)
    stream = peer.h2.get_next_available_stream_id()
    head = [(":method", message["method"]), (":path", message["path"])]
    head += [(":scheme", "http"), (":authority", "service.example")]
    try:
        peer.send(stream, head, message)
        while stream not in peer.pump():
            pass
        print(shown(peer.received[stream]))
    except Gone as gone:
        nothing = {"headers": [], "body": b"", "trailers": []}
        print(shown({**peer.received.get(stream, nothing), "error": str(gone)}))


match sys.argv[1:]:
    case ["serve", answers, count]:
        serve(answers, int(count))
    case ["send", port, message]:
        send(int(port), message)
    case _:
        sys.exit(__doc__)
