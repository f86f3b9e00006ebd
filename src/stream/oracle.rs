//! Slow, simple finder of card numbers, with which the streaming one must agree on every text.
//!
//! It inspects the whole text at once, without chunks, and states each rule where it is used. It shares only the evaluation of names
//! and surrounding words with the fast scanner.

use crate::scan::{
    self, FILLER, Fold, GroupSeparator, LONGEST_SPELLING, LOOKAHEAD, LOOKBEHIND, MAX_DIGITS, MIN_DIGITS, fold,
    is_separator_byte,
};
use crate::verdict::name::{NameEvidence, Names};
use crate::verdict::{Brand, EnclosingNames, Tier, adjacent, attached, boundary, context, time, track, words};
use std::ops::Range;

const LAYOUTS: [&[usize]; 13] = [
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 5, 6],
    &[4, 4, 4, 5],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 1],
    &[8, 8],
    &[6, 13],
    &[4, 4, 4, 3],
    &[4, 4, 4, 2],
    &[4, 3, 3, 3],
];

/// The spans of the card numbers in `text`, and their brands. Masks in it consist of `mask`. The parts of a message may be
/// quoted-printable.
pub fn find(text: &[u8], mask: u8, is_message: bool) -> Vec<(Range<usize>, Brand)> {
    let mut decoded: DecodedBytes = text.iter().enumerate().map(|(at, byte)| (*byte, at, at + 1)).collect();
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        decoded.retain(|(byte, ..)| *byte != 0);
    } else if text.trim_ascii_start().starts_with(b"<") {
        decoded = without_markup(text);
    }
    if is_message {
        decoded = without_quotes(&decoded);
    }
    for _ in 0..3 {
        decoded = without_escapes(&decoded);
    }
    decoded = folded(&decoded, mask);
    let mut before = 0;
    for (byte, _, end) in &mut decoded {
        if *end - before > LONGEST_SPELLING && (byte.is_ascii_digit() || is_separator_byte(*byte)) {
            *byte = 0;
        }
        before = *end;
    }
    let text: Vec<u8> = decoded.iter().map(|(byte, ..)| *byte).collect();
    let found = find_in_text(&text, mask).into_iter();
    found.map(|(span, brand)| (decoded[span.start].1..decoded[span.end - 1].2, brand)).collect()
}

/// Decoded bytes, each with the start and the end of its escape in the source.
type DecodedBytes = Vec<(u8, usize, usize)>;

/// Removes the comments and CDATA delimiters of markup that follow a digit or a mask, with or without a separator.
fn without_markup(text: &[u8]) -> DecodedBytes {
    let digit = |at: usize| text[at].is_ascii_digit() || b"*#xXF".contains(&text[at]);
    let markup_len = |at: usize| {
        let rest = &text[at..];
        if let Some(inside) = rest.strip_prefix(b"<!--") {
            let length = (0..=inside.len().min(8)).find(|end| inside[*end..].starts_with(b"-->"))?;
            return (!inside[..length].iter().any(u8::is_ascii_digit)).then_some(length + 7);
        }
        [b"<![CDATA[".as_slice(), b"]]>"].iter().find(|mark| rest.starts_with(mark)).map(|mark| mark.len())
    };
    let (mut out, mut at, mut dropped) = (DecodedBytes::new(), 0, None);
    while at < text.len() {
        let follows = at > 0 && (digit(at - 1) || (is_separator_byte(text[at - 1]) && at > 1 && digit(at - 2)));
        match markup_len(at).filter(|_| follows || dropped == Some(at)) {
            Some(length) => {
                at += length;
                dropped = Some(at);
            }
            None => {
                out.push((text[at], at, at + 1));
                at += 1;
            }
        }
    }
    out
}

/// Decodes quoted-printable bytes of numbers and of the signs around them, and joins lines that end within a number.
fn without_quotes(source: &DecodedBytes) -> DecodedBytes {
    let (mut out, mut at) = (DecodedBytes::new(), 0);
    while at < source.len() {
        let ahead: String = source[at..]
            .iter()
            .take(14)
            .map(|(byte, ..)| if byte.is_ascii() { char::from(*byte) } else { '\0' })
            .collect();
        let before = out.last().map_or(0, |(byte, ..): &(u8, usize, usize)| *byte);
        let is_part = |byte: u8| byte.is_ascii_digit() || b"*#xXF".contains(&byte);
        let in_number = is_part(before) || is_separator_byte(before);
        let soft = ["=\r\n", "=\n"].iter().find(|end| ahead.starts_with(**end)).filter(|_| in_number);
        if let Some(soft) = soft {
            at += soft.len();
            continue;
        }
        let hex = ahead.strip_prefix('=').and_then(|rest| rest.get(..2));
        let byte = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let next = ahead.as_bytes().get(3).copied();
        let digits = ahead.bytes().skip(1).take_while(|byte| is_part(*byte)).count();
        let is_escape = |byte: u8| match byte {
            _ if byte.is_ascii() && b"\n\r*+,-./:;<=>?_|".contains(&byte) => true,
            0xc2..=0xf4 => true,
            b' ' | b'\t' => digits < 12,
            0x80..=0xbf => before >= 0x80,
            _ if is_part(byte) && in_number => next.is_some_and(|next| !next.is_ascii_digit()),
            _ => is_part(byte) && next == Some(b'='),
        };
        match byte.filter(|byte| is_escape(*byte)) {
            Some(byte) => {
                out.push((byte, source[at].1, source[at + 2].2));
                at += 3;
            }
            None => {
                out.push(source[at]);
                at += 1;
            }
        }
    }
    out
}

