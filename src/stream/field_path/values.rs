//! Values of fields that rules mask or block as a whole, whatever they are.

use super::FieldTracker;
use crate::mask::Form;
use crate::policy::{FieldPath, FindingDecisions};
use crate::stream::finding::{Detection, Finding, FindingKind};
use std::slice;

/// Finder of the values in a text that arrives in chunks. It decides each byte at once, so it holds nothing back.
#[derive(Clone)]
pub struct ValueFinder {
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
    /// Starts at the beginning of a text.
    pub fn new(decisions: FindingDecisions) -> Self {
        Self { decisions, current: None, last: None, missed: false }
    }

    /// True if a value may have been missed, because its field is unknown in a format with fields.
    pub fn missed(&self) -> bool {
        self.missed
    }

    /// Advances `tracker` past `byte`, the one at `index`, and adds it to `findings` if it belongs to a selected value. `mask` is the mask
    /// character. A value can have several findings, of which all but the first continue it.
    pub fn step(
        &mut self,
        tracker: &mut FieldTracker,
        (index, byte): (usize, u8),
        mask: u8,
        findings: &mut Vec<Finding>,
    ) {
        match tracker.value_byte(byte, mask) {
            ValueByte::Kept => {}
            ValueByte::Outside => self.current = None,
            ValueByte::Unknown => self.missed = true,
            ValueByte::Masked(replacement) => self.add(tracker, index, replacement, findings),
            ValueByte::Disputed(replacement) => {
                self.add(tracker, index, replacement, findings);
                self.missed |= self.current.as_ref().is_none_or(|field| !field.is_selected);
            }
        }
        tracker.advance(slice::from_ref(&byte));
    }

    /// Adds the byte at `index` to the findings if it belongs to a selected value.
    fn add(&mut self, tracker: &FieldTracker, index: usize, replacement: u8, findings: &mut Vec<Finding>) {
        let is_continued = self.current.is_some();
        if self.current.is_none() {
            self.current = Some(self.field(tracker));
        }
        let Some(Field { path, is_selected: true }) = &self.current else { return };
        let end = index.saturating_add(1);
        let form = Form::Filled(replacement);
        match findings.last_mut() {
            Some(last) if is_continued && last.span.end == index && last.form == form => last.span.end = end,
            _ => {
                let name = if is_continued { None } else { last_name(path) };
                let detection = Detection { name, field: path.clone(), ..Detection::of(FindingKind::Value) };
                findings.push(Finding { span: index..end, form, detection, is_continued });
            }
        }
    }

    /// Field of the value that begins here.
    fn field(&mut self, tracker: &FieldTracker) -> Field {
        let path = tracker.path();
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
