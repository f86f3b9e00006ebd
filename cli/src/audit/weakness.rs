//! Ways in which a policy lets card numbers pass.

use super::rules::{self, AuditRule};
use crate::document::Node;
use panveil::policy::{Mode, Policy};

/// Way in which a policy lets card numbers pass.
pub struct Weakness<'n> {
    pub rule: &'static AuditRule,
    /// Field or rule of the policy.
    pub node: Option<&'n Node>,
    pub detail: String,
}

/// Rule of a policy that lets card numbers pass in requests.
pub struct PassingRule<'n> {
    pub name: &'n str,
    pub node: &'n Node,
    pub is_skip: bool,
}

/// Weaknesses of a valid policy, which is read from this tree.
pub fn of<'n>(policy: &Policy, config: Option<&'n Node>) -> Vec<Weakness<'n>> {
    let mut found = Vec::new();
    let mut add = |rule, node, detail| found.push(Weakness { rule, node, detail });
    let field = |name| config.and_then(|config| config.field(name));
    if policy.mode() == Mode::Monitor {
        add(&rules::MONITOR_MODE, field("mode"), "the policy is in monitor mode".to_owned());
    }
    let client_controlled = policy.client_controlled_rules();
    for PassingRule { name, node, is_skip } in passing_rules(config) {
        if client_controlled.contains(&name) {
            let detail = format!("rule {name}: any client can make it match");
            add(&rules::RULE_CLIENT_CONTROLLED, Some(node), detail);
        } else if is_skip {
            add(&rules::RULE_SKIPS, Some(node), format!("rule {name} skips inspection"));
        }
    }
    for direction in ["request", "response"] {
        let action = field(direction);
        if action.and_then(Node::as_text) == Some("skip") {
            add(&rules::RULE_SKIPS, action, format!("the policy skips every {direction}"));
        }
    }
    found
}

/// Rules that allow or skip in requests.
pub fn passing_rules<'n>(config: Option<&'n Node>) -> impl Iterator<Item = PassingRule<'n>> + use<'n> {
    let rules = config.into_iter().flat_map(|config| config.items(&["rules"]));
    rules.filter(|rule| rule.text(&["match", "direction"]) != Some("response")).filter_map(|node| {
        let action = node.text(&["action"])?;
        let is_skip = action == "skip";
        let name = node.text(&["name"]).unwrap_or_default();
        (is_skip || action == "allow").then_some(PassingRule { name, node, is_skip })
    })
}
