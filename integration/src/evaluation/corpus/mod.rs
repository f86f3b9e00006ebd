//! Corpus of the evaluation.
//!
//! `integration/corpus/` has a folder for each [`Tier`] with a file for each theme, and the table of issuers.

mod file;
mod issuer;
mod template;

use std::path::Path;

use anyhow::{Result, ensure};

pub use issuer::{Issuer, Issuers, Range, Wanted};
pub use template::{Block, Node, Template};

/// Every class, and the issuers of the card numbers.
#[derive(Debug)]
pub struct Corpus {
    /// Classes, in the order of tiers, file names and position in the file.
    pub classes: Vec<Class>,
    /// Issuers of the card numbers.
    pub issuers: Issuers,
}

/// Texts of one kind.
#[derive(Debug)]
pub struct Class {
    /// Name, unique in the corpus.
    pub name: String,
    /// Difficulty, and whether the texts have card numbers.
    pub tier: Tier,
    /// Description in one line.
    pub about: String,
    /// Expected result of the detector.
    pub expect: Expect,
    /// Location of the texts in a message.
    pub place: Place,
    /// Texts with placeholders.
    pub templates: Vec<Template>,
}

/// Difficulty of the texts of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Card numbers in everyday notations.
    Everyday,
    /// Card numbers in encoded or rare notations.
    Hard,
    /// Card numbers that are written to evade detection.
    Evasion,
    /// Texts with other numbers.
    Negative,
    /// Texts with other numbers that are valid card numbers digit by digit.
    Adversarial,
}

/// Expected result of the detector for a class.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// At least this share of the card numbers is found.
    Found {
        /// Minimum share of all card numbers of the class.
        at_least: f64,
    },
    /// Few or none of the card numbers are found, for this reason.
    Missed {
        /// Reason, as on the page of the evaluation.
        why: String,
    },
    /// At most this share of the records is flagged.
    Clean {
        /// Maximum share of all records of the class.
        at_most: f64,
    },
    /// No expectation: the digits do not decide.
    Open,
}

/// Location of a text in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Body with this content type, or without one.
    Body(Option<String>),
    /// Header line: name, `: ` and value.
    Header,
    /// Path of a request, with its query.
    Path,
}

impl Tier {
    /// Every tier, the most important first.
    pub const ALL: [Self; 5] = [Self::Everyday, Self::Hard, Self::Evasion, Self::Negative, Self::Adversarial];

    /// Name of its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyday => "everyday",
            Self::Hard => "hard",
            Self::Evasion => "evasion",
            Self::Negative => "negative",
            Self::Adversarial => "adversarial",
        }
    }

    /// Whether every text of it has a card number.
    pub const fn has_cards(self) -> bool {
        matches!(self, Self::Everyday | Self::Hard | Self::Evasion)
    }
}

impl Corpus {
    /// Corpus of this repository.
    ///
    /// # Errors
    ///
    /// When a file is not valid. The error names the file, the class and the field.
    pub fn shipped() -> Result<Self> {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
    }

    /// Corpus in `folder`.
    ///
    /// # Errors
    ///
    /// As for [`Corpus::shipped`].
    pub fn read(folder: &Path) -> Result<Self> {
        let issuers = file::read_issuers(&folder.join("issuers.toml"))?;
        let mut classes: Vec<Class> = Vec::new();
        for tier in Tier::ALL {
            classes.extend(file::read_classes(&folder.join(tier.as_str()), tier)?);
        }
        for (index, class) in classes.iter().enumerate() {
            let used = classes.iter().take(index).any(|other| other.name == class.name);
            ensure!(!used, "class {:?}: name: used twice", class.name);
        }
        Ok(Self { classes, issuers })
    }

    /// Classes of one tier.
    pub fn tier(&self, tier: Tier) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(move |class| class.tier == tier)
    }
}
