"""Client and upstream of an exchange: each sends as the draw says, and stores all that it receives."""

import asyncio
import functools
import socket

import http1
import http2
import websocket

TRAILERS = [("x-sum", "ribbon")]


class Received:
    """Message that one side received."""

    def __init__(self):
        self.status = None
        self.headers = []
        self.data = bytearray()
        self.trailers = []
        self.begun = False
        # "whole", or the reason of the early end: "closed", "reset", "silent" (a timeout), "garbled".
        self.end = None

    def header(self, name):
        return [value for one, value in self.headers if one == name]


class Sending:
    """Message that one side sends: headers, pieces of the body, and end marker. `pieces` is None without a body."""

    def __init__(self, headers, pieces=None, ending="none", together=True):
        self.headers = headers
        self.pieces = pieces
        self.ending = ending
        self.together = together


class Exchange:
    """Active request with its response."""

    def __init__(self, token, request, response, path):
        self.token = token
        self.request = request
        self.response = response
        self.path = path
        self.websocket = False
        self.early = b""
        self.lost_as_documented = False
        self.upstream = Received()
        self.client = Received()
        self.upstream_done = asyncio.get_running_loop().create_future()
        self.client_done = asyncio.get_running_loop().create_future()
        self.opened = asyncio.get_running_loop().create_future()
        self.accepted = asyncio.Event()

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


