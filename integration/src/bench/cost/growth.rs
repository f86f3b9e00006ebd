//! Growing quantities: bodies, fields, rules, patterns and findings, and features that a policy can disable.

use serde_json::{Value, json};

use crate::bench::load::HOST;
use crate::bench::scenario::Scenario;
use crate::bench::text;

/// Header fields of a minimal request, as a client sends them.
const USUAL_FIELDS: usize = 8;
const KIBIBYTE: usize = 1 << 10;

/// One growing quantity.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Heading on the page.
    pub heading: &'static str,
    /// Description of the constant part.
    pub about: &'static str,
    /// Unit of the steps. `None` when the steps are not counted.
    pub unit: Option<&'static str>,
    /// Steps, from the least to the most.
    pub steps: Vec<Step>,
}

/// Policy and stream of a step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Label in the table.
    pub label: String,
    /// Amount, in units of the quantity.
    pub amount: f64,
    /// Policy as JSON.
    pub policy: String,
    /// Stream.
    pub scenario: Scenario,
    /// Whether the policy masks card numbers.
    pub masks: bool,
}

impl Growth {
    /// Small stream under an empty policy, without growth.
    #[must_use]
    pub fn request() -> Self {
        let steps = vec![Step::new("JSON", 0, json!({}), small())];
        Self {
            heading: "A request",
            about: "POST with 2 KiB of JSON, response with 4 KiB of JSON, under an empty policy",
            unit: None,
            steps,
        }
    }

    /// All quantities, in the order of the page.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![bodies(), fields(), rules(), patterns(), findings(), policies()]
    }
}

impl Step {
    fn new(label: impl ToString, amount: usize, policy: Value, scenario: Scenario) -> Self {
        Self { label: label.to_string(), amount: amount as f64, policy: policy.to_string(), scenario, masks: true }
    }
}

/// One client, so that p50 measures the latency of a stream and not its queueing.
fn small() -> Scenario {
    Scenario { clients: 1, ..Scenario::small() }
}

fn bodies() -> Growth {
    let sizes = [(0, "none"), (4, "4 KiB"), (64, "64 KiB"), (1024, "1 MiB")];
    let steps = sizes.map(|(size, label)| {
        let mut scenario = small().get();
        // An empty order has a JSON frame too.
        scenario.response = if size == 0 { Default::default() } else { text::json(size * KIBIBYTE, 0) };
        Step::new(label, size, json!({}), scenario)
    });
    Growth {
        heading: "Size of a body",
        about: "GET, response with JSON, under an empty policy",
        unit: Some("KiB"),
        steps: steps.into(),
    }
}

fn fields() -> Growth {
    let steps = [10, 30, 90].map(|count| {
        let field = |number| (format!("x-shop-field-{number}"), format!("value {number} of a shop in EUR"));
        let fields = (USUAL_FIELDS..count).map(field).collect();
        Step::new(count, count, json!({}), Scenario { fields, ..small().get() })
    });
    Growth {
        heading: "Fields of a request",
        about: "GET, response with 4 KiB of JSON, under an empty policy",
        unit: Some("field"),
        steps: steps.into(),
    }
}

fn rules() -> Growth {
    let steps = [0, 10, 100].map(|count| {
        // Every second rule fails to match the host, the others the path.
        let rule = |number: usize| {
            let (host, path) = match number % 2 {
                0 => (format!("shop-{number}.example"), "/orders".to_owned()),
                _ => (HOST.to_owned(), format!("/invoices/of-{number}")),
            };
            json!({"name": format!("rule-{number}"), "match": {"host": [host], "path": {"prefix": path}}, "action": "block"})
        };
        Step::new(count, count, json!({"rules": (0..count).map(rule).collect::<Vec<_>>()}), small())
    });
    Growth {
        heading: "Rules",
        about: "POST with 2 KiB of JSON, response with 4 KiB of JSON; half of the rules name another host, half another path",
        unit: Some("rule"),
        steps: steps.into(),
    }
}

