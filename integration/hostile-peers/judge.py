"""Verdict of an exchange: readable digits, other changes, losses, and its log line."""

import re
from dataclasses import dataclass

import chains
import codings
import documents
import websocket

NOT_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte <= 57)
# Messages that panveil does not inspect by design, with its reason: docs/streams.md, "Uninspected messages" and "Binary
# media".
UNREADABLE = {"compress", "four-layers"}
# Findings that Envoy or a neighbour may cause. The same chain without panveil decides.
CONTROLLED = {"lost", "hang", "changed"}
GRPC = {"grpc", "grpc-web", "grpc-web-text"}
# Maximum distance of a held-back digit from the end of the text.
OPEN = 64
# Encodings that leave a body unchanged, and media types whose bodies are inspected message by message.
PLAIN = {"none", "identity", "utf-8", "word-none", "7bit", "binary", "media-type"}
MESSAGES = {
    "text/event-stream", "application/x-ndjson", "application/x-protobuf", "application/grpc", "application/grpc+json",
    "application/grpc-web", "application/grpc-web-text",
}
# Neighbours that stop a message, and those that pass it to panveil later or changed.
STOPS = {"ext_authz", "lua", "ext_proc_streamed", "ext_proc_partial", "ext_proc_duplex", "delay", "buffer"}
DELAYS = STOPS | {"compressor", "decompressor"}
# Characters of a mask. Held-back bytes that a neighbour released arrive masked, and are logged as `released`.
MASKS = set(b"*0129F." + b":Aa4\x8a")
# docs/streams.md, "Wrong content types": bytes that are a field header in protobuf stay.
HEAD = 2
# Bytes that may occur in the next chunk by chance.
FEW = 4


# Envoy's decompressor reads the first member and the outermost encoding only, with panveil and without. That loss is
# its own, and depends on read sizes. The readable digits count all the same.
LOST_BY_DECOMPRESSOR = {
    "gzip-members", "gzip-garbage", "zstd-frames", "zstd-skippable", "gzip+br", "br+gzip-members", "gzip+gzip+zstd", "four-layers",
}


@dataclass
class Finding:
    kind: str
    text: str


COVERED = re.compile(rb"[9*][019*]{2,}")


def allowed(digits, keep):
    """Number of digits that a mask may leave, by docs/policy.md, "Truncation"."""
    if keep == "none":
        return 0
    if keep == "last4" or len(digits) not in (15, 16):
        return 4
    return 10


def readable(card, sent, got, keep):
    """Number of digits of a card that are readable at their sent positions."""
    first = card.places[0][0]
    before = slice(max(0, first - 16), first)
    if len(got) != len(sent) and got[before] != sent[before]:
        # It is another text.
        return 0
    shown, equal = b"", []
    for start, end in card.places:
        # The significant character of an escape.
        shown += got[start:end].rstrip(b";")[-1:]
        equal.append(end <= len(got) and got[start:end] == sent[start:end])
    count = sum(equal)
    # Other digits may cover digits that a neighbour released. No card number begins with a nine.
    covered = COVERED.match(shown)
    if covered:
        count = sum(equal[covered.end() :])
    # A mask of digits, as in a JSON number, may equal the digit that it covers. It consists of zeros, with one digit
    # one if the whole would pass Luhn otherwise.
    length = len(card.digits)
    starts = {"none": [b"9"], "last4": [b"9"]}.get(keep, [b"9", card.digits[:6].encode()])
    end = b"" if keep == "none" else card.digits[-4:].encode()
    for start in starts:
        for tail in (end, b""):
            middle = shown[len(start) : length - len(tail)]
            if len(shown) == length and shown.startswith(start) and shown.endswith(tail) and not middle.strip(b"0")[1:]:
                return 0
    return count


def elsewhere(card, got):
    """Whether the number, or all but one of its digits, occurs anywhere in the text."""
    digits = card.digits.encode()
    row = got.translate(None, NOT_DIGITS)
    return digits in row or digits[:-1] in row or digits[1:] in row


def blank(text, cards):
    """Text with the positions of the cards' digits blanked."""
    text = bytearray(text)
    for card in cards:
        for start, end in card.places:
            text[start:end] = b"\0" * max(0, min(end, len(text)) - start)
    return bytes(text)


def unread_by_design(drawn):
    """Reasons for which a body may pass uninspected, or be blocked by the policy. Mostly None."""
    reasons = set()
    if drawn["coding"] in UNREADABLE:
        reasons.add("encoding")
    if drawn["type"] == "image/png":
        reasons.add("binary")
    return reasons


