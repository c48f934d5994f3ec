//! Passes lines on, and does what a plugin should not where a line asks for it.
//!
//! `panic` panics, `spin` never returns, `hoard` takes memory without end. Every other line goes through as it
//! is, so that a test sees what becomes of the rows around a bad one.

#![allow(clippy::panic, reason = "this is what it is for")]

use tidemill_plugin::{Row, map};

/// A line that was passed on.
#[derive(Row)]
pub struct Line<'a> {
    line: &'a str,
}

/// Does what `line` says.
#[map]
pub fn misbehave(line: &str) -> Line<'_> {
    match line {
        "panic" => panic!("asked to by a line"),
        "spin" => spin(),
        "hoard" => hoard(),
        _ => Line { line },
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
        std::hint::black_box(&hoard);
    }
}
