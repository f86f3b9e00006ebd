//! What would a slow, plain finder find?
//!
//! Looks at the whole text at once, knows nothing of chunks, and spells out each rule where it is used; only what a name
//! is worth it asks the same code. The fast scanner must agree with it on every input.

use crate::scan::{Fold, LONGEST_SPELLING, LOOKAHEAD, LOOKBEHIND, MAX_DIGITS, MIN_DIGITS, fold};
use crate::verdict::{Brand, Tier, context, test_cards, track, words};
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

/// The cards in `text`, in which masks are written with `mask`, as spans of its bytes.
pub fn find(text: &[u8], mask: u8) -> Vec<(Range<usize>, Brand)> {
    let mut spelled: Spelled = text.iter().enumerate().map(|(at, byte)| (*byte, at, at + 1)).collect();
    for _ in 0..2 {
        spelled = without_escapes(&spelled);
    }
    spelled = folded(&spelled, mask);
    let mut before = 0;
    for (byte, _, end) in &mut spelled {
        if *end - before > LONGEST_SPELLING && (byte.is_ascii_digit() || is_separator(*byte)) {
            *byte = 0;
        }
        before = *end;
    }
    let text: Vec<u8> = spelled.iter().map(|(byte, ..)| *byte).collect();
    let found = find_in_text(&text, mask).into_iter();
    found.map(|(span, brand)| (spelled[span.start].1..spelled[span.end - 1].2, brand)).collect()
}

/// Bytes, each with the place in the source where its spelling begins and ends.
type Spelled = Vec<(u8, usize, usize)>;

/// One round of escapes read, each by its plainest rule.
fn without_escapes(source: &Spelled) -> Spelled {
    let mut out = Spelled::new();
    let mut rest: &[(u8, usize, usize)] = source;
    while !rest.is_empty() {
        let ahead: String =
            rest.iter().take(32).map(|(byte, ..)| if byte.is_ascii() { *byte as char } else { '\0' }).collect();
        let (length, bytes) = escape_at(&ahead).unwrap_or((1, vec![rest[0].0]));
        let (start, end) = (rest[0].1, rest[length - 1].2);
        out.extend(bytes.iter().map(|byte| (*byte, start, end)));
        rest = &rest[length..];
    }
    out
}

/// The length of the escape that `text` begins with, and the bytes that it stands for.
fn escape_at(text: &str) -> Option<(usize, Vec<u8>)> {
    let character = |length: usize, character: char| Some((length, character.to_string().into_bytes()));
    if let Some(rest) = text.strip_prefix('%') {
        let track = rest.strip_prefix('B').is_some_and(|rest| {
            rest.len() >= 12 && rest[..12].bytes().all(|b| b.is_ascii_digit() || b"*#xX".contains(&b))
        });
        let byte = rest.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()) && !track)?;
        return Some((3, vec![u8::from_str_radix(byte, 16).ok()?]));
    }
    if let Some(rest) = text.strip_prefix('\\') {
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
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
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

/// ASCII in place of the characters that look like it.
fn folded(source: &Spelled, mask: u8) -> Spelled {
    let mut out = Spelled::new();
    let mut rest: &[(u8, usize, usize)] = source;
    while !rest.is_empty() {
        let ahead: Vec<u8> = rest.iter().take(4).map(|(byte, ..)| *byte).collect();
        let found =
            (1..=ahead.len()).find_map(|len| Some((std::str::from_utf8(&ahead[..len]).ok()?.chars().next()?, len)));
        let (character, length) = found.unwrap_or(('\u{fffd}', 1));
        let (start, end) = (rest[0].1, rest[length - 1].2);
        match fold(character, mask) {
            _ if character.is_ascii() || found.is_none() => out.push(rest[0]),
            Fold::As(byte) => out.push((byte, start, end)),
            Fold::Dropped => {}
            Fold::Kept => out.extend(ahead[..length].iter().map(|byte| (*byte, start, end))),
        }
        rest = &rest[length..];
    }
    out
}

fn find_in_text(text: &[u8], mask: u8) -> Vec<(Range<usize>, Brand)> {
    let masked = masked_positions(text, mask);
    let mut found = Vec::new();
    for chain in chains(text, &masked) {
        let mut first = 0;
        while first < chain.len() {
            let mut best: Option<(usize, i8, Brand)> = None;
            for last in first..chain.len() {
                if let Some((score, brand)) = judge(text, &masked, &chain, first, last)
                    && best.is_none_or(|(_, other, _)| score > other)
                {
                    best = Some((last, score, brand));
                }
            }
            first = match best {
                Some((last, _, brand)) => {
                    found.push((chain[first].start..chain[last].end, brand));
                    last + 1
                }
                None => first + 1,
            };
        }
    }
    found
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.')
}

/// Four or more mask characters, single separators between them allowed, are a mask.
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
    for run in runs.iter().filter(|run| run.len() >= 4) {
        run.iter().for_each(|at| masked[*at] = true);
    }
    masked
}

