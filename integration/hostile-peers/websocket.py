"""Websocket frames (RFC 6455): cut by a sender, and read by a receiver."""

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload, fin=True, key=None):
    head = bytearray([(128 if fin else 0) | opcode])
    masked = 128 if key else 0
    if len(payload) < 126:
        head.append(masked | len(payload))
    elif len(payload) < 65536:
        head.append(masked | 126)
        head += len(payload).to_bytes(2, "big")
    else:
        head.append(masked | 127)
        head += len(payload).to_bytes(8, "big")
    return bytes(head) + (key + unmask(payload, key) if key else payload)


def unmask(payload, key):
    if not payload:
        return payload
    stream = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(payload), "big")


def message(parts, opcode, rng, masked):
    """One message in one frame for each part, sometimes with a ping in between, and the close frame."""
    key = lambda: bytes(rng.randrange(256) for _ in range(4)) if masked else None
    sent = []
    for place, part in enumerate(parts):
        sent.append(frame(opcode if place == 0 else 0, part, place + 1 == len(parts), key()))
        if place + 1 < len(parts) and rng.random() < 0.3:
            sent.append(frame(PING, b"still there", True, key()))
    sent.append(frame(CLOSE, b"\x03\xe8", True, key()))
    return sent


def read(data):
    """Text of the received data frames; status of a close frame; whether all was valid."""
    text, status, place = b"", None, 0
    while place + 2 <= len(data):
        opcode, length, start = data[place] & 15, data[place + 1] & 127, place + 2
        if data[place] & 0x70:
            return text, status, False
        if length == 126:
            length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif length == 127:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        key = None
        if data[place + 1] & 128:
            key, start = data[start : start + 4], start + 4
        payload = data[start : start + length]
        if key and len(key) == 4:
            payload = unmask(payload, key)
        if opcode in (0, TEXT, BINARY):
            text += payload
        elif opcode == CLOSE and len(payload) >= 2:
            status = int.from_bytes(payload[:2], "big")
        if start + length > len(data):
            return text, status, False
        place = start + length
    return text, status, place == len(data)


def closed(data):
    """Whether a close frame has arrived. Both ends' close frames have only a status, which is the cheaper first
    test.
    """
    ends = len(data) >= 4 and (data[-4:-2] == b"\x88\x02" or (len(data) >= 8 and data[-8:-6] == b"\x88\x82"))
    return ends and read(data)[1] is not None
