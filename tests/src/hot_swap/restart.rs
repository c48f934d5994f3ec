//! Restarts: the version that ran runs again, whatever became of its file, and can be taken back.

use tidemill::context::StreamingContext;
use tidemill::manifest::Pipeline;
use tidemill::plugin::PluginFile;
use tidemill::record::Interval;

use super::super::support::{CHECKPOINT, CONTROL, Finished, Lines, Program, Project, saying, says, version};
use super::*;

fn manifest() -> String {
    saying(CHECKPOINT, "")
}

fn watched_manifest() -> String {
    saying(CHECKPOINT, "watch = true")
}

/// Runs `project` on one line.
#[track_caller]
fn say(project: &Project, line: &str, options: &[&str]) -> Finished {
    let mut program = project.start(options);
    program.write(format!("{line}\n"));
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

#[test]
fn a_restart_comes_back_on_the_version_that_ran() {
    let project = Project::new(&manifest());
    project.write("say.wasm", version("versioned", "one"));
    assert!(say(&project, "a", &[]).stdout.contains("one a"));

    project.write("say.wasm", version("versioned", "two"));
    let second = say(&project, "b", &[]);
    assert!(second.stdout.contains("one b"), "{}", second.stdout);
    assert_eq!(second.num_logged("which ran last"), 1, "{}", second.stderr);

    let third = say(&project, "c", &["--new-plugins"]);
    assert!(third.stdout.contains("two c"), "{}", third.stdout);
    assert_eq!(third.num_logged("which ran last"), 0, "{}", third.stderr);

    project.write("say.wasm", "no plugin at all");
    assert!(say(&project, "d", &[]).stdout.contains("two d"));
    std::fs::remove_file(project.path("say.wasm")).unwrap();
    let fifth = say(&project, "e", &[]);
    assert!(fifth.stdout.contains("two e"), "{}", fifth.stdout);
    assert!(fifth.stderr.contains("cannot read"), "{}", fifth.stderr);
}

#[test]
fn a_watched_file_that_changed_while_nothing_ran_is_swapped_in() {
    let project = Project::new(&watched_manifest());
    project.write("say.wasm", version("versioned", "one"));
    say(&project, "a", &[]);
    project.write("say.wasm", version("versioned", "two"));
    let mut program = project.start(&[]);
    program.wait_for_log("swapped plugin=say", 1);
    program.write("b\n");
    assert!(program.finish().stdout.contains("two b"));
}

#[test]
fn a_watched_file_that_was_replaced_by_hand_is_not_swapped_in_again_by_a_restart() {
    // A second plugin, whose file is looked at after that of the first.
    let more = "[plugins.more]\npath = \"more.wasm\"\nwatch = true\n[streams.more_said]\nop = \"transform\"\n\
                from = \"lines\"\nplugin = \"more\"\n[sinks.nowhere]\nkind = \"discard\"\nfrom = \"more_said\"\n";
    let project = Project::new(&(saying(CONTROL, "watch = true") + more));
    for (file, name) in [("say", "one"), ("more", "one"), ("two", "two")] {
        project.write(&format!("{file}.wasm"), version("versioned", name));
    }
    let program = project.start(&[]);
    program.wait_for_log("listening for control", 1);
    let (checkpoint, swap) =
        (project.path("checkpoint"), format!("say={}", project.path("two.wasm").display()));
    let swapped = Program::start(&["swap", &swap, "--checkpoint", checkpoint.to_str().unwrap()]).finish();
    assert_eq!(swapped.code, Some(0), "{}", swapped.stderr);
    assert_eq!(program.finish().code, Some(0));

    project.write("more.wasm", version("versioned", "two"));
    let mut program = project.start(&[]);
    program.wait_for_log("swapped plugin=more", 1);
    says(&mut program, "two", "a");
    project.move_in("say.wasm", version("versioned", "three"));
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "three", "b");
    let finished = program.finish();
    assert_eq!(finished.num_logged("swapped plugin=say"), 1, "{}", finished.stderr);
}

