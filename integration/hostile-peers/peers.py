"""The client and the upstream of an exchange: each sends as the draw says, and keeps all that it receives."""

import asyncio
import socket

import http1
import http2

TRAILERS = [("x-sum", "ribbon")]


class Received:
    """What one side got of the other."""

    def __init__(self):
        self.status = None
        self.headers = []
        self.data = bytearray()
        self.trailers = []
        self.begun = False
        # "whole", or how it broke off: "closed", "reset", "silent" (nothing more came), "garbled".
        self.end = None

    def header(self, name):
        return [value for one, value in self.headers if one == name]


class Sending:
    """What one side sends: headers, pieces of the body, and how the end is marked. `pieces` is None without a body."""

    def __init__(self, headers, pieces=None, ending="none", together=True):
        self.headers = headers
        self.pieces = pieces
        self.ending = ending
        self.together = together


class Exchange:
    """One request and its response, while they are under way."""

    def __init__(self, token, request, response, path):
        self.token = token
        self.request = request
        self.response = response
        self.path = path
        self.upstream = Received()
        self.client = Received()
        self.upstream_done = asyncio.get_running_loop().create_future()
        self.client_done = asyncio.get_running_loop().create_future()

    def upstream_ended(self, how):
        if self.upstream.end is None:
            self.upstream.end = how
        if not self.upstream_done.done():
            self.upstream_done.set_result(None)

    def client_ended(self, how):
        if self.client.end is None:
            self.client.end = how
        if not self.client_done.done():
            self.client_done.set_result(None)


async def send_http1(transport, first, sending):
    headers = list(sending.headers)
    if sending.pieces is None:
        if first.startswith("HTTP/"):
            headers.append(("content-length", "0"))
        transport.write(http1.head(first, headers))
        return
    if sending.ending == "length":
        headers.append(("content-length", str(sum(len(piece) for piece, _ in sending.pieces))))
    elif sending.ending.startswith("chunked"):
        headers.append(("transfer-encoding", "chunked"))
    elif sending.ending == "close-header":
        headers.append(("connection", "close"))
    elif sending.ending == "http10":
        first = first.replace("HTTP/1.1", "HTTP/1.0")
    start = http1.head(first, headers)
    if not sending.together:
        transport.write(start)
        await asyncio.sleep(0)
        start = b""
    sent = await http1.send(transport, start, sending.pieces, sending.ending, TRAILERS)
    if sent and sending.ending in ("close-header", "close-bare", "http10"):
        transport.close()


async def send_http2(connection, stream, headers, sending):
    headers = headers + list(sending.headers)
    if sending.pieces is None:
        connection.send_headers(stream, headers, end=True)
        return
    if sending.ending == "length":
        headers.append(("content-length", str(sum(len(piece) for piece, _ in sending.pieces))))
    connection.send_headers(stream, headers)
    if not sending.together:
        await asyncio.sleep(0)
    on_last = sending.ending in ("length", "end-on-last")
    for place, (piece, gap) in enumerate(sending.pieces):
        last = place + 1 == len(sending.pieces)
        if not await connection.send_data(stream, piece, end=last and on_last):
            return
        if not last:
            await asyncio.sleep(gap)
    if sending.ending == "end-on-empty":
        await connection.send_data(stream, b"", end=True)
    elif sending.ending == "trailers":
        if not connection.closed and stream in connection.windows:
            connection.send_headers(stream, TRAILERS, end=True)


