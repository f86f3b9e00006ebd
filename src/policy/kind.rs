//! Kinds of values that fields of a policy take.
//!
//! A [`Kind`] defines three properties of a value: how it is read, how the schema describes it, and how the effective policy writes
//! it.

use super::condition::Tls;
use super::config_value::ConfigValue;
use super::detect::TestCards;
use super::error::PolicyError;
use super::field::{ObjectSpec, ValueSpec};
use super::{Direction, Intent, Location, LogKey, Mode, Uninspectable};
use crate::mask::Keep;
use crate::verdict::builtin_patterns::BuiltInPattern;
use crate::verdict::check_digits::Check;
use crate::verdict::{Brand, Sensitivity};
use std::marker::PhantomData;

/// Kind of a value that is read as a `T`.
pub(super) trait Kind<T> {
    /// Description for the schema.
    const SPEC: ValueSpec;

    /// Plural name in errors, such as "hosts".
    const PLURAL: &'static str = "values";

    /// Reads a value. A value of another kind is an error.
    fn read(value: &ConfigValue) -> Result<T, PolicyError>;

    /// Value as [`Policy::effective`](super::Policy::effective) writes it. Empty for fields of list items, which are written by their
    /// names.
    fn text(_: &T) -> String {
        String::new()
    }

    /// Adds an entry for the value at `path`, or one for each field of an object.
    fn entries(value: &T, path: &str, entries: &mut Vec<(String, String)>) {
        entries.push((path.to_owned(), Self::text(value)));
    }
}

/// Value that is written as one of a few words.
pub(super) trait Word: Copy + 'static {
    /// All values, in the order in which errors list them.
    const ALL: &'static [Self];

    /// Plural name in errors.
    const PLURAL: &'static str;

    /// Word in policies.
    fn word(self) -> &'static str;
}

/// Implements [`Word`] for types that are declared with `named!`.
macro_rules! words {
    ($($name:ty: $plural:literal,)+) => {
        $(impl Word for $name {
            const ALL: &'static [Self] = &Self::ALL;
            const PLURAL: &'static str = $plural;

            fn word(self) -> &'static str {
                self.as_str()
            }
        })+
    };
}

impl Word for Brand {
    const ALL: &'static [Self] = Self::WITH_RANGES;
    const PLURAL: &'static str = "brands";

    fn word(self) -> &'static str {
        self.as_str()
    }
}

words! {
    BuiltInPattern: "names of patterns",
    Check: "words",
    Direction: "words",
    Intent: "words",
    Keep: "words",
    Location: "headers, path, body, trailers",
    LogKey: "keys",
    Mode: "words",
    Sensitivity: "words",
    TestCards: "words",
    Tls: "words",
    Uninspectable: "words",
}

/// Object that is declared with [`fields!`](super::field::fields).
pub(super) trait Fields: Sized {
    /// Description for the schema.
    const SPEC: ObjectSpec;

    /// Reads the object, and rejects fields that are not declared.
    fn read(value: &ConfigValue) -> Result<Self, PolicyError>;

    /// Adds an entry for each field, below `path`.
    fn entries(&self, path: &str, entries: &mut Vec<(String, String)>);
}

/// Item of a list that the effective policy writes by its name.
pub(super) trait Named {
    /// Plural name in errors.
    const PLURAL: &'static str;

    /// Name of the item, with further identification.
    fn summary(&self) -> String;
}

/// Boolean.
pub(super) struct Boolean;

/// One of the values of a [`Word`].
pub(super) struct OneOf;

/// Whole number from `MIN` to `MAX`.
pub(super) struct Whole<const MIN: usize, const MAX: usize>;

/// Object with fields of its own.
pub(super) struct Object;

/// Object in a list.
pub(super) struct Item;

/// List of `MIN` to `MAX` values of the kind `K`.
pub(super) struct ListOf<K, const MIN: usize, const MAX: usize>(PhantomData<K>);

/// One value of the kind `K`, or a list of 1 to `MAX` of them.
pub(super) struct OneOrMore<K, const MAX: usize>(PhantomData<K>);

/// Optional value of the kind `K`.
pub(super) struct Maybe<K>(PhantomData<K>);

