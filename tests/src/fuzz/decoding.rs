//! Arbitrary bytes in files of text, csv and JSON lines: each line becomes a row or a dead letter.

use std::path::Path;

use tidemill::record::{BatchTime, Bytes};
use tidemill::source::{Directory, Extent, Format, Opening, Reader, Room, Source};

use super::cases::cases;
use super::dice::Dice;

const CSV: &[u8] = b"id,name,at,ratio,ok\n1,ann,2026-11-20T19:30:01Z,0.5,true\n2,\"a, \"\"b\"\"\nc\",,1e3,false\r\n\n3,,,,\n";
const JSONL: &[u8] = br#"{"id": 1, "name": "ann", "at": "2026-11-20T19:30:01Z", "ratio": 0.5, "ok": true}
{"id": -2, "name": "\ud83c\udf0a\u0000", "other": [1, {"a": null}], "ratio": 1e300}

{"id": null, "at": null, "id": 3}
"#;
const WORDS: [&[u8]; 20] = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b",",
    b"{",
    b"}",
    b"[[[[",
    b"\"id\":",
    b"null",
    b"9223372036854775808",
    b"1e999",
    b"NaN",
    b"\\ud800",
    b"\xc3",
    b"\xf0\x9f\x8c\x8a",
    b"\0",
    b"0000-00-00T00:00:00Z",
    b"+999999-12-31T23:59:60Z",
];
const SCHEMA: &str =
    r#"{ "id": "int64?", "name": "utf8?", "at": "timestamp?", "ratio": "float64?", "ok": "boolean?" }"#;

/// How many rows and dead letters come from a file that holds `bytes`.
fn read(directory: &Directory, bytes: &[u8]) -> (usize, usize) {
    std::fs::write(directory.path.join("file"), bytes).unwrap();
    let opening = Opening {
        name: "files".into(),
        time: BatchTime::from_millis(0),
        extent: Extent::Available,
        position: None,
    };
    let Reader::Replayable(mut reader) = directory.open(&opening).unwrap() else { panic!("it isn't asked") };
    let (mut num_rows, mut num_dead) = (0, 0);
    for split in reader.cut(BatchTime::from_millis(1000), 4, Room::ENDLESS).unwrap() {
        let read = split.read(&mut |block| {
            num_rows += block.rows.num_rows();
            num_dead += block.dead.len();
            Ok(())
        });
        read.unwrap();
    }
    (num_rows, num_dead)
}

fn directory(folder: &Path, format: Format, dice: &mut Dice) -> Directory {
    let mut directory = Directory::new(folder);
    directory.existing = true;
    directory.format = format;
    directory.schema = (format != Format::Text).then(|| serde_json::from_str(SCHEMA).unwrap());
    directory.max_line = Bytes([1, 20, 100, 1 << 20][dice.below(4)]);
    directory
}

fn content(good: &[u8], dice: &mut Dice) -> Vec<u8> {
    match dice.below(8) {
        0 => dice.bytes(300),
        _ => dice.damaged(good, &WORDS),
    }
}

#[test]
fn each_line_of_text_or_json_is_a_row_or_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    cases("lines", 1_500, |dice| {
        let format = [Format::Text, Format::Jsonl][dice.below(2)];
        let bytes = content(JSONL, dice);
        let (num_rows, num_dead) = read(&directory(folder.path(), format, dice), &bytes);
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        lines.pop_if(|last| last.is_empty());
        let counts = |line: &&[u8]| format == Format::Text || !line.trim_ascii().is_empty();
        let num_lines = lines.into_iter().filter(counts).count();
        assert_eq!(num_rows + num_dead, num_lines, "{format:?}: {:?}", String::from_utf8_lossy(&bytes));
    });
}

#[test]
fn csv_has_no_more_records_than_lines() {
    let folder = tempfile::tempdir().unwrap();
    cases("csv", 1_500, |dice| {
        let mut directory = directory(folder.path(), Format::Csv, dice);
        directory.header = dice.below(2) == 0;
        directory.separator = [None, Some(';'), Some('\t')][dice.below(3)];
        let bytes = content(CSV, dice);
        let (num_rows, num_dead) = read(&directory, &bytes);
        let num_lines = bytes.split(|&byte| byte == b'\n').count();
        assert!(num_rows + num_dead <= num_lines, "{:?}", String::from_utf8_lossy(&bytes));
    });
}
