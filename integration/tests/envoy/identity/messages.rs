//! Rules that match the message with the card number, the location in it, and its content type.

use serde_json::{Value, json};

use super::exchange::{Place, SPOTS, Sent, Spot};
use super::trying::{Condition, Holds};
use super::workloads::FROM_WEB;

use Holds::{No, Open, Yes};
use Place::{Body, Headers, Path, Trailers};

pub fn conditions() -> Vec<Condition> {
    let mut conditions = vec![
        of_spots(json!({"direction": "request"}), |spot| matches!(spot, Spot::Request(_))),
        of_spots(json!({"direction": "response"}), |spot| matches!(spot, Spot::Response(_))),
        of_spots(json!({"direction": "response", "where": ["headers", "trailers"]}), |spot| {
            matches!(spot, Spot::Response(Headers | Trailers))
        }),
    ];
    for (word, place) in [("headers", Headers), ("path", Path), ("body", Body), ("trailers", Trailers)] {
        let is_there = move |spot| matches!(spot, Spot::Request(at) | Spot::Response(at) if at == place);
        conditions.push(of_spots(json!({"where": [word]}), is_there));
    }
    conditions.extend([content_types(Sent::body), content_types(Sent::answer)]);
    conditions
}

fn of_spots(condition: Value, holds: impl Fn(Spot) -> bool) -> Condition {
    let expected = SPOTS.map(|spot| (&FROM_WEB, Sent::new(spot), if holds(spot) { Yes } else { No }));
    Condition::new(condition, expected.into())
}

/// The message's own content type counts. The other message always has `text/plain`.
fn content_types(card: fn() -> Sent) -> Condition {
    let expected = [
        (&["application/json"][..], Yes),
        (&["Application/JSON; charset=utf-8"], Yes),
        (&["text/csv"], Yes),
        (&["application/json-seq"], No),
        (&["application/xml"], No),
        (&[], No),
        (&["application/json", "application/xml"], Open),
        (&["application/json, application/xml"], Open),
        (&["json"], Open),
    ];
    let one = |(types, holds)| (&FROM_WEB, card().content_types(types), holds);
    Condition::new(json!({"content_type": ["application/json", "text/*"]}), expected.into_iter().map(one).collect())
}
