"""Checks the language of the documentation: standard terms, headings and short sentences.

    python3 scripts/prose           checks the files that git tracks

words.py lists the terms. allowed.txt lists the exceptions, each with its reason; an entry that matches nothing is an error.
Exit status: 0 when nothing is wrong, 1 when something is.
"""

import pathlib
import subprocess
import sys

import check

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ALLOWED = "scripts/prose/allowed.txt"


def main():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [path for path in listed.split("\0") if check.kind_of(path) and (ROOT / path).is_file()]
    files = [(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]
    entries = check.allowed((ROOT / ALLOWED).read_text(encoding="utf-8"))
    messages = [*check.faults(files, entries), *(f"{ALLOWED}:{message}" for message in check.unused(entries))]
    for message in messages:
        print(message)
    if messages:
        print(f"prose: {len(messages)} problems in {len(files)} files; see scripts/prose/words.py", file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