/// Decodes the escapes once.
fn without_escapes(source: &DecodedBytes) -> DecodedBytes {
    let mut out = DecodedBytes::new();
    let mut rest: &[(u8, usize, usize)] = source;
    while !rest.is_empty() {
        let shown = |byte: u8| match byte {
            NOT_ASCII => '\0',
            _ if byte.is_ascii() => char::from(byte),
            _ => char::from(NOT_ASCII),
        };
        let ahead: String = rest.iter().take(80).map(|(byte, ..)| shown(*byte)).collect();
        let (length, bytes) = escape_at(&ahead).unwrap_or((1, vec![rest[0].0]));
        let (start, end) = (rest[0].1, rest[length - 1].2);
        out.extend(bytes.iter().map(|byte| (*byte, start, end)));
        rest = &rest[length..];
    }
    out
}

/// True for a masked track: `head` digits, `masked` mask characters, and four characters that can be the last digits.
fn is_masked_track(text: &str, head: usize, masked: usize) -> bool {
    let Some((covered, mut tail)) = text.split_at_checked(head + masked) else { return false };
    let (head, mask) = covered.as_bytes().split_at(head);
    let is_mask = b"*#xXF".contains(&mask[0]) && mask.iter().all(|byte| *byte == mask[0]);
    if !head.iter().all(u8::is_ascii_digit) || !is_mask {
        return false;
    }
    for _ in 0..4 {
        let Some(first) = tail.bytes().next() else { return false };
        let (length, decoded) = escape_at(tail).map_or((1, first), |(length, decoded)| (length, decoded[0]));
        if b"%\\&".contains(&decoded) {
            return true;
        }
        if !decoded.is_ascii_digit() && !is_separator_byte(decoded) && decoded != NOT_ASCII && decoded.is_ascii() {
            return false;
        }
        tail = &tail[length..];
    }
    true
}

/// Replaces bytes that are not ASCII; the byte itself does not occur.
const NOT_ASCII: u8 = 0x7f;

/// The length of the escape at the start of `text`, and the bytes that it encodes.
fn escape_at(text: &str) -> Option<(usize, Vec<u8>)> {
    let character = |length: usize, character: char| Some((length, character.to_string().into_bytes()));
    if let Some(rest) = text.strip_prefix('%') {
        let track = rest.strip_prefix('B').is_some_and(|rest| {
            (rest.len() >= 12 && rest[..12].bytes().all(|b| b.is_ascii_digit()))
                || [(6, 6), (6, 5), (8, 4)].iter().any(|(head, masked)| is_masked_track(rest, *head, *masked))
        });
        let byte = rest.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()) && !track)?;
        return Some((3, vec![u8::from_str_radix(byte, 16).ok()?]));
    }
    if let Some(rest) = text.strip_prefix('\\') {
        if let Some(hex) = rest.strip_prefix("u{") {
            let (hex, _) = hex.split_once('}').filter(|(hex, _)| (1..=6).contains(&hex.len()))?;
            let hex = Some(hex).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            return character(hex.len() + 4, char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        }
        if let Some(hex) = rest.strip_prefix('x') {
            let hex = hex.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            return Some((4, vec![u8::from_str_radix(hex, 16).ok()?]));
        }
        if rest.starts_with(['0', '2', '3']) {
            let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || b"*#xXF".contains(byte)).count();
            let octal = rest.get(..3).filter(|_| digits < 12)?;
            return Some((4, vec![u8::from_str_radix(octal, 8).ok()?]));
        }
        if let Some(hex) = rest.strip_prefix('u') {
            let unit = |hex: &str| {
                let hex = hex.get(..4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
                u16::from_str_radix(hex, 16).ok()
            };
            let first = unit(hex)?;
            let second = hex.get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(unit);
            let alone = char::from_u32(first.into());
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            return match (alone, pair) {
                (Some(alone), _) => character(6, alone),
                (None, Some(pair)) => character(12, pair),
                (None, None) => character(6, char::REPLACEMENT_CHARACTER),
            };
        }
        let known =
            [("n", '\n'), ("r", '\r'), ("t", '\t'), ("b", ' '), ("f", ' '), ("\"", '"'), ("/", '/'), ("\\", '\\')];
        return known.iter().find(|(name, _)| rest.starts_with(name)).and_then(|(_, meaning)| character(2, *meaning));
    }
    let (name, _) = text.strip_prefix('&')?.split_once(';').filter(|(name, _)| name.len() <= 8)?;
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let meaning = match name {
        "nbsp" | "ensp" | "emsp" | "emsp13" | "emsp14" | "thinsp" | "hairsp" | "numsp" | "puncsp" => ' ',
        "dash" | "ndash" | "mdash" | "horbar" | "hyphen" | "minus" => '-',
        "middot" | "period" => '.',
        "lowbar" => '_',
        "sol" => '/',
        "shy" => '\u{ad}',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "quot" => '"',
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        _ => match name.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(hex) if !hex.starts_with('+') => number(hex, 16)?,
            None if !name.starts_with("#+") => number(&name[1..], 10)?,
            _ => return None,
        },
    };
    character(name.len() + 2, meaning)
}

