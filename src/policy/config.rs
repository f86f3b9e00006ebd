//! How is a policy written?
//!
//! This is the wire format, field by field, with the default of each: a document that can be read as [`Config`] is
//! well formed, not yet a [`Policy`](super::Policy).

use super::audit::Audit;
use super::detect::Detect;
use super::document::Document;
use super::error::PolicyError;
use super::namespaces::Namespaces;
use super::rule::{self, Rule};
#[cfg(feature = "cli")]
use super::schema;
use super::{BlockReply, Intent, Limits, Mode, Uninspectable, value};
use crate::mask::{Keep, MaskCharacter, Style};

/// Policy for payment card numbers. `{}` is a complete policy: it masks everywhere.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Config {
    /// `monitor` changes no traffic and reports the actions that `enforce` would take.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Mode>", extend("default" = "enforce")))]
    pub mode: Mode,
    /// Action for card numbers in requests. `mask` replaces digits. `block` blocks the message. `allow` forwards and
    /// records findings. `skip` forwards without inspection.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Intent>", extend("default" = "mask")))]
    pub request: Intent,
    /// Action for card numbers in responses, with the same values.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Intent>", extend("default" = "mask")))]
    pub response: Intent,
    /// Detection settings.
    pub detect: Detect,
    /// Format of masked numbers.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::inner::<Style>"))]
    pub mask: Style,
    /// Actions for some locations, paths, hosts or peers. The first rule that matches decides. Without a match, `request`
    /// or `response` applies.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::rules", extend("default" = [])))]
    pub rules: Vec<Rule>,
    /// Namespaces in which a mesh-wide plugin is active.
    pub namespaces: Namespaces,
    /// Local reply that replaces a blocked message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::inner::<BlockReply>"))]
    pub block: BlockReply,
    /// Action for messages that panveil cannot inspect. It counts them in both cases.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Uninspectable>", extend("default" = "pass")))]
    pub uninspectable: Uninspectable,
    /// Limits per message and per worker.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::inner::<Limits>"))]
    pub limits: Limits,
    /// Contents of audit records.
    pub audit: Audit,
}

impl Config {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [mode, request, response, detect, mask, rules, namespaces, block, uninspectable, limits, audit] = document
            .fields([
                "mode",
                "request",
                "response",
                "detect",
                "mask",
                "rules",
                "namespaces",
                "block",
                "uninspectable",
                "limits",
                "audit",
            ])?;
        Ok(Self {
            mode: mode.or(Mode::Enforce, Document::word)?,
            request: request.or(Intent::Mask, Document::word)?,
            response: response.or(Intent::Mask, Document::word)?,
            detect: detect.object(Detect::read)?,
            mask: mask.object(read_style)?,
            rules: rules.or(Vec::new(), rule::read_all)?,
            namespaces: namespaces.object(Namespaces::read)?,
            block: block.object(read_block)?,
            uninspectable: uninspectable.or(Uninspectable::Pass, Document::word)?,
            limits: limits.object(Limits::read)?,
            audit: audit.object(Audit::read)?,
        })
        .and_then(Self::checked)
    }

    /// A truncated number and its hash in one place can be put together again (PCI DSS 3.5.1, PCI SSC FAQ 1308).
    fn checked(self) -> Result<Self, PolicyError> {
        let error = if self.audit.truncated && self.audit.fingerprint {
            PolicyError::wrong_value(
                "no audit.truncated beside it: PCI DSS 3.5.1 and PCI SSC's FAQ 1308 want truncated and hashed numbers apart",
            )
            .in_field("fingerprint")
        } else if self.audit.truncated && self.mask.keep == Keep::None {
            PolicyError::wrong_value("another mask.keep than none, which leaves nothing to tell").in_field("truncated")
        } else {
            return Ok(self);
        };
        Err(error.in_field("audit"))
    }
}

fn read_style(document: &Document) -> Result<Style, PolicyError> {
    let [keep, character] = document.fields(["keep", "character"])?;
    Ok(Style {
        keep: keep.or(Keep::First6Last4, value::keep)?,
        character: character.or(MaskCharacter::ASTERISK, value::mask_character)?,
    })
}

fn read_block(document: &Document) -> Result<BlockReply, PolicyError> {
    let [request_status, response_status, body] = document.fields(["request_status", "response_status", "body"])?;
    Ok(BlockReply {
        // The client sent what it must not send; the service behind the proxy answered what it must not answer.
        request_status: request_status.or(403, value::status)?,
        response_status: response_status.or(502, value::status)?,
        body: body.or(None, value::reply_body)?,
    })
}
