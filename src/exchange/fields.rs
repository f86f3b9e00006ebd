//! Inspection and masking of header and trailer fields.

use crate::host::{HeaderBlock, HeaderMap, Host, HostError};
use crate::policy::{Decisions, FieldPath, Limit, Limits, Location, Outcome, Policy};
use crate::scan::Escapes;
use crate::stream::{self, Detection, FindingKind, Inspector, PATH, TextFormat, URL_HEADERS};
use crate::verdict::authentication;

/// A header map with its findings.
///
/// Has no `Debug`: it contains the fields.
pub struct Fields {
    pairs: Vec<Pair>,
    findings: Vec<FieldFinding>,
}

/// A finding in a field.
pub struct FieldFinding {
    /// The location: path, headers or trailers.
    pub location: Location,
    /// The name of the field.
    pub field: Vec<u8>,
    /// The properties of the finding.
    pub detection: Detection,
}

/// A field and its edited name and value.
struct Pair {
    name: Vec<u8>,
    value: Vec<u8>,
    new_name: Option<Vec<u8>>,
    new_value: Option<Vec<u8>>,
}

/// The field with the body's length, which is not inspected because it may look like a card number.
const CONTENT_LENGTH: &[u8] = b"content-length";

/// The limit that the map exceeds, if any.
pub fn limit_reached(block: &HeaderBlock, limits: &Limits) -> Option<Limit> {
    if block.count() > limits.header_count {
        Some(Limit::HeaderCount)
    } else {
        (block.bytes().len() > limits.header_bytes).then_some(Limit::HeaderBytes)
    }
}

/// The reported field name of a finding under `name` in a `header` or in a body: `cookie/session`. The header `:path` is left out,
/// because the location says it.
pub fn label(header: Option<&[u8]>, name: Option<&[u8]>) -> Option<Vec<u8>> {
    let header = header.filter(|header| *header != PATH);
    let name = name.filter(|name| !header.is_some_and(|header| header.eq_ignore_ascii_case(name)));
    match (header, name) {
        (Some(header), Some(name)) => Some([header, b"/", name].concat()),
        (header, name) => header.or(name).map(<[u8]>::to_vec),
    }
}

/// Quick check of the whole map: false if it has no finding. The NUL after each name and value separates their numbers.
pub fn may_contain_findings(block: &HeaderBlock, policy: &Policy) -> bool {
    stream::may_contain(block.texts(), Escapes::FORM, &policy.criteria(), policy.mask_style())
}

impl Fields {
    /// Inspects every name and value of the block, and masks the findings that the policy masks.
    pub fn inspect(block: &HeaderBlock, map: HeaderMap, decisions: &Decisions, policy: &Policy) -> Self {
        let rules = Rules { decisions, policy };
        let mut fields = Self { pairs: Vec::new(), findings: Vec::new() };
        for (name, value) in block.pairs() {
            let location = location_of(map, name);
            let mut pair = Pair { name: name.to_vec(), value: value.to_vec(), new_name: None, new_value: None };
            if name != CONTENT_LENGTH && decisions.inspects_at(location) {
                pair.new_name = fields.inspect_text(name, None, location, &rules);
                pair.new_value = fields.inspect_text(name, Some(value), location, &rules);
            }
            fields.pairs.push(pair);
        }
        let has_card_number = fields.findings.iter().any(|finding| finding.detection.kind.pan().is_some());
        if has_card_number && policy.criteria().authentication_data.is_some() {
            fields.inspect_codes(map, &rules);
        }
        fields
    }

    /// Finds verification codes and PINs that are fields of their own, next to a card number in another field.
    fn inspect_codes(&mut self, map: HeaderMap, rules: &Rules<'_>) {
        for pair in self.pairs.iter_mut().filter(|pair| !pair.is_edited()) {
            let location = location_of(map, &pair.name);
            let Some(code) = authentication::code(&pair.name, &pair.value) else { continue };
            let length = u8::try_from(pair.value.len()).unwrap_or(u8::MAX);
            let whole = 0..pair.value.len();
            let field = stream::of_header(&pair.name, &pair.value, &whole);
            let detection = Detection { field, ..Detection::of(FindingKind::Code(code, length)) };
            let outcome = rules.outcome(location, &detection);
            if outcome == Outcome::Clean {
                continue;
            }
            self.findings.push(FieldFinding { location, field: pair.name.clone(), detection });
            if outcome.protects() {
                let mask = rules.policy.mask_style().character.as_byte();
                pair.new_value = Some(vec![mask; pair.value.len()]);
            }
        }
    }

