use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::dead_letters::{Found, Letters, Replayed};
use crate::record::{Bytes, DeadLetterKind, PluginId};

fn at(millis: i64) -> BatchTime {
    BatchTime::from_millis(millis)
}

fn letter(n: usize) -> DeadLetter {
    DeadLetter {
        origin: "checked".to_owned(),
        kind: DeadLetterKind::Reject,
        reason: format!("the amount is -{n}"),
        position: None,
        plugin: Some(PluginId { name: "check".to_owned(), digest: "00ff".to_owned() }),
        input: None,
        row: json!({ "id": n }),
    }
}

fn files(dir: &TempDir) -> LetterFiles {
    LetterFiles::new(dir.path().join("dead"))
}

fn write(options: &LetterFiles, time: i64, letters: &[DeadLetter]) {
    LetterWriter::open(options, "p").unwrap().write(at(time), letters).unwrap();
}

fn read(directory: &Path) -> Vec<Found> {
    Letters::open(directory, Some("p")).unwrap().map(Result::unwrap).collect()
}

fn rows(directory: &Path) -> Vec<String> {
    read(directory).iter().map(|found| found.letter.row.get().to_owned()).collect()
}

fn names(options: &LetterFiles) -> Vec<String> {
    list(&options.path, None).unwrap().iter().map(LetterFile::name).collect()
}