/// Replaces characters that look like ASCII.
fn folded(source: &DecodedBytes, mask: u8) -> DecodedBytes {
    let mut out = DecodedBytes::new();
    let mut rest: &[(u8, usize, usize)] = source;
    while !rest.is_empty() {
        let ahead: Vec<u8> = rest.iter().take(4).map(|(byte, ..)| *byte).collect();
        let found =
            (1..=ahead.len()).find_map(|len| Some((std::str::from_utf8(&ahead[..len]).ok()?.chars().next()?, len)));
        let (character, length) = found.unwrap_or(('\u{fffd}', 1));
        let (start, end) = (rest[0].1, rest[length - 1].2);
        let digit = |decoded: Option<&(u8, usize, usize)>| {
            decoded.is_some_and(|(byte, ..)| byte.is_ascii_digit() || b"*#xXF".contains(byte))
        };
        match fold(character, mask) {
            _ if rest[0].0 == 0xa0 && digit(out.last()) && digit(rest.get(1)) => out.push((b' ', start, end)),
            _ if character.is_ascii() || found.is_none() => out.push(rest[0]),
            Fold::Ascii(byte) => out.push((byte, start, end)),
            Fold::ZeroWidth => {}
            Fold::Other => out.extend(ahead[..length].iter().map(|byte| (*byte, start, end))),
        }
        rest = &rest[length..];
    }
    out
}

fn find_in_text(text: &[u8], mask: u8) -> Vec<(Range<usize>, Brand)> {
    let remains = masked_positions(text, mask);
    let filled = masked_positions(text, FILLER);
    let masked: Vec<bool> = remains.iter().zip(&filled).map(|(remains, filled)| *remains || *filled).collect();
    let runs = runs(text, &masked);
    let mut found: Vec<(Range<usize>, Brand)> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let free = found.last().map_or(0, |(span, _)| span.end);
        let mut best: Option<(Range<usize>, i8, Brand)> = None;
        if run.start >= free && !masked[run.start] {
            let tagged = || application_pan(text, run.start).or_else(|| spaced_track2(text, run.start));
            let alone = float(text, run.start).or_else(tagged);
            let split = prefixed(text, &runs, index);
            let mut separated = split.iter().filter_map(|runs| judge(text, [&masked, &remains], runs, index, index));
            let alone = alone.or_else(|| separated.next_back());
            let joined = (index..runs.len().min(index + MAX_DIGITS))
                .map(|last| judge(text, [&masked, &remains], &runs, index, last));
            for (span, score, brand) in alone.into_iter().chain(joined.flatten()) {
                let groups: Vec<usize> = runs.iter().filter(|run| span.contains(&run.start)).map(Range::len).collect();
                let narrow = separator(text, &runs, index)
                    .is_some_and(|separator| separator.len() == 1 && is_separator(separator[0]));
                let printed = narrow && LAYOUTS.contains(&groups.as_slice());
                match &mut best {
                    Some((.., other)) if (*other == Brand::Other) != (brand == Brand::Other) => {
                        if brand != Brand::Other && score >= 2 {
                            best = Some((span, score, brand));
                        }
                    }
                    Some((whole, ..)) if score < 2 && printed => whole.end = span.end,
                    _ if score < 2 => {}
                    Some((_, other, _)) if score <= *other && !printed => {}
                    _ => best = Some((span, score, brand)),
                }
            }
        }
        found.extend(best.map(|(span, _, brand)| (span, brand)));
        let free = found.last().map_or(0, |(span, _)| span.end);
        if let Some((span, brand)) = track2(text, run.end).filter(|(span, _)| span.start >= free) {
            found.push((span, brand));
        }
    }
    found
}

/// The `runs`, in which the number at `index` is separated from adjacent digits: the length of its string, or of the next one.
fn prefixed(text: &[u8], runs: &[Range<usize>], index: usize) -> Option<Vec<Range<usize>>> {
    let object = scan::prefixed_number(text, runs[index].start)?;
    let mut split = runs.to_vec();
    split[index] = object.clone();
    if object.end < runs[index].end {
        split.insert(index + 1, object.end..runs[index].end);
    }
    Some(split)
}

