//! The SDKs' own tests, by the test tools of their languages.

use std::process::Command;

use super::commands::{built, compiler, kept, repository, text_of, version};

/// The folders of templates.
const KINDS: [&str; 5] = ["transform", "reduce", "aggregate", "update-state", "cogroup"];

#[test]
fn the_tests_of_the_python_sdk_pass() {
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "discover", "--start-directory", "tests"]);
    text_of(python.current_dir(repository().join("plugins/python")).env("PYTHONPATH", ".").output().unwrap());
}

#[test]
fn the_tests_in_the_python_templates_pass() {
    for kind in KINDS {
        let mut python = Command::new("python3");
        python.args(["-B", "-m", "unittest", "test_plugin"]).env("PYTHONPATH", "../..");
        let template = repository().join("plugins/python/template").join(kind);
        text_of(python.current_dir(template).output().unwrap());
    }
}

/// Those of the templates are among them.
#[test]
fn the_tests_of_the_js_sdk_pass() {
    let mut node = Command::new("node");
    text_of(node.arg("--test").current_dir(repository().join("plugins/js")).output().unwrap());
}

/// Those of the templates are among them.
#[test]
fn the_tests_of_the_go_sdk_pass() {
    text_of(
        compiler("go").args(["test", "./..."]).current_dir(repository().join("plugins/go")).output().unwrap(),
    );
    let mut format = compiler("go");
    format.args(["vet", "./template/...", "./test/..."]);
    text_of(format.current_dir(repository().join("plugins/go")).output().unwrap());
}

#[test]
fn the_tests_in_the_templates_of_c_and_cpp_pass() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("plugin_test");
    let sdk = repository().join("plugins");
    let mut runtime = native("c");
    runtime.args(["-std=gnu17", "-Wall", "-Wextra", "-c", "-I"]).arg(sdk.join("c/include"));
    for entry in sdk.join("c/src").read_dir().unwrap() {
        runtime.args(Some(entry.unwrap().path()).filter(|path| path.extension().unwrap() == "c"));
    }
    text_of(runtime.current_dir(&folder).output().unwrap());
    let objects: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    for (language, standard) in [("c", "-std=c17"), ("cpp", "-std=c++20")] {
        for kind in KINDS {
            let mut test = native(language);
            test.args([standard, "-Wall", "-Wextra", "-Werror", "-I", "../../../c/include"]);
            test.args(["-I", "../../../cpp/include", &format!("plugin_test.{language}")]);
            test.args(&objects).arg("-o").arg(&program);
            text_of(test.current_dir(sdk.join(language).join("template").join(kind)).output().unwrap());
            text_of(Command::new(&program).output().unwrap());
        }
    }
}

/// The compiler of C or C++ that the machine has, or the one in Zig, which builds its libraries first.
fn native(language: &str) -> Command {
    let name = if language == "c" { "cc" } else { "c++" };
    if Command::new(name).arg("--version").output().is_ok() {
        return Command::new(name);
    }
    let mut zig = compiler("zig");
    zig.arg(name);
    zig
}

#[test]
fn the_tests_in_the_zig_templates_pass() {
    for kind in KINDS {
        let mut zig = compiler("zig");
        zig.args([
            "test",
            "--dep",
            "tidemill",
            "-Mroot=plugin_test.zig",
            "-Mtidemill=../../src/tidemill.zig",
        ]);
        text_of(zig.current_dir(repository().join("plugins/zig/template").join(kind)).output().unwrap());
    }
}

#[test]
fn the_tests_in_the_assemblyscript_templates_pass() {
    built(&repository().join("tests/languages/assemblyscript"), "assemblyscript-cases");
    let tools = kept("toolchains").join(format!("assemblyscript-{}", version("assemblyscript")));
    for kind in KINDS {
        let mut node = Command::new("node");
        node.args(["../../test.mjs", "plugin.test.ts", "--tools"]).arg(&tools);
        let template = repository().join("plugins/assemblyscript/template").join(kind);
        text_of(node.current_dir(template).output().unwrap());
    }
}

#[test]
fn the_types_of_the_js_sdk_say_what_is_wrong() {
    let version = version("typescript");
    let folder = kept(&format!("typescript-{version}"));
    let compiler = folder.join("node_modules/typescript/bin/tsc");
    if !compiler.exists() {
        std::fs::write(folder.join("package.json"), "{}").unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", &format!("typescript@{version}")]);
        text_of(npm.current_dir(&folder).output().unwrap());
    }
    let sdk = repository().join("plugins/js");
    let settings = serde_json::json!({
        "compilerOptions": {
            "strict": true, "noEmit": true, "module": "nodenext", "target": "es2023", "types": [],
            "paths": { "tidemill-plugin": [sdk.join("index.d.ts")] },
        },
        "files": [sdk.join("test/types.ts")],
    });
    std::fs::write(folder.join("tsconfig.json"), settings.to_string()).unwrap();
    text_of(Command::new("node").arg(compiler).arg("-p").arg(&folder).output().unwrap());
}