class Upstream:
    """A service that speaks HTTP/1 and HTTP/2 on two ports, and answers each exchange as its draw says."""

    def __init__(self):
        self.exchanges = {}
        self.tasks = set()
        self.ports = {}

    async def start(self):
        loop = asyncio.get_running_loop()
        for name, factory in (("h1", lambda: Http1Service(self)), ("h2", lambda: http2.Connection(Http2Service(self), False))):
            server = await loop.create_server(factory, "127.0.0.1", 0, backlog=4096)
            self.ports[name] = server.sockets[0].getsockname()[1]

    def spawn(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def find(self, headers):
        for name, value in headers:
            if name == "x-exchange":
                return self.exchanges.get(value)
        return None


class Http1Service(asyncio.Protocol):
    def __init__(self, upstream):
        self.upstream = upstream
        self.exchange = None
        self.reader = http1.Reader(self, response=False)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        try:
            self.reader.feed(data)
        except ValueError:
            if self.exchange:
                self.exchange.upstream_ended("garbled")
            self.transport.close()

    def began(self, words, headers):
        self.exchange = self.upstream.find(headers)
        if self.exchange:
            self.exchange.upstream.begun = True
            self.exchange.upstream.headers = headers

    def body(self, data):
        if self.exchange:
            self.exchange.upstream.data += data

    def trailer(self, name, value):
        if self.exchange:
            self.exchange.upstream.trailers.append((name, value))

    def ended(self):
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            self.transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        exchange.upstream_ended("whole")
        self.upstream.spawn(send_http1(self.transport, "HTTP/1.1 200 OK", exchange.response))

    def connection_lost(self, _):
        if self.exchange:
            self.exchange.upstream_ended("closed")


class Http2Service:
    def __init__(self, upstream):
        self.upstream = upstream
        self.streams = {}

    def headers(self, connection, stream, headers):
        exchange = self.streams.get(stream)
        if exchange is not None:
            exchange.upstream.trailers += headers
            return
        exchange = self.upstream.find(headers)
        if exchange is None:
            connection.send_headers(stream, [(":status", "404")], end=True)
            return
        exchange.upstream.begun = True
        exchange.upstream.headers = headers
        self.streams[stream] = exchange
        connection.windows[stream] = connection.initial

    def data(self, _, stream, payload):
        if stream in self.streams:
            self.streams[stream].upstream.data += payload

    def ended(self, connection, stream):
        exchange = self.streams.pop(stream, None)
        if exchange:
            exchange.upstream_ended("whole")
            self.upstream.spawn(send_http2(connection, stream, [(":status", "200")], exchange.response))

    def reset(self, _, stream, code):
        exchange = self.streams.pop(stream, None)
        if exchange:
            exchange.upstream_ended("reset")

    def lost(self, _):
        for exchange in self.streams.values():
            exchange.upstream_ended("closed")


class Http1Client(asyncio.Protocol):
    def __init__(self, exchange):
        self.exchange = exchange
        self.reader = http1.Reader(self, response=True)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        try:
            self.reader.feed(data)
        except ValueError:
            self.exchange.client_ended("garbled")

    def began(self, words, headers):
        self.exchange.client.status = int(words[1])
        self.exchange.client.headers = headers

    def body(self, data):
        self.exchange.client.data += data

    def trailer(self, name, value):
        self.exchange.client.trailers.append((name, value))

    def ended(self):
        self.exchange.client_ended("whole")

    def eof_received(self):
        if not self.reader.eof() or self.exchange.client.status is None:
            self.exchange.client_ended("closed")

    def connection_lost(self, error):
        self.exchange.client_ended("reset" if error else "closed")


class Http2Client:
    def __init__(self, exchange):
        self.exchange = exchange

    def headers(self, _, stream, headers):
        client = self.exchange.client
        if client.status is None:
            status = int(dict(headers)[":status"])
            if status < 200:
                return
            client.status = status
            client.headers = headers
        else:
            client.trailers += headers

    def data(self, _, stream, payload):
        self.exchange.client.data += payload

    def ended(self, _, stream):
        self.exchange.client_ended("whole")

    def reset(self, _, stream, code):
        self.exchange.client_ended("reset")

    def lost(self, _):
        self.exchange.client_ended("closed")


async def ask(exchange, port, http2_client, deadline):
    """Sends the request to Envoy and waits until the client knows how it ended."""
    loop = asyncio.get_running_loop()
    request = exchange.request
    method = "GET" if request.pieces is None else "POST"
    if http2_client:
        transport, connection = await loop.create_connection(
            lambda: http2.Connection(Http2Client(exchange), True), "127.0.0.1", port
        )
        stream = connection.open()
        start = [(":method", method), (":scheme", "http"), (":authority", "judge.test"), (":path", exchange.path)]
        sending = send_http2(connection, stream, start, request)
    else:
        transport, client = await loop.create_connection(lambda: Http1Client(exchange), "127.0.0.1", port)
        first = f"{method} {exchange.path} HTTP/1.1"
        headers = Sending([("host", "judge.test")] + request.headers, request.pieces, request.ending, request.together)
        sending = send_http1(transport, first, headers)
    sender = asyncio.ensure_future(sending)
    try:
        await asyncio.wait_for(asyncio.shield(exchange.client_done), deadline)
    except asyncio.TimeoutError:
        exchange.client_ended("silent")
    finally:
        sender.cancel()
        transport.abort()
