//! Parser of case files: each `[[case]]` table becomes a complete [`Case`], or an error that names the file, the case
//! and the field.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::wire::{
    CaseWire, CutsWire, ExpectLogWire, ExpectWire, File, FramingWire, Pairs, ProtocolWire, RequestWire, ResponseWire,
};
use super::{
    Case, Cuts, Expect, ExpectLog, ExpectRequest, ExpectResponse, Framing, Message, Protocol, Request, Response,
};

/// Limit for bodies that are cut at every offset, which costs one stream per byte.
const LONGEST_BODY_CUT_EVERYWHERE: usize = 300;

/// Reads all cases of a folder, in the order of the file names.
///
/// # Errors
///
/// When the folder cannot be read, holds no case, or a file is not a valid list of cases.
pub fn read_folder(folder: &Path) -> Result<Vec<Case>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let theme = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        cases.extend(parse(&theme, &text).with_context(|| path.display().to_string())?);
    }
    ensure!(!cases.is_empty(), "{} holds no cases", folder.display());
    Ok(cases)
}

/// Parses the cases of one file.
///
/// # Errors
///
/// When the text is not a valid list of cases. The error names the case and the field.
pub fn parse(theme: &str, text: &str) -> Result<Vec<Case>> {
    let file: File = toml::from_str(text)?;
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for wire in file.case {
        let name = wire.name.clone();
        ensure!(names.insert(name.clone()), "case {name:?}: name: used twice");
        cases.push(wire.into_case(theme).with_context(|| format!("case {name:?}"))?);
    }
    Ok(cases)
}

impl CaseWire {
    fn into_case(self, theme: &str) -> Result<Case> {
        let policy = self.policy.unwrap_or_else(|| "{}".to_owned());
        let _: serde_json::Value = serde_json::from_str(&policy).context("policy: not JSON")?;
        for card in &self.cards {
            let digits = card.bytes().all(|byte| byte.is_ascii_digit());
            ensure!(digits && card.len() >= 12, "cards: {card:?} is not 12 or more digits");
        }
        let case = Case {
            theme: theme.to_owned(),
            name: self.name,
            about: self.about,
            policy,
            protocols: protocols(self.protocols)?,
            cards: self.cards,
            secrets: self.secrets,
            request: self.request.into_request().context("request")?,
            response: self.response.into_response().context("response")?,
            cuts: match self.cuts {
                CutsWire::AsGiven => Cuts::AsGiven,
                CutsWire::Every => Cuts::Every,
            },
            expect: self.expect.into_expect().context("expect")?,
        };
        for message in [&case.request.message, &case.response.message] {
            let cuttable = case.cuts == Cuts::AsGiven || message.body().len() <= LONGEST_BODY_CUT_EVERYWHERE;
            ensure!(cuttable, "cuts: a body over {LONGEST_BODY_CUT_EVERYWHERE} bytes cannot be cut at every offset");
        }
        Ok(case)
    }
}

fn protocols(wire: Option<Vec<ProtocolWire>>) -> Result<Vec<Protocol>> {
    let Some(wire) = wire else {
        return Ok(vec![Protocol::Http1]);
    };
    ensure!(!wire.is_empty(), "protocols: empty");
    Ok(wire
        .into_iter()
        .map(|protocol| match protocol {
            ProtocolWire::Http1 => Protocol::Http1,
            ProtocolWire::Http2 => Protocol::Http2,
            ProtocolWire::Http1ToHttp2 => Protocol::Http1ToHttp2,
            ProtocolWire::Http2ToHttp1 => Protocol::Http2ToHttp1,
        })
        .collect())
}

impl RequestWire {
    fn into_request(self) -> Result<Request> {
        let message = message(self.headers, self.body, self.body_base64, self.framing, self.trailers)?;
        let method = if message.framing == Framing::None { "GET" } else { "POST" };
        Ok(Request {
            method: self.method.unwrap_or_else(|| method.to_owned()),
            path: self.path.unwrap_or_else(|| "/".to_owned()),
            message,
        })
    }
}

impl ResponseWire {
    fn into_response(self) -> Result<Response> {
        let message = message(self.headers, self.body, self.body_base64, self.framing, self.trailers)?;
        Ok(Response { status: self.status.unwrap_or(200), message })
    }
}

