//! Tree of a document, with the position of every value.

use super::diagnostic::Position;
use panveil::policy::ErrorLocation;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::rc::Rc;

/// Value with its position. Its serialization as JSON is the configuration that the filter would receive.
///
/// Has no `Debug`: it contains values of the policy.
pub struct Node {
    pub position: Position,
    pub value: YamlValue,
    /// Number of values within it, itself included, plus bytes of text. The target of an alias counts for each alias.
    pub size: usize,
    /// Number of levels within it.
    pub depth: usize,
}

/// Value, as far as policies and manifests distinguish values.
pub enum YamlValue {
    Null,
    Boolean(bool),
    Whole(u64),
    /// Negative number, or the smallest one if it is out of range.
    Negative(i64),
    Fraction,
    Text(String),
    /// Scalar that YAML versions interpret differently.
    Ambiguous,
    List(Vec<Rc<Node>>),
    Object(Vec<(FieldName, Rc<Node>)>),
}

/// Name of a field.
pub struct FieldName {
    pub position: Position,
    pub text: String,
}

impl Node {
    pub fn new(position: Position, value: YamlValue) -> Self {
        let (inside, text): (Vec<&Rc<Self>>, usize) = match &value {
            YamlValue::List(items) => (items.iter().collect(), 0),
            YamlValue::Object(fields) => {
                let names = fields.iter().fold(0, |sum: usize, (name, _)| sum.saturating_add(name.text.len()));
                (fields.iter().map(|(_, field)| field).collect(), names)
            }
            YamlValue::Text(text) => (Vec::new(), text.len()),
            _ => (Vec::new(), 0),
        };
        let size = inside.iter().fold(text.saturating_add(1), |sum, node| sum.saturating_add(node.size));
        let depth = inside.iter().map(|node| node.depth).max().unwrap_or_default().saturating_add(1);
        Self { position, value, size, depth }
    }

    /// Field of that name.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let YamlValue::Object(fields) = &self.value else { return None };
        fields.iter().find(|(other, _)| other.text == name).map(|(_, field)| &**field)
    }

    /// Value below these fields, one within the other.
    pub fn get(&self, fields: &[&str]) -> Option<&Self> {
        fields.iter().try_fold(self, |node, name| node.field(name))
    }

    /// Value at these fields, shared with the tree.
    pub fn shared(&self, fields: &[&str]) -> Option<Rc<Self>> {
        let (last, path) = fields.split_last()?;
        let YamlValue::Object(fields) = &self.get(path)?.value else { return None };
        fields.iter().find(|(name, _)| name.text == *last).map(|(_, value)| Rc::clone(value))
    }

    /// Text at these fields.
    pub fn text(&self, fields: &[&str]) -> Option<&str> {
        self.get(fields)?.as_text()
    }

    /// This value, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        if let YamlValue::Text(text) = &self.value { Some(text) } else { None }
    }

    /// Number at these fields.
    pub fn number(&self, fields: &[&str]) -> Option<i64> {
        match self.get(fields)?.value {
            YamlValue::Whole(number) => i64::try_from(number).ok(),
            YamlValue::Negative(number) => Some(number),
            _ => None,
        }
    }

    /// True if the value at these fields is `true`.
    pub fn is_true(&self, fields: &[&str]) -> bool {
        self.get(fields).is_some_and(|node| matches!(node.value, YamlValue::Boolean(true)))
    }

    /// List at these fields.
    pub fn list(&self, fields: &[&str]) -> Option<&[Rc<Self>]> {
        if let YamlValue::List(items) = &self.get(fields)?.value { Some(items) } else { None }
    }

    /// Items of the list at these fields. Empty without a list.
    pub fn items<'n>(&'n self, fields: &[&str]) -> impl Iterator<Item = &'n Self> + use<'n> {
        self.list(fields).unwrap_or_default().iter().map(|item| &**item)
    }

    /// Texts in the list at these fields.
    pub fn texts(&self, fields: &[&str]) -> Vec<&str> {
        self.items(fields).filter_map(Self::as_text).collect()
    }

    /// Fields with text of the object at these fields, such as labels.
    pub fn pairs<'n>(&'n self, fields: &[&str]) -> impl Iterator<Item = (&'n str, &'n str)> + use<'n> {
        let fields = match self.get(fields).map(|node| &node.value) {
            Some(YamlValue::Object(fields)) => fields.as_slice(),
            _ => &[],
        };
        fields.iter().filter_map(|(name, value)| Some((name.text.as_str(), value.as_text()?)))
    }

    /// Position of an error; `None` if it concerns no part of the document.
    pub fn find(&self, location: ErrorLocation<'_>) -> Option<Position> {
        match location {
            ErrorLocation::Document | ErrorLocation::Line(_) | ErrorLocation::Character(..) => None,
            ErrorLocation::Value(path) => self.at(path).map(|node| node.position),
            ErrorLocation::UnknownField(path, known) => {
                let mut names = self.at(path)?.names();
                names.find(|name| !known.contains(&name.text.as_str())).map(|name| name.position)
            }
            ErrorLocation::RepeatedField(path, name) => {
                self.at(path)?.names().filter(|other| other.text == name).nth(1).map(|name| name.position)
            }
        }
    }

    /// Value at a path such as `rules[0].match`.
    fn at(&self, path: &str) -> Option<&Self> {
        let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
        steps.into_iter().try_fold(self, |node, step| match step.strip_suffix(']') {
            None => node.field(step),
            Some(index) => match &node.value {
                YamlValue::List(items) => items.get(index.parse::<usize>().ok()?).map(|item| &**item),
                _ => None,
            },
        })
    }

    /// Names of the fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &FieldName> {
        let fields = if let YamlValue::Object(fields) = &self.value { fields.as_slice() } else { &[] };
        fields.iter().map(|(name, _)| name)
    }

    /// Position of the first ambiguous scalar within.
    pub fn ambiguous(&self) -> Option<Position> {
        match &self.value {
            YamlValue::Ambiguous => Some(self.position),
            YamlValue::List(items) => items.iter().find_map(|item| item.ambiguous()),
            YamlValue::Object(fields) => fields.iter().find_map(|(_, field)| field.ambiguous()),
            _ => None,
        }
    }
}

