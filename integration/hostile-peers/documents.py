"""Documents with card numbers, made by real encoders, with the position of each digit."""

import base64
import itertools
import json
import random
import re
import xml.etree.ElementTree
from dataclasses import dataclass, field

import cbor2
import msgpack
from google.protobuf import struct_pb2

# Unambiguous issuer ranges, with the lengths in docs/detection.md.
BRANDS = {
    "visa": (("4",), 16),
    "mastercard": (("51", "52", "53", "54", "55", "2221", "2720"), 16),
    "amex": (("34", "37"), 15),
    "discover": (("6011", "65"), 16),
    "jcb": (("3530", "3566"), 16),
}
# Contents of a clean body in place of a number: digits that may begin a card number, and are none.
CLEAN = {
    "clean-short": ["41", "12", "4", "7", "2026", "411"],
    "clean-order": ["41111", "4111112", "53001", "3782822", "601100"],
    "clean-prefix": ["411111111111", "51051051051", "37828224631", "4539 5787 6362", "4111-1111"],
    "clean-luhn": ["4111111111111112", "5105105105105101", "378282246310006", "4111 1111 1111 1112"],
}
CARD_NAMES = ["card_number", "cardNumber", "pan", "card", "credit_card"]
CLEAN_NAMES = ["amount", "total", "order_id", "quantity", "remaining"]


@dataclass
class Card:
    """Sent number: its digits, and the bytes of each in the inner text."""

    digits: str
    places: list
    bare_json: bool = False


@dataclass
class Document:
    """Document. `inner` is the decoded text, `wire` the sent one, which differs only for base64."""

    kind: str
    inner: bytes
    wire: bytes
    cards: list
    points: list = field(default_factory=list)


def luhn_digit(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)


def card_digits(rng, brand):
    prefixes, length = BRANDS[brand]
    digits = rng.choice(prefixes)
    while len(digits) < length - 1:
        digits += str(rng.randrange(10))
    return digits + luhn_digit(digits)


def spell(digits, spelling, rng):
    """Text of a number, and the positions of its digits."""
    groups = {15: (4, 6, 5), 16: (4, 4, 4, 4), 14: (4, 6, 4)}[len(digits)]
    ends = {sum(groups[: place + 1]) - 1 for place in range(len(groups) - 1)}
    joint = {"spaces": b" ", "dashes": b"-", "dots": b".", "plus": b"+", "nbsp": "\u00a0".encode(), "latin-nbsp": b"\xa0"}.get(spelling, b"")
    between = {"comment": [b"<!-- -->", b"<!---->", b"<!--copy-->"], "cdata": [b"<![CDATA[", b"]]>"]}.get(spelling, [joint])
    joints = itertools.cycle(between)
    text, places = bytearray(), []
    chosen = rng.randrange(len(digits))
    for place, digit in enumerate(digits):
        written = digit.encode()
        if spelling == "percent" and (place % 3 == chosen % 3):
            written = b"%%%02X" % ord(digit)
        elif spelling == "unicode-escape" and (place % 3 == chosen % 3):
            written = b"\\u%04x" % ord(digit)
        elif spelling == "entity" and (place % 3 == chosen % 3):
            written = b"&#%d;" % ord(digit)
        elif spelling == "full-width":
            written = chr(0xFF10 + int(digit)).encode()
        places.append((len(text), len(text) + len(written)))
        text += written
        if place in ends:
            text += next(joints)
        if spelling == "float" and place == 0:
            text += b"."
    if spelling == "float":
        text += b"e%d" % (len(digits) - 1)
    if spelling == "cdata" and len(ends) % 2:
        text += next(joints)
    return bytes(text), places


def words():
    rng = random.Random(7)
    vocabulary = (
        "the order was shipped to a customer who asked for paper bags and blue ribbon; nothing else is in this parcel, "
        "so please sign here and keep a copy of it"
    ).split()
    text = []
    length = 0
    while length < 4_000_000:
        word = rng.choice(vocabulary)
        text.append(word)
        length += len(word) + 1
        if rng.random() < 0.02:
            number = str(rng.randrange(1, 900))
            text.append(number)
            length += len(number) + 1
    return " ".join(text)


