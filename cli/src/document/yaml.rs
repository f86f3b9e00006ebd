//! Parser of YAML documents.
//!
//! The events of the library become a tree of [`Node`]s. Aliases share the nodes that they refer to. The size of the tree with all
//! aliases expanded is bounded, so that a small document cannot become a large one.

use super::diagnostic::{Diagnostic, Position};
use super::node::{FieldName, Node, YamlValue};
use super::origin::Origin;
use super::scalar;
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::collections::HashMap;
use std::rc::Rc;

/// Largest policy with its aliases expanded, in values and bytes of text. The filter has the same limit.
const MAX_POLICY_SIZE: usize = 1 << 20;

/// Most levels of a document.
const MAX_DEPTH: usize = 64;

/// Trees under construction.
struct Builder {
    open: Vec<OpenCollection>,
    anchors: HashMap<usize, Rc<Node>>,
    roots: Vec<Rc<Node>>,
    max_size: usize,
    is_single: bool,
}

/// List or object that has not ended yet.
struct OpenCollection {
    position: Position,
    anchor: usize,
    contents: Contents,
}

enum Contents {
    Items(Vec<Rc<Node>>),
    /// Fields, and the name of the field whose value follows.
    Fields(Vec<(FieldName, Rc<Node>)>, Option<FieldName>),
}

/// Reads one document. A document without values is an empty object.
pub fn read(text: &str, origin: Origin) -> Result<Rc<Node>, Diagnostic> {
    let position = origin.map(Position { line: 1, column: 1 });
    let empty = || Rc::new(Node::new(position, YamlValue::Object(Vec::new())));
    Ok(build(text, origin, MAX_POLICY_SIZE, true)?.pop().unwrap_or_else(empty))
}

/// Reads all documents of a dump or manifest. Documents without values are left out.
pub fn read_all(text: &str, origin: Origin) -> Result<Vec<Rc<Node>>, Diagnostic> {
    // A value has a byte of text at least, so that only aliases exceed the limit.
    build(text, origin, text.len().max(MAX_POLICY_SIZE).saturating_mul(2), false)
}

fn build(text: &str, origin: Origin, max_size: usize, is_single: bool) -> Result<Vec<Rc<Node>>, Diagnostic> {
    let options =
        granit_parser::options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    let mut builder = Builder { open: Vec::new(), anchors: HashMap::new(), roots: Vec::new(), max_size, is_single };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| not_yaml(&error, origin))?;
        builder.take(event, origin.map(position(&span.start)))?;
    }
    Ok(builder.roots)
}