#[test]
fn what_was_kept_and_is_damaged_is_not_run() {
    let project = Project::new(&manifest());
    project.write("say.wasm", version("versioned", "one"));
    say(&project, "a", &[]);
    for entry in std::fs::read_dir(project.path("checkpoint/plugins")).unwrap() {
        std::fs::write(entry.unwrap().path(), version("versioned", "false")).unwrap();
    }
    project.write("say.wasm", version("versioned", "two"));
    let second = say(&project, "b", &[]);
    assert!(second.stdout.contains("two b"), "{}", second.stdout);
    assert!(second.stderr.contains("isn't what its name says"), "{}", second.stderr);
}

#[test]
fn a_pinned_file_is_what_runs() {
    let project = Project::new(&manifest());
    project.write("say.wasm", version("versioned", "one"));
    say(&project, "a", &[]);
    let two = version("versioned", "two");
    let digest = PluginFile::from_bytes(two.clone()).digest;
    project.write("say.wasm", two);
    project.change_manifest(&saying(CHECKPOINT, &format!("sha256 = \"{digest}\"")));
    assert!(say(&project, "b", &[]).stdout.contains("two b"));
}

/// A pipeline in the making with a checkpoint among `files`.
pub(super) fn with_checkpoint(files: &Files) -> StreamingContext {
    let mut pipeline = Pipeline::new("durable", Interval::new(INTERVAL).unwrap());
    pipeline.checkpoint = Some(files.0.path().join("checkpoint"));
    let mut context = StreamingContext::from_pipeline(pipeline);
    let engine =
        Engine::new(&EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() }).unwrap();
    context.engine(&engine);
    context
}

/// Lets `versioned` say lines, from a file that says `file`.
fn durable(files: &Files, file: &str, queue: &Queue, kept: &Kept) -> RunningContext {
    let mut context = with_checkpoint(files);
    let say = context.plugin("say", PluginSpec::new(files.version("versioned", file)));
    let source = context.queue_stream("lines", queue);
    let said = context.transform("said", &source, &say);
    context.sink("kept", &said, kept.clone());
    context.start(&RunOptions::default()).unwrap()
}

#[test]
fn what_a_version_did_before_it_was_rolled_back_is_not_in_the_checkpoint() {
    let files = Files::new();
    let start = |queue: &Queue, kept: &Kept| {
        let mut context = with_checkpoint(&files);
        let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
        let source = context.queue_stream("pairs", queue);
        let told = context.map_with_state("totals", &source, &["key"], &total, None);
        context.sink("kept", &told, kept.clone());
        context.start(&RunOptions::default()).unwrap()
    };
    let (queue, kept) = (Queue::new(pairs(&[]).schema(), Take::One), Kept::default());
    let running = start(&queue, &kept);
    queue.push(pairs(&[("a", 1), ("poison", 1)])).unwrap();
    assert_eq!(rows(&kept, 2).len(), 2);
    running.swap("total", files.version("versioned_total", "greedy")).unwrap();
    // A key that only the new version would have made, and one that both change.
    queue.push(pairs(&[("a", 1), ("b", 5), ("poison", 1)])).unwrap();
    assert_eq!(rows(&kept, 5).len(), 5);
    wait_until("the rollback", || running.swapper().quarantined("total"));
    running.stop(StopMode::Graceful);
    running.await_termination().unwrap();

    let (queue, kept) = (Queue::new(pairs(&[]).schema(), Take::One), Kept::default());
    let _running = start(&queue, &kept);
    queue.push(pairs(&[("a", 1), ("b", 1)])).unwrap();
    assert_eq!(rows(&kept, 2), ["(a, 3, one)", "(b, 6, one)"]);
}

