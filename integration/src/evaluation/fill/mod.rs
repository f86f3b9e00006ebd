//! Generator of records: fills a template, and knows the positions of its card numbers.
//!
//! The same class, seed and number always give the same bytes.

mod encoding;
mod identifier;
mod instant;
mod prose;
mod spelling;
mod text;
mod value;

use anyhow::{Context, Result};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub use encoding::Encoding;
pub use spelling::Spelling;
pub use text::{Card, Text};
pub use value::check as check_value;

use super::corpus::{Block, Class, Issuers, Node, Wanted};

/// Record number `number` of `class` for `seed`.
///
/// # Errors
///
/// When a template requires an issuer that is not in the table.
pub fn record(class: &Class, issuers: &Issuers, seed: u64, number: u64) -> Result<Text> {
    let mut rng = generator(&class.name, seed, number);
    let template = &class.templates[rng.random_range(0..class.templates.len() as u32) as usize];
    let mut filler = Filler { issuers, rng, parts: Vec::new() };
    let mut text = Text::default();
    filler.fill(template.nodes(), &mut text).with_context(|| format!("class {:?}", class.name))?;
    Ok(text)
}

/// Random generator of one record. Separate ones keep all other records unchanged when the corpus grows.
fn generator(class: &str, seed: u64, number: u64) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..8 + class.len()].copy_from_slice(class.as_bytes());
    let mut rng = ChaCha8Rng::from_seed(bytes);
    rng.set_stream(number);
    rng
}

struct Filler<'a> {
    issuers: &'a Issuers,
    rng: ChaCha8Rng,
    /// Remaining parts of the number that is written in parts.
    parts: Vec<String>,
}

impl Filler<'_> {
    fn fill(&mut self, nodes: &[Node], text: &mut Text) -> Result<()> {
        for node in nodes {
            match node {
                Node::Text(literal) => text.push(literal),
                Node::Value(name, arguments) => text.push(&value::draw(name, arguments, &mut self.rng)?),
                Node::Card(spelling) => {
                    let number = self.number(spelling.issuer())?;
                    let written = spelling.write(&number, &mut self.rng);
                    text.push_card(&written.number, &written.behind, written.plain_digits);
                }
                Node::Lookalike(spelling) => {
                    let number = self.number(spelling.issuer())?;
                    let written = spelling.write(&number, &mut self.rng);
                    text.push(&[written.number, written.behind].concat());
                }
                Node::Part(part, of) => self.part(*part, *of, text)?,
                Node::Block(Block::Repeat(times), inner) => {
                    for _ in 0..self.rng.random_range(times.clone()) {
                        self.fill(inner, text)?;
                    }
                }
                Node::Block(Block::Encode(encoding), inner) => {
                    let mut block = Text::default();
                    self.fill(inner, &mut block)?;
                    text.append(block.encoded(*encoding));
                }
            }
        }
        Ok(())
    }

    /// Writes a part. The first part begins a new number, and the last may be longer than the others.
    fn part(&mut self, part: usize, of: usize, text: &mut Text) -> Result<()> {
        if part == 1 {
            let number = self.number(&Wanted::default())?;
            let size = number.len() / of;
            let piece = |index: usize| {
                let end = if index + 1 == of { number.len() } else { (index + 1) * size };
                number[index * size..end].to_owned()
            };
            self.parts = (0..of).map(piece).collect();
        }
        let piece =
            self.parts.get(part - 1).with_context(|| format!("{{part:{part}/{of}}}: no {{part:1/{of}}} before it"))?;
        text.push_part(piece, part == 1);
        Ok(())
    }

    fn number(&mut self, wanted: &Wanted) -> Result<String> {
        Ok(self.issuers.draw(wanted, &mut self.rng)?.number(&mut self.rng))
    }
}
