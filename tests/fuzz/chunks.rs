//! Split of a body into chunks.

/// Limit of the list of lengths. Longer lists cover nothing more.
const MOST_LENGTHS: usize = 8;

/// Number for a sign: `0` to `9`, then `a` for 10 to `z` for 35. Any other byte stands for its value.
pub fn count(sign: u8) -> usize {
    let digit = (!sign.is_ascii_uppercase()).then(|| char::from(sign).to_digit(36)).flatten();
    digit.map_or(usize::from(sign), |digit| digit as usize)
}

/// `body` in chunks with the lengths that `signs` stand for. The lengths repeat until the end.
pub fn cut(body: &[u8], signs: &[u8]) -> Vec<Vec<u8>> {
    let lengths: Vec<usize> = signs.iter().take(MOST_LENGTHS).map(|sign| count(*sign)).collect();
    if lengths.iter().all(|length| *length == 0) {
        return vec![body.to_vec()];
    }
    let (mut chunks, mut rest) = (Vec::new(), body);
    for length in lengths.iter().cycle() {
        let (chunk, behind) = rest.split_at((*length).min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    chunks
}
