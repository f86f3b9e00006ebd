//! Kinds of values that fields of a policy take.
//!
//! A [`Kind`] says three things of a value in one place: how it is read, how the schema describes it, and how it is written in the
//! effective policy.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{ObjectSpec, ValueSpec};
use std::marker::PhantomData;

/// A kind of value, read as a `T`.
pub(super) trait Kind<T> {
    /// Description for the schema.
    const SPEC: ValueSpec;

    /// Name of several of them in errors, such as "hosts".
    const PLURAL: &'static str = "values";

    /// Reads one. Every value of another kind is an error.
    fn read(value: &ConfigValue) -> Result<T, PolicyError>;

    /// The value as [`Policy::effective`](super::Policy::effective) writes it; empty for parts of a list's items, which are
    /// written by their names.
    fn text(_: &T) -> String {
        String::new()
    }

    /// Adds an entry for the value at `path`, or one for each field of an object.
    fn entries(value: &T, path: &str, entries: &mut Vec<(String, String)>) {
        entries.push((path.to_owned(), Self::text(value)));
    }
}

/// A value that is written as one of a few words.
pub(super) trait Word: Copy + 'static {
    /// All of them, in the order in which errors list them.
    const ALL: &'static [Self];

    /// Name of several of them in errors.
    const PLURAL: &'static str = "words";

    /// The word for it.
    fn word(self) -> &'static str;
}

/// An object that is declared with [`fields!`](super::field::fields).
pub(super) trait Fields: Sized {
    /// Description for the schema.
    const SPEC: ObjectSpec;

    /// Reads the object, and rejects fields that are not declared.
    fn read(value: &ConfigValue) -> Result<Self, PolicyError>;

    /// Adds an entry for each field, below `path`.
    fn entries(&self, path: &str, entries: &mut Vec<(String, String)>);
}

/// An item of a list that the effective policy writes by its name.
pub(super) trait Named {
    /// Name of several of them in errors.
    const PLURAL: &'static str;

    /// Its name, and what else identifies it.
    fn summary(&self) -> String;
}

/// `true` or `false`.
pub(super) struct Boolean;

/// One of the words of a [`Word`].
pub(super) struct OneOf;

/// A whole number from `MIN` to `MAX`.
pub(super) struct Whole<const MIN: usize, const MAX: usize>;

/// An object with fields of its own.
pub(super) struct Object;

/// An object in a list.
pub(super) struct Item;

/// A list of `MIN` to `MAX` values of the kind `K`.
pub(super) struct ListOf<K, const MIN: usize, const MAX: usize>(PhantomData<K>);

/// A value of the kind `K`, or no field.
pub(super) struct Maybe<K>(PhantomData<K>);

/// As [`ListOf`]'s `MAX`: the words of the list are its only bound.
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
    const SPEC: ValueSpec = ValueSpec::Object(&T::SPEC);

    fn read(value: &ConfigValue) -> Result<T, PolicyError> {
        T::read(value)
    }

    fn entries(value: &T, path: &str, entries: &mut Vec<(String, String)>) {
        value.entries(path, entries);
    }
}

impl<T: Fields + Named> Kind<T> for Item {
    const SPEC: ValueSpec = ValueSpec::Object(&T::SPEC);
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
                // An empty list is a mistake that could mean everything or nothing.
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

impl<T, K: Kind<T>> Kind<Option<T>> for Maybe<K> {
    const SPEC: ValueSpec = K::SPEC;

    fn read(value: &ConfigValue) -> Result<Option<T>, PolicyError> {
        K::read(value).map(Some)
    }
}
