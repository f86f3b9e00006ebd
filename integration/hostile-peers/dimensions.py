"""Dimensions of an exchange, their values, and pairs that exclude each other, with the reason."""

import random

import chains
import codings
import documents

# The first value of each dimension is the simplest; shrinking moves towards it. A number is the relative frequency.
DIMENSIONS = {
    "carrier": {"http": 12, "websocket": 1},
    "down": {"h1": 1, "h2": 1},
    "up": {"h1": 1, "h2": 1},
    "direction": {"request": 1, "response": 1},
    "ending": {
        "length": 1, "chunked": 1, "chunked-trailers": 1, "close-header": 1, "close-bare": 1, "http10": 1, "end-on-last": 1.5,
        "end-on-empty": 1, "trailers": 1,
    },
    "opening": {"waits": 2, "byte-early": 1, "frame-early": 1},
    "framing": {"whole": 1, "cut-inside": 3, "cut-behind": 1, "cut-often": 1, "bytes": 1, "small-then-large": 2, "random": 1},
    "gap": {"0ms": 2, "1ms": 1, "3ms": 1, "6ms": 2, "10ms": 1},
    "coding": {name: 12 if name == "none" else 1 for name in codings.HEADER},
    "type": {
        "right": 8, "missing": 1, "text/plain": 1, "application/json": 1, "application/octet-stream": 1, "doubled": 1,
        "application/x-protobuf": 1, "application/grpc": 1, "application/grpc+json": 1, "application/grpc-web": 1,
        "application/grpc-web-text": 1, "image/png": 1, "text/event-stream": 1, "application/x-ndjson": 1,
        "application/x-www-form-urlencoded": 1,
    },
    "charset": {"none": 6, "utf-8": 2, "us-ascii": 1, "iso-8859-1": 1, "windows-1252": 1},
    "document": {name: 1 for name in documents.TYPES},
    "number": {
        "visa": 3, "mastercard": 2, "amex": 2, "discover": 1, "jcb": 1, "clean-short": 1, "clean-order": 1, "clean-prefix": 1,
        "clean-luhn": 1,
    },
    "spelling": {
        "bare": 6, "spaces": 2, "dashes": 2, "percent": 1, "unicode-escape": 2, "entity": 3, "plus": 5, "full-width": 1, "nbsp": 1,
        "float": 2, "comment": 3, "cdata": 3,
    },
    "count": {"one": 3, "two": 1},
    "place": {"front": 1, "middle": 1, "end": 1},
    "size": {"tiny": 30, "small": 30, "4k": 10, "20k": 8, "70k": 6, "200k": 2, "1500k": 0.4},
    "before": {name: 6 if name == "none" else 1 for name in chains.NEIGHBOURS},
    "behind": {name: 6 if name == "none" else 1 for name in chains.NEIGHBOURS},
    "policy": {name: 1 for name in chains.POLICIES},
    "limit": {"default": 1, "32k": 1, "16k": 1},
}
HTTP1 = {"length", "chunked", "chunked-trailers", "close-header", "close-bare", "http10"}
HTTP2 = {"length", "end-on-last", "end-on-empty", "trailers"}
WEBSOCKET = {"json", "json-pretty", "json-number", "xml", "plain", "plain-middle", "cbor", "msgpack"}
JSON_NUMBERS = {"json-number", "json-bare"}
OF_DOCUMENT = {
    "unicode-escape": {"json", "json-pretty", "ndjson", "sse"},
    "entity": {"xml"},
    "comment": {"xml"},
    "cdata": {"xml"},
    "plus": {"form"},
    "float": {"json-number"},
}


def values(*names):
    return lambda value: value in names


def other(*names):
    return lambda value: value not in names


def clean(value):
    return value.startswith("clean")