def refusal_is_documented(made, details, uninspected):
    """Whether docs/streams.md and docs/failure.md document a blocked or reset message with these details."""
    drawn = made.drawn
    if drawn["policy"] in ("block", "block-all") and made.document.cards:
        # It must be blocked, with any details.
        return True
    if details == "panveil_uninspectable":
        # docs/streams.md, "Losses in filter chains": any of these bytes may have been held back. A chunk of a compressed body may
        # decode to few bytes.
        is_decoded = drawn["coding"] not in PLAIN and neighbours(drawn)[0] == "decompressor"
        has_few = is_decoded or min(len(piece) for piece, _ in made.pieces) < FEW
        if has_few and f"{drawn['direction']}:released" in uninspected:
            return True
        # A loss in a compressed body leaves it incomplete.
        if drawn["coding"] not in PLAIN and (loses_end(made) or overflows(made)):
            return True
        if drawn["coding"] == "gzip-garbage":
            return drawn["policy"] != "monitor"
        if drawn["policy"] not in ("uninspectable-block", "block-all"):
            return False
        if neighbours(drawn)[0] == "decompressor" and drawn["coding"] in LOST_BY_DECOMPRESSOR:
            return True
        # docs/streams.md, "Wrong content types": a gRPC body without gRPC messages is inspected as text, and reported
        # as uninspected.
        called = drawn["type"].startswith("application/grpc")
        framed = drawn["document"] in GRPC and drawn["type"] != "application/grpc-web-text" and drawn["coding"] != "aws-chunked"
        chunked = drawn["coding"] == "aws-chunked" and drawn["document"] in GRPC
        return drawn["coding"] in UNREADABLE or (called and not framed) or chunked
    return details == "panveil_trailers_over_tail" and trailers_come(drawn) and ends_open(made) and cannot_wait(made)


def neighbours(drawn):
    """Filters in front of panveil and behind it, for this direction."""
    pair = drawn["before"], drawn["behind"]
    return pair if drawn["direction"] == "request" else pair[::-1]


def has_own_trailers(drawn):
    return drawn["ending"] in ("trailers", "chunked-trailers")


def trailers_come(drawn):
    """Whether trailers reach panveil: those of the sender, or those of a decompressor in front of it."""
    return has_own_trailers(drawn) or neighbours(drawn)[0] == "decompressor"


def ends_open(made):
    """Whether the end of the text is undecided until its end: digits or near digits, or letters of base64."""
    drawn = made.drawn
    end = made.document.inner[-OPEN:]
    first, _ = neighbours(drawn)
    return (
        any(one.isdigit() for one in end.decode("utf-8", "replace"))
        or drawn["policy"] == "base64-patterns"
        or "application/grpc-web-text" in (drawn["type"], documents.TYPES[drawn["document"]])
        # A text may be one message to its end.
        or drawn["type"] == "application/x-protobuf"
        # It ends there with the first member.
        or (first == "decompressor" and drawn["coding"] in LOST_BY_DECOMPRESSOR)
    )


def cannot_wait(made):
    """Reason why the end of the body cannot wait in Envoy, by docs/streams.md, "Trailers behind held-back bytes"."""
    drawn = made.drawn
    request = drawn["direction"] == "request"
    first, last = neighbours(drawn)
    sender, client = drawn["down"] if request else drawn["up"], drawn["down"]
    lengths = [len(piece) for piece, _ in made.pieces]
    return (
        sender == "h1"
        or (not request and client == "h1")
        or drawn["coding"] not in PLAIN
        or drawn["document"] in documents.BINARY
        or drawn["type"] in MESSAGES
        or (drawn["type"] in ("right", "doubled") and documents.TYPES[drawn["document"]] in MESSAGES)
        or last in STOPS
        or first in DELAYS
        # Envoy then counts other bytes than panveil has forwarded.
        or (not request and last == "compressor")
        or max(lengths) > 12_000
        # docs/streams.md, "Small chunks": a long chunk would be put back into Envoy with each small one.
        or max(lengths) * len(lengths) > (64 << 10) + 8 * sum(lengths)
    )


# Envoy's details when the upstream closes the connection without a response, and its limit for a paused message.
ENDED_TWICE = "upstream_reset_before_response_started{connection_termination}"
PAUSED = 32 << 10