fn patterns() -> Growth {
    let steps = [0, 1, 10].map(|count| {
        let pattern = |(number, letter): (usize, char)| {
            json!({"name": format!("number-{number}"), "regex": format!("\\b{letter}MP-[0-9]{{6}}\\b")})
        };
        let patterns: Vec<_> = ('A'..='Z').take(count).enumerate().map(pattern).collect();
        Step::new(count, count, json!({"detect": {"patterns": patterns}}), small())
    });
    Growth {
        heading: "Patterns of your own",
        about: "POST with 2 KiB of JSON, response with 4 KiB of JSON; none of the patterns matches",
        unit: Some("pattern"),
        steps: steps.into(),
    }
}

fn findings() -> Growth {
    let steps = [0, 1, 10, 100].map(|count| {
        let response = text::json(64 * KIBIBYTE, count);
        Step::new(count, count, json!({}), Scenario { response, ..small().get() })
    });
    Growth {
        heading: "Findings",
        about: "GET, response with 64 KiB of JSON and this number of card numbers, under an empty policy",
        unit: Some("card number"),
        steps: steps.into(),
    }
}

fn policies() -> Growth {
    let skip = |place: Value| json!({"rules": [{"name": "no-cards-here", "match": place, "action": "skip"}]});
    let bodies = json!({"where": ["body"], "path": {"prefix": "/orders"}});
    let all = json!({"path": {"prefix": "/orders"}});
    let policies = [
        ("`{}`", json!({}), true),
        ("monitor", json!({"mode": "monitor"}), false),
        ("rule: skip bodies", skip(bodies), false),
        ("rule: skip all", skip(all), false),
    ];
    let steps = policies.map(|(label, policy, masks)| {
        let response = text::json(64 * KIBIBYTE, 1);
        Step { masks, ..Step::new(label, 0, policy, Scenario { response, ..small().get() }) }
    });
    Growth {
        heading: "Savings by policy",
        about: "GET, response with 64 KiB of JSON and one card number",
        unit: None,
        steps: steps.into(),
    }
}

#[cfg(test)]
mod tests {
    use panveil::policy::Policy;

    use super::*;

    fn each<T>(growth: &Growth, what: impl Fn(&Step) -> T) -> Vec<T> {
        growth.steps.iter().map(what).collect()
    }

    #[test]
    fn every_policy_is_one() {
        for growth in Growth::all().iter().chain([&Growth::request()]) {
            for step in &growth.steps {
                let refused = Policy::parse(step.policy.as_bytes()).err();
                assert!(refused.is_none(), "{}, {}: {}", growth.heading, step.label, refused.unwrap());
                assert_eq!(step.scenario.clients, 1, "{}", growth.heading);
            }
        }
    }

    #[test]
    fn what_grows_is_as_large_as_it_says_and_the_rest_stays() {
        assert_eq!(
            each(&bodies(), |step| step.scenario.response_length() as f64 / 1024.0),
            each(&bodies(), |s| s.amount)
        );
        let fields = fields();
        assert_eq!(each(&fields, |step| step.scenario.fields.len()), [2, 22, 82]);
        assert_eq!(
            each(&findings(), |step| (step.scenario.response_length() >> 10, step.scenario.cards())),
            [(64, 0), (64, 1), (64, 10), (64, 100)]
        );
        for growth in [rules(), patterns()] {
            let items = each(&growth, |step| step.policy.matches("\"name\"").count() as f64);
            assert_eq!(items, each(&growth, |step| step.amount), "{}", growth.heading);
            assert!(growth.steps.iter().all(|step| step.scenario.response_length() == 4096));
        }
    }

    #[test]
    fn only_a_policy_that_masks_is_expected_to() {
        assert_eq!(
            each(&policies(), |step| (step.masks, step.scenario.cards())),
            [(true, 1), (false, 1), (false, 1), (false, 1)]
        );
    }
}