/// A number in tag `5A` whose length or first digit is at `start`.
fn application_pan(text: &[u8], start: usize) -> Option<(Range<usize>, i8, Brand)> {
    let ahead: String =
        text[start..].iter().take(32).map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\0' }).collect();
    let before: String = text[start.saturating_sub(6)..start].iter().map(|byte| char::from(*byte)).collect();
    let before = before.to_ascii_uppercase();
    for (head, separator) in [("5A", ""), ("5A0A", ""), ("5A ", " "), ("5A 0A ", " ")] {
        if !before.ends_with(head) || (separator.is_empty() && before.ends_with(' ')) {
            continue;
        }
        let ten = head.contains("0A");
        let (length, skip) =
            if ten { (10, 0) } else { (usize::from_str_radix(ahead.get(..2)?, 16).ok()?, 2 + separator.len()) };
        if !(6..=10).contains(&length) || (!ten && ahead.get(2..skip)? != separator) {
            continue;
        }
        let pairs: Vec<&str> = (0..length)
            .map(|pair| ahead.get(skip + pair * (2 + separator.len())..skip + pair * (2 + separator.len()) + 2))
            .collect::<Option<_>>()?;
        let separators = (1..length).all(|pair| {
            let end = skip + pair * (2 + separator.len());
            &ahead[end - separator.len()..end] == separator
        });
        let value = pairs.concat().to_uppercase();
        let digits = value.strip_suffix('F').unwrap_or(&value);
        if separators && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= MAX_DIGITS {
            let filled = usize::from(digits.len() < value.len());
            let end = start + skip + length * 2 + (length - 1) * separator.len() - filled;
            return checked(digits).map(|brand| (start + skip..end, 4, brand));
        }
    }
    None
}

/// A number in tag `57` or `9F6B` with spaces between the bytes, whose length is at `start`.
fn spaced_track2(text: &[u8], start: usize) -> Option<(Range<usize>, i8, Brand)> {
    let before = text[..start].to_ascii_uppercase();
    let plain = before.strip_suffix(b"57 ").is_some_and(|rest| !rest.last().is_some_and(u8::is_ascii_alphanumeric));
    (plain || before.ends_with(b"9F 6B ")).then_some(())?;
    let ahead: String =
        text[start..].iter().take(62).map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\0' }).collect();
    let length = ahead.get(..2).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let length = usize::from_str_radix(length, 16).ok().filter(|length| *length <= 19)?;
    let is_apart = |nibble: usize| nibble % 2 == 1 || ahead.as_bytes().get(2 + nibble / 2 * 3) == Some(&b' ');
    let nibble = |nibble: usize| ahead.as_bytes().get(3 + nibble / 2 * 3 + nibble % 2).filter(|_| is_apart(nibble));
    let digits: String =
        (0..).map_while(nibble).take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    let count = digits.len();
    let ends = nibble(count).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'D')) && length * 2 > count + 5;
    let end = start + 4 + (count.checked_sub(1)?) / 2 * 3 + (count - 1) % 2;
    ((MIN_DIGITS..=MAX_DIGITS).contains(&count) && ends).then_some((start + 3..end, 4, checked(&digits)?))
}

/// A number in tag `57` or `9F6B` that ends at `end`.
fn track2(text: &[u8], end: usize) -> Option<(Range<usize>, Brand)> {
    text.get(end).filter(|byte| byte.eq_ignore_ascii_case(&b'D'))?;
    (MIN_DIGITS..=MAX_DIGITS)
        .rev()
        .find_map(|count| {
            let head = std::str::from_utf8(text.get(end.checked_sub(count + 4)?..end)?).ok()?;
            let length = usize::from_str_radix(head.get(2..4)?, 16).ok()?;
            let digits = &head[4..];
            let contactless = text[..end - count - 2].to_ascii_uppercase().ends_with(b"9F6B");
            let tagged = head.starts_with("57") && head.bytes().all(|byte| byte.is_ascii_digit());
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let fits = tagged || (contactless && plain);
            (fits && length <= 19 && length * 2 > count + 5).then_some((end - count..end, digits))
        })
        .and_then(|(span, digits)| Some((span, checked(digits)?)))
}

