//! Cuts of the bodies of a case. A stream in memory is cheap, so each case is cut at every offset, whether it asks
//! for that or not.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::case::{Case, Cut, Protocol, read_folder};

/// Every case of the folder over each of its protocols, and a line with their number. A test tier skips none.
///
/// # Errors
///
/// When the folder cannot be read or a case is not valid.
pub fn runs(folder: &Path) -> Result<(Vec<(Case, Protocol)>, String)> {
    let mut runs = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in read_folder(folder)? {
        for protocol in &case.protocols {
            runs.push((case.clone(), *protocol));
            *counts.entry(protocol.name()).or_default() += 1;
        }
    }
    let counts: Vec<String> = counts.iter().map(|(protocol, count)| format!("{count} over {protocol}")).collect();
    Ok((runs, format!("cases: {}; none left out", counts.join(", "))))
}

/// Case with every cut of its bodies: as given, in one piece, byte by byte, and cut once at each offset.
#[must_use]
pub fn deliveries(case: &Case) -> Vec<(String, Case)> {
    let mut deliveries = vec![("as given".to_owned(), case.clone())];
    if case.request.message.pieces.is_empty() && case.response.message.pieces.is_empty() {
        return deliveries;
    }
    deliveries.push(("whole".to_owned(), in_pieces_of(case, usize::MAX)));
    deliveries.push(("byte by byte".to_owned(), in_pieces_of(case, 1)));
    let offsets = |length: usize| 1..length;
    let request = offsets(case.request.message.body().len()).map(Cut::Request);
    let response = offsets(case.response.message.body().len()).map(Cut::Response);
    deliveries.extend(request.chain(response).map(|cut| (format!("cut {cut:?}"), case.cut(cut))));
    deliveries
}

fn in_pieces_of(case: &Case, length: usize) -> Case {
    let mut case = case.clone();
    for message in [&mut case.request.message, &mut case.response.message] {
        message.pieces = message.body().chunks(length).map(<[u8]>::to_vec).collect();
    }
    case
}