fn message(
    headers: Pairs,
    body: Vec<String>,
    body_base64: Vec<String>,
    framing: Option<FramingWire>,
    trailers: Pairs,
) -> Result<Message> {
    ensure!(body.is_empty() || body_base64.is_empty(), "body and body_base64: only one of them");
    for (name, _) in headers.iter().chain(&trailers) {
        ensure!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "headers: {name:?} is not in lower case");
    }
    let mut pieces: Vec<Vec<u8>> = body.into_iter().map(String::into_bytes).collect();
    for piece in &body_base64 {
        pieces.push(decode(piece)?);
    }
    let framing = match framing {
        Some(FramingWire::Length) => Framing::Length,
        Some(FramingWire::Chunked) => Framing::Chunked,
        Some(FramingWire::None) if !pieces.is_empty() => bail!("framing: a body needs one"),
        None if !pieces.is_empty() => Framing::Length,
        Some(FramingWire::None) | None => Framing::None,
    };
    ensure!(trailers.is_empty() || framing != Framing::None, "trailers: only after a body");
    Ok(Message { headers, pieces, framing, trailers })
}

impl ExpectWire {
    fn into_expect(self) -> Result<Expect> {
        let (request, response, log) = (self.request, self.response, self.log);
        Ok(Expect {
            request: ExpectRequest {
                received: request.received.unwrap_or(true),
                path: request.path,
                headers: request.headers,
                absent: request.absent,
                body: body(request.body, request.body_base64).context("request")?,
                trailers: request.trailers,
            },
            response: ExpectResponse {
                complete: response.complete.unwrap_or(true),
                status: response.status,
                headers: response.headers,
                absent: response.absent,
                body: body(response.body, response.body_base64).context("response")?,
                trailers: response.trailers,
            },
            log: log.into_expect(),
            counters: self.counters,
        })
    }
}

impl ExpectLogWire {
    fn into_expect(self) -> ExpectLog {
        let given = [
            ("action", self.action),
            ("found", self.found.map(|found| found.to_string())),
            ("brands", self.brands),
            ("where", self.r#where),
            ("fields", self.fields),
            ("rules", self.rules),
            ("uninspected", self.uninspected),
        ];
        let values = given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        ExpectLog { values, record: self.record, path: self.path, details: self.details }
    }
}

fn body(text: Option<String>, base64: Option<String>) -> Result<Option<Vec<u8>>> {
    match (text, base64) {
        (Some(_), Some(_)) => bail!("body and body_base64: only one of them"),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(base64)) => decode(&base64).map(Some),
        (None, None) => Ok(None),
    }
}

fn decode(base64: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD.decode(base64).with_context(|| format!("body_base64: {base64:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_case_is_complete() {
        let cases = parse("json", "[[case]]\nname = 'a'\nabout = 'b'\nrequest = { body = ['{', '}'] }").unwrap();
        let case = &cases[0];
        assert_eq!(case.title(), "json::a");
        assert_eq!(case.request.method, "POST");
        assert_eq!(case.request.message.framing, Framing::Length);
        assert_eq!(case.response.status, 200);
        assert_eq!(case.cuts().len(), 1);
    }

    #[test]
    fn every_cut_of_both_bodies() {
        let text = "[[case]]\nname = 'a'\nabout = 'b'\ncuts = 'every'\nrequest.body = ['abc']\nresponse.body = ['de']";
        let case = &parse("x", text).unwrap()[0];
        assert_eq!(
            case.cuts(),
            [
                super::super::Cut::AsGiven,
                super::super::Cut::Request(1),
                super::super::Cut::Request(2),
                super::super::Cut::Response(1)
            ]
        );
        assert_eq!(case.cut(super::super::Cut::Request(2)).request.message.pieces, [b"ab".to_vec(), b"c".to_vec()]);
    }

    #[test]
    fn an_error_names_case_and_field() {
        for (text, expected) in [
            ("[[case]]\nname = 'a'\nabout = 'b'\nrequests = 1", "unknown field `requests`"),
            ("[[case]]\nname = 'a'\nabout = 'b'\npolicy = '{'", "case \"a\": policy: not JSON"),
            ("[[case]]\nname = 'a'\nabout = 'b'\nexpect.log.actoin = 'x'", "unknown field `actoin`"),
            ("[[case]]\nname = 'a'\nabout = 'b'\nrequest.body_base64 = ['!']", "case \"a\": request: body_base64"),
            ("[[case]]\nname = 'a'\nabout = 'b'\nprotocols = ['http3']", "http3"),
        ] {
            let error = format!("{:#}", parse("x", text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
