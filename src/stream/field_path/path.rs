//! Names on the way from the outermost field to the current one.

use super::{LONGEST_PATH, MOST_LEVELS};
use crate::policy::FieldPath;

/// Levels of a text, of which each may have a name. Its size is bounded by [`MOST_LEVELS`] and [`LONGEST_PATH`].
#[derive(Clone, Default)]
pub struct Levels {
    /// The names, with a dot after each.
    names: Vec<u8>,
    open: Vec<Level>,
    /// Number of levels that are open beyond the last one in `open`.
    deeper: usize,
}

/// One level.
#[derive(Clone, Copy)]
struct Level {
    /// Length of the names around it.
    outer: usize,
    /// Whether the level separates named fields, such as the members of an object.
    has_names: bool,
    /// Whether its current name is unknown.
    is_unknown: bool,
}

impl Levels {
    /// Enters a level.
    pub fn enter(&mut self, has_names: bool) {
        if self.deeper > 0 || self.open.len() >= MOST_LEVELS {
            self.deeper = self.deeper.saturating_add(1);
        } else {
            self.open.push(Level { outer: self.names.len(), has_names, is_unknown: false });
        }
    }

    /// Leaves a level. Returns whether it had names; `None` if that is unknown, or there is none.
    pub fn leave(&mut self) -> Option<bool> {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return None;
        }
        let level = self.open.pop()?;
        self.names.truncate(level.outer);
        Some(level.has_names)
    }

    /// Sets the name in the current level; `None` if it is unknown.
    pub fn set_name(&mut self, name: Option<&[u8]>) {
        let Some(level) = self.open.last_mut().filter(|_| self.deeper == 0) else { return };
        self.names.truncate(level.outer);
        let name = name.filter(|name| self.names.len().saturating_add(name.len()) <= LONGEST_PATH);
        level.is_unknown = name.is_none();
        if let Some(name) = name {
            self.names.extend(name);
            self.names.push(b'.');
        }
    }

    /// The name in the current level; `None` if it is unknown.
    pub fn name(&self) -> Option<&[u8]> {
        let level = self.open.last().filter(|level| self.deeper == 0 && !level.is_unknown)?;
        self.names.get(level.outer..)?.strip_suffix(b".")
    }

    /// Whether the current level has names; `None` if that is unknown, or there is none.
    pub fn has_names(&self) -> Option<bool> {
        self.open.last().filter(|_| self.deeper == 0).map(|level| level.has_names)
    }

    /// Whether the current level is beyond those that are kept.
    pub fn is_too_deep(&self) -> bool {
        self.deeper > 0
    }

    /// Whether no level is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Path of the current field.
    pub fn path(&self) -> FieldPath {
        if self.is_too_deep() || self.open.iter().any(|level| level.is_unknown) {
            return FieldPath::Unknown;
        }
        match self.names.strip_suffix(b".") {
            Some(names) => FieldPath::Names(names.into()),
            None => FieldPath::Outside,
        }
    }
}
