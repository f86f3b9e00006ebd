//! How much is measured, when contestants take turns?

use std::time::Duration;

use clap::Args;

/// How much of it is asked for.
#[derive(Clone, Copy, Debug, Args)]
pub struct Asked {
    /// How often each has its turn with each thing that is measured [default: 15, or 3 with --quick].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// Short turns and few rounds, to see whether it works.
    #[arg(long)]
    pub quick: bool,
}

/// The rounds of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each contestant has its turn with each thing that is measured.
    pub rounds: usize,
    /// How long a turn is at least.
    pub turn: Duration,
}

impl Asked {
    /// What that comes to, with turns that are this long, or so long when it is to be quick.
    #[must_use]
    pub fn plan(self, turn: Duration, quick: Duration) -> Plan {
        let (rounds, turn) = if self.quick { (3, quick) } else { (15, turn) };
        Plan { rounds: self.rounds.map_or(rounds, usize::from), turn }
    }
}
