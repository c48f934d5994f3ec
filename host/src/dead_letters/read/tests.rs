use tempfile::TempDir;

use super::*;
use crate::dead_letters::summarize;

const FIRST: &str = r#"{"pipeline":"p","batch_time":"2026-11-20T21:53:53Z","origin":"a","kind":"trap","reason":"x","plugin":{"name":"q","digest":"00"},"row":{}}"#;

fn open(lines: &[&str]) -> (TempDir, Letters) {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("p.1.jsonl"), lines.concat()).unwrap();
    let letters = Letters::open(dir.path(), None).unwrap();
    (dir, letters)
}

#[test]
fn lines_that_are_no_letters_are_counted_and_keep_their_numbers() {
    let (_dir, mut letters) = open(&[
        "{}\n",
        FIRST,
        "\n\n",
        "\u{fffd}\n",
        FIRST,
        "\n",
        &FIRST.replace("trap", "trip"),
        "\n",
        FIRST,
    ]);
    let lines: Vec<u64> = letters.by_ref().map(|found| found.unwrap().line).collect();
    assert_eq!(lines, [2, 5]);
    assert_eq!(letters.num_broken(), 4);
}

#[test]
fn what_is_added_while_they_are_read_is_not_read() {
    let (dir, mut letters) = open(&[FIRST, "\n"]);
    let mut file = std::fs::OpenOptions::new().append(true).open(dir.path().join("p.1.jsonl")).unwrap();
    std::io::Write::write_all(&mut file, format!("{FIRST}\n").as_bytes()).unwrap();
    assert_eq!(letters.by_ref().count(), 1);
}

#[test]
fn groups_have_their_counts_their_times_and_their_most_frequent_reason() {
    let other = FIRST.replace(":53Z", ":50Z").replace("\"x\"", "\"y\"");
    let later = FIRST.replace(":53Z", ":59Z").replace("\"x\"", "\"y\"");
    let reject = FIRST.replace("trap", "reject");
    let (_dir, mut letters) = open(&[FIRST, "\n", &other, "\n", &reject, "\n", &later, "\n"]);
    let groups = summarize(&mut letters).unwrap();
    assert_eq!(groups.len(), 2);
    let trap = &groups[0];
    assert_eq!((trap.num_letters, trap.num_replayed, trap.reason.as_str()), (3, 0, "y"));
    assert_eq!(
        (trap.first.to_string(), trap.last.to_string()),
        ("2026-11-20T21:53:50Z".to_owned(), "2026-11-20T21:53:59Z".to_owned())
    );
    assert_eq!((groups[1].kind.name(), groups[1].reason.as_str()), ("reject", "x"));
}
