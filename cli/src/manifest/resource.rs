//! Kubernetes resources, with the location where each was read.

use crate::document::{Node, Position};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Namespace of a resource that names none, as with `kubectl apply`.
const DEFAULT_NAMESPACE: &str = "default";

/// Labels or annotations.
pub type Labels<'m> = BTreeMap<&'m str, &'m str>;

/// Handler of a document, with its version and kind if it has both.
pub type ItemHandler<'h> = dyn FnMut(Option<(&str, &str)>, &Rc<Node>) + 'h;

/// Location in the input.
#[derive(Clone)]
pub struct Location {
    /// File, or `<stdin>`.
    pub file: Rc<str>,
    /// Line and column.
    pub position: Position,
}

/// Kubernetes resource.
pub struct Resource {
    /// API group. Empty for the core group.
    pub group: String,
    pub kind: String,
    /// Namespace. The name of a `Namespace` itself.
    pub namespace: String,
    pub name: String,
    pub location: Location,
    node: Rc<Node>,
}

impl Resource {
    /// Adds the resources of a document to `found`: itself, or the items of a list. Documents of other kinds have none.
    pub fn collect(node: &Rc<Node>, file: &Rc<str>, found: &mut Vec<Self>) {
        items(node, &mut |kind, node| Self::collect_item(kind, node, file, found));
    }

    fn collect_item(kind: Option<(&str, &str)>, node: &Rc<Node>, file: &Rc<str>, found: &mut Vec<Self>) {
        let Some((version, kind)) = kind else { return };
        let Some(name) = resource_name(node) else { return };
        let namespace = node.text(&["metadata", "namespace"]).unwrap_or(DEFAULT_NAMESPACE);
        found.push(Self {
            group: version.split_once('/').map(|(group, _)| group).unwrap_or_default().to_owned(),
            kind: kind.to_owned(),
            namespace: if kind == "Namespace" { name } else { namespace }.to_owned(),
            name: name.to_owned(),
            location: Location { file: Rc::clone(file), position: node.position },
            node: Rc::clone(node),
        });
    }

    /// True for a resource of this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// The whole resource.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Value at these fields.
    pub fn get(&self, fields: &[&str]) -> Option<&Node> {
        self.node.get(fields)
    }

    /// Field `spec`, or the whole resource without one.
    pub fn spec(&self) -> &Node {
        self.node.field("spec").unwrap_or(&self.node)
    }

    /// Labels of the resource.
    pub fn labels(&self) -> Labels<'_> {
        self.node.pairs(&["metadata", "labels"]).collect()
    }

    /// Time of creation, in the format of RFC 3339, which sorts as text. Empty in a manifest.
    pub fn created(&self) -> &str {
        self.node.text(&["metadata", "creationTimestamp"]).unwrap_or_default()
    }

    /// Kind, namespace and name.
    pub fn title(&self) -> String {
        let Self { kind, namespace, name, .. } = self;
        if kind == "Namespace" { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
    }

    /// Location of a part of this resource.
    pub fn location_of(&self, node: &Node) -> Location {
        Location { file: Rc::clone(&self.location.file), position: node.position }
    }
}

/// Name of a resource, or the beginning of a generated name.
pub fn resource_name(node: &Node) -> Option<&str> {
    node.text(&["metadata", "name"]).or(node.text(&["metadata", "generateName"]))
}

/// Passes a document to `take`, or the items of a list, each with its version and kind. Items without their own have those that the
/// list declares.
pub fn items(node: &Rc<Node>, take: &mut ItemHandler<'_>) {
    items_as(node, None, take);
}

fn items_as(node: &Rc<Node>, item: Option<(&str, &str)>, take: &mut ItemHandler<'_>) {
    let declared = node.text(&["apiVersion"]).zip(node.text(&["kind"])).or(item);
    if let Some((version, kind)) = declared
        && let (Some(single), Some(items)) = (kind.strip_suffix("List"), node.list(&["items"]))
    {
        let item = (!single.is_empty()).then_some((version, single));
        return items.iter().for_each(|node| items_as(node, item, take));
    }
    take(declared, node);
}

/// True if `labels` contains every label of the selector at these fields. An absent or empty selector selects everything.
pub fn selects(selector: &Node, fields: &[&str], labels: &Labels<'_>) -> bool {
    selector.pairs(fields).all(|(name, value)| labels.get(name) == Some(&value))
}
