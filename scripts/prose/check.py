"""The checks of a text: standard terms, headings and short sentences."""

import fnmatch
import re
from dataclasses import dataclass
from typing import NamedTuple

import texts
from words import WORDS

PAGES = ("docs/*.md", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "envoy-config/*.md", "integration/*.md")
# The folders of which the rustdoc is checked.
RUST = (
    "codings/",
    "fuzz/",
    "image/",
    "integration/",
    "src/audit/",
    "src/host/",
    "src/lib.rs",
    "src/main.rs",
    "src/mask.rs",
    "src/plugin.rs",
    "src/stream/",
    "src/verdict/",
    "tests/",
)
# Of these, also the messages.
MESSAGES = ("image/src/", "src/")
COMMENTS = (".github/*.yml", "Cargo.toml", "Makefile", "compose.yaml", "envoy-config/*.yaml")

LONGEST = 25
CLAUSE = re.compile(r"(what|who|whose|whom|how|why|whether)\b", re.IGNORECASE)
PATTERNS = [(re.compile(word.pattern, re.IGNORECASE), word.better) for word in WORDS]


class Fault(NamedTuple):
    line: int
    found: str
    advice: str
    # Where in the paragraph, and the paragraph.
    start: int
    end: int
    text: str


@dataclass
class Allowed:
    line: int
    path: str
    pattern: re.Pattern
    is_used: bool = False

    def covers(self, path, fault):
        return fnmatch.fnmatchcase(path, self.path) and any(
            found.start() < fault.end and fault.start < found.end()
            for found in self.pattern.finditer(fault.text.replace("\n", " "))
        )


def of_words(paragraph):
    for pattern, better in PATTERNS:
        for found in pattern.finditer(paragraph.text.replace("\n", " ")):
            line = paragraph.line + paragraph.text.count("\n", 0, found.start())
            yield Fault(line, f"'{found[0]}'", f"use '{better}'", found.start(), found.end(), paragraph.text)


def of_heading(paragraph):
    text = paragraph.text
    if text.endswith("?") or CLAUSE.match(text):
        yield Fault(paragraph.line, f"heading '{text}'", "use a search term", 0, len(text), text)


def of_length(paragraph):
    for start, sentence in texts.sentences(paragraph.text):
        count = len(texts.words(sentence))
        if count > LONGEST:
            begin = start + len(sentence) - len(sentence.lstrip())
            line = paragraph.line + paragraph.text.count("\n", 0, begin)
            first = " ".join(sentence.split()[:5])
            end = start + len(sentence)
            yield Fault(line, f"'{first} …' has {count} words", f"use at most {LONGEST}", start, end, paragraph.text)


def of_page(text):
    for paragraph in texts.markdown(text):
        yield from of_words(paragraph)
        if paragraph.kind == texts.HEADING:
            yield from of_heading(paragraph)
        elif paragraph.kind == texts.TEXT:
            yield from of_length(paragraph)


def of_rust(text):
    for _, is_first, paragraph in texts.rust(text):
        yield from of_words(paragraph)
        if paragraph.kind == texts.HEADING:
            yield from of_heading(paragraph)
        sentence = next((sentence for _, sentence in texts.sentences(paragraph.text)), "").strip()
        if is_first and sentence.endswith("?"):
            advice = "use a noun phrase or a third-person verb"
            yield Fault(paragraph.line, f"'{' '.join(sentence.split())}'", advice, 0, len(sentence), paragraph.text)


def of_messages(text):
    yield from of_rust(text)
    for paragraph in texts.strings(text):
        yield from of_words(paragraph)


def of_comments(text):
    for paragraph in texts.comments(text):
        yield from of_words(paragraph)


def kind_of(path):
    for patterns, check in ((PAGES, of_page), (COMMENTS, of_comments)):
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            return check
    if path.startswith("scripts/") and "." not in path:
        return of_comments
    if path.endswith(".rs") and path.startswith(RUST):
        return of_messages if path.startswith(MESSAGES) else of_rust
    return None


def allowed(text):
    """The entries of allowed.txt: path | pattern | reason."""
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            path, pattern, reason = (part.strip() for part in line.split(" | "))
            if not reason:
                raise ValueError(f"line {number} has no reason")
            entries.append(Allowed(number, path, re.compile(pattern, re.IGNORECASE)))
    return entries


def faults(files, entries):
    """The messages for texts by their paths. Marks the entries that it uses."""
    for path, text in files:
        for fault in sorted(kind_of(path)(text)):
            covering = [entry for entry in entries if entry.covers(path, fault)]
            for entry in covering:
                entry.is_used = True
            if not covering:
                yield f"{path}:{fault.line}: {fault.found}; {fault.advice}"


def unused(entries):
    for entry in entries:
        if not entry.is_used:
            yield f"{entry.line}: the entry matches nothing; remove it"
