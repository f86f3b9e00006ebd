//! How is a rule written: what to do at some places and for some peers only?
//!
//! No engine reads rules yet, so they are checked and nothing of them is kept.

use super::document::Document;
use super::error::PolicyError;
use super::{Direction, Intent, Mode, Place, value};

/// Whether there are any rules.
pub(super) fn any(document: &Document) -> Result<bool, PolicyError> {
    document.any_of("a list of rules", check)
}

fn check(document: &Document) -> Result<(), PolicyError> {
    let [name, condition, action, mode] = document.fields(["name", "match", "action", "mode"])?;
    name.required(value::name)?;
    condition.object(check_condition)?;
    action.required(Document::word::<Intent>)?;
    mode.given(Document::word::<Mode>)?;
    Ok(())
}

/// When a rule holds: when all that is given does.
fn check_condition(document: &Document) -> Result<(), PolicyError> {
    let [direction, places, method, host, path, content_type, source, destination, tls] = document.fields([
        "direction",
        "where",
        "method",
        "host",
        "path",
        "content_type",
        "source",
        "destination",
        "tls",
    ])?;
    direction.given(Document::word::<Direction>)?;
    places.given(any_places)?;
    for texts in [method, host] {
        texts.given(Document::any_texts)?;
    }
    path.given(check_path)?;
    for texts in [content_type, source, destination] {
        texts.given(Document::any_texts)?;
    }
    tls.given(Document::word::<Tls>)?;
    Ok(())
}

fn any_places(document: &Document) -> Result<bool, PolicyError> {
    document.any_of("a list of headers, path, body, trailers", |place| place.word::<Place>().map(drop))
}

/// How the two sides of a connection know each other.
#[derive(Clone, Copy)]
pub(super) enum Tls {
    Mutual,
    Any,
    None,
}

/// How a path is compared.
fn check_path(document: &Document) -> Result<(), PolicyError> {
    let mut given: usize = 0;
    for way in document.fields(["exact", "prefix", "regex"])? {
        given = given.saturating_add(way.given(value::check_text)?.iter().len());
    }
    if given == 1 { Ok(()) } else { Err(PolicyError::wrong_value("exactly one of exact, prefix, regex")) }
}
