//! New versions beside the one in use: what they do is compared and told, and nothing of it stays.

use tidemill::checkpoint::ShadowReport;
use tidemill::context::swap::{Swapped, Swapper};
use tidemill::plugin::OnDifference;

use super::super::support::renamed_version;
use super::*;

/// Swaps `plugin` for `file` on a thread of its own, after `batches` batches beside what runs.
fn swap_beside(
    swapper: Swapper,
    plugin: &'static str,
    file: PathBuf,
    batches: u32,
) -> std::thread::JoinHandle<Result<Vec<Swapped>, SwapError>> {
    std::thread::spawn(move || {
        swapper.swap_beside(&[(plugin.to_owned(), Code::File(file))], How::Swap, Some(batches))
    })
}

/// Waits until `batches_left` batches are left for the version beside `plugin`.
#[track_caller]
fn wait_beside(swapper: &Swapper, plugin: &str, batches_left: u32) -> ShadowReport {
    wait_until("the version beside", || {
        swapper
            .beside(plugin)
            .filter(|beside| beside.batches_left == batches_left)
            .map(|beside| beside.report)
    })
}

fn counts(report: &ShadowReport) -> [u64; 4] {
    [report.equal, report.changed, report.missing, report.added]
}

#[test]
fn a_version_that_does_the_same_is_in_use_after_so_many_batches_with_rows() {
    let saying = Saying::start();
    let same = saying.files.write("same.wasm", renamed_version("versioned", "one", 0));
    let swapper = saying.running.swapper();
    let swapping = swap_beside(swapper.clone(), "say", same, 2);
    wait_beside(&swapper, "say", 2);
    saying.push(&["a", "b"]);
    let first = wait_beside(&swapper, "say", 1);
    assert_eq!((first.batches, counts(&first)), (1, [2, 0, 0, 0]), "batches without rows don't count");
    assert!(!swapping.is_finished());
    saying.push(&["c"]);
    let swapped = swapping.join().unwrap().unwrap().remove(0);
    let report = swapped.shadow.unwrap();
    assert_eq!((report.batches, counts(&report), report.samples.len()), (2, [3, 0, 0, 0], 0));
    assert!(!report.differs());
    assert_eq!(rows(&saying.kept, 3), ["one a", "one b", "one c"]);
    assert_eq!(swapper.history().pop().unwrap().shadow, Some(report));
}

