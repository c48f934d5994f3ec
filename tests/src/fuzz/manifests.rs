//! Arbitrary manifests: each is read, or refused with one line.

use std::path::Path;

use tidemill::manifest::{Manifest, check_graph};

use super::cases::cases;

const GOOD: [&str; 2] = [
    include_str!("../../../examples/wordcount/pipeline.toml"),
    include_str!("../../../examples/orders/pipeline.toml"),
];
const WORDS: [&[u8]; 16] = [
    b"\n[",
    b"]\n",
    b"[[",
    b"\"",
    b"'''",
    b" = ",
    b"{",
    b"}",
    b"${",
    b"${HOME}",
    b"\"1ms\"",
    b"-1",
    b"1e400",
    b"limits",
    b"\xff",
    b"99999999999999999999",
];

#[test]
fn a_manifest_is_read_or_refused_with_a_line() {
    cases("manifests", 4_000, |dice| {
        let bytes = match dice.below(8) {
            0 => dice.bytes(200),
            _ => {
                let good = dice.one_of(&GOOD);
                dice.damaged(good.as_bytes(), &WORDS)
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        match Manifest::parse(&text, Path::new("/nowhere")) {
            Ok(manifest) => {
                if let Err(fault) = check_graph(&manifest.pipeline) {
                    one_line(&manifest.explain(&fault), &text);
                }
            }
            Err(error) => one_line(&error.to_string(), &text),
        }
    });
}

fn one_line(message: &str, manifest: &str) {
    assert!(!message.trim().is_empty() && !message.contains('\n'), "{message:?} for\n{manifest}");
}
