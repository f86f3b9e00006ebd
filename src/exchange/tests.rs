//! Tests of a stream in every phase, on a host in memory.

use super::*;
use crate::host::{FakeHost, Phase};

const PAN: &str = "4111111111111111";
const MASKED: &str = "411111******1111";

/// A stream and its host.
struct Run {
    host: FakeHost,
    exchange: Exchange,
    counters: Rc<Counters>,
    /// The bytes of bodies that were received and forwarded.
    received: usize,
    forwarded: usize,
    /// The router's attempts to send the request.
    attempts: usize,
}

impl Run {
    fn under(policy: &str) -> Self {
        let policy = Rc::new(Policy::parse(policy.as_bytes()).expect("a valid policy"));
        let counters = Rc::new(Counters::default());
        let exchange = Exchange::new(policy, Rc::clone(&counters));
        Self { host: FakeHost::default(), exchange, counters, received: 0, forwarded: 0, attempts: 1 }
    }

    fn headers(&mut self, direction: Direction, pairs: &[(&str, &str)], end: bool) -> FilterStatus {
        self.host.set_headers(HeaderMap::headers_of(direction), pairs);
        self.host.phase = Some(Phase::Headers(direction));
        self.exchange.on_headers(&mut self.host, direction, end)
    }

    /// A request with the usual headers and a body of known length.
    fn post(&mut self, length: usize) -> FilterStatus {
        let length = length.to_string();
        let pairs = [(":method", "POST"), (":path", "/"), ("content-length", &length)];
        self.headers(Direction::Request, &pairs, false)
    }

    /// Delivers a chunk and returns the text that the host forwards.
    fn chunk(&mut self, direction: Direction, chunk: &str, end: bool) -> (FilterStatus, String) {
        let mut held = self.host.body.take().unwrap_or_default();
        held.extend_from_slice(chunk.as_bytes());
        let size = held.len();
        self.host.body = Some(held);
        self.host.phase = Some(Phase::Body(direction));
        self.received += chunk.len();
        for (property, number) in [
            ("request.size", self.received),
            ("response.size", self.forwarded),
            ("upstream.request_attempt_count", self.attempts),
        ] {
            let value = (number as u64).to_le_bytes().to_vec();
            self.host.properties.entry(property.to_owned()).or_default().clone_from(&value);
        }
        let flow = self.exchange.on_body(&mut self.host, direction, size, end);
        let forwarded = if flow == FilterStatus::Continue { self.host.body.take() } else { None };
        self.forwarded += forwarded.as_ref().map_or(0, Vec::len);
        (flow, String::from_utf8(forwarded.unwrap_or_default()).unwrap())
    }

    fn trailers(&mut self, direction: Direction, pairs: &[(&str, &str)]) -> FilterStatus {
        self.host.set_headers(HeaderMap::trailers_of(direction), pairs);
        self.host.phase = Some(Phase::Trailers(direction));
        self.exchange.on_trailers(&mut self.host, direction)
    }

    fn log(&mut self) -> &FakeHost {
        self.host.phase = Some(Phase::Log);
        self.exchange.on_log(&mut self.host);
        self.counters.drain(|counter, amount| self.host.count(counter, amount).unwrap());
        &self.host
    }

    fn logged(&self, key: &str) -> Option<&str> {
        self.host.metadata.get(key).map(String::as_str)
    }

    fn details(&self) -> Vec<&str> {
        self.host.replies.iter().map(|sent| sent.reply.details).collect()
    }
}

#[test]
fn only_findings_in_fields_are_masked() {
    let mut run = Run::under("{}");
    let query = format!("/pay?pan={PAN}");
    let cookie = format!("a=1; card={PAN}");
    let pairs = [(":path", query.as_str()), ("cookie", &cookie), ("x-trace", "1748503543012"), ("x-note", PAN)];
    assert_eq!(run.headers(Direction::Request, &pairs, true), FilterStatus::Continue);
    let header = |name| run.host.header(HeaderMap::RequestHeaders, name).unwrap();
    assert_eq!(header(":path"), format!("/pay?pan={MASKED}"));
    assert_eq!(header("cookie"), format!("a=1; card={MASKED}"));
    assert_eq!(header("x-note"), MASKED);
    assert_eq!(header("x-trace"), "1748503543012");
    run.log();
    assert_eq!(run.logged("path"), Some("/pay?pan=****************"));
    assert_eq!((run.logged("found"), run.logged("where")), (Some("3"), Some("headers,path")));
}

