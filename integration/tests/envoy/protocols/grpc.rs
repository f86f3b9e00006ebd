//! gRPC with tonic on both sides: every kind of call, and every end of one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use libtest_mimic::Trial;
use panveil_integration::envoy::{Difference, Envoy};
use panveil_integration::peers::charges::{Charge, ChargesClient, Holder, Ledger, Service, Wish};
use panveil_integration::sidecar::Build;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::trial::trials;

use super::{CARD, MASKED, in_front_of, unharmed};

/// Deadline far above the duration of a call, for calls without a response.
const DEADLINE: Duration = Duration::from_millis(300);

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "protocols::grpc", {
        "every_kind_of_call" => every_kind_of_call,
        "a_message_is_not_kept_waiting" => conversation,
        "long_messages" => long_messages,
        "compression_of_answers" => compressed_answers,
        "compressed_requests" => compressed_requests,
        "errors" => errors,
        "details_of_errors" => details_of_errors,
        "blocked_request" => blocked_request,
        "blocked_answer" => blocked_answer,
        "deadlines_and_cancelled_calls" => ends_early,
    })
}

/// Card numbers in every string field of a charge, some next to tags and lengths that are digits.
pub fn charge() -> Charge {
    Charge {
        note: format!("paid with {CARD}, order 20260817"),
        raw: [b"\x00\x01 ", CARD.as_bytes(), b" \xff"].concat(),
        holder: Some(Holder {
            name: "2".into(),
            card: "5555555555554444".into(),
            others: vec![
                Holder { card: "378282246310005".into(), ..Holder::default() },
                // The message as text begins with more digits.
                Holder { card: format!("{CARD} {}", "c".repeat(33)), ..Holder::default() },
            ],
        }),
        numbers: vec![
            CARD.into(),
            "20260817".into(),
            // The lengths, 50 and 52, are the digits `2` and `4`.
            format!("{CARD} {}", "a".repeat(33)),
            format!("{CARD} {}", "b".repeat(35)),
        ],
        labels: [("card".to_owned(), "6011 1111 1111 1117".to_owned())].into(),
        card: CARD.into(),
        amounts: vec![4_111_111_111_111_111, 49],
        rate: f64::from_le_bytes(*b"41111111"),
        reference: u64::from_le_bytes(*b"11111111"),
        wish: Wish::None.into(),
    }
}

/// Masked form: strings are masked in place, numbers stay.
pub fn masked() -> Charge {
    let sent = charge();
    Charge {
        note: sent.note.replace(CARD, MASKED),
        raw: [b"\x00\x01 ", MASKED.as_bytes(), b" \xff"].concat(),
        holder: Some(Holder {
            name: "2".into(),
            card: "555555******4444".into(),
            others: vec![
                Holder { card: "378282*****0005".into(), ..Holder::default() },
                Holder { card: format!("{MASKED} {}", "c".repeat(33)), ..Holder::default() },
            ],
        }),
        numbers: sent.numbers.iter().map(|number| number.replace(CARD, MASKED)).collect(),
        labels: [("card".to_owned(), "6011 11** **** 1117".to_owned())].into(),
        card: MASKED.into(),
        ..sent
    }
}

/// Card numbers in a charge.
pub const CARDS: usize = 10;

async fn start(build: &Build, policy: &str) -> Result<(Service, Envoy, ChargesClient<Channel>)> {
    let service = Service::start(false).await?;
    let envoy = in_front_of(build, service.address, true, policy).await?;
    let client = ChargesClient::connect(format!("http://{}", envoy.listener)).await?;
    Ok((service, envoy, client))
}

async fn every_kind_of_call(build: Build) -> Result<()> {
    let (service, mut envoy, mut client) = start(&build, "{}").await?;
    let answer = client.create(charge()).await?.into_inner();
    ensure!(answer == masked(), "unary: {answer:?}");
    let answer = client.collect(stream::iter([charge(), charge()])).await?.into_inner();
    ensure!(answer.charges == [masked(), masked()], "client streaming: {answer:?}");
    let ledger = Ledger { charges: vec![charge(), charge()] };
    let answers: Vec<_> = client.spread(ledger).await?.into_inner().collect().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    ensure!(answers == [masked(), masked()], "server streaming: {answers:?}");
    let answers: Vec<_> = client.converse(stream::iter([charge(), charge()])).await?.into_inner().collect().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    ensure!(answers == [masked(), masked()], "both streaming: {answers:?}");
    ensure!(service.take() == vec![masked(); 7], "the service received a card");
    for (line, charges) in unharmed(&mut envoy, 4).await?.iter().zip([1, 2, 2, 2]) {
        ensure!(line["panveil_found"].as_str() == Some((charges * CARDS).to_string().as_str()), "{line:?}");
    }
    Ok(())
}