def loses_end(made):
    """Whether ext_proc is in front, with trailers to deliver or a filter behind that stops the message."""
    first, last = neighbours(made.drawn)
    return first.startswith("ext_proc") and (has_own_trailers(made.drawn) or last in STOPS)


def limit_of(drawn):
    return chains.LIMITS[drawn["limit"]] or 1 << 20


def overflows(made):
    """Whether the message exceeds Envoy's buffer, with ext_proc."""
    return len(made.document.inner) > limit_of(made.drawn) and "ext_proc" in "".join(neighbours(made.drawn))


def loss_is_documented(made, received, got, details, uninspected):
    """Whether docs/streams.md, "Losses in filter chains", documents the loss: bytes at one position only."""
    drawn, sent = made.drawn, made.document.inner
    if drawn["coding"] in UNREADABLE:
        got, sent = bytes(received), b"".join(piece for piece, _ in made.pieces)
    request = drawn["direction"] == "request"
    first, last = neighbours(drawn)
    if details == "response_payload_too_large":
        return not request and drawn["down"] == "h1" and len(sent) > 16_000
    if first == "decompressor" and details == "request_payload_too_large":
        return len(sent) > limit_of(drawn)
    if request and first == "decompressor" and drawn["up"] == "h1" and details == ENDED_TWICE:
        return len(got) == len(sent) > PAUSED and only_masks(sent, got)
    if drawn["coding"] not in PLAIN and overflows(made):
        return True
    if drawn["coding"] == "aws-chunked" and f"{drawn['direction']}:released" in uninspected:
        # The lines in front of its chunks have digits, which the mask covers like others.
        raw = b"".join(piece for piece, _ in made.pieces)
        return (len(raw) == len(received) or loses_end(made)) and only_masks(raw, bytes(received))
    if len(got) >= len(sent):
        # Only the end of the message is lost, or comes twice.
        return loses_end(made) and len(got) == len(sent) and only_masks(sent, got)
    front, back = same(sent, got), same(sent[::-1], got[::-1])
    if loses_end(made):
        return front + back >= len(got)
    return front == len(got) and first == "decompressor" and last in STOPS and f"{drawn['direction']}:incomplete" in uninspected