/// Access logs may print the headers of a blocked request.
#[test]
fn fields_of_a_blocked_request_are_masked() {
    let mut run = Run::under(r#"{"request":"block"}"#);
    let path = format!("/cards/{PAN}");
    let flow = run.headers(Direction::Request, &[(":path", path.as_str()), ("x-note", PAN)], true);
    assert_eq!((flow, run.details()), (FilterStatus::Pause, vec!["panveil_blocked"]));
    let header = |name| run.host.header(HeaderMap::RequestHeaders, name);
    assert_eq!(header(":path").as_deref(), Some("/cards/411111******1111"));
    assert_eq!(header("x-note").as_deref(), Some(MASKED));
}

#[test]
fn every_value_of_a_repeated_field_survives() {
    let mut run = Run::under("{}");
    let card = format!("card={PAN}");
    let pairs = [(":status", "200"), ("set-cookie", "a=1"), ("set-cookie", &card), ("set-cookie", "b=2")];
    run.headers(Direction::Response, &pairs, true);
    let map = run.host.headers_now(HeaderMap::ResponseHeaders);
    let cookies: Vec<_> = map.iter().filter(|pair| pair.0 == b"set-cookie").map(|pair| pair.1.as_slice()).collect();
    assert_eq!(cookies, [b"a=1".as_slice(), format!("card={MASKED}").as_bytes(), b"b=2"]);
}

#[test]
fn a_card_in_a_field_name_is_masked() {
    let mut run = Run::under("{}");
    let name = format!("x-card-{PAN}");
    run.headers(Direction::Request, &[(":path", "/"), (&name, "1")], true);
    assert_eq!(run.host.header(HeaderMap::RequestHeaders, &format!("x-card-{MASKED}")).as_deref(), Some("1"));
    assert_eq!(run.host.header(HeaderMap::RequestHeaders, &name), None);
}

#[test]
fn content_length_is_not_inspected() {
    let mut run = Run::under("{\"request\":\"block\"}");
    assert_eq!(run.post(4_111_111_111_111_111), FilterStatus::Continue);
}

#[test]
fn a_card_split_over_chunks_is_masked() {
    let mut run = Run::under("{}");
    run.post(27);
    let text = format!("{{\"pan\":\"{PAN}\"}} ");
    let (_, first) = run.chunk(Direction::Request, &text[..15], false);
    let (_, second) = run.chunk(Direction::Request, &text[15..], false);
    let (_, third) = run.chunk(Direction::Request, "", true);
    assert_eq!(first + &second + &third, format!("{{\"pan\":\"{MASKED}\"}} "));
    run.log();
    assert_eq!((run.logged("action"), run.logged("brands")), (Some("masked"), Some("visa")));
}

#[test]
fn a_known_length_ends_the_body_before_its_trailers() {
    let mut run = Run::under("{}");
    run.post(PAN.len());
    assert_eq!(run.chunk(Direction::Request, PAN, false), (FilterStatus::Continue, MASKED.to_owned()));
    assert_eq!(run.trailers(Direction::Request, &[("x-note", PAN)]), FilterStatus::Continue);
    assert_eq!(run.host.header(HeaderMap::RequestTrailers, "x-note").as_deref(), Some(MASKED));
}

#[test]
fn bytes_after_a_complete_text_are_inspected() {
    let clean = "{\"order\":10000001}";
    for length in [clean.len(), clean.len() + PAN.len() + 1] {
        let mut run = Run::under("{}");
        run.post(length);
        assert_eq!(run.chunk(Direction::Request, clean, false), (FilterStatus::Continue, clean.to_owned()));
        let more = format!(" {PAN}");
        let (_, second) = run.chunk(Direction::Request, &more, false);
        let (_, third) = run.chunk(Direction::Request, "", true);
        assert_eq!(second + &third, format!(" {MASKED}"), "{length}");
        let counted = run.log().counters.iter().find(|(name, _)| name.contains("inspected_bytes")).map(|(_, n)| *n);
        assert_eq!(counted, Some((clean.len() + more.len()) as u64));
    }
}

#[test]
fn a_body_with_a_text_and_a_binary_content_type_is_inspected() {
    for (other, is_read) in [("image/png", false), ("application/json", true), ("image/png;,application/json", true)] {
        let mut run = Run::under("{}");
        let pairs =
            [(":status", "200"), ("content-length", "17"), ("content-type", "image/png"), ("content-type", other)];
        run.headers(Direction::Response, &pairs, false);
        let expected = format!("\0{}", if is_read { MASKED } else { PAN });
        assert_eq!(run.chunk(Direction::Response, &format!("\0{PAN}"), true).1, expected, "{other}");
    }
}

#[test]
fn a_message_with_uninspected_headers_is_uninspected_although_its_body_is_a_text() {
    let mut run = Run::under(r#"{"limits":{"header_count":2}}"#);
    let pairs = [(":status", "200"), ("content-type", "image/gif"), ("x-note", PAN)];
    run.headers(Direction::Response, &pairs, false);
    run.chunk(Direction::Response, "a text", true);
    let counter = "panveil_messages_direction=.=response;.;outcome=.=uninspected;.;total";
    assert!(run.log().counters.contains_key(counter));
}

#[test]
fn a_text_with_an_image_content_type_is_inspected() {
    for (start, is_read) in [("{\"card\":\"", true), ("\n", true), ("", true), ("GIF89a\0", false)] {
        let mut run = Run::under("{}");
        run.headers(Direction::Response, &[(":status", "200"), ("content-type", "image/gif")], false);
        assert_eq!(run.chunk(Direction::Response, "", false), (FilterStatus::Continue, String::new()));
        let body = format!("{start}{PAN} and more, so that nothing of it waits{}", " ".repeat(200));
        let expected = if is_read { body.replace(PAN, MASKED) } else { body.clone() };
        assert_eq!(run.chunk(Direction::Response, &body, false), (FilterStatus::Continue, expected), "{start:?}");
        run.log();
        assert_eq!(run.logged("uninspected"), if is_read { None } else { Some("response:binary") });
    }
}

#[test]
fn trailers_complete_bytes_held_back_in_the_host() {
    let mut run = Run::under("{}");
    run.headers(Direction::Response, &[(":status", "200")], false);
    assert_eq!(run.chunk(Direction::Response, PAN, false).0, FilterStatus::Pause);
    assert_eq!(run.trailers(Direction::Response, &[("x-end", "1")]), FilterStatus::Continue);
    assert_eq!(run.host.body.as_deref(), Some(MASKED.as_bytes()));
}

/// A filter in front delivers a body that arrived earlier, and then the trailers. Envoy sends those twice if this filter continues
/// after a pause.
#[test]
fn a_request_that_was_delivered_late_stays_paused_until_its_trailers() {
    let mut run = Run::under("{}");
    run.headers(Direction::Request, &[(":path", "/")], false);
    let chunks = ["a note, total: 41", "111111", "11111111; the end"];
    let whole = chunks.concat();
    for chunk in chunks {
        run.received = whole.len() - chunk.len();
        assert_eq!(run.chunk(Direction::Request, chunk, false).0, FilterStatus::Pause, "{chunk}");
    }
    // The filter in front continues: Envoy delivers its buffer again, without new bytes.
    assert_eq!(run.chunk(Direction::Request, "", false).0, FilterStatus::Pause);
    assert_eq!(run.trailers(Direction::Request, &[("x-end", "1")]), FilterStatus::Continue);
    assert_eq!(run.host.body.as_deref(), Some(whole.replace(PAN, MASKED).as_bytes()));
}

#[test]
fn trailers_over_held_back_bytes_in_the_filter_abort_the_message() {
    let mut run = Run::under("{\"limits\":{\"paused_bytes\":1024}}");
    run.headers(Direction::Response, &[(":status", "200")], false);
    let text = format!("{} {PAN}", "a".repeat(2000));
    let (flow, forwarded) = run.chunk(Direction::Response, &text, false);
    assert_eq!((flow, forwarded.len()), (FilterStatus::Continue, 2001));
    assert_eq!(run.trailers(Direction::Response, &[("x-end", "1")]), FilterStatus::Pause);
    assert_eq!(run.details(), ["panveil_trailers_over_tail"]);
}

#[test]
fn only_a_small_body_pauses_for_an_http1_client() {
    for (protocol, waits) in [("HTTP/1.1", false), ("HTTP/2", true)] {
        let mut run = Run::under("{}");
        run.host.properties.insert("request.protocol".into(), protocol.into());
        run.headers(Direction::Response, &[(":status", "200")], false);
        run.chunk(Direction::Response, &"a".repeat(16_384), false);
        let (flow, _) = run.chunk(Direction::Response, PAN, false);
        assert_eq!(flow == FilterStatus::Pause, waits, "{protocol}");
    }
}

#[test]
fn redelivered_bytes_are_not_inspected_again() {
    for (policy, card) in [("{}", "4111-11**-****-1111"), ("{\"mode\":\"monitor\"}", "4111-1111-1111-1111")] {
        let mut run = Run::under(policy);
        run.attempts = 0;
        run.headers(Direction::Request, &[(":path", "/")], false);
        let (_, first) = run.chunk(Direction::Request, "ribbon; card: 4111-1111", false);
        run.received -= first.len();
        assert_eq!(run.chunk(Direction::Request, &first, false).1, first);
        let (_, rest) = run.chunk(Direction::Request, "-1111-1111;", true);
        assert_eq!(first + &rest, format!("ribbon; card: {card};"), "{policy}");
        run.log();
        assert_eq!(run.logged("found"), Some("1"), "{policy}");
    }
}

/// Forwarded bytes that are too few to be recognized would follow the held-back bytes when the host delivers them again.
#[test]
fn the_start_of_a_body_waits_for_enough_bytes_to_be_recognized() {
    let card = |prefix: &str, number: &str| format!("{prefix}{number};");
    let framed = |text: String| format!("\0\0\0\0{}{text}", char::from(u8::try_from(text.len()).unwrap()));
    for prefix in ["", "a ", "no: ", "total: ", "in total: "] {
        let (sent, masked) = (card(prefix, PAN), card(prefix, MASKED));
        for (content_type, sent, masked) in [
            ("text/plain", sent.clone(), masked.clone()),
            ("application/grpc", framed(sent.clone()), framed(masked.clone())),
        ] {
            for cut in 1..sent.len() {
                let mut run = Run::under("{}");
                run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
                run.headers(Direction::Response, &[(":status", "200"), ("content-type", content_type)], false);
                run.host.properties.remove("response.backend_latency");
                let (first, rest) = sent.split_at(cut);
                let (_, mut received) = run.chunk(Direction::Response, first, false);
                // A later filter stops these bytes, and a filter in front continues the stream.
                if !received.is_empty() && received.len() < sent.len() - rest.len() {
                    assert!(received.len() >= 8, "{content_type} {received:?}");
                    run.forwarded = 0;
                    received = run.chunk(Direction::Response, &received, false).1;
                }
                received += &run.chunk(Direction::Response, rest, true).1;
                assert_eq!(received, masked, "{content_type} cut at {cut}");
            }
        }
    }
}

/// The end of a body is guessed when its forwarded bytes return after the upstream has sent all of it.
#[test]
fn bytes_after_the_guessed_end_of_a_body_are_not_forwarded() {
    for content_type in ["text/plain", "application/grpc"] {
        let mut run = Run::under("{}");
        run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
        run.headers(Direction::Response, &[(":status", "200"), ("content-type", content_type)], false);
        let (_, first) = run.chunk(Direction::Response, "\0\0\0\0\u{1b}the card: 411111111111", false);
        assert!(first.len() >= 8 && !first.contains('1'), "{first:?}");
        let whole = format!("{first}411111111111");
        for delivered in [&first, &whole] {
            run.forwarded = 0;
            assert_eq!(run.chunk(Direction::Response, delivered, false).1, whole, "{content_type}");
        }
        let (_, rest) = run.chunk(Direction::Response, "1111;", false);
        assert_eq!((rest.as_str(), run.details()), ("", vec!["panveil_uninspectable"]), "{content_type}");
    }
}

#[test]
fn repeated_bytes_do_not_bypass_inspection() {
    let mut run = Run::under("{}");
    run.attempts = 0;
    run.headers(Direction::Request, &[(":path", "/")], false);
    // Both ends equal those of the forwarded bytes, with the number between them.
    let ends = "x".repeat(40);
    let (_, first) = run.chunk(Direction::Request, &format!("{ends} 0000000000000000 {ends}"), false);
    let (_, second) = run.chunk(Direction::Request, &format!("{ends} {PAN} {ends}"), true);
    assert_eq!(first.len(), second.len());
    assert!(second.contains(MASKED) && !second.contains(PAN), "{second}");
}

#[test]
fn the_end_of_a_changed_and_stopped_request_is_released_masked() {
    let mut run = Run::under("{}");
    run.attempts = 0;
    // More than the bytes that reach this filter.
    run.received = 5;
    run.headers(Direction::Request, &[(":path", "/")], false);
    let (_, first) = run.chunk(Direction::Request, "total: 41111111", false);
    assert_eq!(first, "total: ********");
    let (_, second) = run.chunk(Direction::Request, "11111111;", true);
    assert!(second.ends_with(';') && !second.contains("11111111"), "{second}");
    run.log();
    assert_eq!(run.logged("uninspected"), Some("request:released"));
}

/// A later filter releases the paused bytes and the trailers. The next chunk is lost, and the stopped bytes are redelivered.
#[test]
fn held_back_bytes_do_not_precede_redelivered_bytes() {
    let mut run = Run::under("{}");
    run.headers(Direction::Response, &[(":status", "200"), ("content-type", "text/csv")], false);
    assert_eq!(run.chunk(Direction::Response, "pan,memo\n4111", false).0, FilterStatus::Pause);
    run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
    let (_, first) = run.chunk(Direction::Response, "1111", false);
    assert_eq!(first, "pan,memo\n********");
    run.forwarded = 0;
    let (_, lost) = run.chunk(Direction::Response, &format!("11111111,a\n{PAN}"), false);
    assert!(lost.ends_with("****************"), "{lost}");
    let (_, again) = run.chunk(Direction::Response, &first, false);
    assert_eq!(again, first);
}

#[test]
fn held_back_bytes_without_an_end_of_body_are_reported() {
    for (waits, flags, reason) in
        [(false, 0, Some("response:incomplete")), (true, 0, Some("response:released")), (false, 4, None)]
    {
        let mut run = Run::under("{}");
        run.headers(Direction::Response, &[(":status", "200")], false);
        if !waits {
            run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
        }
        let turn = run.chunk(Direction::Response, "in total: 41", false);
        assert_eq!(
            turn,
            if waits {
                (FilterStatus::Pause, String::new())
            } else {
                (FilterStatus::Continue, "in total: ".to_owned())
            }
        );
        run.host.properties.insert("response.flags".into(), u64::to_le_bytes(flags).into());
        run.log();
        assert_eq!(run.logged("uninspected"), reason);
    }
}

#[test]
fn only_a_possible_field_head_stays_unmasked() {
    for policy in ["{}", r#"{"mask":{"keep":"none"}}"#] {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &[(":path", "/"), ("content-type", "application/x-protobuf")], false);
        let text = |digits: &str| format!("\n\u{5}{digits} and so on, as long as forty letters a.");
        assert_eq!(
            run.chunk(Direction::Request, &text("4111121000001117"), true).1,
            text("*****21*********"),
            "{policy}"
        );
    }
}

#[test]
fn bytes_after_an_assumed_end_block_the_message() {
    let mut run = Run::under("{}");
    run.headers(Direction::Response, &[(":status", "200"), ("transfer-encoding", "chunked")], false);
    assert_eq!(run.chunk(Direction::Response, &PAN[..8], false).1, "");
    // The upstream has sent all of the response, and the callback has no new bytes.
    run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
    assert_eq!(run.chunk(Direction::Response, "", false).1, PAN[..8]);
    assert_eq!(run.chunk(Direction::Response, &PAN[8..], false).0, FilterStatus::Pause);
    assert_eq!(run.details(), ["panveil_uninspectable"]);
}

#[test]
fn monitor_mode_inspects_bytes_that_turn_out_not_to_be_base64() {
    let mut run = Run::under("{\"mode\":\"monitor\"}");
    run.headers(Direction::Response, &[(":status", "200"), ("content-type", "application/grpc-web-text")], false);
    for chunk in ["34", "604", "1", "992201126"] {
        run.chunk(Direction::Response, chunk, false);
    }
    run.chunk(Direction::Response, "", true);
    run.log();
    assert_eq!((run.logged("action"), run.logged("found")), (Some("reported"), Some("1")));
}

#[test]
fn a_blocked_request_gets_a_local_reply_with_the_rule() {
    let mut run = Run::under("{\"request\":\"block\"}");
    let pairs = [(":path", "/"), ("content-length", "30"), ("x-request-id", "r-1")];
    run.headers(Direction::Request, &pairs, false);
    assert_eq!(run.chunk(Direction::Request, &format!("pan={PAN};"), false).0, FilterStatus::Pause);
    let reply = run.host.replies[0].reply.clone();
    assert_eq!((reply.status, reply.details, reply.content_type), (403, "panveil_blocked", "application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((&problem["rule"], &problem["request_id"]), (&"request".into(), &"r-1".into()));
    assert!(!reply.body.contains("4111"));

    // The rest of the request is not forwarded, and the local reply passes.
    assert_eq!(run.chunk(Direction::Request, "more", true).0, FilterStatus::Pause);
    assert_eq!(run.headers(Direction::Response, &[(":status", "403"), ("x-note", PAN)], false), FilterStatus::Continue);
    run.host.body = None;
    assert_eq!(run.chunk(Direction::Response, PAN, true).1, PAN);
    run.log();
    assert_eq!((run.logged("action"), run.logged("found")), (Some("blocked"), Some("1")));
    let messages = run.host.counters.keys().filter(|name| name.contains("messages"));
    assert_eq!(messages.collect::<Vec<_>>(), ["panveil_messages_direction=.=request;.;outcome=.=blocked;.;total"]);
}

#[test]
fn a_blocked_response_has_the_request_id() {
    let mut run = Run::under("{\"response\":\"block\"}");
    run.headers(Direction::Request, &[(":path", "/"), ("x-request-id", "r-2")], true);
    assert_eq!(run.headers(Direction::Response, &[(":status", "200"), ("x-note", PAN)], true), FilterStatus::Pause);
    let reply = &run.host.replies[0].reply;
    assert_eq!(reply.status, 502);
    assert!(reply.body.contains("\"request_id\":\"r-2\""));
}

#[test]
fn monitor_mode_and_allow_report_without_changes() {
    for (policy, action) in
        [("{\"mode\":\"monitor\",\"request\":\"block\"}", "reported"), ("{\"request\":\"allow\"}", "allowed")]
    {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &[(":path", "/"), ("content-length", "20"), ("x-note", PAN)], false);
        let (_, first) = run.chunk(Direction::Request, &PAN[..9], false);
        let (_, second) = run.chunk(Direction::Request, &PAN[9..], true);
        assert_eq!((first.as_str(), second.as_str()), (&PAN[..9], &PAN[9..]));
        assert_eq!(run.host.header(HeaderMap::RequestHeaders, "x-note").as_deref(), Some(PAN));
        run.log();
        assert_eq!((run.logged("action"), run.logged("found")), (Some(action), Some("2")));
        assert!(run.host.replies.is_empty());
    }
}

#[test]
fn skipped_locations_are_not_inspected() {
    let mut run = Run::under("{\"request\":\"skip\"}");
    run.headers(Direction::Request, &[(":path", "/"), ("x-note", PAN)], false);
    assert_eq!(run.chunk(Direction::Request, PAN, true).1, PAN);
    run.log();
    assert_eq!((run.logged("action"), run.logged("path")), (None, Some("/")));
    assert!(run.host.counters.contains_key("panveil_messages_direction=.=request;.;outcome=.=uninspected;.;total"));
}

#[test]
fn inspected_responses_are_requested_uncompressed() {
    for (policy, expected) in [
        ("{}", "identity"),
        ("{\"request\":\"skip\"}", "identity"),
        ("{\"response\":\"skip\"}", "gzip, br"),
        ("{\"mode\":\"monitor\"}", "gzip, br"),
    ] {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &[(":path", "/"), ("accept-encoding", "gzip, br")], true);
        assert_eq!(run.host.header(HeaderMap::RequestHeaders, "accept-encoding").as_deref(), Some(expected));
    }
}

#[test]
fn uninspectable_messages_are_reported_and_optionally_blocked() {
    for (policy, details) in [("{}", None), ("{\"uninspectable\":\"block\"}", Some("panveil_uninspectable"))] {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &[(":path", "/"), ("content-encoding", "compress")], false);
        assert_eq!(run.details().first().copied(), details);
        run.log();
        assert_eq!(run.logged("action"), Some(if details.is_some() { "blocked" } else { "uninspected" }));
        assert!(run.host.counters.contains_key("panveil_uninspected_direction=.=request;.;reason=.=encoding;.;total"));
    }
}

#[test]
fn an_upgraded_connection_is_not_inspected() {
    let mut run = Run::under("{}");
    run.headers(Direction::Request, &[(":path", "/"), ("upgrade", "h2c")], false);
    run.headers(Direction::Response, &[(":status", "101")], false);
    for direction in [Direction::Request, Direction::Response] {
        assert_eq!(run.chunk(direction, PAN, false), (FilterStatus::Continue, PAN.to_owned()));
    }
    run.log();
    assert_eq!(run.logged("action"), Some("uninspected"));
}

#[test]
fn a_stream_that_did_not_reach_the_filter_is_logged_with_its_path() {
    let mut run = Run::under("{}");
    run.host.set_headers(HeaderMap::RequestHeaders, &[(":path", format!("/{PAN}"))]);
    run.log();
    assert_eq!(run.logged("path"), Some("/****************"));
    assert!(run.host.counters.is_empty());
}

#[test]
fn clean_streams_are_recorded_if_the_policy_says_so() {
    let mut run = Run::under("{\"audit\":{\"clean\":true}}");
    run.headers(Direction::Request, &[(":path", "/")], true);
    run.log();
    assert_eq!((run.logged("action"), run.logged("found")), (Some("clean"), Some("0")));
    assert!(run.logged("record").unwrap().contains("\"findings\":[]"));
}

const REQUEST_KEYS: &str = r#"{"audit":{"keys":["authority","client","request_id","trace_id","user_agent"]}}"#;

#[test]
fn attributes_of_requests_are_published_redacted_if_the_policy_says_so() {
    let trace_parent = format!("00-abcdef{PAN}abcdefabcd-00f067aa0ba902b7-01");
    let pairs = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", &format!("{PAN}.shop.example")),
        ("user-agent", &format!("shop/1.0 (\"{PAN}\")")),
        ("x-request-id", &format!("r-{PAN}")),
        ("traceparent", &trace_parent),
    ];
    for (policy, wanted) in [
        ("{}", [None; 5]),
        (
            REQUEST_KEYS,
            [
                Some("****************.shop.example"),
                Some("10.0.3.7"),
                Some("r-****************"),
                Some("abcdef****************abcdefabcd"),
                Some("shop/1.0%20(%22****************%22)"),
            ],
        ),
    ] {
        let mut run = Run::under(policy);
        run.host.properties.insert("source.address".to_owned(), b"10.0.3.7:51734".to_vec());
        run.headers(Direction::Request, &pairs, true);
        // What the mask left of the headers is not published.
        run.log();
        let keys = ["authority", "client", "request_id", "trace_id", "user_agent"];
        assert_eq!(keys.map(|key| run.logged(key)), wanted, "{policy}");
        assert_eq!(run.logged("path").is_some(), policy == "{}");
    }
}

