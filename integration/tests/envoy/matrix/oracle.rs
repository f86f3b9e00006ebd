//! Expected bodies: the result of panveil's core for each complete body, without cuts by a proxy.

use std::sync::{Arc, OnceLock};

use anyhow::{Result, ensure};
use panveil::policy::Policy;
use panveil::stream::{Finding, Inspector, TextFormat};

use super::body::{Body, bodies};

/// Body, and the result of the core under the empty policy.
pub struct Subject {
    pub body: Body,
    /// Body at the receiver.
    pub expected: Vec<u8>,
    /// Whether the core could extend its end to a card number if more bytes followed.
    pub ends_undecided: bool,
}

/// All bodies. They are computed once for all trials, because a debug build is slow.
pub fn subjects() -> Result<&'static [Arc<Subject>]> {
    static SUBJECTS: OnceLock<Result<Vec<Arc<Subject>>, String>> = OnceLock::new();
    let judge_all = || {
        let policy = Policy::parse(b"{}").map_err(|error| error.to_string())?;
        let judge = |body| Subject::judge(body, &policy).map(Arc::new).map_err(|error| error.to_string());
        bodies().into_iter().map(judge).collect()
    };
    SUBJECTS.get_or_init(judge_all).as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

impl Subject {
    fn judge(body: Body, policy: &Policy) -> Result<Self> {
        let mut expected = body.whole();
        let (decided, findings) = inspect(&body, policy, &expected, true);
        ensure!(decided == expected.len(), "{}: the core left {} bytes undecided", body.name, expected.len() - decided);
        let ends_undecided = inspect(&body, policy, &expected, false).0 < expected.len();
        for finding in findings {
            finding.mask(&mut expected[finding.span.clone()], policy.mask_style());
        }
        if let Some(masked) = body.masked() {
            ensure!(expected == masked, "{}: the core itself masks something else than its cards", body.name);
        }
        Ok(Self { body, expected, ends_undecided })
    }
}

fn inspect(body: &Body, policy: &Policy, text: &[u8], last: bool) -> (usize, Vec<Finding>) {
    let text_format = TextFormat::of_content_type(Some(body.content_type.as_bytes()));
    let mut findings = Vec::new();
    let mut inspector = Inspector::new(text_format, policy.mask_style()).with_criteria(policy.criteria());
    let decided = inspector.inspect(text, last, &mut findings);
    (decided, findings)
}
