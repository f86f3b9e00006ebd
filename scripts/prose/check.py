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
    "cli/",
    "codings/",
    "fuzz/",
    "image/",
    "integration/",
    "src/",
    "tests/",
)
# Of these, also the messages.
MESSAGES = ("cli/src/", "image/src/", "src/")
COMMENTS = (".github/*.yml", "Cargo.toml", "Makefile", "compose.yaml", "envoy-config/*.yaml")

LONGEST = 25
CLAUSE = re.compile(r"(what|who|whose|whom|how|why|whether)\b", re.IGNORECASE)
# "What is held back is forwarded": a clause in place of the thing.
SUBJECT = re.compile(r"(what|who|whose)\b", re.IGNORECASE)
BEGINNING = re.compile(r"(what|who|whose|where|which|why)\b", re.IGNORECASE)
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


def of_subject(paragraph):
    for start, sentence in texts.sentences(paragraph.text):
        if SUBJECT.match(sentence.lstrip()) and not sentence.rstrip().endswith("?"):
            yield of_sentence(paragraph, start, sentence, "begins with a clause", "name the thing")


def of_sentence(paragraph, start, sentence, problem, advice):
    begin = start + len(sentence) - len(sentence.lstrip())
    line = paragraph.line + paragraph.text.count("\n", 0, begin)
    first = " ".join(sentence.split()[:5])
    return Fault(line, f"'{first} …' {problem}", advice, begin, start + len(sentence), paragraph.text)


def of_length(paragraph):
    for start, sentence in texts.sentences(paragraph.text):
        count = len(texts.words(sentence))
        if count > LONGEST:
            yield of_sentence(paragraph, start, sentence, f"has {count} words", f"use at most {LONGEST}")


def of_page(text):
    for paragraph in texts.markdown(text):
        yield from of_words(paragraph)
        if paragraph.kind == texts.HEADING:
            yield from of_heading(paragraph)
        elif paragraph.kind == texts.TEXT:
            yield from of_length(paragraph)
            yield from of_subject(paragraph)


def of_rust(text):
    for is_first, paragraph in texts.rust(text):
        yield from of_words(paragraph)
        first = next((sentence for _, sentence in texts.sentences(paragraph.text)), "").strip()
        if paragraph.kind == texts.HEADING:
            yield from of_heading(paragraph)
        elif is_first and (first.endswith("?") or BEGINNING.match(first)):
            advice = "use a noun phrase or a third-person verb"
            yield of_sentence(paragraph, 0, first, "is no summary", advice)
        else:
            yield from of_subject(paragraph)


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
