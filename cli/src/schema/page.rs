//! How does a schema read for people?

use serde_json::Value;

/// The schema as a page of Markdown: a table of all fields, by their paths.
pub fn of(schema: &Value) -> String {
    let mut rows = Vec::new();
    add_fields(schema, "", &mut rows);
    let title = schema["title"].as_str().unwrap_or_default();
    let about = schema["description"].as_str().unwrap_or_default();
    let rows: String = rows.iter().map(Row::line).collect();
    format!("# {title}\n\n{about}\n\n| field | values | default | meaning |\n|---|---|---|---|\n{rows}")
}

/// A field, by its path from the top.
struct Row {
    path: String,
    values: String,
    default: String,
    about: String,
}

impl Row {
    fn line(&self) -> String {
        let Self { path, values, default, about } = self;
        format!("| `{path}` | {values} | {default} | {about} |\n")
    }
}

/// Adds a row for each field of an object, and those of the objects in it.
fn add_fields(object: &Value, path: &str, rows: &mut Vec<Row>) {
    let Some(fields) = object["properties"].as_object() else { return };
    for (name, field) in fields {
        let item = &field["items"];
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let needed = object["required"].as_array().is_some_and(|needed| needed.contains(&Value::from(name.as_str())));
        rows.push(Row {
            values: values(field),
            default: match field.get("default") {
                Some(default) => format!("`{default}`"),
                None if needed => "required".to_owned(),
                None => String::new(),
            },
            about: field["description"].as_str().unwrap_or_default().to_owned(),
            path: path.clone(),
        });
        add_fields(field, &path, rows);
        add_fields(item, &format!("{path}[]"), rows);
    }
}

/// What a field may hold.
fn values(field: &Value) -> String {
    if let Some(words) = field["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
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
            (Some(pattern), _) => format!("text like `{}`", pattern.replace('|', "\\|")),
            (None, Some(most)) => format!("text, up to {most} bytes"),
            (None, None) => "text".to_owned(),
        },
        other => other.to_owned(),
    }
}
