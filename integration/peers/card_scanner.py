"""Looks for card numbers in every file of a folder, knowing nothing of panveil.

    card_scanner.py FOLDER

Digits in a row, bare or with one separator in between, 13 to 19 of them from anywhere in the row, beginning as cards do, with a
right check digit (python-stdnum's). Each line is read as it stands, without percent escapes, and without JSON's and HTML's.

Prints "card FILE:LINE" for each line that holds one, never the number, and then "done".
"""

import html
import re
import sys
import unicodedata
from pathlib import Path
from urllib.parse import unquote_plus

from stdnum import luhn

ROW = re.compile(r"[0-9](?:[ ._+/-]?[0-9]){12,}")
# ISO/IEC 7812: 3 travel, 4 and 5 banks, 6 merchandising; 2 Mastercard and Mir; 8 and 9 national cards.
BEGINS = re.compile(r"[2345689]")
ESCAPE = re.compile(r"\\u00([0-9a-fA-F]{2})")
# Envoy makes one up for each request, and a client is not to: by chance its digits may be a card's.
UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[49ab][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])")


def readings(line):
    plain = UUID.sub("uuid", line)
    yield plain
    if any(sign in plain for sign in "%\\&+") or not plain.isascii():
        decoded = unquote_plus(unquote_plus(plain))
        decoded = html.unescape(ESCAPE.sub(lambda match: chr(int(match[1], 16)), decoded))
        yield unicodedata.normalize("NFKC", decoded)


def holds_card(text):
    for row in ROW.findall(text):
        digits = re.sub("[^0-9]", "", row)
        for length in range(13, 20):
            for start in range(len(digits) - length + 1):
                number = digits[start : start + length]
                # No issuer gives out one digit again and again.
                if BEGINS.match(number) and len(set(number)) > 1 and luhn.is_valid(number):
                    return True
    return False


for path in sorted(Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.decode("utf-8", "replace")
            if any(holds_card(reading) for reading in readings(text)):
                print(f"card {path.name}:{number}")
print("done", flush=True)
