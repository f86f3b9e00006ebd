//! The record of a stream: one line of JSON. Fields without a value are omitted.

use super::reason::Reason;
use super::redacted::Redacted;
use crate::policy::field::{FieldSpec, ObjectSpec, Presence, TextSpec, ValueSpec};
use crate::policy::{Direction, FindingName, Limit, Location, Outcome};
use crate::verdict::Brand;
use serde::{Serialize, Serializer};

/// Attributes of a stream, apart from its findings. `None` if the host does not report them.
#[derive(Clone, Default)]
pub struct Facts {
    /// Request method.
    pub method: Option<Redacted>,
    /// Request path and query.
    pub path: Option<Redacted>,
    /// Request host.
    pub host: Option<Redacted>,
    /// Request id.
    pub request_id: Option<Redacted>,
    /// Name of the route.
    pub route: Option<Redacted>,
    /// Upstream cluster.
    pub cluster: Option<Redacted>,
    /// Client address.
    pub client: Option<Redacted>,
    /// Source principal under mutual TLS: the first URI of the client's certificate.
    pub source: Option<Redacted>,
    /// Upstream principal: the first URI of the upstream's certificate.
    pub destination: Option<Redacted>,
    /// True if the client connection used mutual TLS.
    pub mtls: Option<bool>,
    /// Name of the key of the fingerprints.
    pub fingerprint_key: Option<String>,
}

/// Version of the record format. It increases when a field changes its meaning.
pub const RECORD_VERSION: u8 = 1;

