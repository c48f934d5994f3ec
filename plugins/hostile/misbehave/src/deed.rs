//! What a line can ask for.
#![allow(clippy::panic, unconditional_recursion, reason = "this is what it is for")]

use std::hint::black_box;

use tidemill_plugin::{Level, count, log};

/// Does what `line` asks for, and answers how many times it is to be passed on.
///
/// # Errors
/// Where it asks for an error.
pub fn copies(line: &str) -> Result<usize, String> {
    match line {
        "panic" => panic!("asked to by a line"),
        "abort" => std::process::abort(),
        "spin" => spin(),
        "hoard" => hoard(),
        "recurse" => Ok(recurse(1)),
        "fail" => Err("asked to by a line".to_owned()),
        "fail at length" => Err("long ".repeat(1 << 20)),
        "flood" => Ok(flood()),
        "flood of counters" => Ok(flood_counters()),
        "long line" => Ok(long_line()),
        "grow" => Ok(10_000),
        _ => Ok(1),
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        black_box(&hoard);
    }
}

fn recurse(depth: usize) -> usize {
    let frame = black_box([depth; 16]);
    recurse(depth + 1) + black_box(frame)[0]
}

/// Ten megabytes of log.
fn flood() -> usize {
    let line = "flood ".repeat(100);
    (0..17_000).for_each(|_| log(Level::Warn, &line));
    1
}

fn flood_counters() -> usize {
    (0..20_000).for_each(|number| count(&format!("counter {number}"), 1));
    1
}

/// One line of a megabyte, with line ends in it.
fn long_line() -> usize {
    log(Level::Warn, "long\nline ".repeat(100_000));
    1
}
