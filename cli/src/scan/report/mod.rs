//! What is printed of a card?

mod sarif;

use super::card::Card;
use super::display_name::DisplayName;
use crate::terminal;
use clap::ValueEnum;

/// The form of what is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// A line for each card: path:line:column: brand, digits, number.
    Text,
    /// A JSON object for each card, one a line.
    Json,
    /// One SARIF 2.1.0 document, for code scanning.
    Sarif,
}

/// How much is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every card.
    Cards,
    /// How many cards each file has that has any.
    Counts,
    /// Nothing.
    Nothing,
}

/// What is printed.
#[derive(Clone, Copy)]
pub struct ScanReport {
    /// In which form.
    pub format: ScanFormat,
    /// And how much.
    pub detail: Detail,
}

impl ScanReport {
    /// What comes before everything else.
    pub fn head(self) -> String {
        if self.is_document() { sarif::head() } else { String::new() }
    }

    /// What is said of a card in the file `name`.
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
                terminal::json(&card.number)
            ),
            (Detail::Cards, ScanFormat::Sarif) => sarif::result(name, card),
        }
    }

    /// What is said of the file `name` once all of its `cards` are counted.
    pub fn file(self, name: &DisplayName, cards: u64) -> String {
        match (self.detail, self.format) {
            (Detail::Counts, _) if cards == 0 => String::new(),
            (Detail::Counts, ScanFormat::Text) => format!("{}:{cards}\n", name.text()),
            (Detail::Counts, ScanFormat::Json) => format!("{{\"path\":{},\"cards\":{cards}}}\n", name.json()),
            _ => String::new(),
        }
    }

    /// What stands between what is said of two cards.
    pub fn separator(self) -> &'static str {
        if self.is_document() { sarif::SEPARATOR } else { "" }
    }

    /// What comes after everything else. `errors` is what went wrong.
    pub fn foot(self, errors: &[String]) -> String {
        if self.is_document() { sarif::foot(errors) } else { String::new() }
    }

    /// Whether what went wrong is in it too.
    pub fn keeps_errors(self) -> bool {
        self.is_document()
    }

    fn is_document(self) -> bool {
        self.format == ScanFormat::Sarif && self.detail == Detail::Cards
    }
}

impl Card {
    /// The card in a few words.
    fn summary(&self) -> String {
        format!("{}, {} digits, {}", self.brand, self.digits, self.number)
    }
}
