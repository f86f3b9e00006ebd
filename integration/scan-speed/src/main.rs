//! Measurement server: reads lines `ENGINE INPUT MICROSECONDS` from standard input, with the numbers of the engine and
//! the input, and writes for each `BYTES NANOSECONDS FOUND`. Exits at the end of its input.

use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Write};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use panveil_scan_speed::engine::{Engine, Scanner};
use panveil_scan_speed::input::Input;
use panveil_scan_speed::turn::{Turn, take};

/// Interval between two polls of standard input.
const PAUSE: Duration = Duration::from_millis(1);

fn main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scan-speed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<(), String> {
    let scanners = Engine::ALL.into_iter().map(Scanner::new).collect::<Result<Vec<_>, _>>()?;
    let inputs = Input::all();
    let mut made: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut questions = io::stdin().lock();
    while let Some(line) = next_line(&mut questions)? {
        let wrong = || format!("{line:?}: expected ENGINE INPUT MICROSECONDS");
        let [engine, index, micros] = numbers(&line).ok_or_else(wrong)?;
        let scanner = usize::try_from(engine).ok().and_then(|engine| scanners.get(engine));
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let (scanner, input) = scanner.zip(inputs.get(index)).ok_or_else(wrong)?;
        // Keeps one input in memory at a time.
        made.retain(|other, _| *other == index);
        let bytes = made.entry(index).or_insert_with(|| input.bytes());
        let Turn { bytes, nanoseconds, found } = take(scanner, input, bytes, Duration::from_micros(micros));
        println!("{bytes} {nanoseconds} {found}");
        io::stdout().flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Next line, without its line end. `None` at the end of the input. Under Node.js reading from an empty pipe does not
/// block.
fn next_line(from: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = String::new();
    loop {
        match from.read_line(&mut line) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(line.trim_end().to_owned())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn numbers(line: &str) -> Option<[u64; 3]> {
    let numbers = line.split(' ').map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
    numbers.try_into().ok()
}
