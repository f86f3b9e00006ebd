//! Claim about access to a workload: only workloads of the mesh.

use std::fs;

use anyhow::Result;
use tempfile::TempDir;

use super::super::truth::Exchange;
use super::super::{CHECKOUT, Claim, Mesh, PAYMENT_API};
use crate::certificates::Authority;
use crate::envoy::Credential;

const NO_ANSWER: &str = "no answer";

/// Clients from outside the mesh, and one of the mesh.
pub async fn strangers(mesh: &mut Mesh) -> Result<Claim> {
    let folder = TempDir::with_prefix("panveil-strangers-")?;
    let file = |name: &str, Credential { certificate, key }: Credential| {
        let path = folder.path().join(name);
        fs::write(&path, certificate + &key).map(|()| path.to_string_lossy().into_owned())
    };
    let impostor = file("impostor", Authority::new("mesh")?.issue(&CHECKOUT.subject)?)?;
    let checkout = file("checkout", mesh.authority.issue(&CHECKOUT.subject)?)?;
    let address = mesh.payment_api.envoy.listener.to_string();
    let mut script = mesh.parts.python.start("stranger", &[&address, &impostor, &checkout])?;
    let mut claim = Claim::new("The payment API accepts only clients with a certificate of the mesh");
    for (who, what) in [
        ("plaintext", ""),
        ("TLS alone", ""),
        ("impostor", " (certificate with the name of checkout, signed by another authority)"),
    ] {
        let got = script.told("got").await?;
        claim = claim.line(who, format!("{got}{what}")).must(got == NO_ANSWER, format!("an answer: {got}"));
    }
    let got = script.told("got").await?;
    script.end().await?;
    mesh.payment_api.told().await?;
    mesh.truth.exchanges.push(Exchange::of_stranger(&PAYMENT_API));
    Ok(claim.line("checkout", &got).must(got == "HTTP/1.1 200 OK", "a workload of the mesh gets no response either"))
}