/// Declares an object of the record: a struct with its serialization, and its [`ObjectSpec`].
///
/// `field: Type as SPEC, unless "function";` is left out of a record when the function returns true.
macro_rules! recorded {
    (
        $(derive($($derive:ident),+))?
        $(#[doc = $about:literal])+
        pub(super) struct $name:ident $(<$life:lifetime>)? {
            $($(#[doc = $description:literal])+ $field:ident: $type:ty as $spec:expr $(, unless $absent:literal)?;)+
        }
    ) => {
        #[derive(Serialize $($(, $derive)+)?)]
        $(#[doc = $about])+
        pub(super) struct $name $(<$life>)? {
            $(
                $(#[doc = $description])+
                $(#[serde(skip_serializing_if = $absent)])?
                pub $field: $type,
            )+
        }

        impl $(<$life>)? $name $(<$life>)? {
            pub(super) const SPEC: ObjectSpec = ObjectSpec {
                description: concat!($($about),+),
                fields: &[$(FieldSpec {
                    name: stringify!($field),
                    description: concat!($($description),+),
                    value: $spec,
                    presence: recorded!(@presence $($absent)?),
                },)+],
                is_choice: false,
            };
        }
    };
    (@presence $absent:literal) => { Presence::Optional };
    (@presence) => { Presence::Required };
}

recorded! {
    /// Audit record of one stream.
    pub(super) struct Record<'a> {
        /// Version of this format. It increases when a field changes its meaning.
        version: u8 as COUNT;
        /// Strictest action that was taken.
        action: Outcome as ACTION;
        /// Number of findings.
        found: u64 as COUNT;
        /// Present and true if a track, a verification code or a PIN was found.
        authentication_data: bool as ValueSpec::Boolean, unless "std::ops::Not::not";
        /// Request method.
        method: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Request host.
        host: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Request path and query, without card numbers.
        path: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Name of the route.
        route: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Upstream cluster.
        cluster: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Request id.
        request_id: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Client address.
        client: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Source principal under mutual TLS: the first URI of the client's certificate.
        source: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Upstream principal: the first URI of the upstream's certificate.
        destination: Option<&'a str> as TEXT, unless "Option::is_none";
        /// True if the client connection used mutual TLS.
        mtls: Option<bool> as ValueSpec::Boolean, unless "Option::is_none";
        /// Name of the key of the fingerprints.
        fingerprint_key: Option<&'a str> as TEXT, unless "Option::is_none";
        /// Findings. Those with equal properties are one entry with a count.
        findings: &'a [Entry] as list(&ValueSpec::Object(|| &Entry::SPEC));
        /// Number of findings beyond the maximum of entries.
        findings_beyond: u64 as COUNT, unless "is_zero";
        /// Number of card numbers beyond the maximum of logged ones.
        traces_beyond: u64 as COUNT, unless "is_zero";
        /// Uninspected messages and parts, with reasons.
        uninspected: &'a [Uninspected] as list(&ValueSpec::Object(|| &Uninspected::SPEC)), unless "<[_]>::is_empty";
        /// Limits that were reached.
        limits: &'a [Reached] as list(&ValueSpec::Object(|| &Reached::SPEC)), unless "<[_]>::is_empty";
    }
}

recorded! {
    /// Findings with equal properties.
    pub(super) struct Entry {
        /// Direction of the message.
        direction: &'static str as DIRECTION;
        /// Location in the message.
        place: &'static str as LOCATION;
        /// Field name.
        field: Option<String> as TEXT, unless "Option::is_none";
        /// Kind of the finding.
        kind: &'static str as KIND;
        /// Brand of a card number or a track.
        brand: Option<&'static str> as BRAND, unless "Option::is_none";
        /// Name of the policy's pattern that matches.
        pattern: Option<String> as TEXT, unless "Option::is_none";
        /// Digits of a card number, also of that in a track. Characters of anything else.
        length: u8 as COUNT;
        /// Action that was taken.
        action: Outcome as ACTION;
        /// Rule that decided.
        rule: String as TEXT;
        /// Number of occurrences.
        count: u64 as COUNT;
        /// Truncated form of each number, with `audit.truncated`.
        truncated: Vec<String> as TEXTS, unless "Vec::is_empty";
        /// HMAC-SHA-256 of each number as unpadded base64url, with `audit.fingerprint`.
        fingerprints: Vec<String> as TEXTS, unless "Vec::is_empty";
    }
}

recorded! {
    derive(Clone, PartialEq, Eq)
    /// Uninspected message, or part of one.
    pub(super) struct Uninspected {
        /// Direction of the message.
        direction: &'static str as DIRECTION;
        /// Reason.
        reason: &'static str as REASON;
    }
}

recorded! {
    derive(Clone, PartialEq, Eq)
    /// Limit that was reached.
    pub(super) struct Reached {
        /// Direction of the message.
        direction: &'static str as DIRECTION;
        /// Name of the limit in the policy.
        limit: &'static str as LIMIT;
    }
}

const TEXT: ValueSpec = ValueSpec::Text(TextSpec::ANY);
const TEXTS: ValueSpec = list(&TEXT);
const COUNT: ValueSpec = ValueSpec::Whole { min: 0, max: usize::MAX };
const ACTION: ValueSpec = ValueSpec::OneOf(|| Outcome::ALL.map(Outcome::as_str).to_vec());
const DIRECTION: ValueSpec = ValueSpec::OneOf(|| Direction::ALL.map(Direction::as_str).to_vec());
const LOCATION: ValueSpec = ValueSpec::OneOf(|| Location::ALL.map(Location::as_str).to_vec());
const KIND: ValueSpec = ValueSpec::OneOf(|| FindingName::ALL.map(FindingName::as_str).to_vec());
const BRAND: ValueSpec = ValueSpec::OneOf(|| Brand::ALL.map(Brand::as_str).to_vec());
const REASON: ValueSpec = ValueSpec::OneOf(|| Reason::ALL.map(Reason::as_str).to_vec());
const LIMIT: ValueSpec = ValueSpec::OneOf(|| Limit::ALL.map(Limit::as_str).to_vec());

const fn list(item: &'static ValueSpec) -> ValueSpec {
    ValueSpec::List { item, min: 0, max: None }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Record<'_> {
    /// The record as one line.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