def judge(made, exchange, log, controlled):
    """Findings of an exchange. `log` is its line of the access log; `controlled` says that panveil was not in the
    chain.
    """
    drawn, document = made.drawn, made.document
    findings = []
    request = drawn["direction"] == "request"
    receiver = exchange.upstream if request else exchange.client
    policy = drawn["policy"]
    details = (log or {}).get("details") or "-"
    refused = details.startswith("panveil_") or (drawn["carrier"] == "websocket" and (log or {}).get("action") == "blocked")
    uninspected = (log or {}).get("uninspected") or ""
    if drawn["carrier"] == "websocket":
        text, _, decoded = websocket.read(bytes(receiver.data))
    else:
        try:
            text, decoded = codings.decode(receiver.headers, bytes(receiver.data))
        except KeyError as error:
            return [Finding("changed", f"the received content encoding is invalid: {error}")]
    got = documents.unwrap(document.kind, text)
    whole = receiver.end == "whole" and decoded and got is not None
    got = text if got is None else got
    # The policy requires to block an unreadable encoding. An image passes.
    passes = unread_by_design(drawn) - ({"encoding"} if policy in ("uninspectable-block", "block-all") else set())
    told = any(f"{drawn['direction']}:{reason}" in uninspected for reason in passes)
    # docs/streams.md, "Compressed bodies": the headers of its chunks are between the digits.
    if drawn["coding"] == "aws-chunked" and (drawn["framing"] != "whole" or drawn["document"] == "grpc-web-text"):
        told = told or f"{drawn['direction']}:coding_name" in uninspected

    leaked = False
    if not controlled and policy != "monitor":
        keep = chains.KEEP.get(policy, "none")
        for card in document.cards:
            limit = allowed(card.digits, keep) if keep != "none" else 0
            if policy not in ("block", "block-all") and drawn["type"].startswith(("application/grpc", "application/x-protobuf")):
                limit = max(limit, HEAD)
            # A local reply has digits of its own, in its request id.
            replied = refused and not request and exchange.client.status in (403, 502)
            count = 0 if replied else readable(card, document.inner, got, keep)
            if count <= limit and elsewhere(card, got):
                count = len(card.digits)
            if count <= limit:
                continue
            if told:
                continue
            cut_by_neighbour = "decompressor" in (drawn["before"], drawn["behind"]) and drawn["coding"] in LOST_BY_DECOMPRESSOR
            if cut_by_neighbour and len(got) < len(document.inner) and card.digits.encode() not in got.translate(None, NOT_DIGITS):
                # The neighbour ended the text within the number, so no filter behind it has read more.
                continue
            leaked = True
            how = f"log says uninspected={uninspected or 'nothing'}, details={details}"
            findings.append(Finding("leak" if not uninspected else "leak-told", f"{count} of {len(card.digits)} digits of {card.digits} arrive; {how}"))
            break
    client_fine = exchange.client.end == "whole" and exchange.client.status in (200, 101)
    # The sender's own end of a websocket is a race between two close frames.
    fine = whole and (drawn["carrier"] == "websocket" or client_fine)
    if refused and not controlled:
        if not refusal_is_documented(made, details, uninspected):
            findings.append(Finding("refused", f"details={details} for a message that docs/ does not list as rejected"))
    elif not fine:
        kind = "hang" if "silent" in (exchange.client.end, receiver.end) else "lost"
        findings.append(
            Finding(
                kind,
                f"client: status {exchange.client.status}, {exchange.client.end}, {len(exchange.client.data)} bytes; "
                f"upstream: {exchange.upstream.end}, {len(exchange.upstream.data)} bytes; details={details}",
            )
        )
    elif not leaked:
        sent = document.inner
        masked = blank(sent, document.cards) != sent and policy != "monitor" and not controlled
        if len(got) != len(sent):
            findings.append(Finding("changed", f"{len(sent)} bytes were sent, {len(got)} arrived"))
        elif f"{drawn['direction']}:released" in uninspected and policy != "monitor" and only_masks(sent, got):
            pass
        elif (blank(got, document.cards) != blank(sent, document.cards)) if masked else got != sent:
            findings.append(Finding("changed", "bytes that are no digits of a card changed: " + difference(sent, got)))
        elif len(sent) < 10_000 and drawn["charset"] not in ("iso-8859-1", "windows-1252"):
            findings += parsed(drawn, document, got, masked and not told)
        if not controlled and log is not None and document.cards:
            if len(got) == len(sent) and got != sent and log.get("action") not in ("masked", "blocked") and "released" not in uninspected:
                findings.append(Finding("untold", f"a number was masked, and the log says action={log.get('action')}"))
            if policy == "monitor" and len(got) == len(sent) and not told and log.get("action") != "reported":
                findings.append(Finding("untold", f"monitor mode says action={log.get('action')}, uninspected={uninspected or 'nothing'}"))
    if not controlled and not leaked and findings and loss_is_documented(made, receiver.data, got, details, uninspected):
        exchange.lost_as_documented = True
        findings = [finding for finding in findings if finding.kind not in CONTROLLED]
    if "decompressor" in (drawn["before"], drawn["behind"]) and drawn["coding"] in LOST_BY_DECOMPRESSOR:
        findings = [finding for finding in findings if finding.kind not in ("lost", "changed", "hang")]
    if log is None and not controlled:
        findings.append(Finding("unlogged", "the exchange has no line in the access log"))
    return findings


def same(sent, got):
    """Number of bytes from the front that are as sent or masked."""
    pairs = zip(sent, got)
    return next((place for place, (one, two) in enumerate(pairs) if one != two and two not in MASKS), min(len(sent), len(got)))


def only_masks(sent, got):
    return same(sent, got) == min(len(sent), len(got))


def difference(sent, got):
    for place, (one, two) in enumerate(zip(sent, got)):
        if one != two:
            return f"from byte {place}: {sent[max(0, place - 20):place + 30]!r} became {got[max(0, place - 20):place + 30]!r}"
    return "none"


def parsed(drawn, document, got, masked):
    """Checks that the receiver's parser accepts the document, if the sender declared its type, and finds no number."""
    try:
        documents.parse(document.kind, document.inner)
    except Exception:
        return []
    try:
        read = documents.parse(document.kind, got)
    except Exception as error:
        return [Finding("changed", f"the receiver's parser of {document.kind} fails: {error}")] if drawn["type"] == "right" and drawn["coding"] != "aws-chunked" else []
    if not masked:
        return []
    row = " ".join(read).encode().translate(None, NOT_DIGITS)
    return [Finding("leak", f"the parser reads {card.digits}") for card in document.cards if card.digits.encode() in row]
