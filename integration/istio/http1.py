"""HTTP/1.1 for both ends: headers, and bodies in pieces."""


def read_head(reader):
    """First line and headers, or None when the connection has ended."""
    line = reader.readline(65536).decode("latin-1").rstrip("\r\n")
    if not line:
        return None
    headers = {}
    while True:
        text = reader.readline(65536).decode("latin-1").rstrip("\r\n")
        if not text:
            return line, headers
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()


def body(reader, headers, to_end=False):
    """Pieces of a body, by the framing in its headers."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        while True:
            size = int(reader.readline(1024).split(b";")[0] or b"0", 16)
            if size == 0:
                while reader.readline(65536).strip():
                    pass
                return
            yield exactly(reader, size)
            reader.readline(16)
    elif "content-length" in headers:
        left = int(headers["content-length"])
        while left:
            piece = exactly(reader, min(left, 65536))
            left -= len(piece)
            yield piece
    elif to_end:
        while piece := reader.read1(65536):
            yield piece


def exactly(reader, size):
    data = reader.read(size)
    if len(data) != size:
        raise ConnectionError("the message was cut")
    return data