#[test]
fn versions_are_taken_back_step_by_step_and_by_their_digests() {
    let (files, queue, kept) = (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let running = durable(&files, "one", &queue, &kept);
    let two = running.swap("say", files.version("versioned", "two")).unwrap();
    let three = running.swap("say", files.version("versioned", "three")).unwrap();
    drop(running);

    let running = durable(&files, "one", &queue, &kept);
    let swapper = running.swapper();
    assert_eq!(swapper.in_use()["say"].digest, three.to, "a restart goes on with it");
    assert_eq!(swapper.in_use()["say"].since, Some(three.batch));
    assert_eq!(swapper.rollback("say", None).unwrap().to, two.to);
    assert_eq!(swapper.rollback("say", None).unwrap().to, two.from, "and one step more");
    let error = swapper.rollback("say", None).unwrap_err();
    assert!(matches!(error, SwapError::NoVersion { .. }), "{error}");
    assert_eq!(swapper.rollback("said", Some(&three.to[..8])).unwrap().to, three.to);
    assert!(swapper.rollback("say", Some("zz")).unwrap_err().to_string().contains("begins with `zz`"));
    let history: Vec<_> = swapper.history().into_iter().map(|change| (change.how, change.digest)).collect();
    let (one, two, three) = (two.from, two.to, three.to);
    let expected = [
        (How::Start, one.clone()),
        (How::Swap, two.clone()),
        (How::Swap, three.clone()),
        (How::Rollback, two),
        (How::Rollback, one),
        (How::Rollback, three),
    ];
    assert_eq!(history, expected);
}

#[test]
fn a_version_that_failed_is_in_the_history_and_not_in_use_after_a_restart() {
    let (files, queue, kept) = (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let running = durable(&files, "one", &queue, &kept);
    let trap = running.swap("say", files.version("versioned", "trap")).unwrap();
    queue.push(lines(&["a"])).unwrap();
    assert_eq!(rows(&kept, 1), ["one a"]);
    wait_until("the history", || (running.swapper().history().len() == 3).then_some(()));
    drop(running);
    let running = durable(&files, "one", &queue, &kept);
    assert_eq!(running.swapper().in_use()["say"].digest, trap.from);
    let last = running.swapper().history().pop().unwrap();
    assert_eq!((last.how, last.from), (How::Failed, Some(trap.to)));
    assert!(last.reason.as_ref().is_some_and(|reason| reason.contains("this version always fails")));
    let bad = || files.version("versioned", "trap");
    let again = running.swap("say", bad()).unwrap_err();
    assert!(matches!(again, SwapError::Quarantined { reason, .. } if Some(&reason) == last.reason.as_ref()));
    running.swap("say", files.version("versioned", "two")).unwrap();
    drop(running);
    let running = durable(&files, "one", &queue, &kept);
    assert!(running.swap("say", bad()).is_ok(), "another version took its place before");
}

#[test]
fn killed_at_any_time_around_a_swap_one_version_runs_and_it_is_the_one_last_committed() {
    let project = Project::new(&watched_manifest());
    let mut random = Lines::new(20_261_121);
    let mut num_swapped = 0;
    project.move_in("say.wasm", version("versioned", "v0"));
    say(&project, "first", &[]);
    for cycle in 1..=10 {
        project.change_manifest(&watched_manifest());
        let mut program = project.start(&[]);
        program.wait_for_log("running", 1);
        project.move_in("say.wasm", version("versioned", &format!("v{cycle}")));
        std::thread::sleep(Duration::from_millis(60 + random.below(200)));
        program.kill();
        num_swapped += usize::from(program.stderr().contains("swapped plugin=say"));

        let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint").stdout;
        let digest = shown.lines().find_map(|line| line.strip_prefix("plugin say: ")).unwrap().to_owned();
        project.change_manifest(&manifest());
        let printed = say(&project, "line", &[]).stdout;
        let lines: Vec<&str> = printed.lines().filter(|line| line.ends_with(" line")).collect();
        let expected = version_of(&digest, cycle);
        assert_eq!(lines, [format!("{expected} line")], "{shown}");
    }
    assert!(num_swapped > 0, "every program was killed too early");
}

/// The version up to `last` whose file has the digest `digest`.
fn version_of(digest: &str, last: u64) -> String {
    let is_it = |name: &String| PluginFile::from_bytes(version("versioned", name)).digest == digest;
    (0..=last).map(|number| format!("v{number}")).find(is_it).expect("a version that was written")
}
