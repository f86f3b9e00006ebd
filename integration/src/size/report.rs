//! Report of the size of the module.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use comfy_table::Table;

use super::owner::{owner, short};
use super::{Function, Module};
use crate::figures::{align, table};

/// Number of functions listed individually.
const LARGEST: usize = 25;
const LONGEST_NAME: usize = 90;
/// Share of the code below which owners are combined.
const SMALL: f64 = 0.004;

/// Part of the data that is recognized by its bytes.
const DICTIONARY: &[u8] = include_bytes!("../../../codings/src/brotli/dictionary.zst");

/// Report as Markdown. `named` has the same code as `shipped`, and the names of its functions.
#[must_use]
pub fn markdown(shipped: &Module, named: &Module) -> String {
    let mut text = String::new();
    for (heading, table) in tables(shipped, named) {
        text.push_str(&format!("### {heading}\n\n{table}\n\n"));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Report for a terminal.
#[must_use]
pub fn text(shipped: &Module, named: &Module) -> String {
    let tables = tables(shipped, named).map(|(heading, table)| format!("{heading}\n\n{table}"));
    tables.join("\n\n")
}

fn tables(shipped: &Module, named: &Module) -> [(&'static str, Table); 3] {
    [("Parts", parts(shipped)), ("Code by owner", owners(&named.functions)), ("Largest functions", largest(named))]
}

fn parts(module: &Module) -> Table {
    let dictionary = module.data.windows(DICTIONARY.len()).filter(|window| *window == DICTIONARY).count();
    let dictionary = dictionary * DICTIONARY.len();
    let mut table = table(["", "bytes", "share"]);
    for (name, bytes) in [
        ("code", module.code),
        ("data: brotli's dictionary, compressed", dictionary),
        ("data: tables, words, messages", module.data.len() - dictionary),
        ("other: types, exports, function tables", module.rest()),
        ("total", module.total),
    ] {
        table.add_row([name.to_owned(), bytes.to_string(), share(bytes, module.total)]);
    }
    align(&mut table);
    table
}

/// Code size by owner.
fn owners(functions: &[Function]) -> Table {
    let all: usize = functions.iter().map(|function| function.size).sum();
    let mut by_owner: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for function in functions {
        let (bytes, count) = by_owner.entry(owner(&function.name)).or_default();
        *bytes += function.size;
        *count += 1;
    }
    let mut sorted: Vec<_> = by_owner.into_iter().collect();
    sorted.sort_by_key(|(_, (bytes, _))| Reverse(*bytes));
    let is_small = |(_, (bytes, _)): &&(String, (usize, usize))| (*bytes as f64) < all as f64 * SMALL;
    let (small, large): (Vec<_>, Vec<_>) = sorted.iter().partition(is_small);
    let mut table = table(["", "functions", "bytes", "share of code"]);
    let mut add = |name: &str, bytes: usize, count: usize| {
        table.add_row([name.to_owned(), count.to_string(), bytes.to_string(), share(bytes, all)]);
    };
    for (name, (bytes, count)) in large {
        add(name, *bytes, *count);
    }
    let sum = |of: fn(&(usize, usize)) -> usize| small.iter().map(|(_, sizes)| of(sizes)).sum::<usize>();
    add(&format!("{} others", small.len()), sum(|sizes| sizes.0), sum(|sizes| sizes.1));
    let own = sorted.iter().filter(|(name, _)| name.starts_with("panveil"));
    let (bytes, count) = own.fold((0, 0), |(bytes, count), (_, sizes)| (bytes + sizes.0, count + sizes.1));
    add("panveil, total", bytes, count);
    align(&mut table);
    table
}

fn largest(module: &Module) -> Table {
    let all: usize = module.functions.iter().map(|function| function.size).sum();
    let mut sorted: Vec<&Function> = module.functions.iter().collect();
    sorted.sort_by_key(|function| Reverse(function.size));
    let mut table = table(["", "bytes", "share of code"]);
    for function in sorted.into_iter().take(LARGEST) {
        let name: String = short(&function.name).chars().take(LONGEST_NAME).collect();
        table.add_row([format!("`{name}`"), function.size.to_string(), share(function.size, all)]);
    }
    align(&mut table);
    table
}

fn share(part: usize, all: usize) -> String {
    format!("{:.1} %", part as f64 * 100.0 / all.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_add_up() {
        let function = |name: &str, size| Function { name: name.into(), size };
        let functions = [
            function("panveil::scan::a", 600),
            function("panveil::scan::b", 200),
            function("serde_json::c", 198),
            function("tiny::d", 2),
        ];
        let text = owners(&functions).to_string();
        let row = |name: &str| {
            let line = text.lines().find(|line| line.contains(name)).unwrap();
            line.split('|').map(str::trim).skip(2).take(3).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(row("panveil: scan"), "2 800 80.0 %");
        assert_eq!(row("serde_json"), "1 198 19.8 %");
        assert_eq!(row("1 others"), "1 2 0.2 %");
        assert_eq!(row("panveil, total"), "2 800 80.0 %");
    }

    #[test]
    fn the_dictionary_is_found_in_the_data() {
        let data = [b"before", DICTIONARY, b"behind"].concat();
        let module = Module { total: data.len() + 100, code: 60, data, functions: Vec::new() };
        let text = parts(&module).to_string();
        assert!(text.contains(&format!(" {} |", DICTIONARY.len())) && text.contains(" 12 |") && text.contains(" 40 |"));
    }
}
