//! Which cards are in a header map, and how are they masked there?

use crate::audit::Action;
use crate::host::{HeaderBlock, HeaderMap, Host, HostError};
use crate::policy::{Decisions, Limit, Limits, Location, Policy};
use crate::scan::Escapes;
use crate::stream::{self, Detection, FindingKind, Inspector, TextFormat};
use crate::verdict::authentication;

/// A header map with the cards that were found in it.
///
/// Has no `Debug`: it holds the fields.
pub struct Fields {
    pairs: Vec<Pair>,
    cards: Vec<Card>,
}

/// A card in a field.
pub struct Card {
    /// In the path, another header, or a trailer.
    pub place: Location,
    /// The name of the field.
    pub field: Vec<u8>,
    /// What may be known of it.
    pub detection: Detection,
}

/// A field as it came, and as it is to be.
struct Pair {
    name: Vec<u8>,
    value: Vec<u8>,
    new_name: Option<Vec<u8>>,
    new_value: Option<Vec<u8>>,
}

const PATH: &[u8] = b":path";

/// A number that says how long the body is, not what is in it.
const CONTENT_LENGTH: &[u8] = b"content-length";

/// Fields whose value is an address, with a query in which a plus sign is a space.
const HOLD_QUERIES: [&[u8]; 3] = [PATH, b"referer", b"location"];

/// The limit that is reached by a map with too much in it.
pub fn limit_reached(block: &HeaderBlock, limits: &Limits) -> Option<Limit> {
    if block.count() > limits.header_count {
        Some(Limit::HeaderCount)
    } else {
        (block.bytes().len() > limits.header_bytes).then_some(Limit::HeaderBytes)
    }
}

/// What something is called that stands under `name` in the header called `header`, or in a body: `cookie/session`. That it
/// stands in the path is said by its place.
pub fn called(header: Option<&[u8]>, name: Option<&[u8]>) -> Option<Vec<u8>> {
    let header = header.filter(|header| *header != PATH);
    let name = name.filter(|name| !header.is_some_and(|header| header.eq_ignore_ascii_case(name)));
    match (header, name) {
        (Some(header), Some(name)) => Some([header, b"/", name].concat()),
        (header, name) => header.or(name).map(<[u8]>::to_vec),
    }
}

/// True when there may be a card anywhere in the map. Looks at all of it in one go, without taking it apart: names and values
/// have a NUL behind them, so that no number reaches from one into the next.
pub fn may_hold_cards(block: &HeaderBlock, policy: &Policy) -> bool {
    stream::may_contain(block.texts(), Escapes::FORM, &policy.criteria(), policy.mask_style())
}

impl Fields {
    /// Takes the block apart and inspects every name and value, masking those that `policy` wants masked.
    pub fn inspect(block: &HeaderBlock, map: HeaderMap, decisions: &Decisions, policy: &Policy) -> Self {
        let mut fields = Self { pairs: Vec::new(), cards: Vec::new() };
        for (name, value) in block.pairs() {
            let place = place_of(map, name);
            let action = Action::of(policy.decide(decisions, place));
            let mut pair = Pair { name: name.to_vec(), value: value.to_vec(), new_name: None, new_value: None };
            if name != CONTENT_LENGTH && action != Action::Clean {
                let masks = covers(action);
                pair.new_name = fields.inspect_text(name, &[], name, place, policy).filter(|_| masks);
                let called = [name, b": "].concat();
                pair.new_value = fields.inspect_text(name, &called, value, place, policy).filter(|_| masks);
            }
            fields.pairs.push(pair);
        }
        let has_card =
            fields.cards.iter().any(|card| matches!(card.detection.kind, FindingKind::Pan(_) | FindingKind::Track(_)));
        if has_card && policy.criteria().authentication_data.is_some() {
            fields.inspect_codes(map, decisions, policy);
        }
        fields
    }

    /// Finds the verification codes and PINs that are fields of their own, since there is a card in another one.
    fn inspect_codes(&mut self, map: HeaderMap, decisions: &Decisions, policy: &Policy) {
        for pair in self.pairs.iter_mut().filter(|pair| !pair.is_edited()) {
            let place = place_of(map, &pair.name);
            let action = Action::of(policy.decide(decisions, place));
            let Some(code) = authentication::code(&pair.name, &pair.value) else { continue };
            if action == Action::Clean {
                continue;
            }
            let length = u8::try_from(pair.value.len()).unwrap_or(u8::MAX);
            self.cards.push(Card {
                place,
                field: pair.name.clone(),
                detection: Detection::of(FindingKind::Code(code, length)),
            });
            if covers(action) {
                let mask = policy.mask_style().character.as_byte();
                pair.new_value = Some(vec![mask; pair.value.len()]);
            }
        }
    }

    /// The places that fields of a map can be.
    pub fn locations(map: HeaderMap) -> &'static [Location] {
        match map {
            HeaderMap::RequestHeaders => &[Location::Headers, Location::Path],
            HeaderMap::ResponseHeaders => &[Location::Headers],
            HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => &[Location::Trailers],
        }
    }

    /// The cards, in the order of the fields.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// Writes the masked fields back. Of a field with several values all are written again, in their order.
    pub fn write_back<H: Host>(&self, host: &mut H, map: HeaderMap) -> Result<(), HostError> {
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

    /// Adds the cards of `text`, which belongs to the field `name` and stands after `called`, and returns the text without
    /// them when there are any.
    fn inspect_text(
        &mut self,
        name: &[u8],
        called: &[u8],
        text: &[u8],
        place: Location,
        policy: &Policy,
    ) -> Option<Vec<u8>> {
        let style = policy.mask_style();
        let mut findings = Vec::new();
        let document = if HOLD_QUERIES.contains(&name) { TextFormat::Form } else { TextFormat::Unknown };
        let inspector = Inspector::new(document, style).with_criteria(policy.criteria());
        inspector.preceded_by(called).inspect(text, true, &mut findings);
        if findings.is_empty() {
            return None;
        }
        let mut masked = text.to_vec();
        for finding in findings {
            if let Some(bytes) = masked.get_mut(finding.span.clone()) {
                finding.mask(bytes, style);
            }
            self.cards.push(Card { place, field: name.to_vec(), detection: finding.detection });
        }
        Some(masked)
    }
}

impl Pair {
    fn is_edited(&self) -> bool {
        self.new_name.is_some() || self.new_value.is_some()
    }
}

/// True when the field is edited. That of a message that is refused is too: logs and spans may show what is not sent on.
fn covers(action: Action) -> bool {
    matches!(action, Action::Masked | Action::Blocked)
}

fn place_of(map: HeaderMap, name: &[u8]) -> Location {
    match map {
        HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => Location::Trailers,
        HeaderMap::RequestHeaders if name == PATH => Location::Path,
        HeaderMap::RequestHeaders | HeaderMap::ResponseHeaders => Location::Headers,
    }
}
