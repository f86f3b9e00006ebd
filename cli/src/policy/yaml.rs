//! What does a YAML document say, and where?
//!
//! The parser's events become a tree of [`Node`]s. Aliases share what they stand for, and what a tree would come to with
//! them written out is bounded, so that a small document cannot become a large one.

use super::diagnostic::{Diagnostic, Position};
use super::node::{FieldName, Node, YamlValue};
use super::scalar;
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::collections::HashMap;
use std::rc::Rc;

/// The most of a document once its aliases are written out, in values and bytes of text. The filter takes no more.
const MOST: usize = 1 << 20;

/// More levels than any policy has.
const DEEPEST: usize = 64;

/// A tree under construction.
#[derive(Default)]
struct Builder {
    open: Vec<OpenCollection>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

/// A list or an object that has not ended yet.
struct OpenCollection {
    position: Position,
    anchor: usize,
    contents: Contents,
}

enum Contents {
    Items(Vec<Rc<Node>>),
    /// And the name of the field whose value comes next.
    Fields(Vec<(FieldName, Rc<Node>)>, Option<FieldName>),
}

/// Reads one document. Nothing but comments is an empty object.
pub fn read(text: &str) -> Result<Rc<Node>, Diagnostic> {
    let options =
        granit_parser::options! { emit_comments: false, flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| not_yaml(&error))?;
        builder.take(event, position(&span.start))?;
    }
    let empty = || Rc::new(Node::new(Position { line: 1, column: 1 }, YamlValue::Object(Vec::new())));
    Ok(builder.root.unwrap_or_else(empty))
}

impl Builder {
    fn take(&mut self, event: Event<'_>, position: Position) -> Result<(), Diagnostic> {
        refuse_tag(event.tag(), position)?;
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                return Err(Diagnostic::at(position, "a second document begins; a policy is one"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                return self.scalar(&text, style, anchor, tag.is_some(), position);
            }
            Event::Alias(anchor) => {
                self.refuse_as_name(position)?;
                let contents = || Diagnostic::at(position, "an alias stands within what it stands for");
                let node = self.anchors.get(&anchor).cloned().ok_or_else(contents)?;
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

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        is_string: bool,
        position: Position,
    ) -> Result<(), Diagnostic> {
        let is_plain = style == ScalarStyle::Plain && !is_string;
        if let Some(OpenCollection { contents: Contents::Fields(_, name @ None), .. }) = self.open.last_mut() {
            if is_plain && text == "<<" {
                return Err(Diagnostic::at(position, "merge keys (<<) are not read; write the fields out"));
            }
            *name = Some(FieldName { position, text: text.to_owned() });
            return Ok(());
        }
        let value = if is_plain { scalar::plain(text) } else { YamlValue::Text(text.to_owned()) };
        if self.open.is_empty() && matches!(value, YamlValue::Null) {
            // Nothing but `---`.
            return Ok(());
        }
        self.add(Rc::new(Node::new(position, value)), anchor)
    }

    fn begin(&mut self, position: Position, anchor: usize, contents: Contents) -> Result<(), Diagnostic> {
        self.refuse_as_name(position)?;
        self.open.push(OpenCollection { position, anchor, contents });
        Ok(())
    }

    fn refuse_as_name(&self, position: Position) -> Result<(), Diagnostic> {
        match self.open.last() {
            Some(OpenCollection { contents: Contents::Fields(_, None), .. }) => {
                Err(Diagnostic::at(position, "the name of a field must be a word"))
            }
            _ => Ok(()),
        }
    }

    /// Puts a whole value where it belongs.
    fn add(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Diagnostic> {
        if node.size > MOST {
            return Err(Diagnostic::at(
                node.position,
                format!("larger than {MOST} bytes with its aliases written out"),
            ));
        }
        if node.depth > DEEPEST {
            return Err(Diagnostic::at(
                node.position,
                format!("deeper than {DEEPEST} levels with its aliases written out"),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut().map(|open| &mut open.contents) {
            None => self.root = Some(node),
            Some(Contents::Items(items)) => items.push(node),
            Some(Contents::Fields(fields, name)) => fields.extend(name.take().map(|name| (name, node))),
        }
        Ok(())
    }
}

/// The one tag that a policy could need says that a number is text.
fn refuse_tag(tag: Option<&Tag>, position: Position) -> Result<(), Diagnostic> {
    match tag {
        Some(tag) if tag.core_suffix() != Some("str") => {
            Err(Diagnostic::at(position, "tags other than !!str are not read; write the value without one"))
        }
        _ => Ok(()),
    }
}

/// The parser's errors are fixed sentences, which quote a single sign at most.
fn not_yaml(error: &ScanError) -> Diagnostic {
    Diagnostic::at(position(error.marker()), format!("not YAML: {}", error.info()))
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col().saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Values as a policy could have them.
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
        /// JSON is YAML, so that the places in a file of JSON are found in the same way.
        #[test]
        fn json_reads_as_what_it_is(document in document()) {
            prop_assume!(!document.is_null());
            for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&text)).unwrap(), document.clone());
            }
        }

        #[test]
        fn any_text_is_read_or_refused_in_one_line(text in "([a-z0-9:,&*!|>'\"#?%@`{}\\[\\]~\t -]{0,9}\n){0,9}") {
            if let Err(diagnostic) = read(&text) {
                prop_assert!(!diagnostic.in_file("x").contains('\n'));
            }
        }
    }

    fn json(text: &str) -> String {
        serde_json::to_string(&*read(text).unwrap_or_else(|diagnostic| panic!("{diagnostic:?}"))).unwrap()
    }

    fn refused(text: &str) -> String {
        read(text).err().unwrap().in_file("x")
    }

    #[test]
    fn a_document_becomes_the_json_that_it_stands_for() {
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
    fn what_is_not_read_is_refused_where_it_stands() {
        for (text, expected) in [
            ("a: 1\n---\nb: 2\n", "x:2:1: a second document begins; a policy is one"),
            ("a: &x\n  b: *x\n", "x:2:6: an alias stands within what it stands for"),
            ("b: &x {c: 1}\na:\n  <<: *x\n", "x:3:3: merge keys (<<) are not read; write the fields out"),
            ("a: !secret b\n", "x:1:12: tags other than !!str are not read; write the value without one"),
            ("? [a]\n: b\n", "x:1:3: the name of a field must be a word"),
            ("a: &x b\n*x : c\n", "x:2:1: the name of a field must be a word"),
            ("a: *none\n", "x:1:4: not YAML: while parsing node, found unknown anchor"),
            ("mask:\n\tkeep: none\n", "x:2:2: not YAML: tabs disallowed within this context (block indentation)"),
            ("a: [1\n", "x:1:4: not YAML: unclosed bracket '['"),
        ] {
            let said = refused(text);
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn aliases_do_not_multiply() {
        let mut text = "a0: &a0 [xxxxxxxxxxxxxxxx]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert_eq!(refused(&text), "x:6:9: larger than 1048576 bytes with its aliases written out");
        let mut text = "a0: &a0 1\n".to_owned();
        for level in 1..100 {
            text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert_eq!(refused(&text), "x:65:11: deeper than 64 levels with its aliases written out");
        assert!(refused(&"[".repeat(100_000)).contains("not YAML: recursion limit exceeded"));
        assert!(refused(&"- ".repeat(100_000)).contains("not YAML: "));
    }
}
