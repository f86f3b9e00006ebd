//! Templates of texts.
//!
//! All text is literal except `{name}` and `{name:arguments}`. Most placeholders are values such as `{imei}`. `{pan}`
//! is a card number, `{part:1/4}` the first quarter of one, and `{lookalike}` a number that is none although its digits
//! are valid. `{base64}…{/base64}` and other blocks encode their content, and `{repeat:3-9}…{/repeat}` repeats it.

use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail, ensure};

use crate::evaluation::fill::{Encoding, Spelling, check_value};

/// Text with placeholders.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<Node>,
}

/// Part of a template.
#[derive(Debug)]
pub enum Node {
    /// Literal text.
    Text(String),
    /// Value that is not a card number: its name and its arguments.
    Value(String, String),
    /// Card number.
    Card(Spelling),
    /// Part of a card number: its index, and the number of parts.
    Part(usize, usize),
    /// Number that is not a card number although its digits are valid.
    Lookalike(Spelling),
    /// Block with its operation and its content.
    Block(Block, Vec<Node>),
}

/// Operation on the content between `{name}` and `{/name}`.
#[derive(Debug)]
pub enum Block {
    /// Repeats the content.
    Repeat(RangeInclusive<u32>),
    /// Encodes the content.
    Encode(Encoding),
}

/// Open block, with the nodes before it.
struct Open {
    name: String,
    block: Block,
    before: Vec<Node>,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// When a placeholder does not exist, its arguments are not valid or a block is not closed.
    pub fn parse(text: &str) -> Result<Self> {
        let mut open: Vec<Open> = Vec::new();
        let mut nodes = Vec::new();
        let mut rest = text;
        while let Some(brace) = rest.find('{') {
            let (before, from) = rest.split_at(brace);
            push_text(&mut nodes, before);
            let Some((inside, behind)) = placeholder(from) else {
                push_text(&mut nodes, "{");
                rest = &from[1..];
                continue;
            };
            rest = behind;
            let (name, arguments) = inside.split_once(':').unwrap_or((inside, ""));
            if let Some(name) = name.strip_prefix('/') {
                let Some(Open { block, before, .. }) = open.pop_if(|open| open.name == name) else {
                    bail!("{{/{name}}}: closes nothing");
                };
                let inner = std::mem::replace(&mut nodes, before);
                nodes.push(Node::Block(block, inner));
            } else if let Some(block) = block(name, arguments)? {
                open.push(Open { name: name.to_owned(), block, before: std::mem::take(&mut nodes) });
            } else {
                nodes.push(node(name, arguments).with_context(|| format!("{{{inside}}}"))?);
            }
        }
        push_text(&mut nodes, rest);
        if let Some(open) = open.pop() {
            bail!("{{{}}}: not closed", open.name);
        }
        Ok(Self { nodes })
    }

    /// Its nodes, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether it has a card number.
    pub fn has_cards(&self) -> bool {
        has_cards(&self.nodes)
    }
}

fn has_cards(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Card(_) | Node::Part(..) => true,
        Node::Block(_, inner) => has_cards(inner),
        Node::Text(_) | Node::Value(..) | Node::Lookalike(_) => false,
    })
}

fn push_text(nodes: &mut Vec<Node>, text: &str) {
    match nodes.last_mut() {
        Some(Node::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => nodes.push(Node::Text(text.to_owned())),
    }
}

/// Content of the braces at the start of `text`, when that is a placeholder, and the text behind them.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (inside, behind) = text.strip_prefix('{')?.split_once('}')?;
    let (name, _) = inside.split_once(':').unwrap_or((inside, ""));
    let name = name.strip_prefix('/').unwrap_or(name);
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then_some((inside, behind))
}

fn block(name: &str, arguments: &str) -> Result<Option<Block>> {
    if name == "repeat" {
        return Ok(Some(Block::Repeat(range(arguments).with_context(|| format!("{{repeat:{arguments}}}"))?)));
    }
    let encoding = Encoding::named(name).filter(|_| arguments.is_empty());
    Ok(encoding.map(Block::Encode))
}

fn node(name: &str, arguments: &str) -> Result<Node> {
    match name {
        "pan" => Ok(Node::Card(Spelling::parse(arguments)?)),
        "lookalike" => Ok(Node::Lookalike(Spelling::parse(arguments)?)),
        "part" => {
            let (part, of) = arguments.split_once('/').context("not like 1/4")?;
            let (part, of) = (part.parse()?, of.parse()?);
            ensure!(1 <= part && part <= of && of <= 16, "not like 1/4");
            Ok(Node::Part(part, of))
        }
        _ => {
            check_value(name, arguments)?;
            Ok(Node::Value(name.to_owned(), arguments.to_owned()))
        }
    }
}

/// Parses `3` or `3-9`.
fn range(text: &str) -> Result<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = first.parse()?..=last.parse()?;
    ensure!(!range.is_empty() && *range.end() <= 1000, "not like 3-9");
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_other_notations_stand_for_themselves() {
        for text in ["{\"a\": {}}", "{ a }", "Card{number=1}", "${A}", "{", "a {b", "{{}}", "{% if %}"] {
            let template = Template::parse(text).unwrap();
            assert!(matches!(template.nodes(), [Node::Text(found)] if found == text), "{text}");
        }
    }

    #[test]
    fn blocks_nest() {
        let template = Template::parse("a{base64}{\"b\":\"{json}{pan}{/json}\"}{/base64}").unwrap();
        assert!(template.has_cards());
        let [Node::Text(_), Node::Block(Block::Encode(_), inner)] = template.nodes() else { panic!("no block") };
        assert!(matches!(&inner[..], [Node::Text(_), Node::Block(..), Node::Text(_)]));
    }

    #[test]
    fn an_error_shows_the_placeholder() {
        for (text, expected) in [
            ("{pin}", "{pin}: no such placeholder"),
            ("{pan:sideways}", "{pan:sideways}: \"sideways\" is no way"),
            ("{base64}{pan}", "{base64}: not closed"),
            ("{json}{base64}{/json}{/base64}", "{/json}: closes nothing"),
            ("{part:3/2}", "{part:3/2}: not like 1/4"),
            ("{repeat:9-3}x{/repeat}", "{repeat:9-3}: not like 3-9"),
            ("{digits:x}", "{digits:x}: "),
        ] {
            let error = format!("{:#}", Template::parse(text).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
