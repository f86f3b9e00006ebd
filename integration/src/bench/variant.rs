//! Filter variants that the benchmark compares: panveil and the baselines.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::envoy::{CONNECTION_MANAGER, Filter, Settings, no_op};
use crate::sidecar::Build;

const CALLS: &str = include_str!("calls.wat");
const LUA: &str = include_str!("mask.lua");

/// Binaries of all variants.
#[derive(Clone, Debug)]
pub struct Builds {
    /// panveil, and the Envoy of all variants.
    pub panveil: Build,
    /// Module of `integration/naive/`.
    pub naive: PathBuf,
    /// Module of `integration/noop/`.
    pub noop: PathBuf,
}

/// Filter in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Envoy without a filter.
    None,
    /// Minimal Wasm filter without any effect.
    Bare,
    /// Wasm filter without any effect, built with the SDK.
    NoOp,
    /// Wasm filter with the same host calls as panveil on traffic without card numbers. Ignores their results.
    Calls,
    /// panveil under an empty policy.
    Panveil,
    /// Wasm filter that buffers whole bodies and applies a regular expression to them.
    Naive,
    /// Envoy's Lua filter with a script that masks bodies.
    Lua,
}

impl Variant {
    /// All variants, in the order of their turns.
    pub const ALL: [Self; 7] = [Self::None, Self::Bare, Self::NoOp, Self::Calls, Self::Panveil, Self::Naive, Self::Lua];

    /// Name in tables and charts.
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

    /// Whether it masks card numbers.
    #[must_use]
    pub const fn masks(self) -> bool {
        matches!(self, Self::Panveil | Self::Naive | Self::Lua)
    }

    /// Whether the benchmark continues when it cannot carry a stream. Filters that buffer whole bodies cannot carry
    /// all.
    #[must_use]
    pub const fn may_fail(self) -> bool {
        matches!(self, Self::Naive | Self::Lua)
    }

    /// Shipped configuration with this variant, in front of this upstream.
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

    /// Code size in bytes.
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
