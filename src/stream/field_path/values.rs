//! Values of fields that rules mask or block as a whole, whatever they are.

use super::FieldTracker;
use crate::mask::Form;
use crate::policy::{FieldPath, FindingDecisions};
use crate::stream::finding::{Detection, Finding, FindingKind};
use std::slice;

/// Finder of the values in a text that arrives in chunks. It decides each byte at once, so it holds nothing back.
#[derive(Clone)]
pub struct ValueFinder {
    tracker: FieldTracker,
    decisions: FindingDecisions,
    current: Option<Field>,
    /// The field of the last value. Most values of an array have the same.
    last: Option<Field>,
    missed: bool,
}

/// Field that contains a value.
#[derive(Clone)]
struct Field {
    path: FieldPath,
    /// Whether a rule selects its values.
    is_selected: bool,
}

/// Part of a text to which a byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueByte {
    /// No value.
    Outside,
    /// A value, but its mask keeps the byte, because the format of the text needs it.
    Kept,
    /// A value, in whose mask this byte replaces it.
    Masked(u8),
    /// As [`Self::Masked`], but some receivers read another field.
    Disputed(u8),
    /// Not known.
    Unknown,
}

impl ValueFinder {
    /// Starts at the beginning of a text, where `tracker` is.
    pub fn new(tracker: FieldTracker, decisions: FindingDecisions) -> Self {
        Self { tracker, decisions, current: None, last: None, missed: false }
    }

    /// True if a value may have been missed, because its field is unknown in a format with fields.
    pub fn missed(&self) -> bool {
        self.missed
    }

    /// Advances past `text`, and appends the selected values to `findings`, with `mask` as their mask character. A value can have several
    /// findings, of which all but the first continue it.
    pub fn find(&mut self, text: &[u8], mask: u8, findings: &mut Vec<Finding>) {
        let from = findings.len();
        for (index, byte) in text.iter().enumerate() {
            match self.tracker.value_byte(*byte, mask) {
                ValueByte::Kept => {}
                ValueByte::Outside => self.current = None,
                ValueByte::Unknown => self.missed = true,
                ValueByte::Masked(replacement) => self.add(index, replacement, from, findings),
                ValueByte::Disputed(replacement) => {
                    self.add(index, replacement, from, findings);
                    self.missed |= self.current.as_ref().is_none_or(|field| !field.is_selected);
                }
            }
            self.tracker.advance(slice::from_ref(byte));
        }
    }

    /// Adds the byte at `index` to the findings, which begin at `from`, if it belongs to a selected value.
    fn add(&mut self, index: usize, replacement: u8, from: usize, findings: &mut Vec<Finding>) {
        let is_continued = self.current.is_some();
        if self.current.is_none() {
            self.current = Some(self.field());
        }
        let Some(Field { path, is_selected: true }) = &self.current else { return };
        let end = index.saturating_add(1);
        let form = Form::Filled(replacement);
        match findings.get_mut(from..).and_then(<[Finding]>::last_mut) {
            Some(last) if is_continued && last.span.end == index && last.form == form => last.span.end = end,
            _ => {
                let name = if is_continued { None } else { last_name(path) };
                let detection = Detection { name, field: path.clone(), ..Detection::of(FindingKind::Value) };
                findings.push(Finding { span: index..end, form, detection, is_continued });
            }
        }
    }

    /// Field of the value that begins here.
    fn field(&mut self) -> Field {
        let path = self.tracker.path();
        self.missed |= path == FieldPath::Unknown;
        match &self.last {
            Some(last) if last.path == path => last.clone(),
            _ => {
                let is_selected = self.decisions.select_value(&path);
                self.last.insert(Field { path, is_selected }).clone()
            }
        }
    }
}

fn last_name(path: &FieldPath) -> Option<Vec<u8>> {
    let FieldPath::Names(names) = path else { return None };
    names.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_vec)
}
