//! Envoy's buffering around a filter.
//!
//! | callback | the filter continues | the filter pauses |
//! |---|---|---|
//! | headers | forwarded | no further callback |
//! | a chunk | the buffer is forwarded | the next chunk is appended, and the filter sees both |
//! | trailers | the buffer is forwarded, then the trailers | no further callback |

use anyhow::{Result, ensure};

use super::arrival::Event;
use super::departure::Departure;
use super::facts::Facts;
use super::{Callback, Direction, Filter, Phase, Reply};

/// Result of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was forwarded completely.
    Passed,
    /// The filter waits for an event that never comes.
    Stuck,
    /// The filter sends a local reply. The chunk of the callback is not forwarded.
    Refused(Reply),
}

/// Passes a message through the filter, to its receiver.
pub fn pass(
    filter: &mut impl Filter,
    facts: &mut Facts,
    direction: Direction,
    arriving: Vec<Event>,
    receiver: &mut Departure,
) -> Result<Outcome> {
    let mut waiting: Option<Vec<u8>> = None;
    let mut passed = false;
    for event in arriving {
        let waited = waiting.is_some();
        let mut callback = callback(facts, direction, &event, waiting.take());
        let before = callback.body.as_ref().map_or(0, Vec::len);
        let answer = filter.call(&mut callback);
        if callback.phase == Phase::Headers(Direction::Request) {
            facts.note_request(&callback.fields);
        }
        if let Some(reply) = answer.reply {
            return Ok(Outcome::Refused(reply));
        }
        let Callback { phase, end, fields, body, .. } = callback;
        passed = answer.goes_on && end;
        match (phase, answer.goes_on) {
            (Phase::Headers(_), true) => receiver.take(Event::Headers(fields, end)),
            (Phase::Body(_), true) => {
                let body = body.unwrap_or_default();
                facts.note_sent(direction, body.len());
                receiver.take(Event::Data(body, end));
            }
            (Phase::Body(_), false) => {
                let len = body.as_ref().map_or(0, Vec::len);
                // Envoy crashes when a paused response exceeds its buffer.
                ensure!(
                    !waited || len <= before,
                    "a {} that waits grew from {before} to {len} bytes",
                    direction.name()
                );
                waiting = body;
            }
            (Phase::Trailers(_), true) => {
                receiver.take(Event::Data(body.unwrap_or_default(), false));
                receiver.take(Event::Trailers(fields));
            }
            (Phase::Headers(_) | Phase::Trailers(_) | Phase::Log, _) => return Ok(Outcome::Stuck),
        }
    }
    Ok(if passed { Outcome::Passed } else { Outcome::Stuck })
}

fn callback(facts: &mut Facts, direction: Direction, event: &Event, waiting: Option<Vec<u8>>) -> Callback {
    match event {
        Event::Headers(fields, end) => {
            if direction == Direction::Request {
                facts.note_request(fields);
            }
            Callback { end: *end, ..facts.callback(Phase::Headers(direction), fields.clone()) }
        }
        Event::Data(chunk, end) => {
            facts.note_received(direction, chunk.len());
            let body = Some([waiting.unwrap_or_default(), chunk.clone()].concat());
            Callback { end: *end, body, ..facts.callback(Phase::Body(direction), Vec::new()) }
        }
        Event::Trailers(fields) => {
            Callback { end: true, body: waiting, ..facts.callback(Phase::Trailers(direction), fields.clone()) }
        }
    }
}
