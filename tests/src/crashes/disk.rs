//! A disk that is full, or fails: the program ends with what failed, where, and what to do; the next start is right.

use super::victim::Victim;

/// Has the disk fail at the point `point` in the fourth turn. Answers what the program said of it.
fn fail_at(point: &str, how: &str) -> String {
    let case = format!("{point}={how}");
    let mut victim = Victim::new();
    let finished = victim.run(&format!("{point}=3*off->return({how})"));
    assert_eq!(finished.code, Some(1), "{case}:\n{}", finished.stderr);
    let error = finished.error().to_owned();
    victim.survive(&case);
    error
}

#[test]
fn a_full_disk_ends_the_run_says_so_and_the_next_run_is_right() {
    let log = fail_at("log.before", "full");
    assert!(log.starts_with("source `frames` failed: cannot log what was received in "), "{log}");
    let stage = fail_at("stage.within", "full");
    assert!(stage.starts_with("sink `") && stage.contains("/.") && stage.contains("part-0000"), "{stage}");
    let commit = fail_at("commit.before", "full");
    assert!(commit.starts_with("checkpoint ") && commit.contains("cannot write an epoch"), "{commit}");
    let letters = fail_at("letters.before", "full");
    assert!(letters.starts_with("cannot write dead letters to "), "{letters}");
    for error in [log, stage, commit, letters] {
        let what_to_do = "No space left on device (os error 28); make room there, then start again";
        assert!(error.contains(what_to_do), "{error}");
    }
}

#[test]
fn a_sync_that_fails_ends_the_run_says_so_and_the_next_run_is_right() {
    let log = fail_at("log.after", "io");
    assert!(log.starts_with("source `frames` failed: cannot log what was received in "), "{log}");
    let commit = fail_at("commit.after", "io");
    assert!(commit.starts_with("checkpoint ") && commit.contains("cannot write an epoch"), "{commit}");
    let publish = fail_at("publish.within", "io");
    assert!(publish.starts_with("sink `") && publish.contains("cannot sync directory "), "{publish}");
    for error in [log, commit, publish] {
        assert!(error.contains("(os error 5); look at the disk, then start again"), "{error}");
    }
}