#[test]
fn the_trace_id_may_come_with_the_forwarded_request() {
    for (name, value) in [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"),
    ] {
        let mut run = Run::under(REQUEST_KEYS);
        run.headers(Direction::Request, &[(":path", "/")], true);
        assert_eq!(run.logged("trace_id"), None);
        run.host.set_headers(HeaderMap::RequestHeaders, &[(":path", "/"), (name, value)]);
        run.log();
        assert_eq!(run.logged("trace_id"), Some("0af7651916cd43dd8448eb211c80319c"));
    }
    for value in ["", "00", "00-", "-"] {
        let mut run = Run::under(REQUEST_KEYS);
        run.headers(Direction::Request, &[(":path", "/"), ("traceparent", value)], true);
        run.log();
        assert_eq!(run.logged("trace_id").unwrap_or_default(), "", "{value}");
    }
}

#[test]
fn the_record_is_published_as_a_message_if_the_policy_says_so() {
    for (policy, has_text, has_object) in [
        ("{}", true, false),
        (r#"{"audit":{"keys":["record_object"]}}"#, false, true),
        (r#"{"audit":{"keys":["record","record_object"],"truncated":true}}"#, true, true),
    ] {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &[(":path", "/"), ("x-note", PAN), ("x-\"\\", PAN)], true);
        let host = run.log();
        assert_eq!(
            (host.metadata.contains_key("record"), host.messages.contains_key("record_object")),
            (has_text, has_object)
        );
    }
}

#[test]
fn only_the_keys_of_the_policy_are_published() {
    let mut run = Run::under(r#"{"audit":{"keys":["found","path"]}}"#);
    run.headers(Direction::Request, &[(":path", "/"), (":method", "GET"), ("x-note", PAN)], true);
    let host = run.log();
    let keys: Vec<&str> = host.metadata.keys().map(String::as_str).collect();
    assert_eq!(keys, ["acts", "found", "mode", "path"]);
}

#[test]
fn failed_host_calls_block_the_message() {
    for broken in ["get_header_map_pairs", "replace_header_map_value", "get_buffer_bytes", "set_buffer_bytes"] {
        let mut run = Run::under("{}");
        run.host.broken.push(broken);
        let pairs = [(":path", "/"), ("content-length", "16"), ("x-note", PAN)];
        let fields = if broken == "replace_header_map_value" { &pairs[..] } else { &pairs[..2] };
        let stopped = run.headers(Direction::Request, fields, false) == FilterStatus::Pause
            || run.chunk(Direction::Request, PAN, true).0 == FilterStatus::Pause;
        assert!(stopped, "{broken}");
        assert_eq!(run.details(), ["panveil_uninspectable"]);
        assert!(run.host.log.iter().any(|line| line.contains(broken)));
    }
}

#[test]
fn a_response_after_a_failed_local_reply_is_not_forwarded() {
    let mut run = Run::under("{\"request\":\"block\"}");
    run.host.broken.push("send_local_response");
    run.post(30);
    assert_eq!(run.chunk(Direction::Request, &format!("pan={PAN};"), false).0, FilterStatus::Pause);
    assert_eq!(run.headers(Direction::Response, &[(":status", "200"), ("x-note", PAN)], true), FilterStatus::Pause);
}

#[test]
fn a_lost_paused_chunk_is_tolerated() {
    let mut run = Run::under("{}");
    run.headers(Direction::Response, &[(":status", "200")], false);
    assert_eq!(run.chunk(Direction::Response, &format!("{PAN} and {PAN}"), false).0, FilterStatus::Pause);
    run.host.body = None;
    assert_eq!(run.chunk(Direction::Response, "x", true), (FilterStatus::Continue, "x".to_owned()));
}

#[test]
fn a_websocket_is_inspected_in_both_directions() {
    let mut run = Run::under("{}");
    let asks = [(":path", "/"), ("upgrade", "WebSocket"), ("sec-websocket-extensions", "permessage-deflate")];
    run.headers(Direction::Request, &asks, false);
    assert_eq!(run.host.header(HeaderMap::RequestHeaders, "sec-websocket-extensions"), None);
    run.headers(Direction::Response, &[(":status", "101"), ("upgrade", "websocket")], false);
    for direction in [Direction::Request, Direction::Response] {
        // The first frame of a message with the card, and one that goes on with a hundred blanks.
        let (first, second) = (format!("\u{1}\u{10}{PAN}"), format!("\0d{}", " ".repeat(100)));
        assert_eq!(run.chunk(direction, &first, false), (FilterStatus::Continue, String::new()), "more may follow");
        let (_, forwarded) = run.chunk(direction, &second, false);
        assert!(forwarded.starts_with(&format!("\u{1}\u{10}{MASKED}\0d ")), "{forwarded:?}");
    }
    run.log();
    assert_eq!(run.logged("found"), Some("2"));
}

const CHARGES: &str = r#"{"rules":[
    {"name":"charges","match":{"direction":"request","where":["body"],"method":["POST"],"host":["api.example.com"],
     "path":{"prefix":"/v1/charges"}},"action":"allow"},
    {"name":"images","match":{"content_type":["image/*"]},"action":"skip"},
    {"name":"exports","match":{"direction":"response","path":{"prefix":"/v1/exports"}},"action":"block"}
]}"#;

