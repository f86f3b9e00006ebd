//! `panveil test`: cases of policies, their differences and the exit status.

use crate::command::{failure, file, folder, printed, run};
use std::fs;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-config");

/// Cases that pass.
const CASES: &str = "policy:
  request: block
  rules:
  - {name: charges, match: {direction: request, path: {prefix: /v1/charges}, where: [body], source: ['spiffe://a/ns/shop/*']}, action: allow}
  - {name: old, match: {path: {exact: /old}, tls: mutual}, action: allow, expires: '2027-03-31'}
  - {name: images, match: {content_type: ['image/*']}, action: skip}
cases:
- name: a charge
  request: {method: POST, path: /v1/charges, headers: {Content-Type: text/plain}, body: card 4111 1111 1111 1111}
  peer: {source: spiffe://a/ns/shop/sa/web}
  expect: {action: allowed, rule: charges, body: card 4111 1111 1111 1111, headers: {Content-Type: text/plain}}
- name: a plaintext client
  request: {method: POST, path: /v1/charges, body: card 4111 1111 1111 1111}
  expect: {action: blocked, rule: [request], status: 403}
- name: a client without identity
  request: {method: POST, path: /v1/charges, body: card 4111 1111 1111 1111}
  peer: {tls: any}
  expect: {action: blocked}
- name: a response
  request: {host: shop.example, path: /v1/charges}
  response: {status: 201, headers: {x-card: '4111111111111111'}, body: 'cvv=123&card=4111111111111111'}
  peer: {tls: mutual, source: spiffe://a/ns/shop/sa/web, destination: spiffe://a/ns/db/sa/db}
  expect: {action: masked, rule: response, headers: {x-card: '411111******1111'}, body: 'cvv=***&card=411111******1111'}
- name: the last day
  date: '2027-03-31'
  request: {path: /old, headers: {x-card: '4111111111111111'}}
  peer: {tls: mutual}
  expect: {action: allowed, rule: old}
- name: the day after
  date: '2027-04-01'
  request: {path: /old, headers: {x-card: '4111111111111111'}}
  peer: {tls: mutual}
  expect: {action: blocked, rule: request}
- name: an image
  request: {method: POST, headers: {content-type: image/x}, body: card 4111 1111 1111 1111}
  expect: {action: uninspected, body: card 4111 1111 1111 1111}
";

#[test]
fn cases_that_pass_end_with_status_0() {
    assert_eq!(printed(&["test", "-"], CASES.as_bytes()), "7 cases: 7 passed, 0 failed\n");
}

/// The attributes of the proxy are unknown unless the case has them.
#[test]
fn a_case_has_the_attributes_of_the_proxy() {
    let cases = "policy:
  request: block
  rules:
  - {name: a, match: {remote_ip: [10.0.0.0/8, '::1'], port: [8443], route: [pay*], cluster: [api]}, action: allow}
cases:
- name: all of them
  request: &card {path: /?card=4111111111111111}
  peer: {remote_ip: 10.1.2.3, port: 8443, route: pay-v1, cluster: api}
  expect: {action: allowed, rule: a}
- name: an address of version 6
  request: *card
  peer: {remote_ip: '::1', port: 8443, route: pay-v1, cluster: api}
  expect: {action: allowed, rule: a}
- name: another port
  request: *card
  peer: {remote_ip: 10.1.2.3, port: 80, route: pay-v1, cluster: api}
  expect: {action: blocked, rule: request}
- name: an unknown cluster
  request: *card
  peer: {remote_ip: 10.1.2.3, port: 8443, route: pay-v1}
  expect: {action: blocked, rule: request}
";
    assert_eq!(printed(&["test", "-"], cases.as_bytes()), "4 cases: 4 passed, 0 failed\n");
    for (peer, problem) in [
        ("remote_ip: office", "remote_ip: expected an address, such as 10.0.3.7"),
        ("port: 0", "expected a whole number from 1 to 65535"),
        ("port: 65536", "expected a whole number from 1 to 65535"),
    ] {
        let wrong = cases.replace("remote_ip: 10.1.2.3, port: 80", peer);
        assert!(failure(&["test", "-"], wrong.as_bytes()).ends_with(problem), "{peer}");
    }
}

#[test]
fn shipped_cases_pass() {
    let shown = printed(&["test", ROOT], b"");
    assert!(shown.ends_with(" passed, 0 failed\n"), "{shown}");
    let count: usize = shown.split_whitespace().next().unwrap().parse().unwrap();
    assert!(count > 50, "{shown}");
    for family in ["istio", "envoy-gateway"] {
        for overlay in fs::read_dir(format!("{ROOT}/{family}/overlays")).unwrap() {
            let path = overlay.unwrap().path();
            assert!(path.join("policy-test.yaml").is_file(), "{} has no cases", path.display());
        }
    }
}

#[test]
#[ignore = "needs KUSTOMIZE, which make test sets"]
fn cases_pass_with_rendered_overlays() {
    let kustomize = std::env::var_os("KUSTOMIZE").unwrap();
    for (family, cases) in
        [("istio", "istio"), ("istio/traffic-extension", "istio"), ("envoy-gateway", "envoy-gateway")]
    {
        for overlay in fs::read_dir(format!("{ROOT}/{family}/overlays")).unwrap() {
            let overlay = overlay.unwrap();
            let cases = format!("{ROOT}/{cases}/overlays/{}/policy-test.yaml", overlay.file_name().to_str().unwrap());
            let rendered = Command::new(&kustomize).arg("build").arg(overlay.path()).output().unwrap();
            assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
            let shown = printed(&["test", "--policy", "-", &cases], &rendered.stdout);
            assert!(shown.ends_with(" passed, 0 failed\n"), "{shown}");
        }
    }
}

#[test]
fn differences_end_with_status_1() {
    let policy = file("test-masks.yaml", "request: mask");
    let cases = file("test-cases.yaml", CASES);
    let output = run(&["test", "--policy", &policy, &cases], b"");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), b"".as_slice()));
    let shown = String::from_utf8(output.stdout).unwrap();
    let first = format!(
        "{cases}:8: a charge
  action   expected  allowed
           found     masked
  rule     expected  charges
           found     request
  body     expected  card 4111 11## #### 1111
           found     card 4111 11** **** 1111

{cases}:12: a plaintext client
  action   expected  blocked
           found     masked
  status   expected  403
           found     none
"
    );
    assert!(shown.starts_with(&first), "{shown}");
    assert!(shown.ends_with("\n7 cases: 1 passed, 6 failed\n"), "{shown}");
    assert!(!shown.contains("1111 1111") && !shown.contains("411111111"), "{shown}");
}