FILLER = words()


def filler(rng, size):
    """Words of other traffic, some of them short numbers. Begins and ends with a word."""
    if size <= 0:
        return "ribbon"
    start = rng.randrange(len(FILLER) - size)
    return "paper " + FILLER[start : start + size] + " ribbon"


def build(kind, value, name, front, back, charset, rng):
    """Puts `value` (bytes) under `name` into a document with text in front and behind. Returns the inner text."""
    accent = "é".encode("latin-1" if charset in ("iso-8859-1", "windows-1252") else "utf-8") if charset not in ("us-ascii",) else b"e"
    head, tail = front.encode(), back.encode()
    label = name.encode()
    if kind == "json":
        return b'{"city":"Orl' + accent + b'ans","note":"' + head + b'","' + label + b'":"' + value + b'","memo":"' + tail + b'"}'
    if kind == "json-pretty":
        return b'{\n  "note": "' + head + b'",\n  "payment": {\n    "' + label + b'": "' + value + b'"\n  },\n  "memo": "' + tail + b'"\n}\n'
    if kind == "json-number":
        return b'{"note":"' + head + b'","' + label + b'":' + value + b',"memo":"' + tail + b'"}'
    if kind == "json-bare":
        return value
    if kind == "form":
        fold = lambda text: text.replace(b" ", b"+").replace(b",", b"%2C").replace(b";", b"%3B")
        return b"note=" + fold(head) + b"&memo=" + fold(tail) + b"&" + label + b"=" + value
    if kind == "csv":
        return b"note," + label + b",memo\r\n" + head.replace(b",", b"") + b"," + value + b"," + tail.replace(b",", b"") + b"\r\n"
    if kind == "csv-last":
        return b"note,memo," + label + b"\n" + head.replace(b",", b"") + b"," + tail.replace(b",", b"") + b"," + value
    if kind == "xml":
        return b"<?xml version='1.0'?><payment><note>" + head + b"</note><" + label + b">" + value + b"</" + label + b"><memo>" + tail + b"</memo></payment>"
    if kind == "plain":
        return head + b"\n" + label.replace(b"_", b" ") + b": " + value
    if kind == "plain-middle":
        return b"caf" + accent + b" " + head + b" " + label.replace(b"_", b" ") + b": " + value + b" " + tail + b"\n"
    if kind == "ndjson":
        return b'{"note":"' + head + b'"}\n{"' + label + b'":"' + value + b'"}\n{"memo":"' + tail + b'"}\n'
    if kind == "sse":
        return b"event: note\ndata: " + head + b'\n\ndata: {"' + label + b'":"' + value + b'"}\n\ndata: ' + tail + b"\n\n"
    if kind == "multipart":
        part = b'--judge\r\ncontent-disposition: form-data; name="%s"\r\n\r\n'
        return part % b"note" + head + b"\r\n" + part % label + value + b"\r\n" + part % b"memo" + tail + b"\r\n--judge--\r\n"
    text = value.decode("utf-8", "surrogateescape")
    if kind in ("protobuf", "grpc", "grpc-web-text", "grpc-web"):
        message = struct_pb2.Struct()
        message.fields["note"].string_value = front
        message.fields[name].string_value = text
        message.fields["memo"].string_value = back
        encoded = message.SerializeToString(deterministic=True)
        if kind == "protobuf":
            return encoded
        return b"\0" + len(encoded).to_bytes(4, "big") + encoded
    if kind == "cbor":
        return cbor2.dumps({"note": front, name: text, "memo": back})
    if kind == "msgpack":
        return msgpack.packb({"note": front, name: text, "memo": back})
    raise ValueError(kind)


TYPES = {
    "json": "application/json", "json-pretty": "application/json", "json-number": "application/json",
    "json-bare": "application/json", "form": "application/x-www-form-urlencoded", "csv": "text/csv", "csv-last": "text/csv",
    "xml": "application/xml", "plain": "text/plain", "plain-middle": "text/plain", "ndjson": "application/x-ndjson",
    "sse": "text/event-stream", "multipart": "multipart/form-data; boundary=judge", "protobuf": "application/x-protobuf",
    "grpc": "application/grpc", "grpc-web-text": "application/grpc-web-text", "grpc-web": "application/grpc-web+proto",
    "cbor": "application/cbor", "msgpack": "application/msgpack",
}
BINARY = {"protobuf", "grpc", "grpc-web-text", "grpc-web", "cbor", "msgpack"}


