"""Words that the documentation does not use, and the standard term for each."""

from typing import NamedTuple


class Word(NamedTuple):
    # A regular expression, without regard to case. A space also matches a line break.
    pattern: str
    better: str
    # An example that is reported, and one that is not: the self-test checks both.
    wrong: str
    right: str


WORDS = (
    Word(
        r"(?<!key )(?<!token )\bexchanges?\b",
        "stream or request/response pair",
        "each exchange is logged",
        "a key exchange",
    ),
    Word(r"\banswer(s|ed|ing)?\b", "response, reply, respond", "the answer has a card", "an unanswered question"),
    Word(
        r"\bthe service('s)?( \w+)? (answers?|gets|got|sees|reads|receives|returns|sends|sent|responds)\b"
        r"|\bbehind the service\b|\bthe service's side\b",
        "upstream",
        "the service gets the masked body",
        "a service mesh",
    ),
    Word(r"\bwho(ever)? asks\b", "source principal", "rules by who asks", "the client asks"),
    Word(r"(?<!transfer )(?<!huffman )\bcodings?\b", "content encoding", "an unknown coding", "a transfer coding"),
    Word(
        r"\b(go|goes|going|went|gone) on\b",
        "continues, is forwarded",
        "the body goes on as it reads",
        "an ongoing rollout",
    ),
    Word(r"(?-i:\bheads?\b)", "headers", "a response's head", "a HEAD request"),
    Word(r"(?<!-)\btails?\b", "held-back bytes, end", "the tail of the chunk", "a detail"),
    Word(
        r"\b(what|bytes that|bytes which|tails?|parts? that|rest) (still )?waits?\b",
        "held-back bytes",
        "what waits is forwarded",
        "the operator waits for the rollout",
    ),
    Word(
        r"\b(is|are|was|were|be|been|being|not|it|as) told\b|\btold (of|by|apart)\b",
        "logged, reported",
        "it is told in the log",
        "an older one",
    ),
    Word(
        r"\btells\b|\btell (of|by|from|what|whether|which|that|apart|a|the|it|nothing)\b|\btelling\b",
        "shows, reports, distinguishes",
        "the name tells nothing",
        "a teller",
    ),
    Word(r"\bin force\b", "active", "the policy in force", "enforced"),
    Word(
        r"\bthe policy before\b(?! (any|it|the|a)\b)",
        "previous policy",
        "it keeps the policy before",
        "it reads the policy before any request",
    ),
    Word(
        r"(?<!connection )(?<!connection is )(?<!connections are )(?<!connection was )"
        r"\brefus(e|es|ed|ing|als?)\b(?! (a |the )?connections?\b)",
        "rejected (a policy), blocked (a message)",
        "the policy is refused",
        "connection refused",
    ),
    Word(
        r"\b(is|are) no cards?\b|\bno cards? is masked\b",
        "false positive",
        "what is no card is masked",
        "no card number remains",
    ),
    Word(r"\ba card is not masked\b", "false negative", "a card is not masked", "a masked card"),
    Word(
        r"\bcheck digits? (is|are|that is|that are)? ?(right|wrong|false|correct)\b|\b(right|wrong|false) check digits?\b",
        "passes Luhn, fails Luhn",
        "its check digit is right",
        "the check digit completes the sum",
    ),
    Word(r"\bbeside\b", "next to, context", "what is beside it", "besides"),
    Word(r"\bplain Envoys?\b", "standalone Envoy", "in a plain Envoy", "plain text"),
    Word(
        r"\b(rules?|conditions?|entry|entries|matcher)( that| which)? holds?\b",
        "matches",
        "the first rule that holds",
        "the invariant holds",
    ),
    Word(
        r"(?<!\bin )(?<!\binto )(?<!\btake )(?<!\btakes )(?<!\btook )(?<!decimal )(?<!first )(?<!\bits )(?<!\bone )(?<!wrong )"
        r"\bplaces?\b(?! (a|an|the|it|them)\b)",
        "location",
        "a place of the message",
        "masked in place",
    ),
    Word(r"\b(go|goes|going|went) back\b", "roll back", "to go back, apply the old file", "a rollback"),
    Word(r"\bpictures?\b|\bfilms?\b|\btypefaces?\b", "images, video, fonts", "pictures and films", "an image"),
    Word(r"\bsounds?\b(?! like)", "audio", "sound is skipped", "resound"),
    Word(r"\bbills? of materials\b", "SBOM", "the bill of materials", "the SBOM"),
    Word(r"\btraps?\b|\btrapped\b", "Wasm VM crash", "a trap ends the stream", "trapezoid"),
    Word(r"\banew\b", "VM reload", "it is loaded anew", "a new one"),
    Word(
        r"\b(stream|response|request|connection|message)s? (is|are|was|were|gets?) cut\b(?! (into|in|inside|at|between)\b)"
        r"|\bcuts? (the|a|its|their|every) (stream|response|request|connection|message)s?\b(?! (into|in)\b)",
        "reset",
        "panveil cuts the stream",
        "the stream is cut into chunks",
    ),
    Word(r"\brings?\b(?! buffers?\b)", "test tier", "the third ring", "a ring buffer"),
    Word(r"\blaws?\b", "invariant", "the laws of a stream", "a flaw"),
    Word(r"\bcontestants?\b", "baseline", "the other contestants", "a contest"),
    Word(r"\bsmall letters?\b", "lowercase", "in small letters", "a letter"),
    Word(r"\b(can|could|may|cannot|to)( not)? be had\b", "is available", "where it can be had", "it had to be"),
    Word(r"\b(deals?|dealt|dealing) with\b", "handles", "panveil deals with it", "a great deal"),
    Word(r"\bjoints?\b", "separator", "a joint of the number", "conjoint"),
    Word(
        r"\b(stands?|stood|standing)\b(?! (for|in|up|by|alone)\b)",
        "appears, is",
        "the name stands before it",
        "SAD stands for sensitive authentication data",
    ),
)
