//! In which chunks does a body arrive?

/// More lengths of chunks than these tell nothing new.
const MOST_LENGTHS: usize = 8;

/// The count that a sign stands for: `0` to `9`, then `a` for 10 to `z` for 35; any other byte is its own value.
pub fn count(sign: u8) -> usize {
    let digit = (!sign.is_ascii_uppercase()).then(|| char::from(sign).to_digit(36)).flatten();
    digit.map_or(usize::from(sign), |digit| digit as usize)
}

/// `body` in chunks of the lengths that `signs` stand for, again from the first when they do not suffice.
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