#[test]
fn rows_that_differ_are_counted_and_shown_and_the_version_is_taken_where_that_is_all_that_is_asked() {
    let saying = Saying::start();
    let swapper = saying.running.swapper();
    let swapping = swap_beside(swapper.clone(), "said", saying.files.version("versioned", "two"), 1);
    wait_beside(&swapper, "say", 1);
    saying.push(&["a", "bad"]);
    let swapped = swapping.join().unwrap().unwrap().remove(0);
    let report = swapped.shadow.unwrap();
    assert_eq!((counts(&report), report.set_aside, report.new_set_aside), ([0, 1, 0, 0], 1, 1));
    assert_eq!(report.samples[0].to_string(), r#"said: {"said":"two a"} rather than {"said":"one a"}"#);
    saying.push(&["b"]);
    assert_eq!(rows(&saying.kept, 2), ["one a", "two b"]);
}

#[test]
fn a_difference_refuses_the_version_where_the_plugin_says_so() {
    let (files, queue, kept) = (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let mut context = context();
    let spec = PluginSpec::new(files.version("versioned", "one"));
    let say = context.plugin("say", PluginSpec { shadow: 1, on_difference: OnDifference::Refuse, ..spec });
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &say);
    context.sink("kept", &said, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let (swapper, two) = (running.swapper(), files.version("versioned", "two"));
    let swapping = std::thread::spawn({
        let swapper = swapper.clone();
        move || swapper.swap("say", two)
    });
    wait_beside(&swapper, "say", 1);
    queue.push(lines(&["a"])).unwrap();
    let error = swapping.join().unwrap().unwrap_err();
    assert!(matches!(&error, SwapError::Different { report, .. } if report.changed == 1), "{error}");
    assert!(error.to_string().contains("changed 1, missing 0, added 0; said: "), "{error}");
    queue.push(lines(&["b"])).unwrap();
    assert_eq!(rows(&kept, 2), ["one a", "one b"]);
    assert_eq!(running.swapper().beside("say").unwrap().report.changed, 1, "the status goes on to tell");
}

#[test]
fn a_version_that_fails_beside_hurts_no_batch_and_is_refused() {
    let saying = Saying::start();
    let swapper = saying.running.swapper();
    let swapping = swap_beside(swapper.clone(), "say", saying.files.version("versioned", "trap"), 3);
    wait_beside(&swapper, "say", 3);
    saying.push(&["a", "b"]);
    let error = swapping.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("2 rows rather than 0") && error.contains("this version always fails"), "{error}");
    saying.push(&["c"]);
    assert_eq!(rows(&saying.kept, 3), ["one a", "one b", "one c"]);
}

#[test]
fn states_are_compared_from_what_the_version_in_use_left_and_stay_its_own() {
    let (files, queue, kept, all) =
        (Files::new(), Queue::new(pairs(&[]).schema(), Take::One), Kept::default(), Kept::default());
    let mut context = context();
    let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
    let source = context.queue_stream("pairs", &queue);
    let told = context.map_with_state("totals", &source, &["key"], &total, None);
    let window = WindowSpec::of(Duration::from_secs(1000));
    let totals = context.count_by_window("all", &told, window);
    context.sink("kept", &told, kept.clone());
    context.sink("all", &totals, all.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let swapper = running.swapper();
    queue.push(pairs(&[("a", 1), ("b", 2)])).unwrap();
    assert_eq!(rows(&kept, 2).len(), 2);
    let swapping = swap_beside(swapper.clone(), "total", files.version("versioned_total", "greedy"), 2);
    wait_beside(&swapper, "total", 2);
    queue.push(pairs(&[("b", 1), ("a", 1)])).unwrap();
    wait_beside(&swapper, "total", 1);
    queue.push(pairs(&[("a", 1)])).unwrap();
    let report = swapping.join().unwrap().unwrap().remove(0).shadow.unwrap();
    assert_eq!(counts(&report), [0, 3, 0, 0]);
    let last = report.samples.last().unwrap().to_string();
    assert_eq!(
        last,
        r#"totals: {"key":"a","total":1003,"version":"greedy"} rather than {"key":"a","total":3,"version":"one"}"#,
        "it begins each batch with the states of the other"
    );
    queue.push(pairs(&[("a", 1)])).unwrap();
    let told = rows(&kept, 6);
    assert_eq!(told[4..], ["(a, 3, one)", "(a, 1004, greedy)"]);
    wait_until("all rows, each once", || (all.batches().last()?.1 == ["6"]).then_some(()));
}

#[test]
fn a_version_that_keeps_other_states_cannot_run_beside() {
    let (files, queue) = (Files::new(), Queue::new(pairs(&[]).schema(), Take::One));
    let mut context = context();
    let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
    let source = context.queue_stream("pairs", &queue);
    let told = context.map_with_state("totals", &source, &["key"], &total, None);
    context.discard("nowhere", &told);
    let running = context.start(&RunOptions::default()).unwrap();
    let swapping = swap_beside(running.swapper(), "total", files.version("versioned_stats", "two"), 2);
    let error = swapping.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("it keeps other states") && error.contains("--shadow 0"), "{error}");
    running.swap("total", files.version("versioned_stats", "two")).unwrap();
}

#[test]
fn a_version_beside_makes_way_for_the_next_change_and_for_the_end() {
    let saying = Saying::start();
    let swapper = saying.running.swapper();
    let first = swap_beside(swapper.clone(), "say", saying.files.version("versioned", "two"), 5);
    wait_beside(&swapper, "say", 5);
    saying.running.swap("say", saying.files.version("versioned", "three")).unwrap();
    assert!(matches!(first.join().unwrap(), Err(SwapError::Superseded(_))));
    saying.push(&["a"]);
    assert_eq!(rows(&saying.kept, 1), ["three a"]);
    let last = swap_beside(swapper.clone(), "say", saying.files.version("versioned", "two"), 5);
    wait_beside(&swapper, "say", 5);
    saying.running.stop(StopMode::Graceful);
    saying.running.await_termination().unwrap();
    assert!(matches!(last.join().unwrap(), Err(SwapError::Ended)));
}
