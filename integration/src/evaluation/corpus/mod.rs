//! Which texts is the detector measured on?
//!
//! `integration/corpus/` has a folder for each [`Tier`] with a file for each theme, and the table of issuers.

mod file;
mod issuer;
mod template;

use std::path::Path;

use anyhow::{Result, ensure};

pub use issuer::{Issuer, Issuers, Range, Wanted};
pub use template::{Block, Node, Template};

/// Every class, and the issuers that card numbers are made of.
#[derive(Debug)]
pub struct Corpus {
    /// In the order of tiers, file names and files.
    pub classes: Vec<Class>,
    /// Who issues how many cards of which kind.
    pub issuers: Issuers,
}

/// Texts of one kind.
#[derive(Debug)]
pub struct Class {
    /// Unique in the corpus.
    pub name: String,
    /// How hard it is, and whether there are cards in it at all.
    pub tier: Tier,
    /// One line on what it is.
    pub about: String,
    /// What the detector is meant to do with it.
    pub expect: Expect,
    /// The part of a message that its texts are.
    pub place: Place,
    /// Its texts, before they are filled.
    pub templates: Vec<Template>,
}

/// How hard the texts of a class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Card numbers as they are written every day.
    Everyday,
    /// Card numbers in notations that must be read first.
    Hard,
    /// Card numbers written so that no one finds them.
    Evasion,
    /// Other numbers.
    Negative,
    /// Other numbers that pass for cards digit by digit.
    Adversarial,
}

/// What the detector is meant to do with a class.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// Find at least this share of the cards.
    Found {
        /// Of all cards in the class.
        at_least: f64,
    },
    /// Find few or none of the cards, for this reason.
    Missed {
        /// As the page about the evaluation says it.
        why: String,
    },
    /// Flag no more than this share of the records.
    Clean {
        /// Of all records of the class.
        at_most: f64,
    },
    /// No promise: nothing in the digits tells.
    Open,
}

/// The part of a message that a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A body of this content type, or of none.
    Body(Option<String>),
    /// A header, with its name and `: ` before the value.
    Header,
    /// The path of a request, with its query.
    Path,
}

impl Tier {
    /// Every tier, the most important first.
    pub const ALL: [Self; 5] = [Self::Everyday, Self::Hard, Self::Evasion, Self::Negative, Self::Adversarial];

    /// The name of its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyday => "everyday",
            Self::Hard => "hard",
            Self::Evasion => "evasion",
            Self::Negative => "negative",
            Self::Adversarial => "adversarial",
        }
    }

    /// True when every text of it holds a card number.
    pub const fn has_cards(self) -> bool {
        matches!(self, Self::Everyday | Self::Hard | Self::Evasion)
    }
}

impl Corpus {
    /// The corpus of this repository.
    ///
    /// # Errors
    ///
    /// When a file of it is not valid; the error names the file, the class and the field.
    pub fn shipped() -> Result<Self> {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
    }

    /// The corpus in `folder`.
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

    /// The classes of one tier.
    pub fn tier(&self, tier: Tier) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(move |class| class.tier == tier)
    }
}
