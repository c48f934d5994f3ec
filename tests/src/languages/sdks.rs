//! The SDKs' own tests, by the test tools of their languages.

use std::process::Command;

use super::commands::{kept, repository, text_of};

#[test]
fn the_tests_of_the_python_sdk_pass() {
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "discover", "--start-directory", "tests"]);
    text_of(python.current_dir(repository().join("plugins/python")).env("PYTHONPATH", ".").output().unwrap());
}

#[test]
fn the_tests_in_the_python_templates_pass() {
    for kind in ["transform", "reduce", "aggregate", "update-state", "cogroup"] {
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

#[test]
fn the_types_of_the_js_sdk_say_what_is_wrong() {
    let versions: toml::Table =
        std::fs::read_to_string(repository().join("plugins/toolchains.toml")).unwrap().parse().unwrap();
    let version = versions["typescript"]["typescript"].as_str().unwrap();
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
