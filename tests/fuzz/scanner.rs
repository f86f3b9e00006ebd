//! Invariants of a stream for a text that arbitrary bytes describe: its notation, its chunks and its content.
//!
//! The first line of an input selects the notation and the chunks of the rest, one character for each choice, so that people can
//! read and write inputs: `j6*bw8 35` is JSON in chunks of 3 and 5 bytes. Without a line end everything is text.
//!
//! | character | choice |
//! |---|---|
//! | 1st | notation: `j` JSON, `f` form, `c` CSV, `t` other text; else unknown |
//! | 2nd | digits that stay readable: `4`, `6` and `8` as in `last4`, `first6_last4`, `first8_last4`; else none |
//! | 3rd | the mask character; `*` when the character is not valid |
//! | 4th | needed evidence: `s` strict, `p` precise, else balanced; in capitals with tokens and patterns |
//! | 5th | framing: `g` gRPC messages; `l` behind enough empty lines that a [seam](SEAM) falls into the text; else unframed |
//! | 6th | a [count](count): of bytes in a message, of bytes before the seam, or of bytes that the host may hold back |
//! | rest | [counts](count): the lengths of the chunks, repeated until the end |

use super::chunks::{count, cut};
use panveil::mask::{Keep, MaskCharacter, Style};
use panveil::stream::invariants::{self, Carrier, Settings};
use panveil::stream::{Framing, LengthPrefixed, TextFormat};
use panveil::verdict::Sensitivity;

/// Size of the inspector's blocks.
const SEAM: usize = 16_384;

/// Panics when an invariant does not hold for the text that `input` stands for.
pub fn check(input: &[u8]) {
    let line_end = input.iter().position(|byte| *byte == b'\n');
    let (choices, text) = line_end.map_or((&b""[..], input), |at| (&input[..at], &input[at + 1..]));
    let choice = |index: usize| choices.get(index).copied().unwrap_or_default();
    let settings = Settings {
        text_format: match choice(0) {
            b'j' => TextFormat::Json,
            b'f' => TextFormat::Form,
            b'c' => TextFormat::Csv,
            b't' => TextFormat::Text,
            b'm' => TextFormat::Markup,
            b'q' => TextFormat::Mime,
            _ => TextFormat::Unknown,
        },
        style: Style {
            keep: match choice(1) {
                b'4' => Keep::Last4,
                b'6' => Keep::First6Last4,
                b'8' => Keep::First8Last4,
                _ => Keep::None,
            },
            character: MaskCharacter::new(choice(2)).unwrap_or(MaskCharacter::ASTERISK),
        },
        sensitivity: match choice(3).to_ascii_lowercase() {
            b's' => Sensitivity::Strict,
            b'p' => Sensitivity::Precise,
            _ => Sensitivity::Balanced,
        },
        tokens_and_patterns: choice(3).is_ascii_uppercase(),
    };
    let size = count(choice(5));
    let lengths = choices.get(6..).unwrap_or_default();
    match choice(4) {
        b'g' => {
            let chunks = cut(&messages(text, size), lengths);
            invariants::chunk_invariance_of_messages(
                &chunks,
                Carrier::Messages(Framing::Grpc(LengthPrefixed::TEXT)),
                settings,
            );
        }
        b'l' => invariants::offset_invariance(text, SEAM.saturating_sub(size), settings),
        _ => check_text(text, &cut(text, lengths), size, settings),
    }
}

fn check_text(text: &[u8], chunks: &[Vec<u8>], pause_limit: usize, settings: Settings) {
    invariants::oracle(text, settings.style.character);
    invariants::identity(text, settings);
    invariants::chunk_invariance(chunks, settings);
    invariants::bounded_hold_back(chunks, settings);
    invariants::same_length(text, settings);
    invariants::well_formed(text, settings);
    invariants::idempotence(text, settings);
    invariants::drain(chunks, settings, pause_limit);
    invariants::block(chunks, settings);
    invariants::observe(chunks, settings);
}

/// `text` as gRPC messages of `size` bytes each.
fn messages(text: &[u8], size: usize) -> Vec<u8> {
    let prefixed = |message: &[u8]| [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat();
    text.chunks(size.max(1)).flat_map(prefixed).collect()
}
