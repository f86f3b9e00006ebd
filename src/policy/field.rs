//! Declaration of a policy's objects, each field once.
//!
//! `fields!` makes three things of one declaration: the struct, its reader, and [`ObjectSpec`], the description from which the
//! command makes the JSON Schema and the reference page. The `Kind` of a value defines how it is read and described.

/// Object of a policy, as the operator writes it.
pub struct ObjectSpec {
    /// Description of the object.
    pub description: &'static str,
    /// Fields, in the order of the documentation.
    pub fields: &'static [FieldSpec],
    /// True if exactly one of the fields must be given.
    pub is_choice: bool,
}

/// Field of an object.
pub struct FieldSpec {
    /// Name in the policy.
    pub name: &'static str,
    /// Description. Lines are joined with spaces.
    pub description: &'static str,
    /// Allowed values.
    pub value: ValueSpec,
    /// Meaning of a missing field.
    pub presence: Presence,
}

/// Meaning of a missing field.
pub enum Presence {
    /// The policy is rejected.
    Required,
    /// The field has no default.
    Optional,
    /// This default applies, written as [`Policy::effective`](super::Policy::effective) writes values.
    Default(fn() -> String),
    /// The defaults of the object's own fields apply.
    Inner,
}

/// Allowed values of a field, as far as a schema can describe them. The reader may reject a value that fits.
pub enum ValueSpec {
    /// Boolean.
    Boolean,
    /// Whole number within these inclusive bounds.
    Whole {
        /// Smallest value.
        min: usize,
        /// Largest value.
        max: usize,
    },
    /// One of these strings.
    OneOf(fn() -> Vec<&'static str>),
    /// String.
    Text(TextSpec),
    /// List.
    List {
        /// Values of the items.
        item: &'static ValueSpec,
        /// Least number of items.
        min: usize,
        /// Greatest number of items; `None` if the list has no bound of its own.
        max: Option<usize>,
    },
    /// Object. A function, because a condition contains another one.
    Object(fn() -> &'static ObjectSpec),
    /// One value, or a list of 1 to `max` of them.
    OneOrMore {
        /// Values of the items.
        item: &'static ValueSpec,
        /// Greatest number of items.
        max: usize,
    },
}

/// String of a policy. Lengths are in bytes.
pub struct TextSpec {
    /// Regular expression that the string matches.
    pub pattern: Option<&'static str>,
    /// Least length, if it is bounded.
    pub min: Option<usize>,
    /// Greatest length, if it is bounded.
    pub max: Option<usize>,
    /// True if `null` is allowed too.
    pub or_null: bool,
}

impl TextSpec {
    /// Any string.
    pub const ANY: Self = Self { pattern: None, min: None, max: None, or_null: false };
}

/// Declares an object of the policy: a struct, its reader and its [`ObjectSpec`].
///
/// ```text
/// fields! {
///     derive(Clone)                     optional derives
///     /// Description.
///     pub struct Name: check {          optional `: check`: reading ends with `Self::check`
///         /// Description.
///         "wire" field: Type as Kind = default;       optional wire name; with a default
///         field: Type as Kind, required;              must be given
///         field: Type as Kind, optional;              `Type::default()` when it is not given
///         field: Type as Object, inner;               read from `{}` when it is not given
///     }
/// }
/// ```
macro_rules! fields {
    (
        $(derive($($derive:ident),+))?
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident $(: $check:ident)? {
            $(
                $(#[doc = $description:literal])+
                $($wire:literal)? $field_vis:vis $field:ident: $type:ty as $kind:ty $(= $default:expr)? $(, $presence:ident)?;
            )+
        }
    ) => {
        $(#[derive($($derive),+)])?
        $(#[doc = $about])+
        $vis struct $name {
            $(
                $(#[doc = $description])+
                $field_vis $field: $type,
            )+
        }

        impl $crate::policy::kind::Fields for $name {
            const SPEC: $crate::policy::field::ObjectSpec = $crate::policy::field::ObjectSpec {
                description: concat!($($about),+),
                fields: &[$(
                    $crate::policy::field::FieldSpec {
                        name: $crate::policy::field::fields!(@name $field $($wire)?),
                        description: concat!($($description),+),
                        value: <$kind as $crate::policy::kind::Kind<$type>>::SPEC,
                        presence: $crate::policy::field::fields!(@presence $type, $kind $(= $default)? $(, $presence)?),
                    },
                )+],
                is_choice: false,
            };

            fn read(
                value: &$crate::policy::config_value::ConfigValue,
            ) -> Result<Self, $crate::policy::error::PolicyError> {
                let [$($field),+] = value.fields([$($crate::policy::field::fields!(@name $field $($wire)?)),+])?;
                let read = Self {
                    $($field: $crate::policy::field::fields!(@read $field, $type, $kind $(= $default)? $(, $presence)?),)+
                };
                $(Self::$check(&read)?;)?
                Ok(read)
            }

            fn entries(&self, path: &str, entries: &mut Vec<(String, String)>) {
                $(
                    let name = $crate::policy::field::fields!(@name $field $($wire)?);
                    let path_of_field = if path.is_empty() { name.to_owned() } else { [path, ".", name].concat() };
                    <$kind as $crate::policy::kind::Kind<$type>>::entries(&self.$field, &path_of_field, entries);
                )+
            }
        }
    };
    (@name $field:ident $wire:literal) => { $wire };
    (@name $field:ident) => { stringify!($field) };
    (@read $field:ident, $type:ty, $kind:ty = $default:expr) => { $field.or($default, <$kind as $crate::policy::kind::Kind<$type>>::read)? };
    (@read $field:ident, $type:ty, $kind:ty, required) => { $field.required(<$kind as $crate::policy::kind::Kind<$type>>::read)? };
    (@read $field:ident, $type:ty, $kind:ty, optional) => { $field.given(<$kind as $crate::policy::kind::Kind<$type>>::read)?.unwrap_or_default() };
    (@read $field:ident, $type:ty, $kind:ty, inner) => { $field.object(<$kind as $crate::policy::kind::Kind<$type>>::read)? };
    (@presence $type:ty, $kind:ty = $default:expr) => {
        $crate::policy::field::Presence::Default(|| <$kind as $crate::policy::kind::Kind<$type>>::text(&$default))
    };
    (@presence $type:ty, $kind:ty, required) => { $crate::policy::field::Presence::Required };
    (@presence $type:ty, $kind:ty, optional) => { $crate::policy::field::Presence::Optional };
    (@presence $type:ty, $kind:ty, inner) => { $crate::policy::field::Presence::Inner };
}

pub(super) use fields;
