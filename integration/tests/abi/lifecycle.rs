//! Callbacks in unusual order, missing callbacks, and ticks.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Protocol, parse};
use panveil_integration::observation::from_stat;
use panveil_integration::proxy::{Answer, Callback, Direction, Field, Filter, Phase, Traffic, carry};
use panveil_integration::test_cards::CARD;

use crate::host::{Fault, with};
use crate::trial::trial;
use crate::vm::{Stream, Vm};

/// Environment variable with the ending that this program runs instead of tests.
const ENDING: &str = "PANVEIL_ABI_ENDING";

/// Calls that make the SDK panic, with its messages. Envoy then rejects all traffic of the VM.
const ENDINGS: [(&str, fn(), &str); 4] = [
    ("a_context_that_was_never_created", never_created, "invalid context_id"),
    ("a_context_that_is_gone", gone, "invalid context_id"),
    ("a_stream_without_a_policy", without_policy, "create_http_context returned None"),
    ("a_callback_inside_of_another", inside, "already borrowed"),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("lifecycle::after_a_refusal_nothing_more_goes_up", after_a_refusal),
        trial("lifecycle::after_a_cut_nothing_more_goes_down", after_a_cut),
        trial("lifecycle::refused_headers_that_come_again_do_not_go_on", headers_again),
        trial("lifecycle::an_answer_to_a_refused_request_does_not_pass", answer_to_a_refused),
        trial("lifecycle::every_refusal_names_the_request", names_the_request),
        trial("lifecycle::a_request_that_envoy_refuses_is_logged_without_its_card", refused_by_envoy),
        trial("lifecycle::a_reset_stream_is_counted", reset),
        trial("lifecycle::streams_do_not_see_each_other", interleaved),
        trial("lifecycle::counters_of_clean_traffic_move_with_the_tick", tick),
        trial("lifecycle::counters_of_clean_traffic_move_at_the_end", without_a_tick),
        trial("lifecycle::a_tick_before_the_policy_does_nothing", tick_first),
    ];
    for (name, _, last_words) in ENDINGS {
        trials.push(trial(format!("lifecycle::fails_closed::{name}"), move || fails_closed(name, last_words)));
    }
    trials
}

/// Request with a card number in its headers.
pub fn request_with_a_card(stream: &mut Stream) -> Answer {
    stream.call(&mut headers(Direction::Request, &[(":method", "GET"), (":path", "/"), ("x-card", CARD)], true))
}