/// Each message gets its response before the next is sent, so none may wait for a later one.
async fn conversation(build: Build) -> Result<()> {
    let (_service, mut envoy, mut client) = start(&build, "{}").await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut answers = client.converse(UnboundedReceiverStream::new(receiver)).await?.into_inner();
    for number in 0..200 {
        // Ends with digits that could be the start of a card number.
        let note = format!("{CARD} message {number}, 4111 11");
        sender.send(Charge { note: note.clone(), ..Charge::default() })?;
        let answer = answers.message().await?.context("no answer")?;
        ensure!(answer.note == note.replace(CARD, MASKED), "{answer:?}");
    }
    drop(sender);
    ensure!(answers.message().await?.is_none(), "an answer to nothing");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// Messages of many HTTP/2 frames, with fields that cross their ends.
async fn long_messages(build: Build) -> Result<()> {
    const NUMBERS: usize = 20_000;
    let (service, mut envoy, mut client) = start(&build, "{}").await?;
    let mut long = charge();
    long.note = "no digit in here, ".repeat(60_000);
    long.numbers = vec![CARD.into(); NUMBERS];
    let mut wanted = masked();
    wanted.note.clone_from(&long.note);
    wanted.numbers = vec![MASKED.into(); NUMBERS];
    let answer = client.create(long).await?.into_inner();
    ensure!(answer == wanted && service.take() == [wanted], "not masked throughout");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// The client accepts gzip and the upstream would use it. panveil removes the offer.
async fn compressed_answers(build: Build) -> Result<()> {
    let (service, mut envoy, client) = start(&build, "{}").await?;
    let mut client = client.accept_compressed(Gzip);
    let answer = client.create(charge()).await?;
    ensure!(answer.metadata().get("grpc-encoding").is_none_or(|coding| coding == "identity"), "{answer:?}");
    ensure!(answer.into_inner() == masked());
    ensure!(service.accepted() == ["identity"], "{:?}", service.accepted());
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// A client may compress without negotiation. Such a message passes uninspected and is counted, or is blocked.
async fn compressed_requests(build: Build) -> Result<()> {
    let (service, mut envoy, client) = start(&build, "{}").await?;
    let mut client = client.send_compressed(Gzip);
    let answer = client.create(charge()).await?.into_inner();
    ensure!(service.take() == [charge()] && answer == masked(), "{answer:?}");
    let record = unharmed(&mut envoy, 1).await?.remove(0)["panveil_record"].to_string();
    ensure!(record.contains("encoding"), "{record}");

    let (service, mut envoy, client) = start(&build, r#"{"uninspectable":"block"}"#).await?;
    let mut client = client.send_compressed(Gzip);
    let status = client.create(charge()).await.err().context("not refused")?;
    ensure!(status.code() == Code::PermissionDenied, "{status:?}");
    service.settle().await?;
    ensure!(service.take().is_empty(), "the service received what could not be read");
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["details"] == "panveil_uninspectable", "{line:?}");
    Ok(())
}

/// Immediately, without a message before it, and after one.
async fn errors(build: Build) -> Result<()> {
    let check = |status: Status| {
        let wanted = masked();
        ensure!(status.code() == Code::InvalidArgument && status.message() == wanted.note, "{status:?}");
        ensure!(status.details() == wanted.raw, "{status:?}");
        Ok(())
    };
    let failing = Charge { wish: Wish::Fail.into(), ..charge() };
    let (_service, mut envoy, mut client) = start(&build, "{}").await?;
    check(client.create(failing.clone()).await.err().context("no error")?)?;
    let mut answers = client.converse(stream::iter([charge(), failing])).await?.into_inner();
    ensure!(answers.message().await? == Some(masked()));
    check(answers.message().await.err().context("no error")?)?;
    unharmed(&mut envoy, 2).await?;
    Ok(())
}

async fn blocked_request(build: Build) -> Result<()> {
    let (service, mut envoy, mut client) = start(&build, r#"{"request":"block"}"#).await?;
    let status = client.create(charge()).await.err().context("not refused")?;
    ensure!(status.code() == Code::PermissionDenied && !status.message().contains("4111"), "{status:?}");
    service.settle().await?;
    ensure!(service.take().is_empty(), "the service received a blocked message");
    // In the middle of a stream the response headers have left: the response is reset.
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut answers = client.converse(UnboundedReceiverStream::new(receiver)).await?.into_inner();
    sender.send(Charge { note: "first".into(), ..Charge::default() })?;
    ensure!(answers.message().await?.is_some_and(|answer| answer.note == "first"));
    sender.send(charge())?;
    let status = answers.message().await.err().context("not refused")?;
    ensure!(status.code() == broken_off(&envoy).await? && !status.message().contains("4111"), "{status:?}");
    service.settle().await?;
    ensure!(service.take().len() == 1, "the service received a blocked message");
    for line in unharmed(&mut envoy, 2).await? {
        ensure!(line["panveil_action"] == "blocked", "{line:?}");
    }
    Ok(())
}

/// The details are base64 in a trailer or a header. A policy with base64 detection inspects them.
async fn details_of_errors(build: Build) -> Result<()> {
    for (policy, wanted) in
        [(r#"{"request":"skip","detect":{"base64":true}}"#, masked().raw), (r#"{"request":"skip"}"#, charge().raw)]
    {
        let (_service, mut envoy, mut client) = start(&build, policy).await?;
        let failing = Charge { wish: Wish::Fail.into(), ..charge() };
        let status = client.create(failing).await.err().context("no error")?;
        ensure!(status.message() == masked().note && status.details() == wanted, "{policy}: {status:?}");
        unharmed(&mut envoy, 1).await?;
    }
    Ok(())
}

/// Client error for a reset response. It lacks the status at the end, however the stream ended.
async fn broken_off(envoy: &Envoy) -> Result<Code> {
    let mistakable = envoy.version().await?.has(Difference::ResetsSayNoError);
    Ok(if mistakable { Code::Unknown } else { Code::Internal })
}

/// The response headers leave before the first message is inspected, so the client sees a reset.
async fn blocked_answer(build: Build) -> Result<()> {
    let (_service, mut envoy, mut client) = start(&build, r#"{"request":"allow","response":"block"}"#).await?;
    let status = client.create(charge()).await.err().context("not refused")?;
    ensure!(status.code() == broken_off(&envoy).await?, "{status:?}");
    let first = Charge { note: "first".into(), ..Charge::default() };
    let ledger = Ledger { charges: vec![first.clone(), charge()] };
    let mut answers = client.spread(ledger).await?.into_inner();
    let mut received = Vec::new();
    let status = loop {
        match answers.message().await {
            Ok(answer) => received.push(answer.context("the stream ended as if it were whole")?),
            Err(status) => break status,
        }
    };
    ensure!(status.code() == broken_off(&envoy).await?, "{status:?}");
    ensure!(received.iter().all(|answer| *answer == first), "{received:?}");
    for line in unharmed(&mut envoy, 2).await? {
        ensure!(line["panveil_action"] == "blocked" && line["details"] == "panveil_blocked", "{line:?}");
    }
    Ok(())
}

/// No open call stays behind in the upstream or in Envoy.
async fn ends_early(build: Build) -> Result<()> {
    let (service, mut envoy, mut client) = start(&build, "{}").await?;
    let mut request = Request::new(Charge { wish: Wish::StaySilent.into(), ..charge() });
    request.set_timeout(DEADLINE);
    let status = client.create(request).await.err().context("an answer from nobody")?;
    ensure!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
    service.settle().await?;
    // The client leaves a stream while the upstream is busy.
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut answers = client.converse(UnboundedReceiverStream::new(receiver)).await?.into_inner();
    sender.send(charge())?;
    ensure!(answers.message().await? == Some(masked()));
    sender.send(Charge { wish: Wish::StaySilent.into(), ..charge() })?;
    drop(answers);
    drop(sender);
    service.settle().await?;
    ensure!(client.create(charge()).await?.into_inner() == masked(), "the next call fails");
    unharmed(&mut envoy, 3).await?;
    Ok(())
}
