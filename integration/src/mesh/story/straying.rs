//! Claims about card numbers in the wrong place.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::truth::Exchange;
use super::super::{CHECKOUT, Claim, Mesh, PAYMENT_API, TICKETS};
use super::{
    BLOCKED, CARD, FORM, JSON, MASKED, MASKED_REQUEST, MASKED_RESPONSE, REFUSED, SPOKEN, SPOKEN_MASKED, action, ask,
    brief, request, text,
};
use crate::case::{Framing, Message, Response};
use crate::client::Client;
use crate::upstream::Script;

/// Another workload sends a request that only the checkout may send.
pub async fn uninvited(mesh: &mut Mesh) -> Result<Claim> {
    let before = mesh.api.served().await?;
    let body = format!("type=card&card[number]={CARD}&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123");
    let post = request("POST", "/v1/payment_methods", FORM, &body);
    let refused = ask(&mesh.tickets, &PAYMENT_API, post).await?;
    let line = mesh.payment_api.told().await?;
    let served = mesh.api.served().await? - before;
    let listed = ask(&mesh.tickets, &PAYMENT_API, request("GET", "/v1/customers", "", "")).await?;
    mesh.payment_api.told().await?;
    mesh.truth.exchanges.extend([
        Exchange::new(&TICKETS, &PAYMENT_API, "/v1/payment_methods").with(1, BLOCKED),
        Exchange::new(&TICKETS, &PAYMENT_API, "/v1/customers"),
    ]);
    Ok(Claim::new("Other clients may call the payment API, but not send it a card number")
        .line("tickets sent", format!("POST /v1/payment_methods  type=card&card[number]={CARD}&card[cvc]=123..."))
        .line("tickets got", format!("{} {}", refused.status, title(&refused.body)))
        .line("API got", requests(served))
        .line("log", brief(&line, &["action", "found", "brands", "where", "rules"]))
        .line("log", brief(&line, &["peer"]))
        .line("tickets sent", format!("GET /v1/customers, and got {}", listed.status))
        .must(refused.status == REFUSED && served == 0, "the card reached the API")
        .must(action(&line) == "blocked", format!("the log says {}", action(&line)))
        .must(line.get("panveil_peer").is_some_and(|peer| peer == TICKETS.identity()), "the log names another client")
        .must(listed.status == 200, "the call without a card number fails"))
}

/// The checkout sends a card number in the wrong field.
pub async fn misplaced(mesh: &mut Mesh) -> Result<Claim> {
    let before = mesh.api.served().await?;
    let description = format!("card {SPOKEN}, by phone");
    let answer = mesh.till.call("customers.create", json!([{"description": description}])).await?;
    let line = mesh.payment_api.told().await?;
    let served = mesh.api.served().await? - before;
    mesh.truth.exchanges.push(Exchange::new(&CHECKOUT, &PAYMENT_API, "/v1/customers").with(1, BLOCKED));
    let body = answer["body"].as_str().unwrap_or_default();
    Ok(Claim::new("The checkout may not send a card number in another call")
        .line("till sent", format!("POST /v1/customers  description={description}"))
        .line("till got", format!("{} {}", answer["refused"], title(body.as_bytes())))
        .line("API got", requests(served))
        .line("log", brief(&line, &["action", "found", "brands", "where", "rules"]))
        .must(answer["refused"] == REFUSED && served == 0, "the card reached the API")
        .must(action(&line) == "blocked", format!("the log says {}", action(&line))))
}