/// The host delivers the rest of the message after a local reply.
fn after_a_refusal() -> Result<()> {
    let mut vm = Vm::under(r#"{"request":"block"}"#).context("refused")?;
    let mut stream = vm.stream();
    ensure!(request_with_a_card(&mut stream).reply.is_some(), "not refused");
    for end in [false, true] {
        ensure!(!stream.call(&mut body(Direction::Request, CARD, end)).goes_on, "the request's body went on");
    }
    let mut trailers = headers(Direction::Request, &[("x-card", CARD)], true);
    trailers.phase = Phase::Trailers(Direction::Request);
    ensure!(!stream.call(&mut trailers).goes_on, "the request's trailers went on");
    // Headers of panveil's own local reply.
    ensure!(stream.call(&mut headers(Direction::Response, &[(":status", "403")], false)).goes_on, "no reply");
    ensure!(stream.call(&mut body(Direction::Response, "refused", true)).goes_on, "no reply");
    logged_once(&mut stream)
}

fn after_a_cut() -> Result<()> {
    let mut vm = Vm::under(r#"{"response":"block"}"#).context("refused")?;
    let mut stream = vm.stream();
    let get = [(":method", "GET"), (":path", "/")];
    ensure!(stream.call(&mut headers(Direction::Request, &get, true)).goes_on);
    ensure!(stream.call(&mut headers(Direction::Response, &[(":status", "200")], false)).goes_on);
    ensure!(stream.call(&mut body(Direction::Response, &format!("{CARD}\","), false)).reply.is_some(), "not cut");
    for end in [false, true] {
        ensure!(!stream.call(&mut body(Direction::Response, CARD, end)).goes_on, "the response's body went on");
    }
    let mut trailers = headers(Direction::Response, &[("x-card", CARD)], true);
    trailers.phase = Phase::Trailers(Direction::Response);
    ensure!(!stream.call(&mut trailers).goes_on, "the response's trailers went on");
    logged_once(&mut stream)
}

/// The host delivers the headers of a blocked request again.
fn headers_again() -> Result<()> {
    for (policy, direction) in
        [(r#"{"request":"block"}"#, Direction::Request), (r#"{"response":"block"}"#, Direction::Response)]
    {
        let mut vm = Vm::under(policy).context("refused")?;
        let mut stream = vm.stream();
        let refused = || headers(direction, &[(":status", "200"), ("x-card", CARD)], false);
        ensure!(stream.call(&mut refused()).reply.is_some(), "not refused");
        ensure!(!stream.call(&mut refused()).goes_on, "the {}'s headers went on", direction.name());
        stream.end();
    }
    Ok(())
}

/// The log line of a blocked request has the request id, so that support can find it, whichever part was blocked.
fn names_the_request() -> Result<()> {
    let text = r#"
        [[case]]
        name = "headers"
        about = "A card in a header."
        request.headers = [["x-card", "4111111111111111"]]
        [[case]]
        name = "body"
        about = "A card in the body."
        request.body = ["4111111111111111"]
        [[case]]
        name = "trailers"
        about = "A card in the trailers."
        request = { body = ["hello"], framing = "chunked", trailers = [["x-card", "4111111111111111"]] }
    "#;
    let mut vm = Vm::under(r#"{"request":"block"}"#).context("refused")?;
    for case in parse("refusals", text)? {
        let (request, response) = (&case.request, &case.response);
        let traffic = Traffic { request, response, protocol: Protocol::Http2, eager_service: false };
        let response = carry(&mut vm.stream(), traffic)?.response.context("no response")?;
        let body = String::from_utf8_lossy(&response.body);
        ensure!(body.contains("\"request_id\":\""), "{}: {body}", case.name);
    }
    Ok(())
}

/// The local reply fails, and the upstream responds before the end of the request.
fn answer_to_a_refused() -> Result<()> {
    let mut vm = Vm::under(r#"{"request":"block"}"#).context("refused")?;
    let mut stream = vm.stream();
    let post = [(":method", "POST"), (":path", "/"), ("content-length", "16")];
    ensure!(stream.call(&mut headers(Direction::Request, &post, false)).goes_on);
    with(|host| host.fault = Fault::Call("send_local_response"));
    ensure!(!stream.call(&mut body(Direction::Request, CARD, false)).goes_on, "the request's body went on");
    with(|host| host.fault = Fault::None);
    let mut answer = headers(Direction::Response, &[(":status", "200"), ("x-card", CARD)], false);
    let goes_on = stream.call(&mut answer).goes_on;
    ensure!(!goes_on || answer.fields.iter().all(|(_, value)| value != CARD.as_bytes()), "a card in its headers");
    let mut chunk = body(Direction::Response, CARD, true);
    let goes_on = stream.call(&mut chunk).goes_on;
    ensure!(!goes_on || chunk.body.as_deref() != Some(CARD.as_bytes()), "a card in its body");
    Ok(())
}

/// The log has one card number, however often the blocked message was delivered.
fn logged_once(stream: &mut Stream) -> Result<()> {
    stream.call(&mut log(&[(":path", "/")]));
    let told = stream.report().metadata;
    ensure!(told.get("found").is_some_and(|found| found == "1"), "{told:?}");
    ensure!(told.get("action").is_some_and(|action| action == "blocked"), "{told:?}");
    Ok(())
}

/// Envoy rejects a request before any filter runs, and logs it.
fn refused_by_envoy() -> Result<()> {
    let mut vm = Vm::under("{}").context("refused")?;
    let mut stream = vm.stream();
    stream.call(&mut log(&[(":path", &format!("/pay?card={CARD}"))]));
    let told = stream.report().metadata;
    ensure!(told.get("path").is_some_and(|path| path == "/pay?card=****************"), "{told:?}");
    Ok(())
}

/// The client resets the stream while a number is undecided.
fn reset() -> Result<()> {
    let mut vm = Vm::under("{}").context("refused")?;
    let mut stream = vm.stream();
    let post = [(":method", "POST"), (":path", "/"), ("content-length", "30")];
    ensure!(stream.call(&mut headers(Direction::Request, &post, false)).goes_on);
    let mut chunk = body(Direction::Request, "any card 4111", false);
    ensure!(stream.call(&mut chunk).goes_on);
    ensure!(chunk.body.as_deref() == Some(b"any card ".as_slice()), "{:?}", chunk.body);
    stream.call(&mut log(&[(":path", "/")]));
    let counters = stream.report().counters;
    ensure!(counters.get(r#"panveil_messages_total{direction="request",outcome="clean"}"#) == Some(&1), "{counters:?}");
    Ok(())
}

/// Two streams with interleaved callbacks, each with half of a card number.
fn interleaved() -> Result<()> {
    let mut vm = Vm::under("{}").context("refused")?;
    let mut streams = [vm.stream(), vm.stream()];
    let post = [(":method", "POST"), (":path", "/"), ("content-length", "16")];
    let (head, tail) = CARD.split_at(7);
    let mut bodies = [Vec::new(), Vec::new()];
    for stream in &mut streams {
        ensure!(stream.call(&mut headers(Direction::Request, &post, false)).goes_on);
    }
    for piece in [head, tail] {
        for (stream, out) in streams.iter_mut().zip(&mut bodies) {
            let mut chunk = body(Direction::Request, piece, false);
            ensure!(stream.call(&mut chunk).goes_on);
            out.extend(chunk.body.unwrap_or_default());
        }
    }
    ensure!(bodies.iter().all(|body| body == b"411111******1111"), "{bodies:?}");
    streams.iter().for_each(Stream::end);
    Ok(())
}

fn tick() -> Result<()> {
    let mut vm = Vm::under("{}").context("refused")?;
    let mut stream = vm.stream();
    let post = [(":method", "POST"), (":path", "/"), ("content-length", "5")];
    ensure!(stream.call(&mut headers(Direction::Request, &post, false)).goes_on);
    ensure!(stream.call(&mut body(Direction::Request, "hello", false)).goes_on);
    ensure!(stream.call(&mut body(Direction::Request, "", true)).goes_on);
    ensure!(stream.call(&mut headers(Direction::Response, &[(":status", "200")], true)).goes_on);
    stream.call(&mut log(&post));
    stream.end();
    ensure!(counters().is_empty(), "before the tick: {:?}", counters());
    vm.tick();
    let wanted = [
        (r#"panveil_inspected_bytes_total{direction="request"}"#, 5),
        (r#"panveil_messages_total{direction="request",outcome="clean"}"#, 1),
        (r#"panveil_messages_total{direction="response",outcome="clean"}"#, 1),
    ];
    let wanted: Vec<(String, u64)> = wanted.map(|(name, moved)| (name.to_owned(), moved)).to_vec();
    ensure!(counters() == wanted, "after the tick: {:?}", counters());
    vm.tick();
    ensure!(counters() == wanted, "after another tick: {:?}", counters());
    Ok(())
}

fn tick_first() -> Result<()> {
    let mut vm = Vm::start();
    vm.tick();
    ensure!(counters().is_empty() && vm.configure("{}"), "refused");
    Ok(())
}

/// The configuration is replaced before the next tick.
fn without_a_tick() -> Result<()> {
    let mut vm = Vm::under("{}").context("refused")?;
    let mut stream = vm.stream();
    ensure!(stream.call(&mut headers(Direction::Request, &[(":path", "/")], true)).goes_on);
    stream.call(&mut log(&[(":path", "/")]));
    stream.end();
    ensure!(counters().is_empty(), "before the end: {:?}", counters());
    drop(vm);
    let wanted = (r#"panveil_messages_total{direction="request",outcome="clean"}"#.to_owned(), 1);
    ensure!(counters() == [wanted], "after the end: {:?}", counters());
    Ok(())
}

fn counters() -> Vec<(String, u64)> {
    let mut counters: Vec<_> =
        with(|host| host.counters()).into_iter().map(|(name, moved)| (from_stat(&name), moved)).collect();
    counters.sort();
    counters
}

/// A call for which the SDK panics must end the program.
fn fails_closed(ending: &str, last_words: &str) -> Result<()> {
    let output = Command::new(std::env::current_exe()?).env(ENDING, ending).output()?;
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(!output.status.success() && !out.contains(SURVIVED), "it went on: {out}");
    if error.contains(last_words) { Ok(()) } else { bail!("{last_words:?} is not said: {error}") }
}

const SURVIVED: &str = "survived";

/// Ending that the environment selects.
pub fn ending_to_try() -> Option<impl FnOnce() -> ExitCode> {
    let name = std::env::var_os(ENDING)?;
    let (_, ending, _) = ENDINGS.into_iter().find(|(known, ..)| name == *known)?;
    Some(move || {
        ending();
        println!("{SURVIVED}");
        ExitCode::SUCCESS
    })
}

fn never_created() {
    let _vm = Vm::under("{}");
    request_with_a_card(&mut Stream::unknown());
}

fn gone() {
    let mut stream = Vm::under("{}").map(|mut vm| vm.stream());
    stream.iter().for_each(Stream::end);
    stream.iter_mut().for_each(|stream| drop(request_with_a_card(stream)));
}

/// Envoy calls this only when a chunk exceeds its buffer during a pause, which panveil's chunks never do.
fn inside() {
    if let Some(mut vm) = Vm::under("{}") {
        let mut stream = vm.stream();
        stream.call(&mut headers(Direction::Request, &[(":method", "POST"), ("content-length", "16")], false));
        stream.log_during_set_buffer();
        stream.call(&mut body(Direction::Request, CARD, true));
    }
}

fn without_policy() {
    request_with_a_card(&mut Vm::start().stream());
}

fn headers(direction: Direction, pairs: &[(&str, &str)], end: bool) -> Callback {
    let fields: Vec<Field> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Callback { phase: Phase::Headers(direction), end, fields, body: None, properties: Default::default() }
}

fn body(direction: Direction, chunk: &str, end: bool) -> Callback {
    Callback { phase: Phase::Body(direction), body: Some(chunk.into()), ..headers(direction, &[], end) }
}

fn log(request: &[(&str, &str)]) -> Callback {
    Callback { phase: Phase::Log, ..headers(Direction::Request, request, false) }
}