/// Groups of digits (masked ones included) that are joined by one separator each.
fn chains(text: &[u8], masked: &[bool]) -> Vec<Vec<Range<usize>>> {
    let mut chains: Vec<Vec<Range<usize>>> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        while at < text.len() && (text[at].is_ascii_digit() || masked[at]) {
            at += 1;
        }
        if at == start {
            at += 1;
            continue;
        }
        match chains.last_mut() {
            Some(chain) if start - chain[chain.len() - 1].end == 1 && is_separator(text[start - 1]) => {
                chain.push(start..at);
            }
            _ => chains.push(std::iter::once(start..at).collect()),
        }
    }
    chains
}

/// Score and brand of the window from group `first` to group `last`, when it is a card.
fn judge(text: &[u8], masked: &[bool], chain: &[Range<usize>], first: usize, last: usize) -> Option<(i8, Brand)> {
    let window = &chain[first..=last];
    let span = window[0].start..window[window.len() - 1].end;
    if span.clone().any(|at| masked[at]) || window.len() > MAX_DIGITS {
        return None;
    }
    let digits: Vec<u8> = span.clone().map(|at| text[at]).filter(u8::is_ascii_digit).collect();
    let separators: Vec<u8> = window[1..].iter().map(|group| text[group.start - 1]).collect();
    let lengths: Vec<usize> = window.iter().map(Range::len).collect();
    if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) || separators.windows(2).any(|pair| pair[0] != pair[1]) {
        return None;
    }
    let bare = window.len() == 1;
    let whole = window.len() == chain.len();
    let canonical = LAYOUTS.contains(&lengths.as_slice());
    let spelled = lengths.iter().all(|length| *length == 1) && whole;
    let loose =
        whole && lengths.len() <= 6 && lengths.iter().any(|length| *length >= 3) && separators.first() != Some(&b'.');
    if !(bare || canonical || spelled || loose) {
        return None;
    }
    let (brand, tier) = brand_of(std::str::from_utf8(&digits).ok()?)?;
    let checks = check_digit_is_right(&digits);
    if digits.iter().all(|digit| *digit == digits[0]) || !(checks || brand == Brand::UnionPay) {
        return None;
    }
    let before = &text[span.start.saturating_sub(LOOKBEHIND)..span.start];
    let after = &text[span.end..text.len().min(span.end + LOOKAHEAD)];
    let is_track = bare && track::follows(before, after) == Some(true);
    if is_track && checks {
        return Some((4, brand));
    }
    if !is_track && is_glued(before, after) {
        return None;
    }
    let mut score = if bare && !is_track { underscore(before) } else { 0 };
    let left = (first > 0).then(|| text[chain[first].start - 1]);
    let right = chain.get(last + 1).map(|group| text[group.start - 1]);
    if bare {
        let zeros = chain.get(last + 1).is_some_and(|group| {
            let after = text.get(group.end).copied().unwrap_or(0);
            text[group.clone()].iter().all(|byte| *byte == b'0')
                && group.len() <= 6
                && last + 2 == chain.len()
                && !after.is_ascii_alphanumeric()
        });
        if !is_track && (left == Some(b'.') || (right == Some(b'.') && !zeros)) {
            return None;
        }
    } else {
        let own = separators[0];
        if own != b' ' && (left == Some(own) || right == Some(own)) {
            return None;
        }
        let fours = |groups: &mut dyn Iterator<Item = &Range<usize>>, joined: &mut dyn Iterator<Item = u8>| {
            groups.zip(joined).take(2).take_while(|(group, by)| group.len() == 4 && *by == own).count()
        };
        let neighbours =
            fours(
                &mut chain[..first].iter().rev(),
                &mut chain[1..=first].iter().rev().map(|group| text[group.start - 1]),
            ) + fours(&mut chain[last + 1..].iter(), &mut chain[last + 1..].iter().map(|group| text[group.start - 1]));
        let from_chain_start = span.start - chain[0].start;
        let letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
        let glued_chain = from_chain_start < 31 && letter(chain[0].start.checked_sub(1));
        let tail: Vec<usize> =
            (chain[0].start..span.start).filter(|at| !is_separator(text[*at])).rev().take(4).collect();
        if glued_chain || tail.iter().any(|at| masked[*at]) {
            return None;
        }
        score += if neighbours >= 2 { -3 } else { 0 };
    }
    let context = context::score(before);
    if !checks && (context < 4 || digits.len() < 16 || digits[8..11] == *b"000") {
        return None;
    }
    score += context;
    score += if bare && context::is_listed(before, after) == Some(true) { -2 } else { 0 };
    score += if checks && tier == Tier::Default { 2 } else { 0 };
    score += if canonical {
        1
    } else if loose && !spelled && !bare {
        -2
    } else {
        0
    };
    score += if test_cards::is_test_number(&digits) {
        2
    } else if before.ends_with(b"pub-") && context < 3 {
        -4
    } else {
        0
    };
    let evidence = context >= 0 && score == 1 && context::evidence_follows(after);
    (score >= 2 || evidence).then_some((score.max(2), brand))
}

