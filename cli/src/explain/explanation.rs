//! Explanation of one number, as text and JSON.

use crate::message_args::reason;
use crate::terminal;
use panveil::policy::{Decision, Outcome};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::ops::Range;

/// Explanation of one number of the text. Has no `Debug`: it may contain digits.
pub struct Explanation {
    /// Position in the text.
    pub source: Range<usize>,
    /// Position in the decoded text.
    pub span: Range<usize>,
    /// The number.
    pub title: String,
    /// Steps of the decision, with their results.
    pub steps: Vec<(&'static str, String)>,
    pub verdict: String,
    /// Decision of the policy about a card number.
    pub decision: Option<FindingDecision>,
}

/// Decision of a policy about a finding.
pub struct FindingDecision {
    action: &'static str,
    rule: String,
    reason: String,
}

impl FindingDecision {
    pub fn of(decision: Decision<'_>) -> Self {
        // Without inspection there is no finding.
        let action = match decision.outcome() {
            Outcome::Clean => Outcome::Uninspected,
            outcome => outcome,
        };
        Self { action: action.as_str(), rule: decision.rule.to_owned(), reason: reason(decision) }
    }
}

impl Explanation {
    /// Paragraph with the position of the number in its title.
    pub fn text(&self) -> String {
        let mut text = self.title.clone();
        if self.source.start > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, "   at byte {}", self.source.start);
        }
        text.push('\n');
        let decision = self.decision.as_ref().map(|decision| format!("{}: {}", decision.action, decision.reason));
        let steps = self.steps.iter().map(|(name, value)| (*name, value));
        let steps =
            steps.chain([("verdict", &self.verdict)]).chain(decision.iter().map(|decision| ("action", decision)));
        for (name, value) in steps {
            let _ = writeln!(text, "  {name:<12} {value}");
        }
        text
    }

    /// Object in one line.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("at".to_owned(), json!(self.source.start));
        object.insert("number".to_owned(), json!(self.title));
        for (name, value) in &self.steps {
            object.insert(name.to_lowercase().replace(' ', "_"), json!(value));
        }
        object.insert("verdict".to_owned(), json!(self.verdict));
        if let Some(FindingDecision { action, rule, .. }) = &self.decision {
            object.insert("action".to_owned(), json!(action));
            object.insert("rule".to_owned(), json!(rule));
        }
        terminal::json(Value::Object(object)) + "\n"
    }
}