/// A card number that the API has stored before panveil was installed.
pub async fn kept(mesh: &mut Mesh) -> Result<Claim> {
    let body = format!("description=card {SPOKEN}, by phone");
    let created = Client::http1(mesh.api.address).send(&request("POST", "/v1/customers", FORM, &body)).await?;
    let created = created.context("the payment API does not answer")?;
    let created: Value = serde_json::from_slice(&created.body).context("the payment API")?;
    let held = created["description"].as_str().unwrap_or_default();
    ensure!(held.contains(SPOKEN), "the payment API does not keep a description: {created}");
    let answer = mesh.till.call("customers.retrieve", json!([created["id"]])).await?;
    let line = mesh.payment_api.told().await?;
    let path = format!("/v1/customers/{}", created["id"].as_str().unwrap_or_default());
    mesh.truth.exchanges.push(Exchange::new(&CHECKOUT, &PAYMENT_API, path).with(1, MASKED_RESPONSE));
    let got = answer["description"].as_str().unwrap_or("nothing");
    Ok(Claim::new("A card number stored in the payment API is masked in its response")
        .line("API holds", held)
        .line("till got", got)
        .line("log", brief(&line, &["action", "found", "brands", "where"]))
        .must(got.contains(SPOKEN_MASKED) && !got.contains(SPOKEN), "the card came back")
        .must(action(&line) == "masked", format!("the log says {}", action(&line))))
}

/// The checkout forwards the text of a customer.
pub async fn complained(mesh: &mut Mesh) -> Result<Claim> {
    let wrote = |card: &str| format!(r#"{{"text":"charged twice: {card}"}}"#);
    let path = |card: &str| format!("/tickets?about={card}");
    mesh.ticket_service.script(answer(201, "{}"));
    let post = request("POST", &path(CARD), JSON, &wrote(SPOKEN));
    let response = ask(&mesh.checkout, &TICKETS, post).await?;
    let line = mesh.tickets.told().await?;
    let received = mesh.ticket_service.take().await?.0.pop().unwrap_or_default();
    mesh.truth.exchanges.push(Exchange::new(&CHECKOUT, &TICKETS, "/tickets").with(2, MASKED_REQUEST));
    let body = text(&received.body);
    Ok(Claim::new("The ticket service receives only masked card numbers")
        .line("checkout sent", format!("POST {}  {}", path(CARD), wrote(SPOKEN)))
        .line("tickets got", format!("{} {}  {body}", received.method, received.path))
        .line("log", brief(&line, &["action", "found", "brands", "where", "path"]))
        .line("log", brief(&line, &["peer"]))
        .must(received.path == path(MASKED) && body == wrote(SPOKEN_MASKED), "the received message differs")
        .must(response.status == 201, format!("no ticket: {}", response.summary()))
        .must(action(&line) == "masked", format!("the log says {}", action(&line)))
        .must(line.get("panveil_peer").is_some_and(|peer| peer == CHECKOUT.identity()), "the log names another client"))
}

/// The ticket service responds with a card number.
pub async fn quoted(mesh: &mut Mesh) -> Result<Claim> {
    let said = |card: &str| format!(r#"{{"id":7,"card":"{card}"}}"#);
    mesh.ticket_service.script(answer(200, &said(CARD)));
    let response = ask(&mesh.checkout, &TICKETS, request("GET", "/tickets/7", "", "")).await?;
    let line = mesh.tickets.told().await?;
    mesh.ticket_service.take().await?;
    mesh.truth.exchanges.push(Exchange::new(&CHECKOUT, &TICKETS, "/tickets/7").with(1, MASKED_RESPONSE));
    let got = text(&response.body);
    Ok(Claim::new("A response of the ticket service has only masked card numbers")
        .line("tickets sent", said(CARD))
        .line("checkout got", got.clone())
        .line("log", brief(&line, &["action", "found", "brands", "where"]))
        .must(got == said(MASKED), "the received message differs")
        .must(action(&line) == "masked", format!("the log says {}", action(&line))))
}

/// Script with which the ticket service responds.
pub fn answer(status: u16, body: &str) -> Script {
    let headers = vec![("content-type".to_owned(), JSON.to_owned())];
    let pieces = vec![body.to_owned().into()];
    Script::Answer(Response {
        status,
        message: Message { headers, pieces, framing: Framing::Length, trailers: vec![] },
    })
}

/// Title of a problem document.
fn title(body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    problem["title"].as_str().unwrap_or("no problem").to_owned()
}

/// Requests at the payment API as text.
fn requests(served: u64) -> String {
    match served {
        // The headers of a request are forwarded immediately, and the request is reset later.
        0 => "no whole request".to_owned(),
        served => format!("{served} whole requests"),
    }
}
