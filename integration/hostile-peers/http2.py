"""HTTP/2 frames over a socket, for a client and for an upstream. No library affects the DATA frames and the end of a
stream.
"""

import asyncio
import struct

from hpack import Decoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
FRAME = 16384
# The maximum windows, so that flow control of the receiver is no limit.
WINDOW = 2**31 - 1
OPENING = (
    struct.pack(">HI", 4, WINDOW) + struct.pack(">HI", 3, 100_000) + struct.pack(">HI", 8, 1)
)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def literal(headers):
    """Header block without Huffman codes and without the dynamic table."""
    block = bytearray()
    for name, value in headers:
        block.append(0)
        for text in (name, value):
            text = text.encode("latin-1")
            if len(text) < 127:
                block.append(len(text))
            else:
                block.append(127)
                rest = len(text) - 127
                while rest >= 128:
                    block.append(rest & 127 | 128)
                    rest >>= 7
                block.append(rest)
            block += text
    return bytes(block)


class Connection(asyncio.Protocol):
    """One side of a connection. Calls `headers`, `data`, `ended`, `reset` and `lost` of `owner`."""

    def __init__(self, owner, client):
        self.owner = owner
        self.client = client
        self.buffer = bytearray()
        self.decoder = Decoder()
        self.decoder.max_allowed_table_size = 4096
        self.preface = not client
        self.window = 65535
        self.initial = 65535
        self.windows = {}
        self.waiting = []
        self.pending = None
        self.received = 0
        self.next = 1
        self.closed = False
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.write(
            (PREFACE if self.client else b"")
            + frame(SETTINGS, 0, 0, OPENING)
            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - 65535))
        )

    def connection_lost(self, _):
        self.closed = True
        self.wake()
        self.owner.lost(self)

    def data_received(self, data):
        buffer = self.buffer
        buffer += data
        if self.preface:
            if len(buffer) < len(PREFACE):
                return
            del buffer[: len(PREFACE)]
            self.preface = False
        start = 0
        while len(buffer) - start >= 9:
            length_kind, flags, stream = struct.unpack_from(">IBI", buffer, start)
            length = length_kind >> 8
            if len(buffer) - start < 9 + length:
                break
            payload = bytes(buffer[start + 9 : start + 9 + length])
            start += 9 + length
            self.frame_received(length_kind & 255, flags, stream & 0x7FFFFFFF, payload)
        del buffer[:start]

    def frame_received(self, kind, flags, stream, payload):
        if kind == DATA:
            self.received += len(payload)
            if self.received > 1 << 28:
                self.transport.write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self.received)))
                self.received = 0
            if flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            self.owner.data(self, stream, payload)
            if flags & END_STREAM:
                self.owner.ended(self, stream)
        elif kind in (HEADERS, CONTINUATION):
            if kind == HEADERS:
                if flags & PADDED:
                    payload = payload[1 : len(payload) - payload[0]]
                if flags & PRIORITIZED:
                    payload = payload[5:]
                self.pending = (flags & END_STREAM, b"")
            end, before = self.pending
            block = before + payload
            self.pending = (end, block)
            if flags & END_HEADERS:
                self.pending = None
                headers = [
                    (_text(name), _text(value)) for name, value in self.decoder.decode(block, raw=True)
                ]
                self.owner.headers(self, stream, headers)
                if end:
                    self.owner.ended(self, stream)
        elif kind == SETTINGS and not flags & ACK:
            for place in range(0, len(payload) - 5, 6):
                name, value = struct.unpack_from(">HI", payload, place)
                if name == 4:
                    for one in self.windows:
                        self.windows[one] += value - self.initial
                    self.initial = value
            self.transport.write(frame(SETTINGS, ACK, 0))
            self.wake()
        elif kind == PING and not flags & ACK:
            self.transport.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            more = struct.unpack(">I", payload)[0] & 0x7FFFFFFF
            if stream == 0:
                self.window += more
            elif stream in self.windows:
                self.windows[stream] += more
            self.wake()
        elif kind == RST_STREAM:
            self.windows.pop(stream, None)
            self.wake()
            self.owner.reset(self, stream, struct.unpack(">I", payload)[0])
        elif kind == GOAWAY:
            self.closed = self.client

    def wake(self):
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def open(self):
        """Number of a new stream."""
        stream = self.next
        self.next += 2
        return stream

    def send_headers(self, stream, headers, end=False):
        self.windows.setdefault(stream, self.initial)
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.transport.write(frame(HEADERS, flags, stream, literal(headers)))

    def send_reset(self, stream, code=8):
        self.windows.pop(stream, None)
        if not self.transport.is_closing():
            self.transport.write(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    async def send_data(self, stream, data, end=False):
        """Sends one DATA frame, or several when it is too long. False when the stream is closed."""
        while True:
            if self.closed or stream not in self.windows:
                return False
            room = min(len(data), FRAME, self.window, self.windows[stream])
            if data and room <= 0:
                waiter = asyncio.get_running_loop().create_future()
                self.waiting.append(waiter)
                await waiter
                continue
            piece, data = data[:room], data[room:]
            self.window -= len(piece)
            self.windows[stream] -= len(piece)
            last = end and not data
            self.transport.write(frame(DATA, END_STREAM if last else 0, stream, piece))
            if not data:
                return True


def _text(value):
    return bytes(value).decode("latin-1")
