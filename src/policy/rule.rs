//! How is a rule written: what to do at some places and for some peers only?

use super::condition::Condition;
use super::document::Document;
use super::error::PolicyError;
#[cfg(feature = "cli")]
use super::schema;
use super::{Direction, Intent, Mode, value};

/// What to do where all of a condition holds.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Rule {
    /// Name in records and replies, different for each rule.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::name"))]
    pub name: String,
    /// Conditions, all of which must match. Without conditions the rule always matches.
    #[cfg_attr(feature = "cli", schemars(rename = "match"))]
    pub condition: Condition,
    /// Action for card numbers.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Intent>"))]
    pub action: Intent,
    /// `monitor` reports the action of this rule without taking it.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Mode>", extend("default" = "enforce")))]
    pub mode: Mode,
}

/// Each takes memory in every worker of every sidecar.
pub(super) const MOST_RULES: usize = 100;

/// Reads the list of rules.
pub(super) fn read_all(document: &Document) -> Result<Vec<Rule>, PolicyError> {
    let rules = document.items("a list of rules", Rule::read)?;
    if rules.len() > MOST_RULES {
        return Err(PolicyError::wrong_value(&format!("at most {MOST_RULES} rules")));
    }
    for (index, rule) in rules.iter().enumerate() {
        if rules.iter().take(index).any(|other| other.name == rule.name) {
            let error = PolicyError::wrong_value("a name that no other rule has");
            return Err(error.in_field("name").in_item(index));
        }
    }
    Ok(rules)
}

/// What records call the rule when none held.
fn is_reserved(name: &str) -> bool {
    [Direction::Request, Direction::Response].iter().any(|direction| direction.as_str() == name)
}

impl Rule {
    fn read(document: &Document) -> Result<Self, PolicyError> {
        let [name, condition, action, mode] = document.fields(["name", "match", "action", "mode"])?;
        Ok(Self {
            name: name.required(read_name)?,
            condition: condition.object(Condition::read)?,
            action: action.required(Document::word)?,
            mode: mode.or(Mode::Enforce, Document::word)?,
        })
    }

    /// The mode it has under a policy of that mode: nothing is changed in monitor mode, whatever a rule says of itself.
    pub(super) fn mode_under(&self, policy: Mode) -> Mode {
        if policy == Mode::Monitor { policy } else { self.mode }
    }

    /// Its name and what it does, in one word or two.
    pub(super) fn summary(&self, policy: Mode) -> String {
        let tried = self.mode_under(policy) == Mode::Monitor && policy == Mode::Enforce;
        [self.name.as_str(), " ", self.action.as_str(), if tried { " (monitor)" } else { "" }].concat()
    }
}

fn read_name(document: &Document) -> Result<String, PolicyError> {
    let name = value::name(document)?;
    if is_reserved(&name) {
        return Err(PolicyError::wrong_value("another name: records call it request or response when no rule holds"));
    }
    Ok(name)
}

/// What the rules ask, so that nothing else needs to be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeededAttributes {
    /// Method, host or path of the request.
    pub request_line: bool,
    /// What a message holds.
    pub content_type: bool,
    /// How the client is connected, or who it is.
    pub connection: bool,
    /// Who the client is.
    pub source: bool,
    /// Who the service is.
    pub destination: bool,
}

impl NeededAttributes {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let asks = |about: fn(&Condition) -> bool| rules.iter().any(|rule| about(&rule.condition));
        Self {
            request_line: asks(Condition::asks_request_line),
            content_type: asks(Condition::asks_content_type),
            connection: asks(Condition::asks_connection) || asks(Condition::asks_source),
            source: asks(Condition::asks_source),
            destination: asks(Condition::asks_destination),
        }
    }
}
