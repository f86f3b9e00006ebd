//! Bodies of the scenarios: the same bytes in every run.

use bytes::Bytes;

pub use crate::test_cards::{CARD, MASKED};

/// Orders as JSON with exactly this size, and this number of card numbers at equal distances.
#[must_use]
pub fn json(size: usize, cards: usize) -> Bytes {
    let open = "{\"orders\":[";
    let close = |padding: usize| format!("null],\"padding\":\"{}\"}}", "-".repeat(padding));
    let room = size.saturating_sub(open.len() + close(0).len());
    let mut text = open.to_owned();
    let mut placed = 0;
    for number in 0.. {
        let with_card = placed < cards && text.len() - open.len() >= room * placed / cards;
        let order = order(number, with_card);
        if text.len() - open.len() + order.len() > room {
            break;
        }
        placed += usize::from(with_card);
        text.push_str(&order);
    }
    let padding = size.saturating_sub(text.len() + close(0).len());
    text.push_str(&close(padding));
    Bytes::from(text)
}

fn order(number: usize, with_card: bool) -> String {
    let (minute, second, cents) = (number / 60 % 60, number % 60, number % 100);
    let card = if with_card { format!("\"card_number\":\"{CARD}\",") } else { String::new() };
    format!(
        "{{\"order_id\":{},\"created_at\":\"2026-08-17T10:{minute:02}:{second:02}Z\",{card}\"customer\":\"C-{:06}\",\
         \"amount\":{}.{cents:02},\"currency\":\"EUR\",\"status\":\"settled\",\
         \"items\":[{{\"sku\":\"A-{:04}\",\"quantity\":{},\"title\":\"A thing that somebody ordered\"}}]}},",
        10_000_000 + number,
        number * 7919 % 1_000_000,
        number * 31 % 500,
        number * 13 % 10_000,
        number % 9 + 1,
    )
}

/// Complete rows of numbers with at most this size. None is a card number, and no number of thirteen digits passes
/// Luhn.
#[must_use]
pub fn csv(size: usize) -> Bytes {
    let mut text = "id,day,at,amount,rate,count,level,total\n".to_owned();
    for number in 0_u64.. {
        let at = 1_748_503_543_000 + number * 977;
        let at = (at..).find(|at| !luhn::valid(&at.to_string())).unwrap_or(at);
        let row = format!(
            "{},{},{at},{},0.{:04},{},{},{}\n",
            100_000_000 + number,
            20_260_801 + number % 28,
            number * 7919 % 100_000,
            number * 31 % 10_000,
            number % 17,
            number % 256,
            number * 104_729 % 10_000_000,
        );
        if text.len() + row.len() > size {
            break;
        }
        text.push_str(&row);
    }
    Bytes::from(text)
}

/// Number of occurrences of `part` in `bytes`.
#[must_use]
pub fn count(bytes: &[u8], part: &str) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part.as_bytes()).count()
}

/// `bytes` with every card number masked.
#[must_use]
pub fn masked(bytes: &Bytes) -> Bytes {
    let mut copy = bytes.to_vec();
    for start in 0..copy.len().saturating_sub(CARD.len() - 1) {
        let place = &mut copy[start..start + CARD.len()];
        if place == CARD.as_bytes() {
            place.copy_from_slice(MASKED.as_bytes());
        }
    }
    Bytes::from(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_size_and_its_cards() {
        for (size, cards) in [(2 << 10, 0), (4 << 10, 1), (1 << 20, 0), (1 << 20, 100)] {
            let text = json(size, cards);
            assert_eq!((text.len(), count(&text, CARD)), (size, cards));
            serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        }
        let text = csv(1 << 20);
        assert!(text.len() <= 1 << 20 && text.len() > (1 << 20) - 100);
    }

    #[test]
    fn every_card_is_masked_and_nothing_else() {
        let text = json(64 << 10, 5);
        let safe = masked(&text);
        assert_eq!((safe.len(), count(&safe, CARD), count(&safe, MASKED)), (text.len(), 0, 5));
        assert_eq!(masked(&safe), safe);
    }
}
