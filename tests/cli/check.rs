//! Does `panveil check` say what a policy is?

use crate::command::{file, printed, refused};

#[test]
fn check_prints_the_effective_policy() {
    let expected = "policy is valid\n\n\
        mode                        enforce\n\
        request                     mask\n\
        response                    block\n\
        rules                       charges allow, others block (monitor)\n\
        namespaces.include          none\n\
        namespaces.exclude          none\n\
        detect.sensitivity          balanced\n\
        detect.brands               none\n\
        detect.authentication_data  true\n\
        detect.test_cards           detect\n\
        detect.base64               false\n\
        detect.ignore_keys          none\n\
        detect.card_keys            none\n\
        detect.patterns             none\n\
        mask.keep                   first6_last4\n\
        mask.character              #\n\
        block.request_status        403\n\
        block.response_status       502\n\
        block.body                  null\n\
        uninspectable               pass\n\
        limits.paused_bytes         32768\n\
        limits.inflate_ratio        100\n\
        limits.findings_per_message 1000\n\
        limits.header_count         1000\n\
        limits.header_bytes         262144\n\
        audit.truncated             false\n\
        audit.fingerprint           false\n\
        audit.clean                 false\n";
    let policy = r##"{"response":"block","mask":{"character":"#"},"rules":[
        {"name":"charges","match":{"path":{"prefix":"/v1/charges"}},"action":"allow"},
        {"name":"others","action":"block","mode":"monitor"}]}"##;
    assert_eq!(printed(&["check", &file("effective.json", policy)], b""), expected);
    assert_eq!(printed(&["check", "-"], policy.as_bytes()), expected);
    assert!(printed(&["check", "-"], b"").starts_with("policy is valid\n"));
}

#[test]
fn check_explains_what_is_wrong() {
    for (policy, line) in [
        (
            r#"{"mask":{"keep":"all"}}"#,
            "policy: mask.keep: unknown value, expected one of none, last4, first6_last4, first8_last4",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask"},{"name":"b","match":{"path":{"regex":"/("}},"action":"mask"}]}"#,
            "policy: rules[1].match.path.regex: value not allowed, expected a regular expression over ASCII, without \
             look-around and back-references",
        ),
        (r#"{"mode" "enforce"}"#, "policy: not JSON at line 1, column 9: expected `:`"),
    ] {
        assert_eq!(refused(&["check", "-"], policy.as_bytes()), line, "{policy}");
    }
    let yaml = format!(
        "policy: this looks like YAML, which panveil {} does not read yet; convert it to JSON",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(refused(&["check", &file("policy.yaml", "# mine\nmode: enforce\n")], b""), yaml);
    assert_eq!(refused(&["check", "-"], &vec![b'x'; 3 << 20]), "policy: larger than 1048576 bytes");
}