HANDSHAKE = [
    ("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
# A delay before the upstream accepts a websocket, so that early frames are early.
ACCEPTS_AFTER = 0.003


async def speak(write, pieces):
    """Sends the frames of a websocket. `write` returns whether the other side is connected."""
    for piece, gap in pieces:
        if not await write(piece):
            return
        await asyncio.sleep(gap)


class Http1Writer:
    def __init__(self, transport):
        self.transport = transport

    async def __call__(self, data):
        if self.transport.is_closing():
            return False
        self.transport.write(data)
        return True


class Http2Writer:
    def __init__(self, connection, stream):
        self.connection, self.stream = connection, stream

    async def __call__(self, data):
        return await self.connection.send_data(self.stream, data)


async def serve_websocket(exchange, accept, write):
    await asyncio.sleep(ACCEPTS_AFTER)
    await accept()
    exchange.accepted.set()
    await speak(write, exchange.response.pieces)


async def accept_http2(connection, stream):
    connection.send_headers(stream, [(":status", "200")])


async def leave_websocket(exchange, leave):
    """The early frames may be all frames of the client."""
    await exchange.accepted.wait()
    await leave()


async def use_websocket(exchange, write):
    await exchange.opened
    await speak(write, exchange.request.pieces)


class Upstream:
    """Upstream that speaks HTTP/1 and HTTP/2 on two ports, and responds to each exchange as its draw says."""

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


class Http1Connection(asyncio.Protocol):
    """HTTP/1 connection that reads messages and sends each piece separately."""

    def __init__(self, response):
        self.reader = http1.Reader(self, response)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Http1Service(Http1Connection):
    def __init__(self, upstream):
        super().__init__(response=False)
        self.upstream = upstream
        self.exchange = None

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
            if self.exchange.websocket:
                accepted = http1.head("HTTP/1.1 101 Switching Protocols", HANDSHAKE[:2])
                writer = Http1Writer(self.transport)
                self.upstream.spawn(serve_websocket(self.exchange, functools.partial(writer, accepted), writer))

    def body(self, data):
        exchange = self.exchange
        if exchange:
            exchange.upstream.data += data
            if exchange.websocket and exchange.upstream.end is None and websocket.closed(exchange.upstream.data):
                exchange.upstream_ended("whole")
                self.upstream.spawn(leave_websocket(exchange, self.leave))

    async def leave(self):
        if not self.exchange.response.pieces:
            await Http1Writer(self.transport)(websocket.frame(websocket.CLOSE, b"\x03\xe8"))
        self.transport.close()

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
        if exchange.websocket:
            writer = Http2Writer(connection, stream)
            self.upstream.spawn(serve_websocket(exchange, functools.partial(accept_http2, connection, stream), writer))

    def data(self, connection, stream, payload):
        exchange = self.streams.get(stream)
        if exchange:
            exchange.upstream.data += payload
            if exchange.websocket and exchange.upstream.end is None and websocket.closed(exchange.upstream.data):
                exchange.upstream_ended("whole")
                farewell = b"" if exchange.response.pieces else websocket.frame(websocket.CLOSE, b"\x03\xe8")
                leave = functools.partial(connection.send_data, stream, farewell, end=True)
                self.upstream.spawn(leave_websocket(exchange, leave))

    def ended(self, connection, stream):
        exchange = self.streams.pop(stream, None)
        if exchange:
            if exchange.websocket:
                exchange.upstream_ended("closed")
                return
            exchange.upstream_ended("whole")
            self.upstream.spawn(send_http2(connection, stream, [(":status", "200")], exchange.response))

    def reset(self, _, stream, code):
        exchange = self.streams.pop(stream, None)
        if exchange:
            exchange.upstream_ended("reset")

    def lost(self, _):
        for exchange in self.streams.values():
            exchange.upstream_ended("closed")


def open_websocket(exchange):
    if exchange.client.status in (101, 200) and not exchange.opened.done():
        exchange.opened.set_result(None)


def says_farewell(exchange):
    return exchange.websocket and exchange.client.status in (101, 200) and exchange.client.end is None and websocket.closed(exchange.client.data)


def farewell(exchange):
    """The client's close frame, unless it has sent one."""
    return b"" if exchange.request.pieces else websocket.frame(websocket.CLOSE, b"\x03\xe8", key=b"mask")


class Http1Client(Http1Connection):
    def __init__(self, exchange):
        super().__init__(response=True)
        self.exchange = exchange

    def data_received(self, data):
        try:
            self.reader.feed(data)
        except ValueError:
            self.exchange.client_ended("garbled")

    def began(self, words, headers):
        self.exchange.client.status = int(words[1])
        self.exchange.client.headers = headers
        open_websocket(self.exchange)

    def body(self, data):
        self.exchange.client.data += data
        if says_farewell(self.exchange):
            self.transport.write(farewell(self.exchange))
            self.exchange.client_ended("whole")

    def trailer(self, name, value):
        self.exchange.client.trailers.append((name, value))

    def ended(self):
        self.exchange.client_ended("closed" if self.exchange.websocket else "whole")

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
            open_websocket(self.exchange)
        else:
            client.trailers += headers

    def data(self, connection, stream, payload):
        self.exchange.client.data += payload
        if says_farewell(self.exchange):
            asyncio.ensure_future(connection.send_data(stream, farewell(self.exchange), end=True))
            self.exchange.client_ended("whole")

    def ended(self, _, stream):
        self.exchange.client_ended("closed" if self.exchange.websocket else "whole")

    def reset(self, _, stream, code):
        self.exchange.client_ended("reset")

    def lost(self, _):
        self.exchange.client_ended("closed")


async def ask(exchange, port, http2_client, deadline):
    """Sends the request to Envoy and waits for the end at the client."""
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
        if exchange.websocket:
            start = [(":method", "CONNECT"), (":protocol", "websocket")] + start[1:] + [("sec-websocket-version", "13")]
            sending.close()
            connection.send_headers(stream, start + request.headers)
            if exchange.early:
                await connection.send_data(stream, exchange.early)
            sending = use_websocket(exchange, Http2Writer(connection, stream))
    else:
        transport, client = await loop.create_connection(lambda: Http1Client(exchange), "127.0.0.1", port)
        first = f"{method} {exchange.path} HTTP/1.1"
        headers = Sending([("host", "judge.test")] + request.headers, request.pieces, request.ending, request.together)
        sending = send_http1(transport, first, headers)
        if exchange.websocket:
            sending.close()
            first = f"GET {exchange.path} HTTP/1.1"
            transport.write(http1.head(first, [("host", "judge.test")] + HANDSHAKE + request.headers) + exchange.early)
            sending = use_websocket(exchange, Http1Writer(transport))
    sender = asyncio.ensure_future(sending)
    try:
        await asyncio.wait_for(asyncio.shield(exchange.client_done), deadline)
    except asyncio.TimeoutError:
        exchange.client_ended("silent")
    finally:
        sender.cancel()
        transport.abort()
