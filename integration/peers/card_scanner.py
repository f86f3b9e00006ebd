"""Searches every file of a folder for card numbers, independent of panveil.

    card_scanner.py FOLDER

A card number is a sequence of 13 to 19 digits anywhere in a longer sequence, with at most one separator between digits,
a prefix of card numbers, and a valid check digit (by python-stdnum). Each line is read literally, percent-decoded, and
without the escapes of JSON and HTML.

Prints "card FILE:LINE" for each line with a card number, never the number, and then "done".
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
# Envoy generates a UUID for each request. By chance its digits may pass as a card number.
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
                # No issuer assigns a number of one repeated digit.
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
