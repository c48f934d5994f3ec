//! Files that are no plugins, or want what plugins don't get.

use std::path::PathBuf;

use tidemill::plugin::LimitsSpec;
use tidemill::record::Bytes;

use super::super::super::support::plugin;
use super::super::files::{component_with, file, module_with, text_file, wat};
use super::{At, Case, Kind};

pub fn cases() -> Vec<Case> {
    [broken(), of_other_worlds(), with_imports(), too_large()].concat()
}

fn unsuitable(name: &str, path: PathBuf, says: &str) -> Case {
    let says = format!("{} {says}", path.display());
    Case::new(name, path, At::Load, Kind::Unsuitable, &says)
}

fn broken() -> Vec<Case> {
    let good = std::fs::read(plugin("split_words")).unwrap();
    let component = wat::parse_str(component_with("")).unwrap();
    let cut = |name: &str, bytes: &[u8], end: usize| file(name, &bytes[..end]);
    vec![
        unsuitable("text", file("text", b"fn main() {}\n"), "isn't WebAssembly; build the plugin"),
        unsuitable("empty", file("empty", b""), "isn't WebAssembly; build the plugin"),
        unsuitable(
            "only a header",
            cut("header", &good, 8),
            "is a component of another contract: it exports nothing",
        ),
        unsuitable(
            "half a module",
            cut("half_module", &good, good.len() / 2),
            "is a core module that can't be made a component",
        ),
        unsuitable(
            "a module less a byte",
            cut("less", &good, good.len() - 1),
            "is a core module that can't be made a component",
        ),
        unsuitable(
            "half a component",
            cut("half_component", &component, component.len() / 2),
            "isn't a component that can be compiled",
        ),
        unsuitable("a module of no contract", file("bare", &wat::parse_str("(module)").unwrap()), "is"),
    ]
}

fn of_other_worlds() -> Vec<Case> {
    let other = "is a component of another contract: it exports";
    vec![
        unsuitable("other_world", wat("other_world"), &format!("{other} double; ")),
        unsuitable("two_parts", wat("two_parts"), &format!("{other} give; ")),
        unsuitable("no exports", text_file("no_exports", "(component)"), &format!("{other} nothing; ")),
        Case::new(
            "empty_transform",
            wat("empty_transform"),
            At::Open,
            Kind::Unsuitable,
            "its `transform` isn't ours: ",
        ),
        Case::new(
            "other_types",
            wat("other_types"),
            At::Open,
            Kind::Trapped,
            "it trapped: expected 2-tuple, found 1-tuple",
        ),
    ]
}

fn with_imports() -> Vec<Case> {
    let import = |name: &str, import: &str| {
        let text = format!(
            "(component (import \"{import}\" (instance)) (instance $t) \
             (export \"tidemill:plugin/transform@0.1.0\" (instance $t)))"
        );
        let says = format!("imports {import}, which plugins are not granted; build it without");
        unsuitable(name, text_file(name, &text), &says)
    };
    vec![
        unsuitable(
            "web_client",
            wat("web_client"),
            "imports wasi:http/outgoing-handler@0.2.0, which plugins are not granted; build it without",
        ),
        import("web_server", "wasi:http/types@0.2.0"),
        import("database", "wasi:keyvalue/store@0.2.0"),
        import("threads", "wasi:thread/spawn@0.1.0"),
        import("own_interface", "company:secrets/vault@1.0.0"),
        unsuitable(
            "foreign_import",
            wat("foreign_import"),
            "is a core module that can't be made a component",
        ),
    ]
}

fn too_large() -> Vec<Case> {
    let limit = |name: &str, path, at, says: &str| Case::new(name, path, at, Kind::Limit, says);
    let instances = "(core module $part) ".to_owned() + &"(core instance (instantiate $part)) ".repeat(100);
    let memories =
        "(core module $part (memory 1)) ".to_owned() + &"(core instance (instantiate $part)) ".repeat(4);
    let functions: String = (0..10_000)
        .map(|n| format!("(func (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))\n"))
        .collect();
    let file_limit = LimitsSpec { file: Some(Bytes(1000)), ..LimitsSpec::default() };
    vec![
        limit(
            "large_memory",
            wat("large_memory"),
            At::Open,
            "it wants more memory than 64.0 MiB; raise `limits.memory` if it needs more",
        ),
        limit(
            "large_table",
            wat("large_table"),
            At::Open,
            "its tables want more than 100000 elements; raise `limits.table_elements` if it needs more",
        ),
        limit(
            "many_tables",
            wat("many_tables"),
            At::Open,
            "it has more than 16 tables; raise `limits.tables` if it needs more",
        ),
        limit(
            "many memories",
            text_file("many_memories", &component_with(&memories)),
            At::Open,
            "it has more than 4 memories; raise `limits.memories` if it needs more",
        ),
        limit(
            "many instances",
            text_file("many_instances", &component_with(&instances)),
            At::Open,
            "it makes more than 100 instances of modules; raise `limits.instances` if it needs more",
        ),
        limit(
            "a file beyond its limit",
            text_file("ten_thousand", &module_with(&functions)),
            At::Load,
            "the file is larger than 1000 B; raise `limits.file` to load it",
        )
        .limits(file_limit),
        unsuitable("two_memories", wat("two_memories"), "is"),
    ]
}
