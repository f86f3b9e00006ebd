//! Quick check that excludes most texts without a finding.
//!
//! It runs before an inspector is created, because most texts contain no digits that could be a card number.

use super::charset;
use crate::mask::Style;
use crate::scan::{self, CandidateStarts, Decoded, Escapes, NextStart, View};
use crate::verdict::{self, Criteria};

/// True when `text` may contain a finding. It is one complete text with these escapes, or several with a zero byte between them.
/// Masks in it have the given `style`.
pub fn may_contain(text: &[u8], escapes: Escapes, criteria: &Criteria, style: Style) -> bool {
    let mask = style.character.as_byte();
    if !criteria.patterns.is_empty() || charset::begins_wide(text) {
        return true;
    }
    if scan::is_plain(&[], text, escapes) {
        return may_contain_in(text, criteria, mask);
    }
    may_contain_in(Decoded::new(text, true, escapes, mask).text(), criteria, mask)
}

fn may_contain_in(text: &[u8], criteria: &Criteria, mask: u8) -> bool {
    if criteria.base64 && scan::token::next_run(text, 0).is_some() {
        return true;
    }
    let mut starts = CandidateStarts::new(View::new(&[], text, true, mask));
    matches!(starts.advance_to(verdict::is_possible), NextStart::Start(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Inspector, TextFormat};
    use crate::verdict::Sensitivity;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn finds(text: &[u8], text_format: TextFormat, criteria: &Arc<Criteria>) -> bool {
        let mut findings = Vec::new();
        let inspector = Inspector::new(text_format, Style::HIDE).with_criteria(Arc::clone(criteria));
        inspector.preceded_by(b"").inspect(text, true, &mut findings);
        !findings.is_empty()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_text_with_findings_may_contain_them(
            parts in prop::collection::vec(part(), 0..12),
            text_format in prop::sample::select(vec![TextFormat::Json, TextFormat::Form, TextFormat::Csv, TextFormat::Text]),
            sensitivity in prop::sample::select(vec![Sensitivity::Strict, Sensitivity::Balanced]),
            base64 in any::<bool>(),
        ) {
            let text = parts.concat();
            let criteria = Arc::new(Criteria { base64, ..Criteria::with_sensitivity(sensitivity) });
            let may_contain_finding = may_contain(text.as_bytes(), text_format.escapes(), &criteria, Style::HIDE);
            prop_assert!(may_contain_finding || !finds(text.as_bytes(), text_format, &criteria), "{}", text);
        }
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            2 => "[a-z \":,{}/&+-]{0,20}",
            2 => "[0-9]{1,20}",
            1 => "[0-9*]{4}([ -][0-9*]{4}){1,4}",
            2 => prop::sample::select(vec![
                "4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "4.111111111111111e15", "%34111111111111111",
                "\\u0034111111111111111", "４１１１１１１１１１１１１１１１", "5A0841111111111111119F02", "cvv: 123", "&#52;111111111111111",
                "57134111111111111111D25122010000000000000F", "%B4111111111111111^DOE/J^2512201000?", "NDExMTExMTExMTExMTExMQ==",
                "4111+1111+1111+1111", "%4EDExMTExMTExMTExMTExMQ==",
            ]).prop_map(str::to_owned),
        ]
    }

    #[test]
    fn text_without_cards_is_excluded() {
        for text in
            ["", "{\"order\":10000001,\"at\":\"2026-08-17T10:32:11Z\",\"ms\":1748503543012}", "caf\u{e9} 17%20or"]
        {
            assert!(!may_contain(text.as_bytes(), Escapes::TEXT, &Criteria::default(), Style::HIDE), "{text}");
        }
        assert!(may_contain(b"a\0%34111111111111111\0b", Escapes::TEXT, &Criteria::default(), Style::HIDE));
    }
}
