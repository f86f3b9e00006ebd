//! Claims about the payment API: it receives the card numbers that it needs.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::truth::Exchange;
use super::super::{CHECKOUT, Claim, Mesh, PAYMENT_API};
use super::{ALLOWED, ALLOWED_CODE, CARD, DECLINED, action, brief};

/// Fingerprint of localstripe for the card number: the beginning of its SHA-1. The masked number has another.
const FINGERPRINT: &str = "79758cf4654d6cc6";

/// Payment with a card number.
pub async fn paid(mesh: &mut Mesh) -> Result<Claim> {
    let method = mesh.till.call("payment_methods.create", json!([card(CARD)])).await?;
    let line = mesh.payment_api.told().await?;
    let charge = json!([{"amount": 1250, "currency": "eur", "source": method["id"]}]);
    let charge = mesh.till.call("charges.create", charge).await?;
    mesh.truth.exchanges.extend([with_card(), call("/v1/charges")]);
    mesh.payment_api.told().await?;
    let shown = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let (last4, fingerprint) = (shown(&method["card"]["last4"]), shown(&method["card"]["fingerprint"]));
    Ok(Claim::new("The payment API receives the complete card number from the checkout")
        .line("till sent", format!("POST /v1/payment_methods  type=card&card[number]={CARD}&card[cvc]=123..."))
        .line(
            "API response",
            format!("last4 {last4}, fingerprint {fingerprint}: the start of the SHA-1 of the complete number"),
        )
        .line("API response", format!("a charge of 12.50 EUR: {}", shown(&charge["status"])))
        .line("log", brief(&line, &["action", "found", "brands", "where", "rules"]))
        .line("log", brief(&line, &["peer"]))
        .must(last4 == "4242" && fingerprint == FINGERPRINT, format!("the API got another number: {method}"))
        .must(charge["status"] == "succeeded", format!("no charge: {charge}"))
        .must(line.get("panveil_peer").is_some_and(|peer| peer == CHECKOUT.identity()), "the log names another client"))
}

/// Payment with a card number that the API declines. It recognizes the number by all of its digits.
pub async fn declined(mesh: &mut Mesh) -> Result<Claim> {
    let method = mesh.till.call("payment_methods.create", json!([card(DECLINED)])).await?;
    let line = mesh.payment_api.told().await?;
    let customer = mesh.till.call("customers.create", json!([{}])).await?;
    mesh.payment_api.told().await?;
    let id = method["id"].as_str().with_context(|| format!("no payment method: {method}"))?;
    let answer = mesh.till.call("payment_methods.attach", json!([id, {"customer": customer["id"]}])).await?;
    mesh.payment_api.told().await?;
    let attach = format!("/v1/payment_methods/{id}/attach");
    mesh.truth.exchanges.extend([with_card(), call("/v1/customers"), call(&attach)]);
    let code = answer["code"].as_str().unwrap_or("nothing");
    Ok(Claim::new("The payment API recognizes the test card that it must decline")
        .line("till sent", format!("POST /v1/payment_methods  type=card&card[number]={DECLINED}&card[cvc]=123..."))
        .line("API response", format!("{} {code}, on attachment to a customer", answer["refused"]))
        .line("log", brief(&line, &["action", "found", "brands", "where", "rules"]))
        .must(answer["refused"] == 402 && code == "card_declined", format!("it is taken: {answer}"))
        .must(["allowed", "reported"].contains(&action(&line)), "the log has no action"))
}

/// Call of the till without a card number.
fn call(path: &str) -> Exchange {
    Exchange::new(&CHECKOUT, &PAYMENT_API, path)
}

/// Call of the till with a card number and its code.
fn with_card() -> Exchange {
    call("/v1/payment_methods").with(1, ALLOWED).with(1, ALLOWED_CODE)
}

/// Card object in the format of Stripe's client.
fn card(number: &str) -> Value {
    json!({"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}})
}
