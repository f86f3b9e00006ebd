//! Identifiers that begin with a time: `240905153022` and further digits.

/// True if `digits` are sixteen of which the first twelve are a date and a time from 2023 to 2029: year, month, day, hour,
/// minute and second, with two digits each.
pub fn begins_with_time(digits: &[u8]) -> bool {
    let mut pairs = digits.chunks_exact(2).map(|pair| match pair {
        [tens, ones] => tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(ones.wrapping_sub(b'0')),
        _ => u8::MAX,
    });
    let ranges = [23..=29, 1..=12, 1..=31, 0..=23, 0..=59, 0..=59];
    digits.len() == LENGTH && ranges.iter().all(|range| pairs.next().is_some_and(|pair| range.contains(&pair)))
}

/// The length of such an identifier with four digits behind the time.
const LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_months_and_minutes() {
        assert!(begins_with_time(b"2409051530222682"));
        for digits in
            [b"2413051530222682", b"2409321530222682", b"2409052430222682", b"2409051560222682", b"2209051530222682"]
        {
            assert!(!begins_with_time(digits));
        }
        assert!(!begins_with_time(b"240905153022268"));
    }
}