/// `MAX` of a [`ListOf`] without a bound of its own.
pub(super) const UNBOUNDED: usize = usize::MAX;

impl Kind<bool> for Boolean {
    const SPEC: ValueSpec = ValueSpec::Boolean;

    fn read(value: &ConfigValue) -> Result<bool, PolicyError> {
        value.boolean()
    }

    fn text(value: &bool) -> String {
        value.to_string()
    }
}

impl<T: Word> Kind<T> for OneOf {
    const SPEC: ValueSpec = ValueSpec::OneOf(|| T::ALL.iter().map(|value| value.word()).collect());
    const PLURAL: &'static str = T::PLURAL;

    fn read(value: &ConfigValue) -> Result<T, PolicyError> {
        value.word()
    }

    fn text(value: &T) -> String {
        value.word().to_owned()
    }
}

impl<T, const MIN: usize, const MAX: usize> Kind<T> for Whole<MIN, MAX>
where
    T: TryFrom<usize> + ToString,
{
    const SPEC: ValueSpec = ValueSpec::Whole { min: MIN, max: MAX };

    fn read(value: &ConfigValue) -> Result<T, PolicyError> {
        let number = value.whole_number(MIN, MAX)?;
        T::try_from(number).map_err(|_| PolicyError::wrong_value("a smaller number"))
    }

    fn text(value: &T) -> String {
        value.to_string()
    }
}

impl<T: Fields> Kind<T> for Object {
    const SPEC: ValueSpec = ValueSpec::Object(|| &T::SPEC);

    fn read(value: &ConfigValue) -> Result<T, PolicyError> {
        T::read(value)
    }

    fn entries(value: &T, path: &str, entries: &mut Vec<(String, String)>) {
        value.entries(path, entries);
    }
}

impl<T: Fields + Named> Kind<T> for Item {
    const SPEC: ValueSpec = ValueSpec::Object(|| &T::SPEC);
    const PLURAL: &'static str = T::PLURAL;

    fn read(value: &ConfigValue) -> Result<T, PolicyError> {
        T::read(value)
    }

    fn text(value: &T) -> String {
        value.summary()
    }
}

impl<T, K: Kind<T>, const MIN: usize, const MAX: usize> Kind<Vec<T>> for ListOf<K, MIN, MAX> {
    const SPEC: ValueSpec =
        ValueSpec::List { item: &K::SPEC, min: MIN, max: if MAX == UNBOUNDED { None } else { Some(MAX) } };

    fn read(value: &ConfigValue) -> Result<Vec<T>, PolicyError> {
        let ConfigValue::List(items) = value else {
            return Err(value.is_not(&["a list of ", K::PLURAL].concat()));
        };
        if !(MIN..=MAX).contains(&items.len()) {
            return Err(PolicyError::wrong_value(&if MIN == 0 {
                format!("at most {MAX} {}", K::PLURAL)
            } else {
                // An empty list is ambiguous: it may mean everything or nothing.
                format!("{MIN} to {MAX} {}; without the field everything matches", K::PLURAL)
            }));
        }
        let items = items.iter().enumerate();
        items.map(|(index, item)| K::read(item).map_err(|error| error.in_item(index))).collect()
    }

    fn text(value: &Vec<T>) -> String {
        if value.is_empty() {
            return "none".to_owned();
        }
        value.iter().map(K::text).collect::<Vec<String>>().join(", ")
    }
}

impl<T, K: Kind<T>, const MAX: usize> Kind<Vec<T>> for OneOrMore<K, MAX> {
    const SPEC: ValueSpec = ValueSpec::OneOrMore { item: &K::SPEC, max: MAX };

    fn read(value: &ConfigValue) -> Result<Vec<T>, PolicyError> {
        match value {
            ConfigValue::List(_) => <ListOf<K, 1, MAX> as Kind<Vec<T>>>::read(value),
            one => K::read(one).map(|one| vec![one]),
        }
    }
}

impl<T, K: Kind<T>> Kind<Option<T>> for Maybe<K> {
    const SPEC: ValueSpec = K::SPEC;

    fn read(value: &ConfigValue) -> Result<Option<T>, PolicyError> {
        K::read(value).map(Some)
    }
}