    /// The locations of the fields of a map.
    pub fn locations(map: HeaderMap) -> &'static [Location] {
        match map {
            HeaderMap::RequestHeaders => &[Location::Headers, Location::Path],
            HeaderMap::ResponseHeaders => &[Location::Headers],
            HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => &[Location::Trailers],
        }
    }

    /// The findings, in the order of the fields.
    pub fn findings(&self) -> &[FieldFinding] {
        &self.findings
    }

    /// Writes the edited fields to the host. A field with several values is removed and added again in order.
    pub fn write_back(&self, host: &mut dyn Host, map: HeaderMap) -> Result<(), HostError> {
        for (index, pair) in self.pairs.iter().enumerate().filter(|(_, pair)| pair.is_edited()) {
            let same = || self.pairs.iter().filter(|other| other.name == pair.name);
            match &pair.new_value {
                Some(value) if pair.new_name.is_none() && same().count() == 1 => {
                    host.replace_header(map, &pair.name, value)?;
                }
                _ => {
                    let before = self.pairs.iter().take(index);
                    if before.filter(|other| other.name == pair.name).any(Pair::is_edited) {
                        continue;
                    }
                    host.remove_header(map, &pair.name)?;
                    for field in same() {
                        let name = field.new_name.as_ref().unwrap_or(&field.name);
                        host.add_header(map, name, field.new_value.as_ref().unwrap_or(&field.value))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the findings in a `value` of the field `name`, or in its name. Returns the text with masks if the policy masks any.
    fn inspect_text(
        &mut self,
        name: &[u8],
        value: Option<&[u8]>,
        location: Location,
        rules: &Rules<'_>,
    ) -> Option<Vec<u8>> {
        let policy = rules.policy;
        let (prefix, text) = value.map_or((Vec::new(), name), |value| ([name, b": "].concat(), value));
        let style = policy.mask_style();
        let mut findings = Vec::new();
        // In the query of a URL a plus sign is a space.
        let text_format = if URL_HEADERS.contains(&name) { TextFormat::Form } else { TextFormat::Unknown };
        let inspector = Inspector::new(text_format, style).with_criteria(policy.criteria());
        inspector.preceded_by(&prefix).inspect(text, true, &mut findings);
        let mut masked = None;
        for mut finding in findings {
            finding.detection.field = match value {
                Some(value) => stream::of_header(name, value, &finding.span),
                None => FieldPath::Outside,
            };
            // Fields of a blocked message are edited too, because logs and spans may contain them.
            if rules.outcome(location, &finding.detection).protects()
                && let Some(bytes) = masked.get_or_insert_with(|| text.to_vec()).get_mut(finding.span.clone())
            {
                finding.mask(bytes, style);
            }
            self.findings.push(FieldFinding { location, field: name.to_vec(), detection: finding.detection });
        }
        masked
    }
}

/// The decisions for a message, with their policy.
struct Rules<'r> {
    decisions: &'r Decisions,
    policy: &'r Policy,
}

impl Rules<'_> {
    fn outcome(&self, location: Location, detection: &Detection) -> Outcome {
        self.policy.decide_finding(self.decisions, location, &detection.attributes()).outcome()
    }
}

impl Pair {
    fn is_edited(&self) -> bool {
        self.new_name.is_some() || self.new_value.is_some()
    }
}

fn location_of(map: HeaderMap, name: &[u8]) -> Location {
    match map {
        HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => Location::Trailers,
        HeaderMap::RequestHeaders if name == PATH => Location::Path,
        HeaderMap::RequestHeaders | HeaderMap::ResponseHeaders => Location::Headers,
    }
}
