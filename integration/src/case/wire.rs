//! Syntax of case files: tables and keys. Unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub case: Vec<CaseWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseWire {
    pub name: String,
    pub about: String,
    pub policy: Option<String>,
    pub protocols: Option<Vec<ProtocolWire>>,
    #[serde(default)]
    pub cards: Vec<String>,
    #[serde(default)]
    pub secrets: Vec<String>,
    #[serde(default)]
    pub request: RequestWire,
    #[serde(default)]
    pub response: ResponseWire,
    #[serde(default)]
    pub cuts: CutsWire,
    #[serde(default)]
    pub expect: ExpectWire,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolWire {
    Http1,
    Http2,
    #[serde(rename = "http1-to-http2")]
    Http1ToHttp2,
    #[serde(rename = "http2-to-http1")]
    Http2ToHttp1,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutsWire {
    #[default]
    AsGiven,
    Every,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FramingWire {
    Length,
    Chunked,
    None,
}

pub type Pairs = Vec<(String, String)>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestWire {
    pub method: Option<String>,
    pub path: Option<String>,
    #[serde(default)]
    pub headers: Pairs,
    #[serde(default)]
    pub body: Vec<String>,
    #[serde(default)]
    pub body_base64: Vec<String>,
    pub framing: Option<FramingWire>,
    #[serde(default)]
    pub trailers: Pairs,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseWire {
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: Pairs,
    #[serde(default)]
    pub body: Vec<String>,
    #[serde(default)]
    pub body_base64: Vec<String>,
    pub framing: Option<FramingWire>,
    #[serde(default)]
    pub trailers: Pairs,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectWire {
    #[serde(default)]
    pub request: ExpectRequestWire,
    #[serde(default)]
    pub response: ExpectResponseWire,
    #[serde(default)]
    pub log: ExpectLogWire,
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectRequestWire {
    pub received: Option<bool>,
    pub path: Option<String>,
    #[serde(default)]
    pub headers: Pairs,
    #[serde(default)]
    pub absent: Vec<String>,
    pub body: Option<String>,
    pub body_base64: Option<String>,
    pub trailers: Option<Pairs>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectResponseWire {
    pub complete: Option<bool>,
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: Pairs,
    #[serde(default)]
    pub absent: Vec<String>,
    pub body: Option<String>,
    pub body_base64: Option<String>,
    pub trailers: Option<Pairs>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectLogWire {
    pub action: Option<String>,
    pub found: Option<u64>,
    pub brands: Option<String>,
    pub r#where: Option<String>,
    pub fields: Option<String>,
    pub rules: Option<String>,
    pub uninspected: Option<String>,
    #[serde(default)]
    pub record: Vec<String>,
    pub path: Option<String>,
    pub details: Option<String>,
}
