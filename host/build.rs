//! Puts the SDKs, the contract and the templates of new projects into the program: a list of files with their text.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What is put in, from the repository's root.
const ROOTS: [&str; 14] = [
    "wit",
    "plugins/toolchains.toml",
    "plugins/template",
    "plugins/rust/sdk.toml",
    "plugins/rust/template",
    "plugins/rust/tidemill-plugin",
    "plugins/rust/tidemill-plugin-macros",
    "plugins/python",
    "plugins/js",
    "plugins/assemblyscript",
    "plugins/go",
    "plugins/c",
    "plugins/cpp",
    "plugins/zig",
];

/// What building and testing leaves behind.
const PASSED_OVER: [&str; 6] = ["target", "node_modules", "__pycache__", "tests", "test", "deps"];

fn main() -> std::io::Result<()> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for root in ROOTS {
        collect(&repository, root, &mut files)?;
    }
    files.sort();
    let mut list = String::from("[\n");
    for file in &files {
        let path = repository.join(file).canonicalize()?;
        // The files, not their folders: what a test of Python writes into these should build nothing.
        println!("cargo::rerun-if-changed={}", path.display());
        let _ = writeln!(list, "    ({file:?}, include_str!({:?})),", path.display().to_string());
    }
    list.push(']');
    println!("cargo::rerun-if-changed=build.rs");
    let goal = std::env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&goal).join("embedded.rs"), list)
}

fn collect(repository: &Path, place: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    let path = repository.join(place);
    if path.is_file() {
        files.push(place.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Go has the tests of a package beside it; those of templates are part of a project.
        let is_test = name.ends_with("_test.go") && name != "plugin_test.go";
        if !name.starts_with('.') && !is_test && !PASSED_OVER.contains(&name.as_str()) {
            collect(repository, &format!("{place}/{name}"), files)?;
        }
    }
    Ok(())
}