/// A float with an exponent that begins at `start`.
fn float(text: &[u8], start: usize) -> Option<(Range<usize>, i8, Brand)> {
    let ahead = text[start..]
        .iter()
        .take(60)
        .map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\0' })
        .collect::<String>();
    let (mantissa, rest) = match ahead.split_once(['e', 'E']) {
        Some(parts) => parts,
        None if ahead.contains('.') => (&*ahead, ""),
        None => return None,
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let sign = usize::from(rest.starts_with(['+', '-']));
    let power: String = rest[sign..].chars().take(3).take_while(char::is_ascii_digit).collect();
    let exponent = usize::from(mantissa.len() < ahead.len()) + sign + power.len();
    let end = start + mantissa.len() + exponent;
    let plain = |text: &str| (1..=24).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let fraction = if mantissa.contains('.') { fraction } else { "" };
    let wanted = fraction.len().to_string();
    let is_incomplete = fraction.is_empty() || whole.len() < MIN_DIGITS;
    let power: i32 = if end == text.len()
        && is_incomplete
        && !rest.starts_with('-')
        && wanted != power
        && wanted.starts_with(&power)
    {
        wanted.parse().ok()?
    } else {
        format!("{}{power}", if rest.starts_with('-') { "-" } else { "" }).parse().ok()?
    };
    let point = usize::try_from(i32::try_from(whole.len()).ok()? + power).ok()?;
    let written = format!("{whole}{fraction}");
    let padded = format!("{written:0<point$}");
    let (integer, broken) = padded.split_at(point);
    let digits = integer.trim_start_matches('0').to_owned();
    let zeros = point.saturating_sub(written.len());
    if broken.bytes().any(|digit| digit != b'0') || digits.len() > MAX_DIGITS || digits.len() < 10 + zeros {
        return None;
    }
    let before = &text[start.saturating_sub(LOOKBEHIND)..start];
    let context = context_of(before)?;
    let (brand, tier) = brand_of(&digits).filter(|(brand, _)| *brand != Brand::Other)?;
    let enough = context >= 3 || (context > 0 && tier == Tier::Default);
    let sure_brand = (tier == Tier::Default).then_some(brand);
    (checked(&digits).is_some()
        && enough
        && before.last() != Some(&b'.')
        && !is_attached(before, end - start, &[], sure_brand))
    .then_some((start..end, 3, brand))
}

/// The brand of digits that pass Luhn, are not all equal and are in a known range.
fn checked(digits: &str) -> Option<Brand> {
    let bytes = digits.as_bytes();
    (bytes.len() >= MIN_DIGITS && bytes.iter().any(|digit| *digit != bytes[0]) && passes_luhn(bytes)).then_some(())?;
    brand_of(digits).map(|(brand, _)| brand).filter(|brand| *brand != Brand::Other)
}

fn context_of(before: &[u8]) -> Option<i8> {
    // In these texts, no array begins before the lookbehind.
    match context::name_evidence(before, &EnclosingNames::default(), &Names::default()) {
        NameEvidence::Score(score) => Some(score),
        NameEvidence::Ignored => None,
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.')
}

/// Marks the masks: four or more mask characters, with single separators between them.
fn masked_positions(text: &[u8], mask: u8) -> Vec<bool> {
    let stars: Vec<usize> = (0..text.len()).filter(|at| text[*at] == mask).collect();
    let mut masked = vec![false; text.len()];
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for star in stars {
        match runs.last_mut() {
            Some(run) if star - run[run.len() - 1] == 1 => run.push(star),
            Some(run) if star - run[run.len() - 1] == 2 && is_separator(text[star - 1]) => run.push(star),
            _ => runs.push(vec![star]),
        }
    }
    let hides_number = |run: &&Vec<usize>| {
        let separator =
            text[..run[0]].iter().rev().take(3).take_while(|byte| is_separator_byte(**byte) && **byte != mask);
        let before = text[..run[0] - separator.count()].last();
        let behind_digit = before.is_some_and(|byte| byte.is_ascii_digit() || *byte == mask);
        run.len() >= 8 || (run.len() >= 4 && behind_digit)
    };
    for run in runs.iter().filter(hides_number) {
        run.iter().for_each(|at| masked[*at] = true);
    }
    masked
}

/// Runs of digits and masked digits. A mask before enough digits for a number is a run of its own.
fn runs(text: &[u8], masked: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let is_whole = |at: usize| text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count() >= MIN_DIGITS;
    for at in (0..text.len()).filter(|at| text[*at].is_ascii_digit() || masked[*at]) {
        match runs.last_mut() {
            Some(run) if run.end == at && !(masked[at - 1] && is_whole(at)) => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The separator between two adjacent runs.
fn separator<'t>(text: &'t [u8], runs: &[Range<usize>], left: usize) -> Option<&'t [u8]> {
    let between = &text[runs.get(left)?.end..runs.get(left + 1)?.start];
    let whole = [between, b"0"].concat();
    GroupSeparator::read(&whole).is_some_and(|separator| separator.len() == between.len()).then_some(between)
}

/// The span, score and brand of the candidate from run `first` to run `last`, if it can be a card.
fn judge(
    text: &[u8],
    [masked, remains]: [&[bool]; 2],
    runs: &[Range<usize>],
    first: usize,
    last: usize,
) -> Option<(Range<usize>, i8, Brand)> {
    let window = &runs[first..=last];
    let span = window[0].start..window[window.len() - 1].end;
    if span.clone().any(|at| masked[at] && (text[at].is_ascii_digit() || window.iter().any(|run| run.contains(&at)))) {
        return None;
    }
    let separators: Vec<&[u8]> = (first..last).map(|left| separator(text, runs, left)).collect::<Option<_>>()?;
    let mixed = separators.windows(2).any(|pair| pair[0] != pair[1]);
    let digits: Vec<u8> = window.iter().flat_map(|run| &text[run.clone()]).copied().collect();
    let lengths: Vec<usize> = window.iter().map(Range::len).collect();
    if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
        return None;
    }
    let own = separators.first().copied();
    let narrow = |separator: &[u8]| separator.len() == 1 && is_separator(separator[0]);
    let wide = own.is_some_and(|own| !narrow(own));
    let left = first.checked_sub(1).and_then(|left| separator(text, runs, left));
    let right = separator(text, runs, last);
    let (left_narrow, right_narrow) =
        (left.filter(|separator| narrow(separator)), right.filter(|separator| narrow(separator)));
    let bare = own.is_none();
    let whole = if wide { left != own && right != own } else { left_narrow.is_none() && right_narrow.is_none() };
    let as_printed = LAYOUTS.contains(&lengths.as_slice());
    let padded = lengths == [6, 13] && own == Some(b"  ".as_slice());
    let short = lengths.iter().all(|length| (2..=6).contains(length));
    let spread = wide && whole && as_printed && (short || padded);
    let canonical = !wide && as_printed;
    let decoded = lengths.iter().all(|length| *length == 1) && whole;
    let loose = !wide
        && whole
        && lengths.len() <= 6
        && lengths.iter().any(|length| *length >= 3)
        && own != Some(b".".as_slice());
    let (canonical, loose, spread) = (canonical && !mixed, loose && !mixed, spread && !mixed);
    if mixed {
        let common = separators.iter().all(|separator| [b" ".as_slice(), b"-"].contains(separator));
        let ends = left_narrow.is_none() && right_narrow.is_none();
        if !(common && ends && [vec![4, 4, 4, 4], vec![4, 6, 5]].contains(&lengths)) {
            return None;
        }
    } else if !(bare || canonical || decoded || loose || spread) {
        return None;
    }
    let (brand, tier) = brand_of(std::str::from_utf8(&digits).ok()?)?;
    let checks = passes_luhn(&digits);
    let may_lack = brand == Brand::UnionPay && !spread && !mixed;
    if digits.iter().all(|digit| *digit == digits[0]) || !(checks || may_lack) {
        return None;
    }
    let before = &text[span.start.saturating_sub(LOOKBEHIND)..span.start];
    let after = &text[span.end..text.len().min(span.end + LOOKAHEAD)];
    if tier == Tier::Named && context_of(before)? < 3 {
        return None;
    }
    let is_track = bare && track::follows(before, after) == Some(true);
    if is_track && checks {
        return Some((span, 4, brand));
    }
    let sure_brand = (checks && tier == Tier::Default).then_some(brand);
    if !is_track && is_attached(before, span.len(), after, sure_brand) {
        return None;
    }
    let mut score = if bare && !is_track { underscore(before) } else { 0 };
    if bare {
        let zeros = runs.get(last + 1).is_some_and(|group| {
            let after = text.get(group.end).copied().unwrap_or(0);
            let continues = separator(text, runs, last + 1).is_some_and(narrow);
            text[group.clone()].iter().all(|byte| *byte == b'0')
                && group.len() <= 6
                && !continues
                && !after.is_ascii_alphanumeric()
        });
        let dot = Some(b".".as_slice());
        if !is_track && (left == dot || (right == dot && !zeros)) {
            return None;
        }
    } else {
        if !wide && !mixed && own != Some(b" ".as_slice()) && (left == own || right == own) {
            return None;
        }
        if own == Some(b".".as_slice()) && before.ends_with(b".") {
            return None;
        }
        let mark = |at: usize| match text.get(at) {
            Some(byte) if byte.is_ascii_digit() || masked[at] => '0',
            Some(byte) if byte.is_ascii_hexdigit() => 'a',
            Some(byte) if byte.is_ascii_alphanumeric() => 'z',
            Some(byte) if own == Some(&[*byte]) => '-',
            _ => ';',
        };
        let row = |beside: String| {
            let is_four = |group: &&str| group.len() == 4 && group.contains('0') && !group.contains('z');
            let groups = beside.strip_prefix('-').map(|rest| rest.split(';').next().unwrap_or(rest));
            groups.map_or(0, |groups| groups.split('-').take(2).take_while(is_four).count())
        };
        let before_it = row((0..span.start).rev().take(12).map(mark).collect());
        let behind_it = row((span.end..text.len()).take(12).map(mark).collect());
        if tier == Tier::Named && (!canonical || left_narrow.is_some() || before_it + behind_it > 0) {
            return None;
        }
        let tail = (0..span.start).rev().scan(true, |continues, at| {
            let digit = text[at].is_ascii_digit() || remains[at];
            let joins = is_separator(text[at]) && at > 0 && (text[at - 1].is_ascii_digit() || masked[at - 1]);
            *continues &= digit || joins;
            continues.then_some(at)
        });
        let tail: Vec<usize> = tail.filter(|at| !is_separator(text[*at])).take(4).collect();
        if is_in_iban(text, masked, span.start) || tail.iter().any(|at| remains[*at]) {
            return None;
        }
        let is_row = before_it + behind_it >= 2 && !is_among_cards(text, &span);
        score += if is_row { -3 } else { 0 };
    }
    let context = context_of(before)?;
    if !checks && (context < 4 || digits.len() < 16 || digits[8..11] == *b"000") {
        return None;
    }
    score += context;
    score += if bare && context::is_listed(before, after) == Some(true) { -2 } else { 0 };
    score += match (spread, canonical) {
        (true, _) => 2,
        (_, true) => 1,
        _ if decoded && !bare && digits.iter().all(|digit| *digit <= b'5') => -2,
        _ if mixed => -1,
        _ if loose && !decoded && !bare => -2,
        _ => 0,
    };
    score += if checks && tier == Tier::Default && !spread { 2 } else { 0 };
    score += if before.ends_with(b"pub-") && context < 3 {
        -4
    } else if bare && context < 3 && time::begins_with_time(&digits) {
        -2
    } else {
        0
    };
    let precedes = context >= 0 && context::evidence_precedes(before);
    score += i8::from(precedes);
    let follows = if context < 0 { context::expiry_follows(after) } else { context::evidence_follows(after) };
    let evidence = context >= -1 && !precedes && score == 1 && follows;
    Some((span, if evidence { 2 } else { score }, brand))
}

/// True when all groups of four digits around a number are cards of a known range, and at most two dates on each side.
fn is_among_cards(text: &[u8], span: &Range<usize>) -> bool {
    let part = |byte: u8| byte.is_ascii_hexdigit() || b"*#xXF".contains(&byte);
    let group = |at: usize| {
        let group = text.get(at..at + 4).filter(|group| group.iter().all(|byte| part(*byte)))?;
        group.iter().any(|byte| byte.is_ascii_digit() || b"*#xXF".contains(byte)).then_some(group)
    };
    let (first, last) = (span.start.saturating_sub(LOOKBEHIND), text.len().min(span.end + LOOKAHEAD));
    let left = (1..).map_while(|number| {
        let at = span.start.checked_sub(5 * number).filter(|at| *at >= first)?;
        group(at).filter(|_| text[at + 4] == b' ')
    });
    let right = (0..).map_while(|number| {
        let at = span.end + 5 * number;
        group(at + 1).filter(|_| text[at] == b' ' && at + 5 <= last)
    });
    let (mut left, mut right): (Vec<&[u8]>, Vec<&[u8]>) = (left.collect(), right.collect());
    let outside = (span.start - 5 * left.len()).checked_sub(1).filter(|at| *at >= first);
    if outside.is_some_and(|at| part(text[at])) {
        left.pop();
    }
    if text[..last].get(span.end + 5 * right.len()).is_some_and(|byte| part(*byte)) {
        right.pop();
    }
    let is_card = |groups: &[&[u8]]| {
        let digits = groups.concat();
        if !digits.iter().all(u8::is_ascii_digit) {
            return false;
        }
        let brand = str::from_utf8(&digits).ok().and_then(brand_of).filter(|(_, tier)| *tier == Tier::Default);
        brand.is_some() && passes_luhn(&digits) && digits.iter().any(|digit| *digit != digits[0])
    };
    let is_date = |group: &[u8]| {
        let Some(group) = str::from_utf8(group).ok().and_then(|group| group.parse::<u32>().ok()) else { return false };
        let (month, year) = (group / 100, group % 100);
        (1990..2050).contains(&group) || ((1..=12).contains(&month) && year < 50)
    };
    let outer = [&text[first..span.start - 5 * left.len()], &text[span.end + 5 * right.len()..last]];
    let is_row = |three: &[u8]| {
        let is_sign = |at: usize, byte: u8| {
            if at % 5 == 4 { byte == b' ' } else { byte.is_ascii_digit() || b"*#xXF".contains(&byte) }
        };
        three.iter().enumerate().all(|(at, byte)| is_sign(at, *byte))
    };
    if outer.iter().any(|text| text.windows(14).any(is_row)) {
        return false;
    }
    [(left, true), (right, false)].into_iter().all(|(mut groups, reversed)| {
        let mut dates = 0;
        if groups.len() >= 16 {
            return false;
        }
        while !groups.is_empty() {
            let mut first: Vec<&[u8]> = groups.iter().take(4).copied().collect();
            if reversed {
                first.reverse();
            }
            if first.len() == 4 && is_card(&first) {
                groups.drain(..4);
            } else if dates < 2 && is_date(groups[0]) {
                dates += 1;
                groups.remove(0);
            } else {
                return false;
            }
        }
        true
    })
}

/// True when the sequence of groups that contains `start` begins like an IBAN: a word of two letters, then two digits.
fn is_in_iban(text: &[u8], masked: &[bool], start: usize) -> bool {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit) || masked.get(at) == Some(&true);
    let mut first = start;
    while first > 0
        && start - first < 31
        && (digit(first - 1) || (is_separator(text[first - 1]) && first > 1 && digit(first - 2)))
    {
        first -= 1;
    }
    if start - first >= 31 || first < 2 {
        return false;
    }
    let word = text[first - 2..first].iter().all(u8::is_ascii_alphabetic);
    let alone = first < 3 || !text[first - 3].is_ascii_alphanumeric();
    word && alone && digit(first) && digit(first + 1) && !digit(first + 2)
}

/// True when a letter is adjacent to the number, unless its word is one that appears directly before or after card numbers.
fn is_attached(before: &[u8], length: usize, after: &[u8], sure_brand: Option<Brand>) -> bool {
    let letters = |bytes: &mut dyn Iterator<Item = &u8>| -> Vec<u8> {
        bytes.take_while(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect()
    };
    let mut left = letters(&mut before.iter().rev());
    left.reverse();
    let right = letters(&mut after.iter());
    let digit_before = before.len().checked_sub(left.len() + 1).is_some_and(|at| before[at].is_ascii_digit());
    let is_cbor = adjacent::is_cbor_value(before, length, after, true) == Some(true);
    let written = &before[before.len() - left.len()..];
    let is_name = sure_brand.is_some_and(|brand| words::is_card(&left) || attached::is_brand_code(written, brand));
    let left_is_fine = left.is_empty()
        || is_cbor
        || ((words::is_one_of(&left, &words::ATTACHED_BEFORE) || boundary::is_mask(before) || is_name)
            && !digit_before)
        || boundary::is_not_a_word(before, length, after);
    let filled = boundary::is_bcd_filler(&after[..right.len()], after.get(right.len()));
    let (suffix, behind) = after.split_at(right.len());
    let is_suffix = attached::is_currency(suffix) || attached::is_literal_suffix(suffix, behind.first());
    let known = words::is_one_of(&right, &words::ATTACHED_AFTER) || (sure_brand.is_some() && is_suffix);
    let ends = filled || right.is_empty() || known;
    !left_is_fine || !(ends || is_cbor || adjacent::is_exact_string(before, length))
}

fn underscore(before: &[u8]) -> i8 {
    if boundary::is_signed_or_fraction(before) {
        return -2;
    }
    let dash = before.strip_suffix(b"-").filter(|rest| rest.last().is_some_and(u8::is_ascii_alphabetic));
    let Some(rest) = before.strip_suffix(b"_").or(dash) else { return 0 };
    let letters = rest.iter().rev().take_while(|byte| byte.is_ascii_alphabetic());
    let mut word: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    word.reverse();
    let known = words::is_one_of(&word, &words::ATTACHED_BEFORE) || words::is_card(&word) || boundary::is_mask(rest);
    if known { 0 } else { -2 }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (index, digit) in digits.iter().rev().enumerate() {
        let value = u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 };
        sum += value / 10 + value % 10;
    }
    sum % 10 == 0
}

/// A brand, its lengths and its ranges of leading digits.
type BrandRow = (Brand, &'static [usize], &'static [(&'static str, &'static str)]);

/// The IIN table, with the prefixes as published.
fn brand_of(digits: &str) -> Option<(Brand, Tier)> {
    let table: [BrandRow; 15] = [
        (Brand::Visa, &[16], &[("4", "4")]),
        (Brand::Mastercard, &[16], &[("51", "55"), ("2221", "2720")]),
        (Brand::Amex, &[15], &[("34", "34"), ("37", "37")]),
        (Brand::Discover, &[16], &[("6011", "6011"), ("644", "649"), ("65", "65")]),
        (Brand::Diners, &[14, 16], &[("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")]),
        (
            Brand::Jcb,
            &[16],
            &[
                ("3528", "3589"),
                ("3088", "3094"),
                ("3096", "3102"),
                ("3112", "3120"),
                ("3158", "3159"),
                ("3337", "3349"),
            ],
        ),
        (Brand::UnionPay, &[16, 19], &[("620", "629")]),
        (Brand::UnionPay, &[16], &[("81", "82")]),
        (Brand::Mir, &[16], &[("2200", "2204")]),
        (Brand::Troy, &[16], &[("9792", "9792")]),
        (
            Brand::Maestro,
            &[16],
            &[
                ("5018", "5018"),
                ("5019", "5019"),
                ("5020", "5020"),
                ("5038", "5038"),
                ("56", "58"),
                ("6304", "6304"),
                ("6759", "6759"),
                ("6761", "6763"),
                ("6768", "6768"),
                ("6771", "6771"),
            ],
        ),
        (Brand::Elo, &[16], &[("506699", "506778"), ("509000", "509999"), ("636297", "636297"), ("636368", "636368")]),
        (
            Brand::Hipercard,
            &[16],
            &[
                ("606282", "606282"),
                ("637095", "637095"),
                ("637568", "637568"),
                ("637599", "637599"),
                ("637609", "637609"),
                ("637612", "637612"),
            ],
        ),
        (Brand::Verve, &[16, 19], &[("506099", "506198"), ("507865", "507964")]),
        (Brand::RuPay, &[16], &[("508500", "508999"), ("606900", "608999")]),
    ];
    let long: &[usize] = &[17, 18, 19];
    let broad: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];
    let extended: [BrandRow; 14] = [
        (Brand::Jcb, &[15], &[("2131", "2131"), ("1800", "1800")]),
        (Brand::Uatp, &[15], &[("1", "1")]),
        (Brand::Mir, long, &[("2200", "2204")]),
        (Brand::Borica, &[16], &[("2205", "2205")]),
        (Brand::Diners, &[15, 17, 18, 19], &[("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")]),
        (Brand::Jcb, long, &[("3528", "3589")]),
        (Brand::Visa, &[13, 19], &[("4", "4")]),
        (Brand::Uzcard, &[16], &[("8600", "8600"), ("5614", "5614")]),
        (Brand::Discover, long, &[("6011", "6011"), ("644", "659")]),
        (Brand::UnionPay, &[17, 18], &[("620", "629")]),
        (Brand::UnionPay, long, &[("81", "81")]),
        (Brand::Napas, &[16, 19], &[("9704", "9704")]),
        (Brand::Humo, &[16], &[("9860", "9860")]),
        (Brand::Maestro, broad, &[("50", "50"), ("56", "58"), ("6", "6")]),
    ];
    let matches =
        |(low, high): &(&str, &str)| digits.get(..low.len()).is_some_and(|lead| *low <= lead && lead <= *high);
    let issues = |row: &&BrandRow| row.1.contains(&digits.len()) && row.2.iter().any(matches);
    let default = table.iter().find(issues).map(|row| (row.0, Tier::Default));
    let listed = default.or(extended.iter().find(issues).map(|row| (row.0, Tier::Extended)));
    let begins = |any: &[&str]| any.iter().any(|start| digits.starts_with(start));
    let country =
        digits.get(1..4).and_then(|country| country.parse().ok()).is_some_and(|code| (4..895).contains(&code));
    let is_national = (begins(&["9"]) && country && digits.len() > 12) || (begins(&["1946"]) && digits.len() == 16);
    listed.or(is_national.then_some((Brand::Other, Tier::Named)))
}
