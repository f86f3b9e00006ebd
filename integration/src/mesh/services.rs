//! Which services are there that others wrote? A payment API, and the client that its makers give to shops.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::peers::{Python, Script};

/// localstripe.
#[derive(Debug)]
pub struct PaymentApi {
    /// Where it listens.
    pub address: SocketAddr,
    script: Script,
}

/// What pays with Stripe's own client.
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

    /// How many requests have reached it whole.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub async fn served(&mut self) -> Result<u64> {
        self.script.tell("").await?;
        Ok(self.script.told("served").await?.parse()?)
    }
}

impl Till {
    /// Starts one that calls the API by this name, through the sidecar next to it.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn start(python: &Python, host: &str, sidecar: SocketAddr) -> Result<Self> {
        Ok(Self(python.start("till", &[&format!("http://{host}"), &format!("http://{sidecar}")])?))
    }

    /// Makes a call of Stripe's client, such as `payment_methods.create`, and tells what it says: the object, or what was refused.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub async fn call(&mut self, call: &str, arguments: Value) -> Result<Value> {
        let line = json!({"call": call, "arguments": arguments});
        self.0.tell(&line.to_string()).await?;
        let answer = self.0.told("answer").await.with_context(|| format!("Stripe's client: {call}"))?;
        serde_json::from_str(&answer).with_context(|| format!("Stripe's client: {call}: no JSON"))
    }
}
