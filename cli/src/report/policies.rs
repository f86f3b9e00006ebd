//! Owners and last days of rules, from policies.

use super::table::{Cell, Table};
use crate::failure::Failure;
use crate::policy;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Owners and last days of rules, by name. Policies may have rules of the same name.
#[derive(Default)]
pub struct Policies(BTreeMap<String, Remarks>);

#[derive(Default)]
struct Remarks {
    owners: BTreeSet<String>,
    expires: BTreeSet<String>,
}

impl Policies {
    /// Adds the policy in the file at `path`.
    pub fn read(&mut self, path: &Path) -> Result<(), Failure> {
        for (name, owner, expires) in policy::read(path)?.rule_owners() {
            let remarks = self.0.entry(name.to_owned()).or_default();
            remarks.owners.extend(owner.map(str::to_owned));
            remarks.expires.extend(expires);
        }
        Ok(())
    }

    /// Adds owner and last day to each row of a table whose first column is a rule. With `unused`, also rules without a row.
    pub fn complete(&self, table: &mut Table, unused: bool) {
        let seen: BTreeSet<String> = table.rows.iter().filter_map(|row| row.first()).map(Cell::shown).collect();
        let rules = self.0.keys().filter(|name| unused && !seen.contains(*name));
        for name in rules {
            let counts = table.columns.iter().skip(1).map(|column| match *column {
                "streams" | "findings" => Cell::Count(0),
                _ => Cell::Absent,
            });
            table.rows.push([Cell::text(name)].into_iter().chain(counts).collect());
        }
        table.columns.extend(["owner", "expires"]);
        for row in &mut table.rows {
            let remarks = row.first().map(Cell::shown).and_then(|name| self.0.get(&name));
            let joined = |texts: &BTreeSet<String>| texts.iter().cloned().collect::<Vec<String>>().join("; ");
            let cells = remarks.map(|remarks| [joined(&remarks.owners), joined(&remarks.expires)]).unwrap_or_default();
            row.extend(cells.map(|text| Cell::text(&text)));
        }
    }
}
