//! What stands in the way of a message, and is compared?

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::envoy::{CONNECTION_MANAGER, Filter, Settings, no_op};
use crate::sidecar::Build;

const CALLS: &str = include_str!("calls.wat");
const LUA: &str = include_str!("mask.lua");

/// What is needed to run them all.
#[derive(Clone, Debug)]
pub struct Builds {
    /// panveil, and the Envoy for all.
    pub panveil: Build,
    /// The module of `integration/naive/`.
    pub naive: PathBuf,
    /// The module of `integration/noop/`.
    pub noop: PathBuf,
}

/// What a message passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// Envoy alone.
    None,
    /// A wasm filter that does nothing, with no more code than that takes.
    Bare,
    /// A wasm filter that does nothing, as the SDK makes it.
    NoOp,
    /// A wasm filter that asks the host what panveil asks of it where no card is, and does nothing with the answers.
    Calls,
    /// panveil under an empty policy.
    Panveil,
    /// A wasm filter that holds whole bodies and runs a regular expression over them.
    Naive,
    /// Envoy's Lua filter with a script that masks bodies.
    Lua,
}

impl Contestant {
    /// In the order in which they take turns.
    pub const ALL: [Self; 7] = [Self::None, Self::Bare, Self::NoOp, Self::Calls, Self::Panveil, Self::Naive, Self::Lua];

    /// As tables and charts name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no filter",
            Self::Bare => "bare no-op",
            Self::NoOp => "no-op wasm",
            Self::Calls => "calls alone",
            Self::Panveil => "panveil",
            Self::Naive => "naive wasm",
            Self::Lua => "Lua",
        }
    }

    /// Whether it masks what is a card.
    #[must_use]
    pub const fn masks(self) -> bool {
        matches!(self, Self::Panveil | Self::Naive | Self::Lua)
    }

    /// Whether the measurement goes on when it cannot carry an exchange. Who holds whole bodies cannot carry all.
    #[must_use]
    pub const fn may_fail(self) -> bool {
        matches!(self, Self::Naive | Self::Lua)
    }

    /// The shipped configuration with it, in front of this service.
    ///
    /// # Errors
    ///
    /// When its part of the configuration cannot be read.
    pub fn settings(self, builds: &Builds, service: SocketAddr) -> Result<Settings> {
        let filter = match self {
            Self::None | Self::Lua => Filter::None,
            Self::Bare => Filter::NoOp,
            Self::NoOp => Filter::Panveil { module: builds.noop.clone(), policy: String::new() },
            Self::Calls => Filter::Inline(calls()?),
            Self::Panveil => builds.panveil.settings("{}").filter,
            Self::Naive => Filter::Panveil { module: builds.naive.clone(), policy: String::new() },
        };
        let mut settings = Settings::new(filter, service);
        if self == Self::Lua {
            let script = json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": LUA},
            });
            let filter = json!({"name": "envoy.filters.http.lua", "typed_config": script});
            settings.differ(
                json!([{"op": "add", "path": format!("{CONNECTION_MANAGER}/http_filters/0"), "value": filter}]),
            )?;
        }
        Ok(settings)
    }

    /// How many bytes of code Envoy loads for it.
    ///
    /// # Errors
    ///
    /// When the module cannot be read.
    pub fn size(self, builds: &Builds) -> Result<Option<u64>> {
        Ok(match self {
            Self::None => None,
            Self::Bare => Some(no_op()?.len() as u64),
            Self::NoOp => Some(length(&builds.noop)?),
            Self::Calls => Some(calls()?.len() as u64),
            Self::Panveil => Some(length(&builds.panveil.module)?),
            Self::Naive => Some(length(&builds.naive)?),
            Self::Lua => Some(LUA.len() as u64),
        })
    }
}

fn calls() -> Result<Vec<u8>> {
    wat::parse_str(CALLS).context("calls.wat")
}

fn length(module: &Path) -> Result<u64> {
    Ok(fs::metadata(module).with_context(|| format!("cannot read {}", module.display()))?.len())
}
