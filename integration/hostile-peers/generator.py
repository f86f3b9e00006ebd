"""Exchange from its draw: the document, its content encoding, the sent pieces, and the headers."""

import random
from dataclasses import dataclass

import codings
import documents
import peers
import websocket


@dataclass
class Made:
    drawn: dict
    document: documents.Document
    headers: list
    pieces: list
    together: bool
    # For a websocket: the frames that the client sends with its request.
    early: bytes = b""


def make(seed, number, drawn):
    rng = random.Random(f"{seed}/{number}/content")
    document = documents.make(drawn, rng)
    cuts = choose_cuts(drawn, document, rng)
    parts = [document.wire[a:b] for a, b in zip([0] + cuts, cuts + [len(document.wire)])]
    if drawn["carrier"] == "websocket":
        return websocket_message(drawn, document, parts, rng)
    segments = [segment for segment in codings.encode(drawn["coding"], parts) if segment]
    pieces = frame(drawn, segments, rng)
    gap = int(drawn["gap"][:-2]) / 1000
    return Made(drawn, document, headers(drawn), [(piece, gap) for piece in pieces], drawn["framing"] == "whole" or rng.random() < 0.3)


def websocket_message(drawn, document, parts, rng):
    if drawn["framing"] == "whole":
        parts = [document.wire]
    opcode = websocket.BINARY if drawn["document"] in documents.BINARY else websocket.TEXT
    frames = websocket.message(parts, opcode, rng, masked=drawn["direction"] == "request")
    pieces = frame(drawn, frames, rng)
    early = b""
    if drawn["opening"] == "byte-early":
        early, pieces[0] = pieces[0][:1], pieces[0][1:]
    elif drawn["opening"] == "frame-early":
        early, pieces = frames[0], [b"".join(frames[1:])]
    gap = int(drawn["gap"][:-2]) / 1000
    return Made(drawn, document, [], [(piece, gap) for piece in pieces if piece], False, early)


def choose_cuts(drawn, document, rng):
    """Cuts of the text into parts. A part is a member, a frame or a flushed block, if the encoding has these."""
    framing, length = drawn["framing"], len(document.wire)
    stretch = len(document.wire) / max(1, len(document.inner))
    start, end = (int(place * stretch) for place in rng.choice(document.points))
    if framing == "whole":
        # Encodings with members always have some.
        cuts = [rng.randrange(start, end + 1)]
    elif framing in ("cut-inside", "small-then-large"):
        cuts = [rng.randrange(start + 1, end + 1)]
    elif framing == "cut-behind":
        cuts = [end]
    elif framing == "cut-often":
        cuts = [rng.randrange(start, end + 1) for _ in range(3)]
    elif framing == "bytes":
        cuts = [rng.randrange(start, end + 1), end]
    else:
        cuts = [rng.randrange(length + 1) for _ in range(3)]
    if drawn["coding"] == "aws-chunked":
        # Each chunk has a line in front of it. Without the encoding a number across two chunks is none, and a name in
        # another chunk does not apply to it.
        inside = [(int(a * stretch) - 24, int(b * stretch) + 3) for a, b in document.points]
        cuts = [next((b for a, b in inside if a < cut < b), cut) for cut in cuts]
    return sorted({cut for cut in cuts if 0 < cut < length})


def frame(drawn, segments, rng):
    """Pieces that are sent one by one."""
    framing = drawn["framing"]
    whole = b"".join(segments)
    if framing == "whole" or len(whole) < 2:
        return [whole]
    if len(segments) == 1:
        # The encoding has no cut at that of the text, so the cut is anywhere.
        cuts = sorted({rng.randrange(1, len(whole)) for _ in range(2)})
        segments = [whole[a:b] for a, b in zip([0] + cuts, cuts + [len(whole)])]
    if framing == "small-then-large":
        return [segments[0], b"".join(segments[1:])]
    if framing == "bytes":
        place = len(segments[0])
        first, last = max(0, place - 12), min(len(whole), place + 12)
        single = [whole[one : one + 1] for one in range(first, last)]
        return [piece for piece in [whole[:first]] + single + [whole[last:]] if piece]
    return segments


def headers(drawn):
    made = []
    kind = drawn["type"]
    right = documents.TYPES[drawn["document"]]
    named = right if kind in ("right", "doubled") else kind
    if drawn["charset"] != "none":
        named += f"; charset={drawn['charset']}"
    if kind == "doubled":
        made += [("content-type", named), ("content-type", named)]
    elif kind != "missing":
        made.append(("content-type", named))
    coding = codings.HEADER[drawn["coding"]]
    if coding:
        made.append(("content-encoding", coding))
    return made


def exchange(made, token):
    """Exchange of a client and an upstream, ready to be sent."""
    drawn = made.drawn
    mark = [("x-exchange", token), ("accept-encoding", "gzip")]
    body = peers.Sending(made.headers, made.pieces, drawn["ending"], made.together)
    path = f"/{drawn['up']}/charges"
    if drawn["carrier"] == "websocket":
        request = peers.Sending(mark[:1], made.pieces if drawn["direction"] == "request" else [], "none")
        response = peers.Sending([], made.pieces if drawn["direction"] == "response" else [], "none")
        exchange = peers.Exchange(token, request, response, path)
        exchange.websocket, exchange.early = True, made.early
        return exchange
    if drawn["direction"] == "request":
        request = peers.Sending(mark + made.headers, made.pieces, drawn["ending"], made.together)
        response = peers.Sending([("content-type", "text/plain")], [(b"ok", 0)], "length" if drawn["up"] == "h1" else "end-on-last")
    else:
        request = peers.Sending(mark)
        response = body
    return peers.Exchange(token, request, response, path)