/// A letter that touches the number speaks against it, unless the word is one that is written onto card numbers.
fn is_glued(before: &[u8], after: &[u8]) -> bool {
    let letters = |bytes: &mut dyn Iterator<Item = &u8>| -> Vec<u8> {
        bytes.take_while(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect()
    };
    let mut left = letters(&mut before.iter().rev());
    left.reverse();
    let right = letters(&mut after.iter());
    let digit_before = before.len().checked_sub(left.len() + 1).is_some_and(|at| before[at].is_ascii_digit());
    let left_is_fine = left.is_empty() || (words::is_one_of(&left, &words::GLUED_BEFORE) && !digit_before);
    !left_is_fine || !(right.is_empty() || words::is_one_of(&right, &words::GLUED_BEHIND))
}

fn underscore(before: &[u8]) -> i8 {
    let Some(rest) = before.strip_suffix(b"_") else { return 0 };
    let letters = rest.iter().rev().take_while(|byte| byte.is_ascii_alphabetic());
    let mut word: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    word.reverse();
    let known = words::is_one_of(&word, &words::GLUED_BEFORE) || words::is_one_of(&word, &words::CARD);
    if known { 0 } else { -2 }
}

fn check_digit_is_right(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (index, digit) in digits.iter().rev().enumerate() {
        let value = u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 };
        sum += value / 10 + value % 10;
    }
    sum % 10 == 0
}

/// A brand, its lengths and its ranges of leading digits.
type Row = (Brand, &'static [usize], &'static [(&'static str, &'static str)]);

/// The issuer table once more, as the prefixes that the lists print.
fn brand_of(digits: &str) -> Option<(Brand, Tier)> {
    let table: [Row; 15] = [
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
    let extended: [Row; 14] = [
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
    let issues = |row: &&Row| row.1.contains(&digits.len()) && row.2.iter().any(matches);
    let default = table.iter().find(issues).map(|row| (row.0, Tier::Default));
    default.or(extended.iter().find(issues).map(|row| (row.0, Tier::Extended)))
}