#[test]
fn a_response_to_a_blocked_request_is_not_sent() {
    let cases = "policy: {request: block}
cases:
- name: a
  request: {path: /4111111111111111}
  response: {body: x}
  expect: {action: clean, body: x}
";
    let output = run(&["test", "-"], cases.as_bytes());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("expected  clean\n           found     not sent, because the request is blocked\n"),
        "{shown}"
    );
    assert!(shown.contains("expected  x\n           found     none\n"), "{shown}");
}

#[test]
fn junit_has_a_test_case_for_each_case() {
    let text =
        CASES.replace("allowed, rule: charges", "masked, rule: <a>").replace("a plaintext", "a \"plain\" & <text>");
    let cases = file("test-junit.yaml", text);
    let output = run(&["test", "--format", "junit", &cases], b"");
    assert_eq!(output.status.code(), Some(1));
    let xml = String::from_utf8(output.stdout).unwrap();
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"panveil test\" tests=\"7\" failures=\"1\" errors=\"0\">")
    );
    for part in [
        format!("<testcase name=\"a charge\" classname=\"{cases}\">"),
        format!("<failure message=\"{cases}:8: action, rule\">"),
        "expected  &lt;a&gt;\n".to_owned(),
        "name=\"a &quot;plain&quot; &amp; &lt;text&gt; client\"".to_owned(),
    ] {
        assert!(xml.contains(&part), "no {part} in {xml}");
    }
    let passed = run(&["test", "--format", "junit", "-"], CASES.as_bytes());
    assert_eq!(passed.status.code(), Some(0));
    assert!(!String::from_utf8(passed.stdout).unwrap().contains("<failure"));
}

