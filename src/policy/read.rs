//! Readers of [`ConfigValue`].
//!
//! Each reader accepts one kind of value, rejects all others, and adds its step to the path of an inner error. The readers are written
//! by hand, because code that serde derives is twice as large and becomes part of the module in every sidecar.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::kind::Word;
use super::nearest::nearest;

/// Reader of a `T`.
pub(super) type Read<T> = fn(&ConfigValue) -> Result<T, PolicyError>;

/// Declared field of an object, with its value if it is given.
#[derive(Clone, Copy)]
pub(super) struct Field<'d> {
    name: &'static str,
    value: Option<&'d ConfigValue>,
}

impl ConfigValue {
    /// Fields of an object, in the order of `names`. Other fields are rejected.
    pub(super) fn fields<const N: usize>(&self, names: [&'static str; N]) -> Result<[Field<'_>; N], PolicyError> {
        let mut fields = names.map(|name| Field { name, value: None });
        self.sort_into(&mut fields)?;
        Ok(fields)
    }

    pub(super) fn boolean(&self) -> Result<bool, PolicyError> {
        match self {
            Self::Boolean(value) => Ok(*value),
            other => Err(other.is_not("true or false")),
        }
    }

    pub(super) fn text(&self) -> Result<&str, PolicyError> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(other.is_not("a string")),
        }
    }

    pub(super) fn whole_number(&self, min: usize, max: usize) -> Result<usize, PolicyError> {
        let expected = || format!("a whole number from {min} to {max}");
        let Self::Whole(number) = self else {
            return Err(PolicyError::wrong_kind(self.kind(), &expected()));
        };
        match usize::try_from(*number) {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(PolicyError::wrong_value(&expected())),
        }
    }

    pub(super) fn word<T: Word>(&self) -> Result<T, PolicyError> {
        let known = T::ALL.iter().find(|value| matches!(self, Self::Text(text) if text == value.word()));
        known.copied().ok_or_else(|| self.is_not_among(T::ALL.iter().map(|value| value.word()).collect()))
    }

    pub(super) fn is_not(&self, expected: &str) -> PolicyError {
        PolicyError::wrong_kind(self.kind(), expected)
    }

    fn is_not_among(&self, words: Vec<&'static str>) -> PolicyError {
        let expected = ["one of ", &words.join(", ")].concat();
        match self {
            Self::Text(text) => PolicyError::unknown_value(expected, nearest(text, &words)),
            other => PolicyError::wrong_kind(other.kind(), &expected),
        }
    }

    fn sort_into<'d>(&'d self, fields: &mut [Field<'d>]) -> Result<(), PolicyError> {
        let Self::Object(given) = self else {
            return Err(self.is_not("an object"));
        };
        for (name, value) in given {
            match fields.iter_mut().find(|field| field.name == name) {
                Some(field) if field.value.is_some() => return Err(PolicyError::repeated_field(field.name)),
                Some(field) => field.value = Some(value),
                None => {
                    let known = fields.iter().map(|field| field.name).collect();
                    return Err(PolicyError::unknown_field(name, known));
                }
            }
        }
        Ok(())
    }
}

impl Field<'_> {
    /// Value of the field, if it is given.
    pub(super) fn given<T>(self, read: Read<T>) -> Result<Option<T>, PolicyError> {
        match self.value {
            Some(value) => read(value).map(Some).map_err(|error| error.in_field(self.name)),
            None => Ok(None),
        }
    }

    /// Value of the field, or `default`.
    pub(super) fn or<T>(self, default: T, read: Read<T>) -> Result<T, PolicyError> {
        self.given(read).map(|value| value.unwrap_or(default))
    }

    /// Value of the field. A missing field is an error.
    pub(super) fn required<T>(self, read: Read<T>) -> Result<T, PolicyError> {
        self.given(read)?.ok_or_else(|| PolicyError::missing_field(self.name))
    }

    /// Value of the field, an object. A missing field is read as the empty object, so that each default is declared only once.
    pub(super) fn object<T>(self, read: Read<T>) -> Result<T, PolicyError> {
        read(self.value.unwrap_or(&ConfigValue::EMPTY)).map_err(|error| error.in_field(self.name))
    }
}
