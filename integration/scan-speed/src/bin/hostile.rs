//! `make hostile`: searches for the slowest inputs of the detector, and prints the repeated part of each.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_scan_speed::engine::{Engine, Scanner};
use panveil_scan_speed::input::{self, repeated};
use panveil_scan_speed::search::{Found, Measure, Recipe, Terms, search};

/// Bytes of the first, short measurement: a few chunks.
const FIRST: usize = 8 << 10;
const SECOND: usize = 64 << 10;
const SOON: Duration = Duration::from_millis(1);
/// Maximum number of short measurements. The best counts.
const GLANCES: usize = 3;
const LOOKS: usize = 9;
/// Bytes of the final measurement: more than any limit of the detector.
const LAST: usize = 256 << 10;
const LAST_LOOKS: usize = 2;

/// Search for inputs that the detector is slow on.
#[derive(Debug, Parser)]
#[command(name = "hostile")]
struct Arguments {
    /// Duration of the search.
    #[arg(long, value_name = "COUNT", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Seed of an earlier search. The default is a new one.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Number of inputs of each kind to print.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    most: usize,
}

/// Measurement with a deadline.
struct Clock {
    scanner: Scanner,
    begin: Instant,
    time: Duration,
    read: u64,
    bar: ProgressBar,
}

impl Clock {
    /// Best nanoseconds per byte, and the number of findings.
    fn best(&self, recipe: &Recipe, size: usize, times: usize) -> (f64, usize) {
        let bytes = repeated(&recipe.unit(), size);
        let once = |_| {
            let start = Instant::now();
            let found = self.scanner.read(recipe.text_format, &bytes);
            (start.elapsed().as_secs_f64() * 1e9 / size as f64, found)
        };
        (0..times).map(once).fold((f64::MAX, 0), |(best, _), (nanoseconds, found)| (best.min(nanoseconds), found))
    }

    fn measure(&self, recipe: &Recipe, terms: Terms, times: usize) -> f64 {
        let (first, found) = self.best(recipe, FIRST, 1);
        if terms == Terms::NothingFound && found > 0 {
            return 0.0;
        }
        if first * (FIRST as f64) < SOON.as_nanos() as f64 {
            return self.best(recipe, SECOND, times).0;
        }
        // A slow input needs fewer measurements for the same precision.
        first.min(self.best(recipe, FIRST, times / 3).0)
    }
}

impl Measure for Clock {
    fn glance(&mut self, recipe: &Recipe, terms: Terms) -> f64 {
        self.read += 1;
        self.measure(recipe, terms, GLANCES)
    }

    fn look(&mut self, recipe: &Recipe, terms: Terms) -> f64 {
        self.measure(recipe, terms, LOOKS)
    }

    fn goes_on(&mut self) -> bool {
        let elapsed = self.begin.elapsed();
        self.bar.set_position(elapsed.as_secs().min(self.time.as_secs()));
        elapsed < self.time
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = arguments.seed.unwrap_or_else(now);
    println!("hostile: seed {seed}, {} seconds", arguments.seconds);
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new(arguments.seconds);
    let style = ProgressStyle::with_template("{bar:24} {pos} of {len} s").map_err(|error| error.to_string())?;
    bar.set_style(style);
    let scanner = Scanner::new(Engine::Panveil)?;
    let time = Duration::from_secs(arguments.seconds);
    let mut clock = Clock { scanner, begin: Instant::now(), time, read: 0, bar };
    let found = search(seed, &mut clock);
    clock.bar.finish_and_clear();
    println!("hostile: {} inputs read; the slowest, by what they repeat:", clock.read);
    for (terms, heading) in [(Terms::Anything, "of all"), (Terms::NothingFound, "in which nothing is found")] {
        println!("\n{heading}");
        let of_terms = found.iter().filter(|found| found.terms == terms).take(arguments.most);
        let last_look = |found: &Found| (clock.best(&found.recipe, LAST, LAST_LOOKS), found.recipe.clone());
        let mut slowest: Vec<_> = of_terms.map(last_look).collect();
        slowest.sort_by(|((one, _), _), ((other, _), _)| other.total_cmp(one));
        if slowest.is_empty() {
            println!("none yet; give it more SECONDS");
        }
        for ((slowness, found), recipe) in slowest {
            let (notation, kinds) = (input::name(recipe.text_format), recipe.kinds().join(" "));
            let (speed, findings) = (1.0 / slowness, found as f64 * 1024.0 / LAST as f64);
            let unit = recipe.unit();
            println!(
                "{speed:7.4} GB/s, {findings:4.1} findings a KiB: {notation} b\"{}\" ({kinds})",
                unit.escape_ascii()
            );
        }
    }
    Ok(())
}