#[test]
fn what_is_written_is_read_and_a_later_run_adds_to_it() {
    let dir = TempDir::new().unwrap();
    let options = files(&dir);
    write(
        &options,
        1000,
        &[letter(1), DeadLetter::line("lines", Some("a:1".to_owned()), b"\xff", "no text")],
    );
    write(&options, 2000, &[]);
    write(&options, 3000, &[letter(3)]);
    assert_eq!(names(&options), ["p.1000.jsonl"]);
    let found = read(&options.path);
    let places: Vec<_> = found.iter().map(|found| (found.file, found.line, found.replayed)).collect();
    assert_eq!(places, [(1000, 1, false), (1000, 2, false), (1000, 3, false)]);
    let first = &found[0].letter;
    assert_eq!(
        (first.pipeline.as_str(), first.batch_time, first.origin.as_str()),
        ("p", at(1000), "checked")
    );
    assert_eq!((first.kind, first.reason.as_str()), (DeadLetterKind::Reject, "the amount is -1"));
    assert_eq!((&first.position, &first.plugin), (&None, &letter(1).plugin));
    let second = &found[1].letter;
    assert_eq!((second.kind, second.position.as_deref()), (DeadLetterKind::Undecodable, Some("a:1")));
    assert_eq!(rows(&options.path), [r#"{"id":1}"#, "{\"line\":\"\u{fffd}\"}", r#"{"id":3}"#]);
}

#[test]
fn files_stay_below_their_limit_and_sort_by_time_and_all_are_kept() {
    let dir = TempDir::new().unwrap();
    let options = LetterFiles { max_file: Bytes(1024), ..files(&dir) };
    let all: Vec<DeadLetter> = (0..30).map(letter).collect();
    let mut writer = LetterWriter::open(&options, "p").unwrap();
    writer.write(at(1000), &all[..20]).unwrap();
    writer.write(at(2000), &all[20..]).unwrap();
    drop(writer);
    let names = names(&options);
    assert!(names.len() > 3, "{names:?}");
    assert_eq!(&names[..2], ["p.1000.jsonl", "p.1001.jsonl"]);
    assert!(names.contains(&"p.2000.jsonl".to_owned()), "{names:?}");
    for name in &names {
        let len = options.path.join(name).metadata().unwrap().len();
        assert!((1..=1024).contains(&len), "{name} has {len} bytes");
    }
    let expected: Vec<String> = (0..30).map(|n| format!("{{\"id\":{n}}}")).collect();
    assert_eq!(rows(&options.path), expected);
}

#[test]
fn a_letter_larger_than_a_file_has_one_to_itself() {
    let dir = TempDir::new().unwrap();
    let options = LetterFiles { max_file: Bytes(1024), ..files(&dir) };
    let large = DeadLetter { row: json!({ "text": "x".repeat(5000) }), ..letter(1) };
    write(&options, 1000, &[letter(0), large, letter(2)]);
    assert_eq!(names(&options).len(), 3);
    assert_eq!(rows(&options.path).len(), 3);
}

#[test]
fn old_files_are_deleted_only_where_that_is_asked_for() {
    let dir = TempDir::new().unwrap();
    let keep = std::num::NonZeroUsize::new(2);
    let options = LetterFiles { max_file: Bytes(1024), keep, ..files(&dir) };
    let all: Vec<DeadLetter> = (0..30).map(letter).collect();
    write(&options, 1000, &all);
    assert_eq!(names(&options).len(), 2);
    assert_eq!(rows(&options.path).last().map(String::as_str), Some(r#"{"id":29}"#));
}

#[test]
fn a_clock_that_goes_back_does_not_put_files_out_of_order() {
    let dir = TempDir::new().unwrap();
    let options = LetterFiles { max_file: Bytes(1024), ..files(&dir) };
    let large = DeadLetter { row: json!({ "text": "x".repeat(1000) }), ..letter(1) };
    write(&options, 5000, &[large]);
    write(&options, 3000, &[letter(2)]);
    assert_eq!(names(&options), ["p.5000.jsonl", "p.5001.jsonl"]);
}

#[test]
fn what_a_crash_left_of_a_line_is_cut_off_before_anything_is_added() {
    let dir = TempDir::new().unwrap();
    let options = files(&dir);
    write(&options, 1000, &[letter(1), letter(2)]);
    let path = options.path.join("p.1000.jsonl");
    let whole = fs::read(&path).unwrap();
    let first = memchr::memchr(b'\n', &whole).unwrap() + 1;
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let left: &[&str] = if len < first { &[] } else { &[r#"{"id":1}"#] };
        assert_eq!(rows(&options.path), left, "before it is mended");
        write(&options, 2000, &[letter(3)]);
        assert_eq!(rows(&options.path), [left, &[r#"{"id":3}"#]].concat());
    }
}

#[test]
fn a_torn_line_longer_than_a_read_is_cut_off_too() {
    let dir = TempDir::new().unwrap();
    let options = files(&dir);
    write(&options, 1000, &[letter(1)]);
    let path = options.path.join("p.1000.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(vec![b'x'; 200_000]);
    fs::write(&path, bytes).unwrap();
    write(&options, 2000, &[letter(2)]);
    assert_eq!(rows(&options.path), [r#"{"id":1}"#, r#"{"id":2}"#]);
}

#[test]
fn two_writers_have_a_file_each() {
    let dir = TempDir::new().unwrap();
    let options = files(&dir);
    let mut first = LetterWriter::open(&options, "p").unwrap();
    first.write(at(1000), &[letter(1)]).unwrap();
    let mut second = LetterWriter::open(&options, "p").unwrap();
    second.write(at(1000), &[letter(2)]).unwrap();
    first.write(at(2000), &[letter(3)]).unwrap();
    assert_eq!(names(&options), ["p.1000.jsonl", "p.1001.jsonl"]);
    assert_eq!(rows(&options.path), [r#"{"id":1}"#, r#"{"id":3}"#, r#"{"id":2}"#]);
}

#[test]
fn letters_marked_as_replayed_stay_so() {
    let dir = TempDir::new().unwrap();
    let options = LetterFiles { max_file: Bytes(1024), ..files(&dir) };
    write(&options, 1000, &(0..12).map(letter).collect::<Vec<_>>());
    let places: Vec<(i64, u64)> = read(&options.path).iter().map(|found| (found.file, found.line)).collect();
    let mut replayed = Replayed::open(&options.path, "p").unwrap();
    let again = Replayed::open(&options.path, "p").unwrap_err().to_string();
    assert!(again.contains("another replay") && again.contains("p.replayed"), "{again}");
    replayed.mark(&places[4..]).unwrap();
    replayed.mark(&[places[0], places[2]]).unwrap();
    replayed.mark(&places[8..10]).unwrap();
    let left = || -> Vec<String> {
        let found = read(&options.path).into_iter().filter(|found| !found.replayed);
        found.map(|found| found.letter.row.get().to_owned()).collect()
    };
    assert_eq!(left(), [r#"{"id":1}"#, r#"{"id":3}"#]);
    // A mark that a crash cut short says nothing, and what comes after it counts.
    let path = options.path.join("p.replayed");
    let torn = [fs::read(&path).unwrap(), b"1000 2-4".to_vec()].concat();
    fs::write(&path, torn).unwrap();
    assert_eq!(left(), [r#"{"id":1}"#, r#"{"id":3}"#]);
    drop(replayed);
    Replayed::open(&options.path, "p").unwrap().mark(&[places[1]]).unwrap();
    assert_eq!(left(), [r#"{"id":3}"#]);
}

#[test]
fn names_of_other_pipelines_and_files_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let options = files(&dir);
    write(&options, 1000, &[letter(1)]);
    LetterWriter::open(&options, "p-2").unwrap().write(at(1000), &[letter(2)]).unwrap();
    for name in ["p.jsonl", "p.x.jsonl", "p.1.txt", "q"] {
        fs::write(options.path.join(name), "{}\n").unwrap();
    }
    assert_eq!(rows(&options.path), [r#"{"id":1}"#]);
    assert_eq!(Letters::open(&options.path, None).unwrap().count(), 2);
}

#[test]
fn options_that_can_not_be_used_are_told() {
    let dir = TempDir::new().unwrap();
    let small = LetterFiles { max_file: Bytes(1), ..files(&dir) };
    assert_eq!(small.check().unwrap_err().to_string(), "`max_file` must be at least 1.0 KiB");
    fs::write(dir.path().join("dead"), "a file").unwrap();
    let error = files(&dir).check().unwrap_err().to_string();
    assert!(error.starts_with("cannot write to directory ") && error.contains("dead"), "{error}");
}

#[test]
fn what_a_killed_run_wrote_of_a_batch_is_completed_and_not_repeated() {
    let dir = TempDir::new().unwrap();
    let options = LetterFiles { max_file: Bytes(1 << 10), ..files(&dir) };
    let letters: Vec<DeadLetter> = (0..12).map(letter).collect();
    let expected: Vec<String> = (100..103).chain(0..12).map(|n| json!({ "id": n }).to_string()).collect();
    let others: Vec<DeadLetter> = (100..103).map(letter).collect();
    let lines = LetterWriter::open(&options, "p").unwrap().lines(at(2000), &letters).unwrap();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &lines).map(|end| end + 1).collect();
    for len in [0, 10, ends[0], ends[0] + 5, ends[7], lines.len() - 1, lines.len()] {
        write(&options, 1000, &others);
        let mut killed = LetterWriter::open(&options, "p").unwrap();
        killed.write_lines(at(2000), &lines[..len]).unwrap();
        drop(killed);
        LetterWriter::open(&options, "p").unwrap().complete(at(2000), &lines).unwrap();
        assert_eq!(rows(&options.path), expected, "killed after {len} bytes");
        fs::remove_dir_all(&options.path).unwrap();
    }
}
