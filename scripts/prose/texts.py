"""The prose of a file: its paragraphs, without code."""

import re
from typing import NamedTuple

# Replaces a code span: one character of a word that no pattern matches.
CODE = "\N{REPLACEMENT CHARACTER}"

HEADING, TEXT, TABLE = "heading", "text", "table"


class Paragraph(NamedTuple):
    line: int
    kind: str
    text: str


def markdown(text, first=1):
    """The paragraphs of a Markdown text. A line break within one stays, so that a match has a line."""
    kind, start, lines, fence, comment = TEXT, 0, [], "", False
    for number, line in enumerate([*text.split("\n"), ""], first):
        stripped = line.strip()
        if fence or stripped.startswith(("```", "~~~")):
            fence = "" if fence and stripped.startswith(fence) else fence or stripped[:3]
            new, stripped = None, ""
        elif comment or stripped.startswith("<!--"):
            comment = "-->" not in stripped
            new, stripped = None, ""
        elif not stripped:
            new = None
        elif stripped.startswith("#"):
            new, stripped = HEADING, stripped.lstrip("# ")
        elif stripped.startswith("|"):
            new = TABLE
        elif re.match(r"([-*+]|\d+[.)]) ", stripped):
            new, stripped = TEXT, stripped.split(" ", 1)[1]
        else:
            new = "continued"
        if new != "continued" or kind == HEADING:
            if lines:
                yield Paragraph(start, kind, without_code("\n".join(lines)))
            kind, lines = TEXT if new in ("continued", None) else new, []
        if stripped:
            start = start if lines else number
            lines.append(stripped)


def rust(text):
    """The paragraphs of the documentation in a Rust file, as (is the first of an item, paragraph)."""
    block, mark, start = [], "", 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        found = re.match(r"\s*(//!|///)(?!/) ?(.*)", line)
        if block and (not found or found[1] != mark):
            for index, paragraph in enumerate(markdown("\n".join(block), start)):
                yield index == 0, paragraph
            block = []
        if found:
            if not block:
                mark, start = found[1], number
            block.append(found[2])


# Comments, characters and raw strings are matched first, so that a quotation mark in them opens no string.
RUST = re.compile(
    r"""//[^\n]*|/\*.*?\*/|'(?:[^'\\\n]|\\.[^']*)'|\bb?r(?P<marks>\#*)"(?P<raw>.*?)"(?P=marks)|"(?P<plain>(?:[^"\\]|\\.)*)\"""",
    re.DOTALL,
)


def strings(text):
    """The messages in the code of a Rust file before its tests: string literals of at least three words."""
    text = text.split("#[cfg(test)]\nmod tests {")[0]
    for found in RUST.finditer(text):
        value = found["raw"] or found["plain"] or ""
        value = re.sub(r"\s*\\\n\s*", "\n", value)
        value = re.sub(r"\{[^{}]*\}", CODE, value)
        if len(re.findall(r"[A-Za-z]{2,}", value)) >= 3:
            yield Paragraph(text.count("\n", 0, found.start()) + 1, TEXT, without_code(value))


def comments(text):
    """The comments behind `#`, the help of make targets, and the summaries and descriptions of alerts."""
    lines, value, indentation, start = [], [], 0, 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        comment = re.match(r"\s*#(?!!) ?(.*)", line)
        if comment:
            lines.append(comment[1])
        elif lines:
            yield from markdown("\n".join(lines), number - len(lines))
            lines = []
        target = re.match(r"[a-z-]+:.* ## (.*)", line)
        if target:
            yield Paragraph(number, TEXT, target[1])
        indented = len(line) - len(line.lstrip())
        if value and line.strip() and indented > indentation:
            value.append(line.strip())
            continue
        if value:
            yield Paragraph(start, TEXT, without_templates("\n".join(value)))
            value = []
        annotation = re.match(r"\s*(summary|description): *(>-|\||)(.*)", line)
        if annotation:
            value, indentation, start = [annotation[3]], indented, number


def without_code(text):
    def blank(match):
        return CODE + "\n" * match[0].count("\n")

    text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", blank, text, flags=re.DOTALL)
    # A link's text stays, its address does not.
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"<?https?://\S+", CODE, text)


def without_templates(text):
    return re.sub(r"\{\{.*?\}\}", lambda match: CODE + "\n" * match[0].count("\n"), text, flags=re.DOTALL)


ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|cf|approx|No|St|J)\.$")


def sentences(text):
    """The sentences of a paragraph, each as (its offset, its text)."""
    start = 0
    for end in re.finditer(r"[.!?…][\"')\]*]*(?=\s+[\"'(\[*]*[A-Z0-9" + CODE + r"a-z]|\s*$)", text):
        if ABBREVIATIONS.search(text[: end.start() + 1]) or end[0].startswith("…") and text[end.end() :].strip():
            continue
        yield start, text[start : end.end()]
        start = end.end()
    if text[start:].strip():
        yield start, text[start:]


def words(sentence):
    return [word for word in sentence.split() if re.search(rf"[\w{CODE}]", word)]