fn asks<'a>(path: &'a str, content_type: &'a str) -> [(&'a str, &'a str); 5] {
    [
        (":method", "POST"),
        (":authority", "api.example.com"),
        (":path", path),
        ("content-type", content_type),
        ("content-length", "16"),
    ]
}

#[test]
fn a_rule_decides_only_for_its_locations() {
    let mut run = Run::under(CHARGES);
    let path = format!("/v1/charges/1?pan={PAN}");
    run.headers(Direction::Request, &asks(&path, "text/plain"), false);
    assert_eq!(run.host.header(HeaderMap::RequestHeaders, ":path"), Some(format!("/v1/charges/1?pan={MASKED}")));
    assert_eq!(run.chunk(Direction::Request, PAN, true).1, PAN);
    run.log();
    assert_eq!(run.logged("action"), Some("masked"));
    let record = run.logged("record").unwrap();
    assert!(record.contains(r#""action":"allowed","rule":"charges""#), "{record}");
    assert!(record.contains(r#""action":"masked","rule":"request""#), "{record}");
}

#[test]
fn the_path_of_the_request_decides_for_the_response() {
    let mut run = Run::under(CHARGES);
    run.headers(
        Direction::Request,
        &[(":method", "GET"), (":authority", "a"), (":path", "/v1/exports?x"), ("x-request-id", "r-3")],
        true,
    );
    run.headers(Direction::Response, &[(":status", "200"), ("content-length", "16")], false);
    assert_eq!(run.chunk(Direction::Response, PAN, true).0, FilterStatus::Pause);
    let reply = &run.host.replies[0].reply;
    assert!(reply.body.contains(r#""rule":"exports","request_id":"r-3""#), "{}", reply.body);
}

#[test]
fn a_content_type_condition_uses_each_message_s_own_type() {
    let mut run = Run::under(CHARGES);
    run.headers(Direction::Request, &asks("/x", "image/png"), false);
    assert_eq!(run.chunk(Direction::Request, PAN, true).1, PAN);
    run.headers(
        Direction::Response,
        &[(":status", "200"), ("content-type", "text/plain"), ("content-length", "16")],
        false,
    );
    assert_eq!(run.chunk(Direction::Response, PAN, true).1, MASKED);
    run.log();
    assert_eq!(run.logged("found"), Some("1"));
    assert!(run.host.counters.contains_key("panveil_messages_direction=.=request;.;outcome=.=uninspected;.;total"));
}

#[test]
fn only_needed_properties_are_read() {
    let asked = |condition: &str| {
        let mut run = Run::under(&format!(r#"{{"rules":[{{"name":"a","match":{condition},"action":"mask"}}]}}"#));
        run.headers(Direction::Request, &asks("/v1/charges", "text/plain"), true);
        run.headers(Direction::Response, &[(":status", "200"), ("content-length", "0")], true);
        run.host.read_properties.join(" ")
    };
    for (condition, expected) in [
        (r#"{"direction":"request","where":["body"]}"#, ""),
        (r#"{"method":["GET"],"host":["a"],"path":{"prefix":"/"},"content_type":["a/b"]}"#, ""),
        (r#"{"tls":"any"}"#, "connection.mtls connection.tls_version"),
        (
            r#"{"source":["spiffe://a/b"]}"#,
            "connection.mtls connection.tls_version connection.uri_san_peer_certificate",
        ),
        (r#"{"direction":"response","destination":["spiffe://a/b"]}"#, "upstream.uri_san_peer_certificate"),
    ] {
        assert_eq!(asked(condition), expected, "{condition}");
    }
}

#[test]
fn peers_are_identified_by_their_certificates() {
    const PEERS: &str = r#"{"response":"block","rules":[
        {"name":"from-checkout","match":{"direction":"request","source":["spiffe://cluster.local/ns/checkout/*"]},"action":"allow"},
        {"name":"in-the-clear","match":{"direction":"request","tls":"none"},"action":"block"},
        {"name":"of-payments","match":{"direction":"response","destination":["spiffe://*/ns/payments/*"]},"action":"allow"}
    ]}"#;
    let checkout: &[u8] = b"spiffe://cluster.local/ns/checkout/sa/web";
    let payments: &[u8] = b"spiffe://cluster.local/ns/payments/sa/api";
    for (mtls, version, source, destination, rules) in [
        (&[1_u8][..], "TLSv1.3", checkout, payments, ["from-checkout", "of-payments"]),
        (&[1], "TLSv1.3", payments, payments, ["request", "of-payments"]),
        // Without mutual TLS a certificate does not identify the client.
        (&[0], "TLSv1.3", checkout, checkout, ["request", "response"]),
        (&[0], "", checkout, b"", ["in-the-clear", "response"]),
    ] {
        let mut run = Run::under(PEERS);
        for (property, value) in [
            ("connection.mtls", mtls),
            ("connection.tls_version", version.as_bytes()),
            ("connection.uri_san_peer_certificate", source),
            ("upstream.uri_san_peer_certificate", destination),
        ] {
            run.host.properties.insert(property.into(), value.into());
        }
        run.headers(Direction::Request, &[(":path", "/"), ("x-note", PAN)], true);
        if run.host.replies.is_empty() {
            run.headers(Direction::Response, &[(":status", "200"), ("x-note", PAN)], true);
        }
        run.log();
        let record = run.logged("record").unwrap();
        assert!(record.contains(&format!(r#""rule":"{}""#, rules[0])), "{record}");
        let told = |key: &str, name: &[u8]| format!(r#""{key}":"{}""#, String::from_utf8_lossy(name));
        let proven = mtls == [1];
        assert_eq!(record.contains(&told("source", source)), proven, "{record}");
        assert_eq!(run.logged("peer"), proven.then_some(std::str::from_utf8(source).unwrap()));
        assert!(destination.is_empty() || record.contains(&told("destination", destination)), "{record}");
        assert!(rules[0] == "in-the-clear" || record.contains(&format!(r#""rule":"{}""#, rules[1])), "{record}");
    }
}

#[test]
fn streams_with_cards_are_counted_by_the_security_of_their_connection() {
    let counted = |policy: &str, properties: &[(&str, &[u8])], values: [&str; 2]| {
        let mut run = Run::under(policy);
        for (property, value) in properties {
            run.host.properties.insert((*property).into(), (*value).into());
        }
        run.headers(Direction::Request, &[(":path", "/"), ("x-a", values[0]), ("x-b", values[0])], true);
        run.headers(Direction::Response, &[(":status", "200"), ("x-note", values[1])], true);
        run.log();
        let counters = run.host.counters.iter().filter(|(name, _)| name.starts_with("panveil_card_streams_"));
        counters.map(|(name, count)| format!("{name} {count}")).collect::<Vec<String>>().join(" ")
    };
    let version: (&str, &[u8]) = ("connection.tls_version", b"TLSv1.3");
    let mutual: (&str, &[u8]) = ("connection.mtls", &[1]);
    let inbound: (&str, &[u8]) = ("xds.listener_direction", &[1, 0, 0, 0, 0, 0, 0, 0]);
    let outbound: (&str, &[u8]) = ("xds.listener_direction", &[2, 0, 0, 0, 0, 0, 0, 0]);
    for (properties, tls, listener) in [
        (&[mutual, version, inbound][..], "mutual", "inbound"),
        (&[version, outbound], "tls", "outbound"),
        (&[inbound], "plaintext", "inbound"),
        (&[], "plaintext", "unspecified"),
    ] {
        let expected = format!("panveil_card_streams_tls=.={tls};.;listener=.={listener};.;total 1");
        assert_eq!(counted("{}", properties, [PAN, PAN]), expected);
    }
    let one = "panveil_card_streams_tls=.=plaintext;.;listener=.=unspecified;.;total 1";
    assert_eq!(counted(r#"{"response":"allow"}"#, &[], ["", PAN]), one, "the client receives it");
    assert_eq!(counted("{}", &[], ["", PAN]), "", "masked before it crosses the connection");
    let pattern = r#"{"detect":{"patterns":[{"name":"staff","regex":"\bEMP-[0-9]{6}\b"}]}}"#;
    assert_eq!(counted(pattern, &[], ["EMP-123456", ""]), "", "no account data");
    assert_eq!(counted(r#"{"request":"skip"}"#, &[], [PAN, ""]), "");
    let mut run = Run::under("{}");
    run.host.broken.push("get_property");
    run.headers(Direction::Request, &[(":path", "/"), ("x-note", PAN)], true);
    assert!(run.host.counters.keys().any(|name| name.contains("tls=.=unknown;.;listener=.=unspecified")));
}

#[test]
fn unknown_peers_do_not_match_permissive_rules() {
    for (action, default, details) in
        [("allow", "block", Some("panveil_blocked")), ("block", "allow", Some("panveil_blocked"))]
    {
        let mut run = Run::under(&format!(
            r#"{{"request":"{default}","rules":[{{"name":"a","match":{{"source":["spiffe://a/b"]}},"action":"{action}"}}]}}"#
        ));
        run.host.broken.push("get_property");
        run.headers(Direction::Request, &[(":path", "/"), ("x-note", PAN)], true);
        assert_eq!(run.details().first().copied(), details, "{action}");
        assert!(run.host.log.iter().any(|line| line.contains("get_property")));
    }
}

#[test]
fn a_single_rule_can_be_in_monitor_mode() {
    let mut run = Run::under(
        r#"{"uninspectable":"block","rules":[{"name":"new","match":{"path":{"prefix":"/new"}},"action":"block","mode":"monitor"}]}"#,
    );
    let pairs = [(":path", "/new"), ("x-note", PAN), ("accept-encoding", "gzip"), ("content-encoding", "compress")];
    assert_eq!(run.headers(Direction::Request, &pairs, false), FilterStatus::Continue);
    let header = |name| run.host.header(HeaderMap::RequestHeaders, name);
    assert_eq!((header("x-note").as_deref(), header("accept-encoding").as_deref()), (Some(PAN), Some("gzip")));
    run.log();
    assert_eq!(run.logged("action"), Some("reported"));
}

#[test]
fn frames_are_inspected_only_in_the_inspected_direction() {
    let mut run = Run::under(r#"{"rules":[{"name":"a","match":{"direction":"response"},"action":"skip"}]}"#);
    run.headers(Direction::Request, &[(":path", "/"), ("upgrade", "websocket")], false);
    run.headers(Direction::Response, &[(":status", "101"), ("upgrade", "websocket")], false);
    let frame = format!("\u{81}\u{10}{PAN}").chars().map(|char| char as u8).collect::<Vec<_>>();
    for (direction, found) in [(Direction::Request, true), (Direction::Response, false)] {
        run.host.body = Some(frame.clone());
        run.host.phase = Some(Phase::Body(direction));
        assert_eq!(run.exchange.on_body(&mut run.host, direction, frame.len(), false), FilterStatus::Continue);
        assert_eq!(run.host.body.take().as_deref() != Some(&frame[..]), found);
    }
}

/// Runs a stream through two panveil filters. The response passes them in reverse order.
fn chain(first: &str, second: &str) -> (FakeHost, [String; 2]) {
    let mut run = Run::under(first);
    let policy = Rc::new(Policy::parse(second.as_bytes()).unwrap());
    let mut second = Exchange::new(policy, Rc::clone(&run.counters));
    let mut forwarded = [String::new(), String::new()];
    for direction in [Direction::Request, Direction::Response] {
        let note = [(":status", "200"), (":path", "/"), ("content-length", "16"), ("x-note", PAN)];
        let map = HeaderMap::headers_of(direction);
        run.host.set_headers(map, &note);
        for turn in 0..2 {
            run.host.phase = Some(Phase::Headers(direction));
            let exchange =
                if (turn == 0) == (direction == Direction::Request) { &mut run.exchange } else { &mut second };
            exchange.on_headers(&mut run.host, direction, false);
        }
        run.host.body = Some(PAN.into());
        for turn in 0..2 {
            run.host.phase = Some(Phase::Body(direction));
            let exchange =
                if (turn == 0) == (direction == Direction::Request) { &mut run.exchange } else { &mut second };
            exchange.on_body(&mut run.host, direction, PAN.len(), true);
        }
        let body = String::from_utf8(run.host.body.take().unwrap()).unwrap();
        forwarded[usize::from(direction == Direction::Response)] =
            format!("{} {body}", run.host.header(map, "x-note").unwrap());
    }
    run.host.phase = Some(Phase::Log);
    run.exchange.on_log(&mut run.host);
    second.on_log(&mut run.host);
    run.counters.drain(|counter, amount| run.host.count(counter, amount).unwrap());
    (run.host, forwarded)
}

#[test]
fn two_filters_in_a_chain_inspect_and_count_once() {
    let masked = format!("{MASKED} {MASKED}");
    let plain = format!("{PAN} {PAN}");
    for (first, second, expected, action) in [
        ("{}", "{}", [&masked, &masked], "masked"),
        // The first filter decides, whether its policy is stricter or not.
        (r#"{"request":"allow"}"#, "{}", [&plain, &masked], "masked"),
        ("{}", r#"{"response":"block"}"#, [&masked, &masked], "masked"),
        ("{}", r#"{"mode":"monitor"}"#, [&masked, &masked], "masked"),
        (r#"{"mode":"monitor"}"#, r#"{"mode":"monitor"}"#, [&plain, &plain], "reported"),
    ] {
        let (host, forwarded) = chain(first, second);
        assert_eq!(forwarded.each_ref(), expected, "{first} {second}");
        assert_eq!(host.metadata["found"], "4", "{first} {second}");
        assert_eq!(host.metadata["action"], action, "{first} {second}");
        let counted = |part: &str| -> u64 {
            host.counters.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum()
        };
        assert_eq!((counted("panveil_messages"), counted("panveil_findings")), (2, 4), "{first} {second}");
    }
}

#[test]
fn enforce_mode_ignores_the_claim_of_monitor_mode() {
    let (host, forwarded) = chain(r#"{"mode":"monitor"}"#, "{}");
    assert_eq!(forwarded, [format!("{MASKED} {MASKED}"), format!("{MASKED} {MASKED}")]);
    assert_eq!(host.metadata["mode"], "enforce");
}

/// A client's WebSocket frame with a masking key of zeros.
fn frame(first: u8, said: &str) -> String {
    let key = "\0\0\0\0";
    format!("{}{}{key}{said}", char::from(first), char::from(128 + said.chars().count() as u8))
}

impl Run {
    /// Delivers one byte for each character of `chunk`.
    fn bytes(&mut self, direction: Direction, chunk: &str, end: bool) -> (FilterStatus, String) {
        let bytes: Vec<u8> = chunk.chars().map(|char| u8::try_from(char).unwrap()).collect();
        let size = bytes.len();
        self.host.body = Some(bytes);
        self.host.phase = Some(Phase::Body(direction));
        let flow = self.exchange.on_body(&mut self.host, direction, size, end);
        let forwarded = if flow == FilterStatus::Continue { self.host.body.take() } else { None };
        (flow, forwarded.unwrap_or_default().into_iter().map(char::from).collect())
    }
}

const ASKS: [(&str, &str); 2] = [(":path", "/"), ("upgrade", "websocket")];
const AGREES: [(&str, &str); 2] = [(":status", "101"), ("upgrade", "websocket")];

#[test]
fn frames_before_and_after_the_upgrade_are_inspected() {
    let early = frame(0x81, &format!("card {PAN}"));
    let late = frame(0x82, &format!("again {PAN}"));
    for cut in 0..=early.chars().count() {
        let mut run = Run::under("{}");
        run.headers(Direction::Request, &ASKS, false);
        let (first, second): (String, String) = (early.chars().take(cut).collect(), early.chars().skip(cut).collect());
        let mut out = run.bytes(Direction::Request, &first, false).1;
        run.headers(Direction::Response, &AGREES, false);
        out += &run.bytes(Direction::Request, &second, false).1;
        assert_eq!(out, early.replace(PAN, MASKED), "cut at {cut}");
        assert_eq!(run.bytes(Direction::Request, &late, false).1, late.replace(PAN, MASKED), "cut at {cut}");
        run.log();
        assert_eq!((run.logged("found"), run.logged("uninspected")), (Some("2"), None), "cut at {cut}");
    }
}

#[test]
fn a_frame_before_the_upgrade_is_not_held_back() {
    let mut run = Run::under("{}");
    run.headers(Direction::Request, &ASKS, false);
    for said in ["amount 41", "4111 1111 1111", "\u{e3}"] {
        let early = frame(0x81, said);
        assert_eq!(run.bytes(Direction::Request, &early, false), (FilterStatus::Continue, early), "{said}");
    }
}

#[test]
fn a_body_before_a_rejected_upgrade_is_inspected_as_text() {
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let scrambled = format!("\u{81}\u{a4}ab: {PAN} and more");
    for body in [body, scrambled] {
        for cut in 0..body.chars().count() {
            let mut run = Run::under(r#"{"uninspectable":"block"}"#);
            run.headers(
                Direction::Request,
                &[(":path", "/"), ("upgrade", "websocket"), ("content-length", "29")],
                false,
            );
            let (first, second): (String, String) =
                (body.chars().take(cut).collect(), body.chars().skip(cut).collect());
            let mut out = run.bytes(Direction::Request, &first, false).1;
            run.headers(Direction::Response, &[(":status", "200")], false);
            out += &run.bytes(Direction::Request, &second, true).1;
            assert_eq!(out, body.replace(PAN, MASKED), "cut at {cut}");
            run.log();
            assert_eq!((run.logged("found"), run.logged("uninspected")), (Some("1"), None), "cut at {cut}");
        }
    }
}

#[test]
fn bytes_before_the_upgrade_that_are_no_frame_are_reported_or_blocked() {
    for (policy, details) in [("{}", None), (r#"{"uninspectable":"block"}"#, Some("panveil_uninspectable"))] {
        let mut run = Run::under(policy);
        run.headers(Direction::Request, &ASKS, false);
        assert_eq!(run.bytes(Direction::Request, "x", false), (FilterStatus::Continue, "x".to_owned()));
        run.headers(Direction::Response, &AGREES, false);
        assert_eq!(run.details().first().copied(), details);
        run.log();
        assert_eq!(run.logged("uninspected"), Some("request:upgrade"));
    }
}

#[test]
fn a_card_before_the_upgrade_is_blocked() {
    let mut run = Run::under(r#"{"request":"block"}"#);
    run.headers(Direction::Request, &ASKS, false);
    assert_eq!(run.bytes(Direction::Request, &frame(0x81, PAN), false).0, FilterStatus::Pause);
    assert_eq!(run.details(), ["panveil_blocked"]);
}

#[test]
fn ping_and_close_frames_are_inspected() {
    let status = "\u{3}\u{e8}";
    for (first, before) in [(0x89, ""), (0x8a, "id "), (0x88, status), (0x88, "\u{c}4"), (0x88, "xy bye ")] {
        let mut run = Run::under("{}");
        run.headers(Direction::Request, &ASKS, false);
        run.headers(Direction::Response, &AGREES, false);
        let sent = frame(first, &format!("{before}{PAN}"));
        let (head, tail): (String, String) = (sent.chars().take(12).collect(), sent.chars().skip(12).collect());
        let out = run.bytes(Direction::Request, &head, false).1 + &run.bytes(Direction::Request, &tail, false).1;
        assert_eq!(out, sent.replace(PAN, MASKED), "{before:?}");
        run.log();
        assert_eq!(run.logged("found"), Some("1"));
    }
    // The number begins at the position of the status code.
    let mut run = Run::under("{}");
    run.headers(Direction::Request, &ASKS, false);
    run.headers(Direction::Response, &AGREES, false);
    assert_eq!(run.bytes(Direction::Request, &frame(0x88, PAN), false).1, frame(0x88, MASKED));
}

#[test]
fn invalid_frames_are_reported_or_blocked() {
    let long = format!("\u{89}\u{7e}\0\u{7e}{}", "x".repeat(126));
    for sent in [frame(0xc1, PAN), frame(0x83, PAN), frame(0x8b, PAN), frame(0x09, PAN), frame(0x80, PAN), long] {
        for (policy, is_refused) in [("{}", false), (r#"{"uninspectable":"block"}"#, true)] {
            let mut run = Run::under(policy);
            run.headers(Direction::Request, &ASKS, false);
            run.headers(Direction::Response, &AGREES, false);
            let (flow, out) = run.bytes(Direction::Request, &sent, false);
            let farewell = "\u{88}\u{82}\0\0\0\0\u{3}\u{f0}".to_owned();
            assert_eq!((flow, out), (FilterStatus::Continue, if is_refused { farewell } else { sent.clone() }));
            run.log();
            assert_eq!(run.logged("uninspected"), Some("request:encoding"));
        }
    }
}

#[test]
fn a_body_that_is_not_grpc_is_inspected_and_reported() {
    let json = format!("{{\"card\":\"{PAN}\"}}");
    for content_type in
        ["application/grpc", "application/grpc+json", "application/grpc-web", "application/grpc-web-text"]
    {
        for (policy, is_refused) in [("{}", false), (r#"{"uninspectable":"block"}"#, true)] {
            for body in [json.clone(), format!("\u{1}\0\0\0\u{1d}{json}")] {
                let mut run = Run::under(policy);
                run.headers(Direction::Request, &[(":path", "/"), ("content-type", content_type)], false);
                let out = run.bytes(Direction::Request, &body, true).1;
                assert_eq!(out, if is_refused { String::new() } else { body.replace(PAN, MASKED) }, "{content_type}");
                run.log();
                assert_eq!(run.logged("uninspected"), Some("request:encoding"), "{content_type}");
            }
        }
    }
}

#[test]
fn compressed_grpc_messages_are_reported() {
    let mut run = Run::under("{}");
    let pairs = [(":path", "/"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip")];
    run.headers(Direction::Request, &pairs, false);
    let body = format!("\u{1}\0\0\0\u{10}{PAN}");
    assert_eq!(run.bytes(Direction::Request, &body, true).1, body);
    run.log();
    assert_eq!((run.logged("uninspected"), run.logged("found")), (Some("request:encoding"), Some("0")));
}

impl Run {
    /// Delivers a chunk of bytes and returns the bytes that the host forwards.
    fn raw(&mut self, direction: Direction, chunk: &[u8], end: bool) -> (FilterStatus, Vec<u8>) {
        self.host.body = Some(chunk.to_vec());
        self.host.phase = Some(Phase::Body(direction));
        let flow = self.exchange.on_body(&mut self.host, direction, chunk.len(), end);
        (flow, self.host.body.take().unwrap_or_default())
    }

    /// A request with a body in this content encoding.
    fn encoded(policy: &str, coding: &str) -> Self {
        let mut run = Self::under(policy);
        run.headers(Direction::Request, &[(":method", "POST"), (":path", "/"), ("content-encoding", coding)], false);
        run
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_long_chunk_that_is_compressed_is_decoded_in_pieces() {
    // More than is decoded at a time.
    let line = |n: u32| {
        let card = if n.is_multiple_of(500) { PAN } else { "none" };
        format!("{{\"id\":{},\"card\":\"{card}\",\"note\":\"nothing\"}}\n", n.wrapping_mul(2_654_435_761))
    };
    let text: String = (0..120_000).map(line).collect();
    let encoded = gzip(text.as_bytes());
    assert!(encoded.len() > 16 * 16_384 && text.len() > 5 << 20, "{} {}", encoded.len(), text.len());
    let mut run = Run::encoded("{}", "gzip");
    let (flow, forwarded) = run.raw(Direction::Request, &encoded, true);
    assert!(flow == FilterStatus::Continue && forwarded == text.replace(PAN, MASKED).into_bytes());
    let mut observed = Run::encoded("{\"mode\":\"monitor\"}", "gzip");
    let (flow, forwarded) = observed.raw(Direction::Request, &encoded, true);
    assert!(flow == FilterStatus::Continue && forwarded == encoded);
    // A finding in a later piece aborts the body too.
    let mut blocked = Run::encoded("{\"request\":\"block\"}", "gzip");
    let encoded = gzip([text.replace(PAN, "none"), PAN.to_owned()].concat().as_bytes());
    assert_eq!(blocked.raw(Direction::Request, &encoded, true).0, FilterStatus::Pause);
    assert_eq!(blocked.details(), ["panveil_blocked"]);
}

/// A byte of a compressed body may equal all forwarded bytes while a later filter stops them.
#[test]
fn a_compressed_byte_is_not_taken_for_redelivered_bytes() {
    for first in 0..=u8::MAX {
        let text = |number: &str| [&[first, first], format!(" \"noted: {number}\"").as_bytes()].concat();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        std::io::Write::write_all(&mut encoder, &text(PAN)).unwrap();
        let mut run = Run::encoded("{}", "gzip");
        let mut forwarded = Vec::new();
        for byte in encoder.finish().unwrap() {
            forwarded.extend(run.raw(Direction::Request, &[byte], false).1);
        }
        let (flow, rest) = run.raw(Direction::Request, &[], true);
        forwarded.extend(rest);
        assert_eq!((flow, forwarded), (FilterStatus::Continue, text(MASKED)), "{first}");
    }
}

/// Between two members, redelivered bytes of any length are recognized.
#[test]
fn a_short_redelivered_member_is_not_inspected_again() {
    let mut run = Run::encoded("{}", "gzip");
    assert_eq!(run.raw(Direction::Request, &gzip(b"ok"), false), (FilterStatus::Continue, b"ok".to_vec()));
    assert_eq!(run.raw(Direction::Request, b"ok", false), (FilterStatus::Continue, b"ok".to_vec()));
    assert_eq!(run.raw(Direction::Request, &gzip(b"ay"), true), (FilterStatus::Continue, b"ay".to_vec()));
}

#[test]
fn open_bodies_lose_their_memory_to_others() {
    const FRAME: [u8; 6] = [0x28, 0xB5, 0x2F, 0xFD, 0, 13 << 3];
    const BLOCK: [u8; 4] = [2, 0, 16, b'a'];
    let policy = r#"{"limits":{"memory_bytes":8388608,"inflate_ratio":1000000}}"#;
    let mut attacks: Vec<Run> = (0..40).map(|_| Run::encoded(policy, "zstd")).collect();
    for attack in &mut attacks {
        assert_eq!(attack.raw(Direction::Request, &FRAME, false).0, FilterStatus::Continue);
        for _ in 0..12 {
            attack.raw(Direction::Request, &BLOCK, false);
        }
    }
    let text = format!("{{\"card\":\"{PAN}\"}}");
    for coding in ["gzip", "identity"] {
        let mut innocent = Run::encoded(policy, coding);
        let body = if coding == "gzip" { gzip(text.as_bytes()) } else { text.clone().into_bytes() };
        let (flow, forwarded) = innocent.raw(Direction::Request, &body, true);
        assert_eq!((flow, forwarded), (FilterStatus::Continue, text.replace(PAN, MASKED).into_bytes()), "{coding}");
    }
    let refused = attacks.iter_mut().filter_map(|attack| {
        attack.raw(Direction::Request, &BLOCK, false);
        attack.details().first().copied()
    });
    let refused: Vec<&str> = refused.collect();
    assert!(refused.len() >= 36 && refused.iter().all(|details| *details == "panveil_limit_memory"), "{refused:?}");
    // In monitor mode such a body is forwarded and reported.
    let monitor = r#"{"mode":"monitor","limits":{"memory_bytes":8388608,"inflate_ratio":1000000}}"#;
    let mut watched = Run::encoded(monitor, "zstd");
    let body = [&FRAME[..], &BLOCK.repeat(64)].concat();
    let (flow, forwarded) = watched.raw(Direction::Request, &body, false);
    assert!(flow == FilterStatus::Continue && forwarded == body);
    watched.log();
    assert_eq!((watched.logged("action"), watched.logged("uninspected")), (Some("uninspected"), Some("request:limit")));
}

#[test]
fn monitor_mode_reads_on_after_redelivered_bytes() {
    let mut run = Run::under("{\"mode\":\"monitor\"}");
    run.headers(Direction::Response, &[(":status", "200"), ("content-type", "text/plain")], false);
    run.host.properties.insert("response.backend_latency".into(), 1_u64.to_le_bytes().into());
    for chunk in ["ribbon\npan: 411", "ribbon\npan: 411", "1111111111111"] {
        run.forwarded = 0;
        assert_eq!(run.chunk(Direction::Response, chunk, false), (FilterStatus::Continue, chunk.to_owned()));
    }
    // No callback signals the end.
    run.host.properties.insert("response.flags".into(), 0_u64.to_le_bytes().into());
    run.log();
    assert_eq!((run.logged("action"), run.logged("found")), (Some("reported"), Some("1")));
}
