//! Parser of corpus files: each `[[class]]` table becomes a [`Class`], or an error that names the field.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::issuer::{IssuerWire, Issuers};
use super::{Class, Expect, Place, Template, Tier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassFile {
    class: Vec<ClassWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassWire {
    name: String,
    about: String,
    expect: Option<ExpectWire>,
    why: Option<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    place: Option<PlaceWire>,
    content_type: Option<String>,
    templates: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExpectWire {
    Found,
    Missed,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PlaceWire {
    Body,
    Header,
    Path,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFile {
    issuer: Vec<IssuerWire>,
}

/// Maximum length of a name, for seeds and tables.
const LONGEST_NAME: usize = 24;

pub(super) fn read_issuers(path: &Path) -> Result<Issuers> {
    let file: IssuerFile = parse(path)?;
    Issuers::new(file.issuer).with_context(|| path.display().to_string())
}

/// Classes of every file in `folder`, in the order of the file names.
pub(super) fn read_classes(folder: &Path, tier: Tier) -> Result<Vec<Class>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let mut classes = Vec::new();
    for path in paths {
        let file: ClassFile = parse(&path)?;
        for wire in file.class {
            let name = wire.name.clone();
            let class = wire.into_class(tier);
            classes.push(class.with_context(|| format!("{}: class {name:?}", path.display()))?);
        }
    }
    Ok(classes)
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

impl ClassWire {
    fn into_class(self, tier: Tier) -> Result<Class> {
        let fits = (1..=LONGEST_NAME).contains(&self.name.len())
            && self.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        ensure!(fits, "name: not 1 to {LONGEST_NAME} lower-case letters, digits and dashes");
        ensure!(!self.templates.is_empty(), "templates: none");
        let templates = self.templates.iter().enumerate().map(|(index, text)| {
            let template = Template::parse(text).with_context(|| format!("templates: number {}", index + 1))?;
            let fits = template.has_cards() == tier.has_cards();
            ensure!(fits, "templates: number {}: cards belong into every text of some tiers, and no other", index + 1);
            Ok(template)
        });
        Ok(Class {
            templates: templates.collect::<Result<_>>()?,
            expect: expect(tier, self.expect, self.why, self.at_least, self.at_most)?,
            place: match (self.place, self.content_type) {
                (None | Some(PlaceWire::Body), content_type) => Place::Body(content_type),
                (Some(PlaceWire::Header), None) => Place::Header,
                (Some(PlaceWire::Path), None) => Place::Path,
                (Some(_), Some(_)) => bail!("content_type: only for a body"),
            },
            name: self.name,
            about: self.about,
            tier,
        })
    }
}

fn expect(
    tier: Tier,
    expect: Option<ExpectWire>,
    why: Option<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
) -> Result<Expect> {
    let share = |share: &f64| (0.0..=1.0).contains(share);
    ensure!(at_least.iter().chain(&at_most).all(share), "at_least, at_most: a share, from 0 to 1");
    match (tier, expect, why, at_least, at_most) {
        (Tier::Negative, None, None, None, Some(at_most)) => Ok(Expect::Clean { at_most }),
        (Tier::Negative, ..) => bail!("a negative has at_most, and no expect, why or at_least"),
        (Tier::Adversarial, None, None, None, None) => Ok(Expect::Open),
        (Tier::Adversarial, ..) => bail!("an adversarial has no expect, why, at_least or at_most"),
        (_, Some(ExpectWire::Found), None, Some(at_least), None) => Ok(Expect::Found { at_least }),
        (_, Some(ExpectWire::Missed), Some(why), None, None) => Ok(Expect::Missed { why }),
        _ => bail!("expect: \"found\" with at_least, or \"missed\" with why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(tier: Tier, text: &str) -> String {
        let file: ClassFile = toml::from_str(&format!("[[class]]\nabout = 'a'\n{text}")).unwrap();
        let class = file.class.into_iter().next().unwrap();
        format!("{:#}", class.into_class(tier).unwrap_err())
    }

    #[test]
    fn an_error_names_the_field() {
        let found = "expect = 'found'\nat_least = 0.9\n";
        for (tier, text, expected) in [
            (Tier::Hard, format!("{found}name = 'A'\ntemplates = ['{{pan}}']"), "name: not 1 to"),
            (Tier::Hard, format!("{found}name = 'a'\ntemplates = []"), "templates: none"),
            (Tier::Hard, format!("{found}name = 'a'\ntemplates = ['{{imei}}']"), "number 1: cards belong"),
            (Tier::Hard, format!("{found}name = 'a'\ntemplates = ['{{pin}}']"), "number 1: {pin}: no such placeholder"),
            (Tier::Hard, "name = 'a'\nexpect = 'found'\ntemplates = ['{pan}']".into(), "expect: \"found\" with"),
            (Tier::Negative, "name = 'a'\ntemplates = ['{pan}']\nat_most = 0.1".into(), "number 1: cards belong"),
            (Tier::Negative, "name = 'a'\ntemplates = ['x']\nat_most = 2.0".into(), "a share, from 0 to 1"),
            (Tier::Negative, "name = 'a'\ntemplates = ['x']".into(), "a negative has at_most"),
        ] {
            assert!(error(tier, &text).contains(expected), "{}", error(tier, &text));
        }
    }
}
