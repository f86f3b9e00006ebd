"""Services of neighbour filters: a slow authorizer, and an external processor that changes nothing."""

import asyncio

import http1
import http2

PAUSE = 0.005


class Authorizer(asyncio.Protocol):
    """Responds 200 to every request, after a delay."""

    def __init__(self):
        self.reader = http1.Reader(self, response=False)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.reader.feed(data)

    def began(self, words, headers):
        pass

    def body(self, data):
        pass

    def trailer(self, name, value):
        pass

    def ended(self):
        asyncio.get_running_loop().call_later(PAUSE, self.answer)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def field(number, payload):
    """Length-delimited field of a protobuf message."""
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(message):
    """Fields as (number, value)."""
    place = 0

    def number():
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while place < len(message):
        tag = number()
        kind = tag & 7
        if kind == 2:
            length = number()
            yield tag >> 3, message[place : place + length]
            place += length
        elif kind == 0:
            yield tag >> 3, number()
        elif kind == 5:
            place += 4
        elif kind == 1:
            place += 8
        else:
            raise ValueError("an unknown field")


class Processor:
    """envoy.service.ext_proc.v3.ExternalProcessor/Process. Fields 1 to 6 answer fields 2 to 7 of a request."""

    def __init__(self):
        self.buffers = {}
        self.queues = {}

    def headers(self, connection, stream, headers):
        duplex = False
        connection.windows[stream] = connection.initial
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        self.buffers[stream] = [bytearray(), duplex]
        self.queues[stream] = asyncio.Queue()
        asyncio.ensure_future(self.serve(connection, stream))

    def data(self, connection, stream, payload):
        if stream not in self.buffers:
            return
        buffer, _ = self.buffers[stream]
        buffer += payload
        while len(buffer) >= 5:
            length = int.from_bytes(buffer[1:5], "big")
            if len(buffer) < 5 + length:
                return
            self.queues[stream].put_nowait(bytes(buffer[5 : 5 + length]))
            del buffer[: 5 + length]

    async def serve(self, connection, stream):
        queue = self.queues.get(stream)
        duplex = False
        while True:
            request = await queue.get() if queue else None
            if request is None:
                break
            response = b""
            for number, value in fields(request):
                if number in (2, 3):
                    await asyncio.sleep(PAUSE)
                    response = field(number - 1, b"")
                elif number in (4, 5):
                    response = field(number - 1, field(1, b"") if not duplex else self.streamed(value))
                elif number in (6, 7):
                    response = field(number - 1, b"")
                elif number == 11:
                    # ProtocolConfiguration of the first message: the modes of the bodies. 4 is full duplex.
                    duplex = any(value == 4 for _, value in fields(value))
            if response:
                await connection.send_data(stream, b"\0" + len(response).to_bytes(4, "big") + response)
        if not connection.closed and stream in connection.windows:
            connection.send_headers(stream, [("grpc-status", "0")], end=True)

    @staticmethod
    def streamed(body):
        """BodyResponse.response.body_mutation.streamed_response, with the content of HttpBody."""
        said = dict(fields(body))
        streamed = field(1, said.get(1, b""))
        if said.get(2):
            streamed += b"\x10\x01"
        return field(1, field(3, field(3, streamed)))

    def ended(self, _, stream):
        self.drop(stream)

    def reset(self, _, stream, code):
        self.drop(stream)

    def drop(self, stream):
        self.buffers.pop(stream, None)
        queue = self.queues.pop(stream, None)
        if queue:
            queue.put_nowait(None)

    def lost(self, _):
        for stream in list(self.queues):
            self.drop(stream)


async def start():
    loop = asyncio.get_running_loop()
    authorizer = await loop.create_server(Authorizer, "127.0.0.1", 0, backlog=4096)
    processor = await loop.create_server(lambda: http2.Connection(Processor(), False), "127.0.0.1", 0, backlog=4096)
    return {"side": authorizer.sockets[0].getsockname()[1], "side_grpc": processor.sockets[0].getsockname()[1]}
