//! New versions that do worse on their first rows: the batch is what the version before makes of it, and so is all
//! that streams keep.

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