impl Serialize for Node {
    /// Writes the value as JSON. Of numbers that no field accepts only the kind is kept.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            YamlValue::Null | YamlValue::Ambiguous => serializer.serialize_unit(),
            YamlValue::Boolean(value) => serializer.serialize_bool(*value),
            YamlValue::Whole(number) => serializer.serialize_u64(*number),
            YamlValue::Negative(_) => serializer.serialize_i64(-1),
            YamlValue::Fraction => serializer.serialize_f64(0.5),
            YamlValue::Text(text) => serializer.serialize_str(text),
            YamlValue::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&**item))?;
                list.end()
            }
            YamlValue::Object(fields) => {
                // A duplicate field stays in the output, so that the parser rejects it.
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, field)| object.serialize_entry(&name.text, &**field))?;
                object.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, yaml};
    use super::*;

    #[test]
    fn errors_are_located_by_their_paths() {
        let tree = "mode: x\nrules:\n- name: a\n- nam: b\n  match: {where: [c, d]}\nmode: y\n";
        let tree = yaml::read(tree, Origin::FILE).unwrap();
        for (location, line, column) in [
            (ErrorLocation::Value(""), 1, 1),
            (ErrorLocation::Value("mode"), 1, 7),
            (ErrorLocation::Value("rules[1]"), 4, 3),
            (ErrorLocation::Value("rules[1].match.where[1]"), 5, 22),
            (ErrorLocation::UnknownField("rules[1]", &["name", "match"]), 4, 3),
            (ErrorLocation::UnknownField("", &["mode"]), 2, 1),
            (ErrorLocation::RepeatedField("", "mode"), 6, 1),
        ] {
            assert_eq!(tree.find(location), Some(Position { line, column }), "{location:?}");
        }
        for location in [
            ErrorLocation::Document,
            ErrorLocation::Value("rules[2]"),
            ErrorLocation::Value("rules[x]"),
            ErrorLocation::Value("mode.x"),
            ErrorLocation::RepeatedField("", "rules"),
            ErrorLocation::UnknownField("mode", &[]),
        ] {
            assert_eq!(tree.find(location), None, "{location:?}");
        }
    }
}
