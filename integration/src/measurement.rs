//! Command line options and plan of a measurement in rounds.

use std::time::Duration;

use clap::Args;

/// Command line options of a measurement.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Number of rounds [default: 15, or 3 with --quick].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// Short turns and few rounds, for a check of the benchmark itself.
    #[arg(long)]
    pub quick: bool,
}

/// Plan of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of rounds. Each round measures everything once.
    pub rounds: usize,
    /// Minimum time of a turn.
    pub turn: Duration,
}

impl Options {
    /// Plan with this time of a turn, or the `quick` time with --quick.
    #[must_use]
    pub fn plan(self, turn: Duration, quick: Duration) -> Plan {
        let (rounds, turn) = if self.quick { (3, quick) } else { (15, turn) };
        Plan { rounds: self.rounds.map_or(rounds, usize::from), turn }
    }
}
