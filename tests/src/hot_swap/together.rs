//! Swaps that meet: several plugins, several who ask, a pipeline that stops, batches behind the end of the sources.

use tidemill::plugin::PluginFile;

use super::super::support::{CONTROL, Program, Project, saying, says};
use super::*;

#[test]
fn of_two_plugins_neither_is_swapped_where_one_cannot_be() {
    let files = Files::new();
    let (queue, kept) = (Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let mut context = context();
    let first = context.plugin("first", PluginSpec::new(files.version("versioned", "one")));
    let second = context.plugin("second", PluginSpec::new(files.version("versioned", "one")));
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &first);
    let again = context.transform("again", &source, &second);
    context.sink("kept", &said, kept.clone());
    context.discard("nowhere", &again);
    let running = context.start(&RunOptions::default()).unwrap();
    let before = running.swapper().in_use();
    let good = || ("first".to_owned(), Code::File(files.version("versioned", "two")));
    for bad in
        [Code::Bytes(b"no plugin".to_vec()), Code::File(plugin("remembers")), Code::File(plugin("sum"))]
    {
        let both = [good(), ("second".to_owned(), bad.clone())];
        let error = running.swapper().swap_all(&both, How::Swap);
        assert!(error.is_err(), "{bad:?} was taken");
        assert_eq!(running.swapper().in_use(), before);
    }
    queue.push(lines(&["a"])).unwrap();
    assert_eq!(rows(&kept, 1), ["one a"]);
    let both = [good(), ("again".to_owned(), Code::File(files.version("versioned", "three")))];
    let swapped = running.swapper().swap_all(&both, How::Swap).unwrap();
    assert_eq!(swapped[0].batch, swapped[1].batch);
}

#[test]
fn of_several_who_ask_at_once_each_gets_a_turn() {
    let saying = Saying::start();
    let names: Vec<String> = (0..8).map(|number| format!("v{number}")).collect();
    let files: Vec<PathBuf> = names.iter().map(|name| saying.files.version("versioned", name)).collect();
    let running = &saying.running;
    std::thread::scope(|scope| {
        for file in &files {
            scope.spawn(move || running.swap("say", file).unwrap());
        }
    });
    let history = saying.running.swapper().history();
    assert_eq!(history.len(), names.len());
    let follows = history.windows(2).all(|two| two[1].from.as_ref() == Some(&two[0].digest));
    assert!(follows, "each took the place of the one before: {history:?}");
    saying.push(&["a"]);
    let last = rows(&saying.kept, 1).remove(0);
    assert_eq!(saying.running.swapper().in_use()["say"].digest, history.last().unwrap().digest);
    assert!(names.iter().any(|name| last == format!("{name} a")), "{last}");
}

#[test]
fn workers_come_and_go_in_the_batch_of_a_swap_while_one_is_on_trial_and_beside_another() {
    let saying = Saying::start();
    let (running, swapper) = (&saying.running, saying.running.swapper());
    let texts: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut num_rows = 0;
    let mut all_said_by = |version: &str| {
        saying.push(&texts);
        num_rows += texts.len();
        let said = rows(&saying.kept, num_rows).split_off(num_rows - texts.len());
        let expected: Vec<String> = texts.iter().map(|text| format!("{version} {text}")).collect();
        assert!(said == expected, "each row once, in order, by {version}");
    };
    let files = ["one", "two"].map(|name| saying.files.version("versioned", name));
    let mut turn = 0;
    wait_until("both in one batch", || {
        turn += 1;
        let (swapped, changed) = std::thread::scope(|scope| {
            let swapping = scope.spawn(|| running.swap("say", &files[turn % 2]).unwrap());
            let changed = running.set_workers(1 + turn % 4).unwrap();
            (swapping.join().unwrap(), changed)
        });
        (swapped.batch == changed.batch).then_some(())
    });
    all_said_by(["one", "two"][turn % 2]);

    running.swap("say", saying.files.version("versioned", "trap")).unwrap();
    running.set_workers(4).unwrap();
    assert!(swapper.in_use()["say"].is_on_trial, "nothing came");
    all_said_by(["one", "two"][turn % 2]);
    assert!(swapper.quarantined("say").is_some());
    running.swap("say", saying.files.version("versioned", "three")).unwrap();
    running.set_workers(2).unwrap();
    all_said_by("three");

    let (beside, four) = (swapper.clone(), saying.files.version("versioned", "four"));
    let swapping = std::thread::spawn(move || {
        beside.swap_beside(&[("say".to_owned(), Code::File(four))], How::Swap, Some(1))
    });
    wait_until("the version beside", || swapper.beside("say"));
    running.set_workers(3).unwrap();
    all_said_by("three");
    let report = swapping.join().unwrap().unwrap().remove(0).shadow.unwrap();
    assert_eq!(report.changed, 10_000);
    running.set_workers(1).unwrap();
    all_said_by("four");
}