# Pairs of values that exclude each other, with the reason.
IMPOSSIBLE = [
    ("carrier", values("http"), "opening", other("waits"), "only a websocket is opened"),
    ("carrier", values("websocket"), "ending", other("length"), "a websocket ends with a close frame"),
    ("carrier", values("websocket"), "coding", other("none"), "a websocket has no content coding"),
    ("carrier", values("websocket"), "type", other("right"), "a websocket has no content type"),
    ("carrier", values("websocket"), "charset", other("none"), "a websocket has no charset"),
    ("carrier", values("websocket"), "document", other(*WEBSOCKET), "no message of a websocket"),
    ("carrier", values("websocket"), "spelling", values("plus"), "a plus is a space in forms"),
    ("carrier", values("websocket"), "before", values("buffer", "ext_proc_partial"), "the neighbour waits for a whole body, so nothing is opened"),
    ("carrier", values("websocket"), "behind", values("buffer", "ext_proc_partial"), "the neighbour waits for a whole body, so nothing is opened"),
    ("opening", other("waits"), "direction", values("response"), "only a client can be early"),
    ("direction", values("request"), "ending", values("close-header", "close-bare", "http10"), "a request does not end with its connection"),
    ("framing", values("whole"), "gap", other("0ms"), "one piece has no gap"),
    ("framing", values("small-then-large"), "place", other("front"), "the small piece comes first"),
    ("framing", values("small-then-large"), "size", values("tiny", "small"), "a large piece follows"),
    ("number", clean, "spelling", other("bare"), "no card to spell"),
    ("number", clean, "count", values("two"), "one clean value is enough"),
    ("document", values(*(set(documents.TYPES) - documents.REPEATABLE)), "count", values("two"), "the format holds one"),
    ("document", values(*JSON_NUMBERS), "spelling", other("bare", "float"), "a JSON number is written in digits"),
    ("document", values(*documents.BINARY), "spelling", other("bare", "spaces", "dashes"), "a binary format has no escapes"),
    ("document", values(*documents.BINARY), "charset", other("none"), "a binary format has no charset"),
    ("document", values("json-bare"), "size", other("tiny"), "it is nothing but the number"),
    ("document", values("json-bare"), "framing", values("small-then-large"), "it is nothing but the number"),
    ("document", values("grpc-web-text"), "type", other("right"), "base64 is read where the type says so"),
    ("spelling", values("plus"), "type", other("right", "application/x-www-form-urlencoded"), "a plus is a space in forms"),
    ("spelling", values("comment", "cdata"), "type", other("right", "missing", "text/plain", "application/octet-stream"), "the type names another notation"),
    ("spelling", values("comment", "cdata"), "coding", values("aws-chunked"), "a line in front of the text hides its notation"),
    ("spelling", values("full-width", "nbsp"), "charset", values("us-ascii", "iso-8859-1", "windows-1252"), "the charset has no such character"),
    ("type", values("missing", "doubled"), "charset", other("none"), "the charset stands behind one type"),
] + [
    ("spelling", values(spelling), "document", lambda kind, own=own: kind not in own, "another notation of another format")
    for spelling, own in OF_DOCUMENT.items()
]


def impossible_pair(first, one, second, two):
    """Reason why two values exclude each other, or None."""
    for a, is_a, b, is_b, reason in IMPOSSIBLE:
        if (first, second) == (a, b) and is_a(one) and is_b(two):
            return reason
        if (second, first) == (a, b) and is_a(two) and is_b(one):
            return reason
    if "opening" in (first, second):
        opening, name, value = (one, second, two) if first == "opening" else (two, first, one)
        if opening != "waits" and name not in ("opening", "carrier"):
            return impossible_pair("carrier", "websocket", name, value)
    # Indirect exclusion: the kind of the number restricts the spelling, and the spelling the document.
    for (x, vx), (y, vy) in (((first, one), (second, two)), ((second, two), (first, one))):
        if x == "ending" and vx not in HTTP2 and y in ("down", "up") and vy == "h2":
            if vx in ("close-header", "close-bare", "http10") and y == "up":
                return "HTTP/2 ends with END_STREAM"
        if x == "spelling" and vx in OF_DOCUMENT:
            own = OF_DOCUMENT[vx]
            if y == "count" and vy == "two" and not own & documents.REPEATABLE:
                return "the format holds one"
    return None


def wrong(drawn):
    """Reason why a draw is impossible, or None."""
    for a, is_a, b, is_b, reason in IMPOSSIBLE:
        if a in drawn and b in drawn and is_a(drawn[a]) and is_b(drawn[b]):
            return reason
    if "ending" in drawn and "direction" in drawn:
        side = "down" if drawn["direction"] == "request" else "up"
        if side in drawn and drawn["ending"] not in (HTTP1 if drawn[side] == "h1" else HTTP2):
            return "the sender's protocol has no such ending"
    return None


WEIGHTS = {name: (list(choices), list(choices.values())) for name, choices in DIMENSIONS.items()}
CHAINS = chains.table()
CHAIN_DIMENSIONS = ("before", "behind", "policy", "limit")
_BY_NEIGHBOURS = {}
for _place, _chain in enumerate(CHAINS):
    _BY_NEIGHBOURS.setdefault((_chain["before"], _chain["behind"]), []).append(_place)


def draw(seed, number):
    """Values of an exchange. They depend only on the seed and the number."""
    rng = random.Random(f"{seed}/{number}")
    drawn = {}
    for name, (choices, weights) in WEIGHTS.items():
        if name in ("policy", "limit"):
            continue
        for _ in range(200):
            drawn[name] = rng.choices(choices, weights)[0]
            if wrong(drawn) is None:
                break
        else:
            raise RuntimeError(f"nothing fits for {name}: {drawn}")
    place = rng.choice(_BY_NEIGHBOURS[drawn["before"], drawn["behind"]])
    drawn["policy"], drawn["limit"] = CHAINS[place]["policy"], CHAINS[place]["limit"]
    return drawn


def chain_of(drawn):
    """Number of the chain with these values, or None."""
    for place in _BY_NEIGHBOURS[drawn["before"], drawn["behind"]]:
        if all(CHAINS[place][name] == drawn[name] for name in CHAIN_DIMENSIONS):
            return place
    return None


def pairs(drawn):
    names = list(DIMENSIONS)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            yield first, drawn[first], second, drawn[second]