impl Builder {
    fn take(&mut self, event: Event<'_>, position: Position) -> Result<(), Diagnostic> {
        reject_tag(event.tag(), position)?;
        match event {
            Event::DocumentStart(..) if self.is_single && !self.roots.is_empty() => {
                return Err(Diagnostic::at(position, "second document; a policy is one document"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                return self.scalar(&text, is_plain, anchor, position);
            }
            Event::Alias(anchor) => {
                self.reject_as_name(position)?;
                let recursive =
                    || Diagnostic::at(position, "the alias refers to a node that contains it; write the value out");
                let node = self.anchors.get(&anchor).cloned().ok_or_else(recursive)?;
                return self.add(node, 0);
            }
            Event::SequenceStart(_, anchor, _) => self.begin(position, anchor, Contents::Items(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => self.begin(position, anchor, Contents::Fields(Vec::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let value = match open.contents {
                        Contents::Items(items) => YamlValue::List(items),
                        Contents::Fields(fields, _) => YamlValue::Object(fields),
                    };
                    return self.add(Rc::new(Node::new(open.position, value)), open.anchor);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, is_plain: bool, anchor: usize, position: Position) -> Result<(), Diagnostic> {
        if let Some(OpenCollection { contents: Contents::Fields(_, name @ None), .. }) = self.open.last_mut() {
            if is_plain && text == "<<" {
                return Err(Diagnostic::at(position, "merge keys (<<) are not supported; write the fields out"));
            }
            *name = Some(FieldName { position, text: text.to_owned() });
            return Ok(());
        }
        let value = if is_plain { scalar::plain(text) } else { YamlValue::Text(text.to_owned()) };
        if self.open.is_empty() && matches!(value, YamlValue::Null) {
            // The document is only `---`.
            return Ok(());
        }
        self.add(Rc::new(Node::new(position, value)), anchor)
    }

    fn begin(&mut self, position: Position, anchor: usize, contents: Contents) -> Result<(), Diagnostic> {
        self.reject_as_name(position)?;
        self.open.push(OpenCollection { position, anchor, contents });
        Ok(())
    }

    fn reject_as_name(&self, position: Position) -> Result<(), Diagnostic> {
        match self.open.last() {
            Some(OpenCollection { contents: Contents::Fields(_, None), .. }) => {
                Err(Diagnostic::at(position, "the name of a field must be a scalar"))
            }
            _ => Ok(()),
        }
    }

    /// Adds a complete value to the list or object around it.
    fn add(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Diagnostic> {
        if node.size > self.max_size {
            return Err(Diagnostic::at(
                node.position,
                format!("larger than {} bytes with its aliases expanded", self.max_size),
            ));
        }
        if node.depth > MAX_DEPTH {
            return Err(Diagnostic::at(
                node.position,
                format!("deeper than {MAX_DEPTH} levels with its aliases expanded"),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut().map(|open| &mut open.contents) {
            None => self.roots.push(node),
            Some(Contents::Items(items)) => items.push(node),
            Some(Contents::Fields(fields, name)) => fields.extend(name.take().map(|name| (name, node))),
        }
        Ok(())
    }
}

/// Rejects tags except `!!str`, with which a number is text.
fn reject_tag(tag: Option<&Tag>, position: Position) -> Result<(), Diagnostic> {
    match tag {
        Some(tag) if tag.core_suffix() != Some("str") => {
            Err(Diagnostic::at(position, "tags other than !!str are not supported; write the value without a tag"))
        }
        _ => Ok(()),
    }
}

/// Diagnostic of a syntax error. The library's messages are constant and quote at most one character of the document.
fn not_yaml(error: &ScanError, origin: Origin) -> Diagnostic {
    Diagnostic::at(origin.map(position(error.marker())), format!("not YAML: {}", error.info()))
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col().saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Values that a policy may have.
    fn document() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<u64>().prop_map(|number| json!(number)),
            any::<String>().prop_map(|text| json!(text)),
            "[a-z0-9 :#&*!|>'\"%@`{}\\[\\],?~\t\n-]{0,12}".prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let objects = prop::collection::btree_map("[a-z_\"\\\\ :]{1,8}", inner.clone(), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(|items| json!(items)),
                objects.prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        /// JSON is YAML, so the positions in a JSON file come from the same parser.
        #[test]
        fn json_is_read_as_yaml(document in document()) {
            prop_assume!(!document.is_null());
            for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&text)).unwrap(), document.clone());
            }
        }

        #[test]
        fn any_text_is_read_or_rejected_in_one_line(text in "([a-z0-9:,&*!|>'\"#?%@`{}\\[\\]~\t -]{0,9}\n){0,9}") {
            if let Err(diagnostic) = read(&text, Origin::FILE) {
                prop_assert!(!diagnostic.in_file("x").contains('\n'));
            }
        }
    }

    fn json(text: &str) -> String {
        serde_json::to_string(&*read(text, Origin::FILE).unwrap_or_else(|diagnostic| panic!("{diagnostic:?}"))).unwrap()
    }

    fn error(text: &str) -> String {
        read(text, Origin::FILE).err().unwrap().in_file("x")
    }

    #[test]
    fn a_document_becomes_json() {
        for (text, expected) in [
            ("", "{}"),
            ("# nothing\n", "{}"),
            ("---\n...\n", "{}"),
            ("\u{feff}mode: enforce\n", r#"{"mode":"enforce"}"#),
            ("a: 'no'\nb: \"017\"\nc: !!str 5\nd: |\n  x\n", r#"{"a":"no","b":"017","c":"5","d":"x\n"}"#),
            ("a: {b: [1, -2, 1.5, ~, true]}", r#"{"a":{"b":[1,-1,0.5,null,true]}}"#),
            ("a: 1\na: 2\n", r#"{"a":1,"a":2}"#),
            ("5: x\nno: z\n", r#"{"5":"x","no":"z"}"#),
            ("a: &x [1]\nb: *x\nc: [*x, *x]\n", r#"{"a":[1],"b":[1],"c":[[1],[1]]}"#),
            ("{\n\t\"a\": [\n\t\t\"\\ud83d\\ude00\\/\"\n\t]\n}\n", "{\"a\":[\"\u{1f600}/\"]}"),
            ("a:\r\n- b\r\n- c\r\n", r#"{"a":["b","c"]}"#),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn a_dump_has_many_documents() {
        let documents = read_all("a: 1\n---\n# nothing\n---\nb: -2\n...\n", Origin::FILE).unwrap();
        let documents: Vec<String> = documents.iter().map(|node| serde_json::to_string(&**node).unwrap()).collect();
        assert_eq!(documents, [r#"{"a":1}"#, r#"{"b":-1}"#]);
    }

    #[test]
    fn unsupported_yaml_is_rejected_at_its_position() {
        for (text, expected) in [
            ("a: 1\n---\nb: 2\n", "x:2:1: second document; a policy is one document"),
            ("a: &x\n  b: *x\n", "x:2:6: the alias refers to a node that contains it; write the value out"),
            ("b: &x {c: 1}\na:\n  <<: *x\n", "x:3:3: merge keys (<<) are not supported; write the fields out"),
            ("a: !secret b\n", "x:1:12: tags other than !!str are not supported; write the value without a tag"),
            ("? [a]\n: b\n", "x:1:3: the name of a field must be a scalar"),
            ("a: &x b\n*x : c\n", "x:2:1: the name of a field must be a scalar"),
            ("a: *none\n", "x:1:4: not YAML: while parsing node, found unknown anchor"),
            ("mask:\n\tkeep: none\n", "x:2:2: not YAML: tabs disallowed within this context (block indentation)"),
            ("a: [1\n", "x:1:4: not YAML: unclosed bracket '['"),
        ] {
            let error = error(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn expansion_of_aliases_is_bounded() {
        let mut text = "a0: &a0 [xxxxxxxxxxxxxxxx]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert_eq!(error(&text), "x:6:9: larger than 1048576 bytes with its aliases expanded");
        let mut text = "a0: &a0 1\n".to_owned();
        for level in 1..100 {
            text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert_eq!(error(&text), "x:65:11: deeper than 64 levels with its aliases expanded");
        assert!(error(&"[".repeat(100_000)).contains("not YAML: recursion limit exceeded"));
        assert!(error(&"- ".repeat(100_000)).contains("not YAML: "));
    }
}