def make(drawn, rng):
    """Document of an exchange."""
    kind, brand, spelling = drawn["document"], drawn["number"], drawn["spelling"]
    clean = brand.startswith("clean")
    size = SIZES[drawn["size"]]
    share = {"front": 0.0, "middle": 0.5, "end": 1.0}[drawn["place"]]
    count = 2 if drawn["count"] == "two" and not clean and kind not in ("json-bare", "json-number") else 1
    texts, cards = [], []
    inner = b""
    bodies = []
    for number in range(count):
        if clean:
            value = rng.choice(CLEAN[brand])
            if kind in ("json-number", "json-bare"):
                value = re.sub("[ -]", "", value)
            value = value.encode()
            places = None
            digits = None
        else:
            digits = card_digits(rng, brand)
            value, places = spell(digits, spelling, rng)
        name = rng.choice(CLEAN_NAMES if clean else CARD_NAMES)
        front = filler(rng, int(size * share))
        back = filler(rng, size - int(size * share))
        body = build(kind, value, name, front, back, drawn["charset"], rng)
        start = body.rindex(value) if kind in ("form", "plain", "csv-last") else body.index(value)
        bodies.append(body)
        texts.append((len(inner) + start, value, digits, places))
        inner += body
        if kind in ("form",) and number + 1 < count:
            inner += b"&"
        elif kind in ("plain", "csv-last", "csv") and number + 1 < count:
            inner += b"\n"
        if kind not in REPEATABLE:
            break
    points = []
    for start, value, digits, places in texts:
        points.append((start, start + len(value)))
        if digits:
            cards.append(Card(digits, [(start + a, start + b) for a, b in places], kind in ("json-number", "json-bare")))
    wire = base64.b64encode(inner) if kind == "grpc-web-text" else inner
    return Document(kind, inner, wire, cards, points)


# Two adjacent ranges of one kind become one.
REPEATABLE = {"form", "plain", "plain-middle", "csv", "ndjson", "sse", "grpc", "grpc-web", "csv-last", "grpc-web-text"}
SIZES = {"tiny": 0, "small": 300, "4k": 4_000, "20k": 20_000, "70k": 70_000, "200k": 200_000, "1500k": 1_500_000}


def unwrap(kind, received):
    """Inner text of the received bytes, or None when they are no complete base64."""
    if kind != "grpc-web-text":
        return received
    whole = len(received) // 4 * 4
    try:
        return base64.b64decode(received[:whole], validate=True)
    except ValueError:
        return None


def texts(value):
    """All strings and numbers of a parsed document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def parse(kind, inner):
    """Result of a receiver's parser: a list of strings. Raises an error for an invalid document."""
    if kind in ("json", "json-pretty", "json-number", "json-bare"):
        return list(texts(json.loads(inner.decode("utf-8", "replace"), parse_float=str, parse_int=str)))
    if kind == "ndjson":
        return [text for line in inner.splitlines() if line for text in texts(json.loads(line))]
    if kind == "xml":
        return [element.text or "" for element in xml.etree.ElementTree.fromstring(inner.decode("utf-8", "replace")).iter()]
    if kind == "cbor":
        return list(texts(cbor2.loads(inner)))
    if kind == "msgpack":
        return list(texts(msgpack.unpackb(inner)))
    if kind == "protobuf":
        return struct(inner)
    if kind in ("grpc", "grpc-web", "grpc-web-text"):
        found, place = [], 0
        while place < len(inner):
            length = int.from_bytes(inner[place + 1 : place + 5], "big")
            if inner[place] or place + 5 + length > len(inner):
                raise ValueError("a message is not whole")
            found += struct(inner[place + 5 : place + 5 + length])
            place += 5 + length
        return found
    return [inner.decode("utf-8", "replace")]


def struct(encoded):
    message = struct_pb2.Struct()
    message.ParseFromString(encoded)
    return [text for name, value in message.fields.items() for text in (name, value.string_value)]
