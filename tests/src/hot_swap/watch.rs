//! Files of plugins that change while a pipeline runs, written in the ways that editors and compilers have.

use std::os::unix::fs::symlink;

use super::super::support::{Program, Project, saying, says, version};

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
