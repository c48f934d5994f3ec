use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::format::{Encoding, Format};
use super::super::split::{FileSplit, cut};
use super::super::testing::{Collected, encoding};
use super::super::{Block, Split};
use super::*;
use crate::record::BatchTime;

fn found(dir: &TempDir, name: &str, bytes: &[u8]) -> Found {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let modified = BatchTime::from_millis(0).into();
    Found { modified, name: name.into(), path, num_bytes: bytes.len() as u64 }
}

/// Reads the next pieces.
fn read(backlog: &mut Backlog, room: u64, encoding: &Encoding) -> Vec<Block> {
    let borders = if encoding.format == Format::Csv { Borders::Files } else { Borders::Lines };
    let pieces = backlog.take(room, borders).unwrap();
    let mut blocks = Vec::new();
    for pieces in cut(&pieces, 4, borders).unwrap() {
        let split: Arc<dyn Split> =
            Arc::new(FileSplit { pieces, encoding: encoding.clone(), origin: "source".to_owned() });
        let mut keep = |block| {
            blocks.push(block);
            Ok(())
        };
        split.read(&mut keep).unwrap();
        // A batch may run again.
        let num_blocks = blocks.len();
        split.read(&mut |_| Ok(())).unwrap();
        assert_eq!(blocks.len(), num_blocks);
    }
    blocks
}

/// All rows, and what was set aside, read with so much room a batch and restarts in between.
fn read_all(files: Vec<Found>, room: u64, encoding: &Encoding, folder: &Path) -> Collected {
    let mut backlog = Backlog::default();
    backlog.add(files);
    let mut blocks = Vec::new();
    while !backlog.is_empty() {
        let before = backlog.unread();
        blocks.extend(read(&mut backlog, room, encoding));
        assert_ne!(backlog.unread(), before, "it goes on");
        let unread = serde_json::to_string(&backlog.unread()).unwrap();
        backlog = Backlog::default();
        backlog.resume(folder, serde_json::from_str(&unread).unwrap());
    }
    Collected { blocks }
}

const CSV: &str = r#"{ "id": "int64", "name": "utf8" }"#;

proptest! {
    #[test]
    fn whatever_room_there_is_every_record_is_read_once(
        pieces in prop::collection::vec(prop::sample::select(vec![
            b"\n".as_slice(), b"\r\n", b"1,a\n", b"2,\"b\nc\"\n", b"\"", b"3,\"d \"\"e\"\"\"\n", b",", b"\xff", b"4,f\r\n",
        ]), 0..60),
        room in 1_u64..200,
    ) {
        let bytes = [b"id,name\n".as_slice(), &pieces.concat()].concat();
        for (format, schema) in [(Format::Text, None), (Format::Csv, Some(CSV)), (Format::Jsonl, Some(CSV))] {
            let dir = TempDir::new().unwrap();
            let files = || vec![found(&dir, "a", &bytes), found(&dir, "b", b""), found(&dir, "c", &bytes)];
            let mut encoding = encoding(format, schema, 40);
            encoding.header = format == Format::Csv;
            let whole = read_all(files(), u64::MAX, &encoding, dir.path());
            let parts = read_all(files(), room, &encoding, dir.path());
            prop_assert_eq!(parts.rows(), whole.rows());
            let texts = |of: &Collected| of.refused().into_iter().map(|(_, why, text)| (why, text)).collect::<Vec<_>>();
            prop_assert_eq!(texts(&parts), texts(&whole));
        }
    }
}

#[test]
fn a_batch_takes_about_as_much_as_there_is_room_for() {
    let dir = TempDir::new().unwrap();
    let text: String = (0..1_000_000).map(|i| format!("{i:>9}\n")).collect();
    let csv = format!("id,name\n{}", (0..500_000).map(|i| format!("{i:>9},\"a\nb\"\n")).collect::<String>());
    let mut with_header = encoding(Format::Csv, Some(CSV), 99);
    with_header.header = true;
    for (bytes, encoding, row) in [(&text, encoding(Format::Text, None, 99), 10), (&csv, with_header, 16)] {
        let mut backlog = Backlog::default();
        backlog.add(vec![found(&dir, "a", bytes.as_bytes())]);
        let mut num_rows = Vec::new();
        while !backlog.is_empty() {
            let blocks = read(&mut backlog, 2_000_000, &encoding);
            num_rows.push(blocks.iter().map(|block| block.rows.num_rows()).sum::<usize>());
        }
        let (last, others) = num_rows.split_last().unwrap();
        let expected = 2_000_000 / row;
        assert!(others.iter().all(|rows| rows.abs_diff(expected) < expected / 20), "{num_rows:?}");
        assert_eq!(last + others.iter().sum::<usize>(), if row == 10 { 1_000_000 } else { 500_000 });
    }
}

#[test]
fn what_there_is_no_room_for_waits_and_a_file_that_is_gone_is_passed_over() {
    let dir = TempDir::new().unwrap();
    let mut backlog = Backlog::default();
    backlog.add(vec![found(&dir, "a", b"1\n"), found(&dir, "b", b"2\n"), found(&dir, "c", b"3\n")]);
    let text = encoding(Format::Text, None, 99);
    assert!(read(&mut backlog, 0, &text).is_empty());
    std::fs::remove_file(dir.path().join("b")).unwrap();
    let rows = read(&mut backlog, u64::MAX, &text).iter().map(|block| block.rows.num_rows()).sum::<usize>();
    assert_eq!((rows, backlog.is_empty()), (2, true));
}

#[test]
fn how_many_bytes_a_record_had_is_known_once_it_was_read() {
    let dir = TempDir::new().unwrap();
    let text = "1,one\n".repeat(100);
    let mut backlog = Backlog::default();
    backlog.add(vec![found(&dir, "a", text.as_bytes())]);
    let pieces = backlog.take(1, Borders::Files).unwrap();
    let pieces = cut(&pieces, 4, Borders::Files).unwrap().remove(0);
    let split =
        FileSplit { pieces, encoding: encoding(Format::Csv, Some(CSV), 99), origin: "source".to_owned() };
    assert_eq!(split.num_bytes(), Some(1));
    let mut num_rows = 0;
    split
        .read(&mut |block| {
            num_rows += block.rows.num_rows() as u64;
            Ok(())
        })
        .unwrap();
    assert!(num_rows > 0);
    assert_eq!(split.num_bytes(), Some(6 * num_rows));
}
