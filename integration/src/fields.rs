//! Conversion between the fields of a case and a header map.

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Header map of these fields.
///
/// # Errors
///
/// When a name or a value is not valid in HTTP.
pub(crate) fn fields<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).with_context(|| format!("header {name}"))?;
        map.append(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(map)
}

/// Names and values of a header map, in order.
pub(crate) fn pairs(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}
