//! Schema as a reference page.

use serde_json::Value;

/// Most character classes of a regular expression that the page shows. People do not read longer ones.
const MOST_CLASSES: usize = 1;

/// Page in Markdown with a table of all fields, by their paths.
pub fn of(schema: &Value) -> String {
    let mut rows = Vec::new();
    add_fields(schema, "", &mut rows);
    let title = schema["title"].as_str().unwrap_or_default();
    let description = schema["description"].as_str().unwrap_or_default();
    let rows: String = rows.iter().map(Row::line).collect();
    format!("# {title}\n\n{description}\n\n| field | values | default | meaning |\n|---|---|---|---|\n{rows}")
}

/// Row of the table: a field, by its path from the top level.
struct Row {
    path: String,
    values: String,
    default: String,
    description: String,
}

impl Row {
    fn line(&self) -> String {
        let Self { path, values, default, description } = self;
        format!("| `{path}` | {values} | {default} | {description} |\n")
    }
}

/// Condition within a condition.
const NEGATION: &str = ".match.not";

/// Adds a row for each field of an object, and of the objects within it.
fn add_fields(object: &Value, path: &str, rows: &mut Vec<Row>) {
    let Some(fields) = object["properties"].as_object() else { return };
    for (name, field) in fields {
        let item = &field["items"];
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let is_required =
            object["required"].as_array().is_some_and(|names| names.contains(&Value::from(name.as_str())));
        rows.push(Row {
            values: values(field),
            default: match field.get("default") {
                Some(default) => format!("`{default}`"),
                None if is_required => "required".to_owned(),
                None => String::new(),
            },
            description: field["description"].as_str().unwrap_or_default().to_owned(),
            path: path.clone(),
        });
        if path.ends_with(NEGATION) {
            // Its fields are those of the condition around it.
            continue;
        }
        add_fields(field, &path, rows);
        if let Some(one) = field["anyOf"].as_array().and_then(|choices| choices.first()) {
            add_fields(one, &path, rows);
        }
        add_fields(item, &format!("{path}[]"), rows);
    }
}

/// Allowed values of a field, in words.
fn values(field: &Value) -> String {
    if let Some(words) = field["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if let Some(choices) = field["anyOf"].as_array() {
        return choices.iter().map(values).collect::<Vec<String>>().join(", or ");
    }
    if let Some(name) = field["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let kinds = match &field["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => Vec::from_iter(kind.as_str()),
    };
    let kinds: Vec<String> = kinds.into_iter().map(|kind| kind_of(kind, field)).collect();
    kinds.join(" or ")
}

fn kind_of(kind: &str, field: &Value) -> String {
    let bound = |name: &str| field[name].as_u64();
    match kind {
        "boolean" => "`true`, `false`".to_owned(),
        "integer" => match (bound("minimum"), bound("maximum")) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            _ => "a number".to_owned(),
        },
        "array" => match (bound("minItems"), bound("maxItems"), values(&field["items"])) {
            (Some(least), Some(most), items) => format!("{least} to {most} of: {items}"),
            (None, Some(most), items) => format!("up to {most} of: {items}"),
            (_, None, items) => format!("list of: {items}"),
        },
        "string" => match (field["pattern"].as_str(), bound("maxLength")) {
            (Some(pattern), _) if pattern.matches('[').count() <= MOST_CLASSES => {
                format!("text like `{}`", pattern.replace('|', "\\|"))
            }
            (_, Some(most)) => format!("text, up to {most} bytes"),
            (_, None) => "text".to_owned(),
        },
        other => other.to_owned(),
    }
}