#[test]
fn invalid_files_end_with_status_2() {
    let case = |fields: &str| format!("policy: {{}}\ncases:\n- {{name: a, {fields}}}\n");
    for (text, expected) in [
        (String::new(), ":1:1: no cases; add cases"),
        ("cases: []\n".to_owned(), ":1:1: no cases; add a list of them as cases"),
        ("case: []\n".to_owned(), ":1:1: unknown field; expected one of policy, cases"),
        ("cases: []\n---\ncases: []\n".to_owned(), ":3:1: second document; give one file for each"),
        (
            "cases: [{name: a, request: {}, expect: {action: clean}}]\n".to_owned(),
            ": no policy; add policy: FILE, or use --policy FILE",
        ),
        (case("name: b"), ":3:13: name given more than once"),
        (case("expect: {}"), ":3:3: missing field request"),
        (case("request: {}"), ":3:3: missing field expect"),
        (case("request: {}, expect: {}"), ":3:34: missing field action"),
        (case("request: [], expect: {}"), ":3:22: expected an object with method, host, path, headers, body"),
        (case("request: {body: 4111}, expect: {}"), ":3:29: expected text; quote it"),
        (case("request: {headers: [a]}, expect: {}"), ":3:32: expected an object of names and values"),
        (
            case("request: {}, expect: {action: mask}"),
            ":3:43: expected one of clean, uninspected, reported, allowed, masked, blocked",
        ),
        (case("request: {}, expect: {action: clean, rule: [5]}"), ":3:57: expected text; quote it"),
        (case("request: {}, response: {status: 99}, expect: {}"), ":3:45: expected a whole number from 200 to 599"),
        (
            case("request: {}, response: {}, expect: {action: clean, path: /}"),
            ":3:70: a response has no path; remove the field",
        ),
        (
            case("request: {}, peer: {tls: any, source: spiffe://a/b}, expect: {}"),
            ":3:32: source: a client identity requires mutual TLS",
        ),
        (case("request: {}, peer: {source: a}, expect: {}"), ":3:32: source: a SPIFFE ID begins with spiffe://"),
        (case("request: {}, date: 2027-13-01, expect: {}"), ":3:3: date: expected a day, such as 2027-03-31"),
        (case("request: {body: no}, expect: {}"), ":3:29: ambiguous YAML 1.1 scalar; quote it"),
        (
            case("request: {}, expect: {action: clean}").replace("{}\ncases", "{mode: x}\ncases"),
            ":1:16: mode: unknown value, expected one of enforce, monitor",
        ),
    ] {
        assert_eq!(failure(&["test", "-"], text.as_bytes()), format!("<stdin>{expected}"), "{text}");
    }
    let twice = "policy: {}\ncases:\n- &a {name: a, request: {}, expect: {action: clean}}\n- *a\n";
    assert!(failure(&["test", "-"], twice.as_bytes()).ends_with("another case has this name; give it its own"));
    let missing =
        file("test-missing.yaml", "policy: no/such.yaml\ncases: [{name: a, request: {}, expect: {action: clean}}]\n");
    assert!(
        failure(&["test", &missing], b"")
            .ends_with("no/such.yaml: cannot be read: No such file or directory (os error 2)")
    );
    let empty = folder("test-empty");
    assert_eq!(failure(&["test", &empty], b""), format!("{empty}: no file whose name ends with policy-test.yaml"));
}
