//! Rules of a policy, with their conditions in a line.

use crate::document::{Node, YamlValue};
use crate::terminal;

/// Lines of a table of the rules: name, action and conditions.
pub fn lines(policy: &Node) -> Vec<String> {
    let rows: Vec<[String; 3]> = policy
        .items(&["rules"])
        .map(|rule| [text(rule, "name").to_owned(), action(rule), conditions(rule.field("match"))])
        .map(|row| row.map(|cell| terminal::safe_line(&cell)))
        .collect();
    terminal::table(&rows)
}

fn text<'n>(rule: &'n Node, field: &str) -> &'n str {
    rule.text(&[field]).unwrap_or_default()
}

/// Action with the mode of the rule and its last day.
fn action(rule: &Node) -> String {
    let mode = rule.text(&["mode"]).filter(|mode| *mode == "monitor").map(str::to_owned);
    let expires = rule.text(&["expires"]).map(|day| format!("expires {day}"));
    let remarks: Vec<String> = mode.into_iter().chain(expires).collect();
    let action = text(rule, "action");
    if remarks.is_empty() { action.to_owned() } else { format!("{action} ({})", remarks.join("; ")) }
}

/// Conditions of a rule. `;` separates conditions that must all match, and `or` those of which one must match.
fn conditions(condition: Option<&Node>) -> String {
    let text = condition.map(fields).unwrap_or_default();
    if text.is_empty() { "always".to_owned() } else { text }
}

fn fields(object: &Node) -> String {
    let YamlValue::Object(fields) = &object.value else { return value(object) };
    let fields = fields.iter().map(|(name, field)| format!("{} {}", name.text, value(field)));
    fields.collect::<Vec<String>>().join("; ")
}

/// Value of a condition.
fn value(node: &Node) -> String {
    match &node.value {
        YamlValue::Text(text) => text.clone(),
        YamlValue::List(items) => items.iter().map(|item| value(item)).collect::<Vec<String>>().join(" or "),
        YamlValue::Object(inner) if inner.len() > 1 => format!("({})", fields(node)),
        YamlValue::Object(_) => fields(node),
        _ => serde_json::to_string(node).unwrap_or_default(),
    }
}
