//! Third-party services: a payment API, and Stripe's own client.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::peers::{Python, Script};

/// localstripe, a payment API.
#[derive(Debug)]
pub struct PaymentApi {
    /// Listening address.
    pub address: SocketAddr,
    script: Script,
}

/// Till that pays with Stripe's own client.
#[derive(Debug)]
pub struct Till(Script);

impl PaymentApi {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When it does not listen.
    pub async fn start(python: &Python) -> Result<Self> {
        let mut script = python.start("payment_api", &[])?;
        let address = script.told("listening").await.context("the payment API does not start")?.parse()?;
        Ok(Self { address, script })
    }

    /// Number of complete requests so far.
    ///
    /// # Errors
    ///
    /// When it has exited.
    pub async fn served(&mut self) -> Result<u64> {
        self.script.tell("").await?;
        Ok(self.script.told("served").await?.parse()?)
    }
}

impl Till {
    /// Starts a till that calls the API by this host name, through its sidecar.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn start(python: &Python, host: &str, sidecar: SocketAddr) -> Result<Self> {
        Ok(Self(python.start("till", &[&format!("http://{host}"), &format!("http://{sidecar}")])?))
    }

    /// Runs a call of Stripe's client, such as `payment_methods.create`, and returns the resulting object or the error.
    ///
    /// # Errors
    ///
    /// When it has exited.
    pub async fn call(&mut self, call: &str, arguments: Value) -> Result<Value> {
        let line = json!({"call": call, "arguments": arguments});
        self.0.tell(&line.to_string()).await?;
        let answer = self.0.told("answer").await.with_context(|| format!("Stripe's client: {call}"))?;
        serde_json::from_str(&answer).with_context(|| format!("Stripe's client: {call}: no JSON"))
    }
}
