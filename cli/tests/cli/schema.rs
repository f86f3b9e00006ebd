//! The shipped schemas are those of this version.

use crate::command::printed;

#[test]
fn shipped_schemas_are_current() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for (arguments, file) in [
        (&["schema"][..], "envoy-config/schemas/policy.schema.json"),
        (&["schema", "--of", "plugin"], "envoy-config/schemas/plugin.schema.json"),
        (&["schema", "--of", "policy-test"], "envoy-config/schemas/policy-test.schema.json"),
        (&["schema", "--of", "record"], "envoy-config/schemas/record.schema.json"),
        (&["schema", "--format", "markdown"], "docs/policy-reference.md"),
    ] {
        let shipped = std::fs::read_to_string(format!("{root}/{file}")).expect("a file");
        assert!(printed(arguments, b"") == shipped, "{file} is not current: run make schema");
    }
}

#[test]
fn pages_name_the_parts_that_a_schema_refers_to() {
    let page = printed(&["schema", "--of", "policy-test", "--format", "markdown"], b"");
    assert!(page.contains("\n| `policy` | text, or policy |"), "{page}");
}
