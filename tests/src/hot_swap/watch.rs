//! Files of plugins that change while a pipeline runs, written in the ways that editors and compilers have.

use std::os::unix::fs::symlink;

use super::super::support::{CHECKPOINT, Program, Project, renamed_version, saying, says, version};

fn manifest() -> String {
    saying("", "watch = true").replace("say.wasm", "build/say.wasm")
}

fn start() -> (Project, Program) {
    let project = Project::new(&manifest());
    project.write("build/say.wasm", version("versioned", "one"));
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    (project, program)
}

#[test]
fn a_file_that_is_written_over_or_moved_into_place_is_swapped_in() {
    let (project, mut program) = start();
    says(&mut program, "one", "a");
    project.write("build/say.wasm", version("versioned", "two"));
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "two", "b");
    project.move_in("build/say.wasm", version("versioned", "three"));
    program.wait_for_log("swapped plugin=say", 2);
    says(&mut program, "three", "c");
    std::fs::remove_file(project.path("build/say.wasm")).unwrap();
    says(&mut program, "three", "d");
    project.write("build/say.wasm", version("versioned", "four"));
    program.wait_for_log("swapped plugin=say", 3);
    says(&mut program, "four", "e");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn a_link_that_is_switched_is_followed() {
    let project = Project::new(&manifest());
    project.write("one/say.wasm", version("versioned", "one"));
    project.write("two/say.wasm", version("versioned", "two"));
    symlink("one", project.path("build")).unwrap();
    let mut program = project.start(&[]);
    says(&mut program, "one", "a");
    symlink("two", project.path("aside")).unwrap();
    std::fs::rename(project.path("aside"), project.path("build")).unwrap();
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "two", "b");
}

#[test]
fn the_link_of_a_file_is_followed_where_it_is_switched_and_where_its_target_is_written_over() {
    let project = Project::new(&manifest());
    for name in ["one", "two"] {
        project.write(&format!("versions/{name}.wasm"), version("versioned", name));
    }
    project.make_folder("build");
    symlink("../versions/one.wasm", project.path("build/say.wasm")).unwrap();
    let mut program = project.start(&[]);
    says(&mut program, "one", "a");
    symlink("../versions/two.wasm", project.path("build/aside")).unwrap();
    std::fs::rename(project.path("build/aside"), project.path("build/say.wasm")).unwrap();
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "two", "b");
    project.write("versions/two.wasm", version("versioned", "three"));
    program.wait_for_log("swapped plugin=say", 2);
    says(&mut program, "three", "c");
}

#[test]
fn files_are_looked_at_where_the_file_system_tells_nothing() {
    let project = Project::new(&manifest());
    project.write("build/say.wasm", version("versioned", "one"));
    let mut program = project.start_with(&[], &[("FAILPOINTS", "watch.listen=return(full)")]);
    program.wait_for_log("files of plugins are looked at once a second", 1);
    says(&mut program, "one", "a");
    project.move_in("build/say.wasm", version("versioned", "two"));
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "two", "b");
    project.write("build/say.wasm", version("versioned", "three"));
    program.wait_for_log("swapped plugin=say", 2);
    says(&mut program, "three", "c");
}

/// A pipeline that watches its plugin, and lets a new version of it run beside for one batch.
fn start_beside(on_difference: &str) -> (Project, Program) {
    let plugin = format!("watch = true\nshadow = 1\non_difference = \"{on_difference}\"");
    let project = Project::new(&saying(CHECKPOINT, &plugin));
    project.write("say.wasm", version("versioned", "one"));
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    (project, program)
}

#[test]
fn a_changed_file_runs_beside_first_and_makes_way_for_the_next_change() {
    let (project, mut program) = start_beside("report");
    project.move_in("say.wasm", version("versioned", "two"));
    program.wait_for_log("runs beside the version in use", 1);
    project.move_in("say.wasm", version("versioned", "three"));
    program.wait_for_log("runs beside the version in use", 2);
    says(&mut program, "one", "a");
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "three", "b");
    // Of this one no batch is left to see.
    project.move_in("say.wasm", version("versioned", "four"));
    program.wait_for_log("runs beside the version in use", 3);
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(
        finished.num_logged("ran beside 1 batches: rows equal 0, changed 1"),
        1,
        "{}",
        finished.stderr
    );
    assert_eq!(finished.num_logged("swapped plugin=say"), 1, "{}", finished.stderr);
    let said: Vec<&str> = finished.stdout.lines().filter(|line| line.contains(' ')).collect();
    assert!(!said.iter().any(|line| line.starts_with("two ") || line.starts_with("four ")), "{said:?}");
}

#[test]
fn a_changed_file_that_does_something_else_is_refused_and_the_next_one_tried() {
    let (project, mut program) = start_beside("refuse");
    project.move_in("say.wasm", version("versioned", "two"));
    program.wait_for_log("runs beside the version in use", 1);
    says(&mut program, "one", "a");
    program.wait_for_log("not swapped, what ran goes on: plugin `say` isn't taken", 1);
    says(&mut program, "one", "b");
    project.move_in("say.wasm", renamed_version("versioned", "one", 0));
    program.wait_for_log("runs beside the version in use", 2);
    says(&mut program, "one", "c");
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "one", "d");
}

#[test]
fn a_file_that_is_no_plugin_leaves_what_runs_and_a_good_one_follows() {
    let (project, mut program) = start();
    let good = version("versioned", "two");
    project.write("build/say.wasm", &good[..good.len() / 2]);
    program.wait_for_log("not swapped, what ran goes on", 1);
    says(&mut program, "one", "a");
    project.write("build/say.wasm", &good);
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "two", "b");
}

#[test]
fn a_version_that_fails_is_rolled_back_until_the_file_changes() {
    let (project, mut program) = start();
    project.move_in("build/say.wasm", version("versioned", "trap"));
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "one", "a");
    program.wait_for_log("rolled back: ", 1);
    // The same file, moved in again.
    project.move_in("build/say.wasm", version("versioned", "trap"));
    program.wait_for_log("was rolled back: ", 1);
    project.move_in("build/say.wasm", version("versioned", "two"));
    program.wait_for_log("swapped plugin=say", 2);
    says(&mut program, "two", "b");
}
