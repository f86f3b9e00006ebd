//! Report of a scan.

mod sarif;

use super::card::Card;
use super::display_name::DisplayName;
use crate::terminal;
use clap::ValueEnum;

/// Output format of a scan.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// One line per card number: path:line:column: brand, digits, number.
    Text,
    /// One JSON object per line and card number.
    Json,
    /// One SARIF 2.1.0 document, for code scanning.
    Sarif,
}

/// Detail of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every card number.
    Cards,
    /// Number of card numbers, for each file with at least one.
    Counts,
    /// No output.
    Nothing,
}

/// Output of a scan.
#[derive(Clone, Copy)]
pub struct ScanReport {
    /// Output format.
    pub format: ScanFormat,
    /// Detail of the output.
    pub detail: Detail,
}

impl ScanReport {
    /// Text before the first file.
    pub fn begin(self) -> String {
        if self.is_document() { sarif::begin() } else { String::new() }
    }

    /// Text for a card number in the file `name`.
    pub fn card(self, name: &DisplayName, card: &Card) -> String {
        match (self.detail, self.format) {
            (Detail::Counts | Detail::Nothing, _) => String::new(),
            (Detail::Cards, ScanFormat::Text) => {
                format!("{}:{}:{}: {}\n", name.text(), card.line, card.column, card.summary())
            }
            (Detail::Cards, ScanFormat::Json) => format!(
                "{{\"path\":{},\"line\":{},\"column\":{},\"offset\":{},\"length\":{},\"brand\":\"{}\",\"digits\":{},\
                 \"number\":{}}}\n",
                name.json(),
                card.line,
                card.column,
                card.offset,
                card.length,
                card.brand,
                card.digits,
                terminal::json(card.number.as_str())
            ),
            (Detail::Cards, ScanFormat::Sarif) => sarif::result(name, card),
        }
    }

    /// Text for the file `name` after its last card number. `cards` is their number.
    pub fn file(self, name: &DisplayName, cards: u64) -> String {
        match (self.detail, self.format) {
            (Detail::Counts, _) if cards == 0 => String::new(),
            (Detail::Counts, ScanFormat::Text) => format!("{}:{cards}\n", name.text()),
            (Detail::Counts, ScanFormat::Json) => format!("{{\"path\":{},\"cards\":{cards}}}\n", name.json()),
            _ => String::new(),
        }
    }

    /// Text between two card numbers.
    pub fn separator(self) -> &'static str {
        if self.is_document() { sarif::SEPARATOR } else { "" }
    }

    /// Text after the last file.
    pub fn end(self, errors: &[String]) -> String {
        if self.is_document() { sarif::end(errors) } else { String::new() }
    }

    /// True if the output includes errors.
    pub fn keeps_errors(self) -> bool {
        self.is_document()
    }

    fn is_document(self) -> bool {
        self.format == ScanFormat::Sarif && self.detail == Detail::Cards
    }
}

impl Card {
    /// Brand, number of digits and shown digits.
    fn summary(&self) -> String {
        format!("{}, {} digits, {}", self.brand, self.digits, self.number)
    }
}
