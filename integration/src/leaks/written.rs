//! Scan of the output for card numbers with three scanners, one of which is independent of panveil.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use panveil::mask::Style;
use panveil::stream::{Inspector, TextFormat};
use panveil::verdict::{Criteria, Sensitivity};
use tempfile::TempDir;

use super::digits::Fragments;
use crate::envoy::{Envoy, PAGES};
use crate::peers::Python;
use crate::silence::without_fraction;

/// All output, by name. No `Debug`: it may contain digits.
#[derive(Default)]
pub struct Written(pub Vec<(String, Vec<u8>)>);

/// Locations of findings, for each scanner. The findings themselves are not stored.
#[derive(Debug, Default)]
pub struct Findings {
    /// Ten consecutive digits of a sent card number.
    pub fragments: Vec<String>,
    /// Findings of panveil at its strictest sensitivity.
    pub panveil: Vec<String>,
    /// Findings of an independent scanner in Python. `None` without a Python.
    pub independent: Option<Vec<String>>,
    /// Invalid lines of an access log.
    pub lines: Vec<String>,
}

impl Written {
    /// Collects every file that Envoy has written, and every page of its admin interface.
    pub async fn by(envoy: &Envoy) -> Result<Self> {
        let mut files = Vec::new();
        for (path, bytes) in envoy.written()? {
            files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes));
        }
        for page in PAGES {
            let text = envoy.page(page).await?;
            let lines: Vec<&str> = text.lines().map(without_fraction).collect();
            files.push((page.trim_start_matches('/').replace(['/', '?', '='], "-"), lines.join("\n").into()));
        }
        Ok(Self(files))
    }

    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Runs all scanners. `place` names the proxy.
    pub async fn scan(&self, place: &str, sent: &Fragments, python: Option<&Python>, all: &mut Findings) -> Result<()> {
        let strict = Arc::new(Criteria {
            base64: true,
            authentication_data: None,
            ..Criteria::with_sensitivity(Sensitivity::Strict)
        });
        for (name, bytes) in &self.0 {
            for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let at = || format!("{place}/{name}:{}", number + 1);
                if sent.are_in(line) {
                    all.fragments.push(at());
                }
                let mut found = Vec::new();
                let inspector = Inspector::new(TextFormat::Text, Style::HIDE).with_criteria(Arc::clone(&strict));
                inspector.with_all_escapes().inspect(line, true, &mut found);
                if !found.is_empty() {
                    all.panveil.push(at());
                }
            }
        }
        if let Some(python) = python {
            let found = self.independent(place, python).await?;
            all.independent.get_or_insert_default().extend(found);
        }
        Ok(())
    }

    async fn independent(&self, place: &str, python: &Python) -> Result<Vec<String>> {
        let folder = TempDir::with_prefix("panveil-written-")?;
        for (name, bytes) in &self.0 {
            std::fs::write(folder.path().join(name), bytes)?;
        }
        let mut script = python.start("card_scanner", &[&folder.path().to_string_lossy()])?;
        let mut found = Vec::new();
        loop {
            let line = script.line().await.context("the independent scanner")?;
            match line.strip_prefix("card ") {
                Some(at) => found.push(format!("{place}/{at}")),
                None => break,
            }
        }
        script.end().await?;
        Ok(found)
    }

    /// Lines of a file.
    pub fn lines(&self, path: &Path) -> Vec<String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = self.0.iter().find(|(other, _)| *other == name).map_or(&[][..], |(_, bytes)| bytes);
        String::from_utf8_lossy(file).lines().map(str::to_owned).collect()
    }
}

impl Findings {
    /// One line about all findings. `None` when there are none.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let independent = self.independent.as_deref().unwrap_or_default();
        let kinds = [
            ("digits of cards that were sent", self.fragments.as_slice()),
            ("cards as panveil sees them", &self.panveil),
            ("cards as another scanner sees them", independent),
            ("lines that are not as they must be", &self.lines),
        ];
        let kinds = kinds.iter().filter(|(_, places)| !places.is_empty());
        let told: Vec<String> = kinds
            .map(|(what, places)| {
                format!("{} {what}, the first at {}", places.len(), places.first().map_or("", |at| at))
            })
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_told_in_one_line() {
        assert_eq!(Findings::default().told(), None);
        let findings = Findings {
            fragments: vec!["a:1".to_owned(), "a:2".to_owned()],
            independent: Some(vec!["b:3".to_owned()]),
            ..Findings::default()
        };
        let told = "2 digits of cards that were sent, the first at a:1; 1 cards as another scanner sees them, the first at b:3";
        assert_eq!(findings.told().as_deref(), Some(told));
    }
}
