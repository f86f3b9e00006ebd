"""HTTP/2 client with prior knowledge: one stream after another on a connection, without a length."""

import socket
import time
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from namespaces import inside


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def text(self):
        return self.body.decode("latin-1")


class Client(h2.connection.H2Connection):
    """The library treats a connection as closed after GOAWAY, although open streams continue (RFC 9113, 6.8)."""

    def _receive_goaway_frame(self, _):
        return [], [h2.events.ConnectionTerminated()]


class Http2:
    def __init__(self, namespace, address, port, seconds=20):
        self.authority = f"{address}:{port}"
        # Whether the other side accepts no further streams.
        self.going_away = False
        with inside(namespace):
            self.socket = socket.create_connection((address, port), timeout=seconds)
        self.state = Client(h2.config.H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def request(self, path, pieces, headers, pause=0.05, trailers=None):
        try:
            return self._request(path, pieces, headers, pause, trailers)
        except h2.exceptions.H2Error as error:
            raise ConnectionError(f"HTTP/2: {error!r}") from error

    def _request(self, path, pieces, headers, pause, trailers):
        stream = self.state.get_next_available_stream_id()
        pseudo = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", self.authority)]
        self.state.send_headers(stream, pseudo + list(headers.items()))
        for piece in pieces:
            self.state.send_data(stream, piece)
            self.socket.sendall(self.state.data_to_send())
            time.sleep(pause)
        if trailers:
            self.state.send_headers(stream, list(trailers.items()), end_stream=True)
        else:
            self.state.end_stream(stream)
        self.socket.sendall(self.state.data_to_send())
        return self._answer(stream)

    def _answer(self, stream):
        answer, ended = Answer(0, {}, b""), False
        while not ended:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the connection ended without an answer")
            for event in self.state.receive_data(data):
                if isinstance(event, h2.events.ConnectionTerminated):
                    self.going_away = True
                elif getattr(event, "stream_id", None) != stream or ended:
                    continue
                elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    answer.headers.update(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    answer.body += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionError("the stream was reset")
                elif isinstance(event, h2.events.StreamEnded):
                    ended = True
            self.socket.sendall(self.state.data_to_send())
        answer.status = int(answer.headers[":status"])
        return answer
