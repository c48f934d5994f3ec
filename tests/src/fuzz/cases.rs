//! How many cases a fuzz test goes through, and how to see one of them again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant, SystemTime};

use super::dice::Dice;

/// How long a case may take at most: far more than any limit that it is given.
const PATIENCE: Duration = Duration::from_secs(120);

/// Goes through the cases 0 to `num`; or through new ones for `TIDEMILL_FUZZ_SECONDS`; or through the one case
/// `TIDEMILL_FUZZ_CASE`. Says which case it was that failed.
pub fn cases(name: &str, num: u64, one: impl Fn(&mut Dice)) {
    let run = |case: u64| {
        let start = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| one(&mut Dice::new(case))));
        if let Err(panic) = done {
            eprintln!("{name} fails; TIDEMILL_FUZZ_CASE={case} does it again");
            resume_unwind(panic);
        }
        assert!(start.elapsed() < PATIENCE, "case {case} of {name} takes {:?}", start.elapsed());
    };
    match (number("TIDEMILL_FUZZ_CASE"), number("TIDEMILL_FUZZ_SECONDS")) {
        (Some(case), _) => run(case),
        (None, Some(seconds)) => {
            let end = Instant::now() + Duration::from_secs(seconds);
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let first = u64::try_from(now.as_micros()).unwrap();
            let num = (first..).take_while(|_| Instant::now() < end).inspect(|&case| run(case)).count();
            eprintln!("{name}: {num} cases from {first} on");
        }
        (None, None) => (0..num).for_each(run),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}
