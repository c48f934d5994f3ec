//! New versions that do worse on their first rows: the batch is what the version before makes of it, and so is all
//! that streams keep.

use tidemill::plugin::LimitsSpec;
use tidemill::record::{Bytes, Period};

use super::super::hostile::assemble;
use super::*;

#[test]
fn a_version_that_fails_on_its_first_rows_is_rolled_back_and_quarantined() {
    let saying = Saying::start();
    let trap = saying.files.version("versioned", "trap");
    // Nothing comes, so nothing fails yet.
    let swapped = saying.running.swap("say", &trap).unwrap();
    assert!(saying.running.swapper().in_use()["say"].is_on_trial);
    saying.push(&["a", "b"]);
    assert_eq!(rows(&saying.kept, 2), ["one a", "one b"], "the batch ran again on the old version");
    let in_use = saying.running.swapper().in_use();
    assert_eq!((&in_use["say"].digest, in_use["say"].is_on_trial), (&swapped.from, false));
    let quarantined = saying.running.swapper().quarantined("say").unwrap();
    assert_eq!(quarantined.digest, swapped.to);
    assert!(quarantined.reason.contains("this version always fails"), "{}", quarantined.reason);

    let error = saying.running.swap("say", &trap).unwrap_err();
    assert!(matches!(error, SwapError::Quarantined { .. }), "{error}");
    saying.running.swap("say", saying.files.version("versioned", "two")).unwrap();
    saying.push(&["c"]);
    assert_eq!(rows(&saying.kept, 3)[2], "two c");
    assert!(
        saying.running.swap("say", &trap).is_ok(),
        "it may be tried again once another version took its place"
    );
}

#[test]
fn a_version_that_refuses_more_rows_is_rolled_back() {
    let saying = Saying::start();
    saying.running.swap("say", saying.files.version("versioned", "refuse")).unwrap();
    saying.push(&["a", "b"]);
    assert_eq!(rows(&saying.kept, 2), ["one a", "one b"]);
    let quarantined = saying.running.swapper().quarantined("say").unwrap();
    assert!(quarantined.reason.contains("refuses 2 of 2 rows"), "{}", quarantined.reason);
}

/// Swaps a plugin that takes every line for `file`, gives that `line`, and answers why it was rolled back.
fn reason(file: impl Fn(&Files) -> PathBuf, line: &str) -> String {
    let (files, queue, kept) = (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let limits =
        LimitsSpec { memory: Some(Bytes::mib(16)), time: Some(Period::millis(900)), ..LimitsSpec::default() };
    let mut context = context();
    let spec = PluginSpec { limits, ..PluginSpec::new(files.version("versioned", "one")) };
    let say = context.plugin("say", spec);
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &say);
    let counts = context.count("counts", &said);
    context.sink("kept", &counts, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let (swapper, file) = (running.swapper(), file(&files));
    let swapped = swapper.swap("say", &file).unwrap();
    queue.push(lines(&["a", line, "b"])).unwrap();
    wait_until("all rows", || kept.batches().iter().any(|(_, rows)| rows == &["3"]).then_some(()));
    let bad = wait_until("the rollback", || swapper.quarantined("say"));
    assert_eq!((&bad.digest, &swapper.in_use()["say"].digest), (&swapped.to, &swapped.from));
    let last = wait_until("the history", || swapper.history().pop().filter(|last| last.how == How::Failed));
    assert_eq!(last.reason.as_ref(), Some(&bad.reason));
    let again = swapper.swap("say", &file).unwrap_err();
    assert!(matches!(again, SwapError::Quarantined { reason, .. } if reason == bad.reason));
    bad.reason
}

#[test]
fn whatever_a_new_version_fails_of_it_is_rolled_back_and_the_reason_is_kept() {
    let misbehaves = |line: &str| reason(|_| plugin("misbehave"), line);
    for (line, says) in [
        ("panic", "asked to by a line"),
        ("spin", "the call took longer than 900ms"),
        ("hoard", "it wants more memory than 16.0 MiB"),
        ("fail", "asked to by a line"),
    ] {
        let reason = misbehaves(line);
        assert!(reason.contains(" of 3 rows that the version before takes: "), "{reason}");
        assert!(reason.contains(says), "{line}: {reason}");
    }
    // It answers a row more than it was given.
    let good = include_str!("../../../plugins/hostile/wat/good.wat");
    let liar = good.replace("(local.get $rows))", "(i32.add (local.get $rows) (i32.const 1)))");
    assert_ne!(liar, good);
    let reason = reason(|files| files.write("liar.wasm", assemble(&liar)), "c");
    assert!(reason.contains("its answer is invalid: it tells no origins"), "{reason}");
}

#[test]
fn rows_that_no_version_takes_are_not_held_against_the_new_one() {
    let saying = Saying::start();
    saying.running.swap("say", saying.files.version("versioned", "two")).unwrap();
    saying.push(&["bad", "a"]);
    assert_eq!(rows(&saying.kept, 1), ["one a"], "both were tried on it");
    saying.push(&["bad", "b"]);
    assert_eq!(rows(&saying.kept, 2)[1], "two b");
    assert_eq!(saying.running.swapper().quarantined("say"), None);
}

#[test]
fn what_a_version_did_to_the_state_before_it_failed_is_undone() {
    let files = Files::new();
    let (queue, kept) = (Queue::new(pairs(&[]).schema(), Take::One), Kept::default());
    let mut context = context();
    let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
    let source = context.queue_stream("pairs", &queue);
    let told = context.map_with_state("totals", &source, &["key"], &total, None);
    context.sink("kept", &told, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    queue.push(pairs(&[("a", 1), ("b", 2), ("poison", 3)])).unwrap();
    assert_eq!(rows(&kept, 3).len(), 3);
    running.swap("total", files.version("versioned_total", "greedy")).unwrap();
    queue.push(pairs(&[("a", 1), ("b", 1), ("poison", 1)])).unwrap();
    let mut second = rows(&kept, 6).split_off(3);
    second.sort();
    assert_eq!(second, ["(a, 2, one)", "(b, 3, one)", "(poison, 4, one)"]);
    queue.push(pairs(&[("a", 1)])).unwrap();
    assert_eq!(rows(&kept, 7)[6], "(a, 3, one)");
}

#[test]
fn of_two_plugins_swapped_at_once_both_go_back_where_one_fails() {
    let files = Files::new();
    let (queue, kept) = (Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let mut context = context();
    let first = context.plugin("first", PluginSpec::new(files.version("versioned", "one")));
    let second = context.plugin("second", PluginSpec::new(plugin("split_words")));
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &first);
    let words = context.transform("words", &source, &second);
    context.sink("kept", &said, kept.clone());
    context.discard("nowhere", &words);
    let running = context.start(&RunOptions::default()).unwrap();
    let before = running.swapper().in_use();
    let both = [
        ("first".to_owned(), Code::File(files.version("versioned", "trap"))),
        ("second".to_owned(), Code::Bytes(renamed("split_words", 0))),
    ];
    running.swapper().swap_all(&both, How::Swap).unwrap();
    queue.push(lines(&["a"])).unwrap();
    assert_eq!(rows(&kept, 1), ["one a"]);
    let digests = |of: &str| (running.swapper().in_use()[of].digest.clone(), before[of].digest.clone());
    for plugin in ["first", "second"] {
        let (now, then) = digests(plugin);
        assert_eq!(now, then, "{plugin}");
    }
}