#[test]
fn a_swap_while_the_pipeline_stops_is_done_or_told_that_it_ended() {
    for turn in 0..4 {
        let saying = Saying::start();
        for number in 0..30 {
            saying.push(&[&number.to_string()]);
        }
        let (swapper, two) = (saying.running.swapper(), saying.files.version("versioned", "two"));
        let swapping = std::thread::spawn(move || swapper.swap("say", two));
        if turn % 2 == 0 {
            rows(&saying.kept, 1);
        }
        saying.running.stop(StopMode::Graceful);
        saying.running.await_termination().unwrap();
        let swapped = swapping.join().unwrap();
        // What waits in the queue then stays there.
        let told: Vec<String> = saying.kept.batches().into_iter().flat_map(|(_, rows)| rows).collect();
        let num_two = told.iter().filter(|row| row.starts_with("two ")).count();
        let version = |number| if number < told.len() - num_two { "one" } else { "two" };
        let expected: Vec<String> = (0..told.len()).map(|n| format!("{} {n}", version(n))).collect();
        assert_eq!(told, expected, "each row once, and one version after the other");
        match swapped {
            Ok(_) => {}
            Err(SwapError::Ended) => assert_eq!(num_two, 0),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_swap_begins_in_the_batches_behind_the_end_of_the_sources() {
    let (files, queue, kept) = (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let mut context = context();
    let say = context.plugin("say", PluginSpec::new(files.version("versioned", "one")));
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &say);
    // So many batches follow that they take longer than a swap.
    let day = Duration::from_secs(24 * 3600);
    let counted = context.count_by_window("counts", &said, WindowSpec::sliding(day, day));
    context.sink("kept", &counted, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    queue.push(lines(&["a"])).unwrap();
    wait_until("the rows", || queue.is_empty().then_some(()));
    queue.close();
    let swapped = running.swap("say", files.version("versioned", "two")).unwrap();
    let another = running.swap("say", files.version("versioned", "three")).unwrap();
    assert!(another.batch > swapped.batch);
    running.stop(StopMode::Immediate);
    running.await_termination().unwrap();
}

#[test]
fn what_was_rolled_back_while_another_swap_was_prepared_does_not_come_back_with_it() {
    let more = "[plugins.more]\npath = \"more.wasm\"\n[streams.more_said]\nop = \"transform\"\nfrom = \"lines\"\n\
                plugin = \"more\"\n[sinks.nowhere]\nkind = \"discard\"\nfrom = \"more_said\"\n";
    let project = Project::new(&(saying(CONTROL, "") + more));
    let versions = [("say", "one"), ("more", "one"), ("trap", "trap"), ("two", "two")];
    versions
        .iter()
        .for_each(|(file, name)| project.write(&format!("{file}.wasm"), version("versioned", name)));
    // The second swap waits once it is prepared.
    let waiting = [("FAILPOINTS", "swap.kept=1*off->1*sleep(2000)->off")];
    let mut program = project.start_with(&[], &waiting);
    program.wait_for_log("listening for control", 1);
    let checkpoint = project.path("checkpoint");
    let swap = |plugin: &str, file: &str| {
        let swap = format!("{plugin}={}", project.path(file).display());
        Program::start(&["swap", &swap, "--checkpoint", checkpoint.to_str().unwrap()])
    };
    assert_eq!(swap("say", "trap.wasm").await_end().code, Some(0), "nothing comes, so it is in use");
    let second = swap("more", "two.wasm");
    let digest = PluginFile::from_bytes(version("versioned", "two")).digest;
    let kept = checkpoint.join(format!("plugins/{digest}.wasm"));
    wait_until("the second swap", || kept.is_file().then_some(()));
    says(&mut program, "one", "a");
    program.wait_for_log("rolled back: ", 1);
    assert_eq!(second.await_end().code, Some(0));
    says(&mut program, "one", "b");
    let status = Program::start(&["status", "--checkpoint", checkpoint.to_str().unwrap()]).finish().stdout;
    assert!(status.contains(&format!("plugin more (more_said): {}", &digest[..12])), "{status}");
    assert_eq!(program.finish().num_logged("rolled back: "), 1);
}
