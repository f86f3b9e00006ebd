"""HTTP/1 messages: a strict reader, and a sender with every end marker."""

import asyncio


class Reader:
    """Reads one message at a time. Raises ValueError for a malformed one."""

    def __init__(self, sink, response):
        self.sink = sink
        self.response = response
        self.buffer = bytearray()
        self.state = "head"
        self.left = 0
        self.head = None

    def feed(self, data):
        self.buffer += data
        while self.step():
            pass

    def step(self):
        buffer, state = self.buffer, self.state
        if state == "head":
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
            del buffer[: end + 4]
            headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
            self.began(lines[0], headers)
            return True
        if state == "raw":
            if buffer:
                self.sink.body(bytes(buffer))
                buffer.clear()
            return False
        if state == "length":
            self.pass_on()
            if self.left:
                return False
            self.state = "head"
            self.sink.ended()
            return bool(buffer)
        if state == "size":
            line = self.line()
            if line is None:
                return False
            self.left = int(line.split(b";")[0], 16)
            self.state = "chunk" if self.left else "trailers"
            return True
        if state == "chunk":
            self.pass_on()
            if self.left or len(buffer) < 2:
                return False
            if buffer[:2] != b"\r\n":
                raise ValueError("a chunk does not end")
            del buffer[:2]
            self.state = "size"
            return True
        line = self.line()
        if line is None:
            return False
        if line:
            name, _, value = line.decode("latin-1").partition(":")
            self.sink.trailer(name.lower(), value.strip())
            return True
        self.state = "head"
        self.sink.ended()
        return bool(buffer)

    def pass_on(self):
        """Passes on the received bytes of the current body or chunk."""
        part = bytes(self.buffer[: self.left])
        del self.buffer[: self.left]
        self.left -= len(part)
        if part:
            self.sink.body(part)

    def line(self):
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line

    def began(self, first, headers):
        words = first.split(" ", 2)
        if not words[0 if self.response else -1].startswith("HTTP/1."):
            raise ValueError("a message ends twice")
        status = int(words[1]) if self.response else None
        if status is not None and 100 <= status < 200 and status != 101:
            return
        named = dict(headers)
        length = named.get("content-length")
        if "chunked" in named.get("transfer-encoding", ""):
            self.state = "size"
        elif status == 101:
            self.state = "raw"
        elif length is not None:
            self.state, self.left = "length", int(length)
        elif self.response and status not in (204, 304):
            self.state = "raw"
        elif "upgrade" in named:
            self.state = "raw"
        else:
            self.state, self.left = "length", 0
        self.sink.began(words, headers)

    def eof(self):
        """The other side has closed. Returns whether a message ended properly with it."""
        if self.state == "raw" and self.response:
            self.state = "head"
            self.sink.ended()
            return True
        return self.state == "head" and not self.buffer


def head(first, headers):
    lines = [first] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def send(transport, start, pieces, ending, trailers):
    """Writes a message. `pieces` are (bytes, seconds to wait after them). False when the connection is closed."""
    chunked = ending.startswith("chunked")
    held = start
    for place, (piece, gap) in enumerate(pieces):
        if transport.is_closing():
            return False
        if chunked and piece:
            piece = b"%x\r\n" % len(piece) + piece + b"\r\n"
        transport.write(held + piece)
        held = b""
        if place + 1 < len(pieces):
            await asyncio.sleep(gap)
    if transport.is_closing():
        return False
    if chunked:
        held += b"0\r\n"
        if ending == "chunked-trailers":
            held += b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers)
        held += b"\r\n"
    if held:
        transport.write(held)
    return True
