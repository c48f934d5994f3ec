//! The host's memory is back after every plugin of the corpus was loaded, run and dropped.
//!
//! What a process has resident is measured, so this needs one of its own: the test starts this binary again,
//! for one test that does nothing where it isn't asked to.

use std::process::Command;

use super::corpus::corpus;
use super::witness::Witness;

/// Set where the test is alone in its process.
const ALONE: &str = "TIDEMILL_TEST_ALONE";
const ROUNDS: usize = 5;

/// The memory that this process has resident, in bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn memory_is_back_when_they_are_gone() {
    let this = "hostile::memory::memory_of_a_process_of_its_own";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([this, "--exact", "--nocapture", "--test-threads", "1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("MiB after"), "{text}");
    println!("{text}");
}

#[test]
fn memory_of_a_process_of_its_own() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let mut witness = Witness::new();
    let mut round = || {
        for case in corpus() {
            assert!(case.run().is_err(), "{}", case.name);
        }
        witness.look();
        resident()
    };
    // Warm: allocators, the pool's slots, everything that is made once.
    round();
    let before = round();
    let after = (0..ROUNDS).map(|_| round()).collect::<Vec<_>>();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:.1} MiB before, {:.1?} MiB after each round",
        mib(before),
        after.iter().map(|b| mib(*b)).collect::<Vec<_>>()
    );
    let last = after.last().copied().unwrap();
    assert!(last <= before + before / 10, "{} MiB after, {} before", mib(last), mib(before));
}
