//! Features of WebAssembly that are off: what uses one is refused when it is loaded, and told which.

use super::corpus::{At, Case, Kind, kind};
use super::files::{component_with, module_with, text_file};

/// Features that are off, code that uses each in a module, and what the refusal says of it.
const OFF: [(&str, &str, &str); 23] = [
    ("threads, shared memory", "(import \"env\" \"shared\" (memory 1 2 shared))", "threads"),
    (
        "threads, atomics",
        "(import \"env\" \"m\" (memory 1)) (func (drop (i32.atomic.load (i32.const 0))))",
        "threads",
    ),
    ("threads, fence", "(func (atomic.fence))", "threads"),
    ("shared-everything threads", "(global (shared i32) (i32.const 0))", "shared-everything"),
    ("GC, structs", "(type (struct (field i32)))", "gc"),
    ("GC, arrays", "(type (array i8))", "gc"),
    ("GC, i31", "(func (drop (ref.i31 (i32.const 1))))", "gc"),
    ("GC, externref", "(table 1 externref)", "gc types"),
    (
        "function references",
        "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
        "function references",
    ),
    ("exceptions, tags", "(tag)", "exceptions"),
    ("exceptions, throw", "(tag $t) (func (throw $t))", "exceptions"),
    ("memory64", "(import \"env\" \"far\" (memory i64 1))", "memory64"),
    ("table64", "(table i64 1 funcref)", "memory64"),
    ("tail calls", "(func $f (return_call $f))", "tail calls"),
    (
        "tail calls through a table",
        "(table 1 funcref) (func (return_call_indirect (i32.const 0)))",
        "tail calls",
    ),
    (
        "relaxed SIMD",
        "(func (param v128) (result v128) \
         (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))",
        "relaxed SIMD",
    ),
    ("custom page sizes", "(import \"env\" \"small\" (memory 1 (pagesize 1)))", "custom page size"),
    (
        "wide arithmetic",
        "(func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0)))",
        "wide arithmetic",
    ),
    (
        "stack switching",
        "(type $f (func)) (type $c (cont $f)) (func (param (ref $f)) (drop (cont.new $c (local.get 0))))",
        "stack switching",
    ),
    ("typed null references", "(func (drop (ref.null none)))", "gc"),
    ("non-null function references", "(func (param (ref func)))", "function references"),
    ("tables with a first value", "(func $f) (table 1 1 funcref (ref.func $f))", "function-references"),
    ("memory64, offsets", "(import \"env\" \"far\" (memory i64 1 1))", "memory64"),
];

/// Features that are on, and that guest languages use.
const ON: [(&str, &str); 8] = [
    ("several values", "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
    ("bulk memory", "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))"),
    (
        "passive data",
        "(data $d \"x\") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d))",
    ),
    ("reference types", "(table $t 1 funcref) (func (drop (table.grow $t (ref.null func) (i32.const 1))))"),
    ("extended constants", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    ("SIMD", "(func (result v128) (i8x16.splat (i32.const 1)))"),
    ("sign extension", "(func (result i32) (i32.extend8_s (i32.const 255)))"),
    ("saturating conversion", "(func (result i32) (i32.trunc_sat_f64_s (f64.const nan)))"),
];

/// What `name` with `text` in its file meets.
fn refusal(name: &str, text: &str) -> Option<String> {
    let path = text_file("feature", text);
    let case = Case::new(name, path, At::Load, Kind::Unsuitable, "");
    let (at, error) = case.run().err()?;
    Some(format!("at {at:?}, of kind {:?}: {error}", kind(&error.failure)))
}

#[test]
fn what_is_off_is_refused_by_name() {
    let mut wrong = Vec::new();
    for (name, code, says) in OFF {
        let as_module = refusal(name, &module_with(code));
        let as_component = refusal(name, &format!("(component (core module {code}))"));
        for found in [as_module, as_component] {
            let found = found.unwrap_or_else(|| "it is taken".to_owned());
            if !found.starts_with("at Load, of kind Unsuitable") || !found.contains(says) {
                wrong.push(format!("{name}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_on_is_taken() {
    let wrong: Vec<String> = ON
        .iter()
        .filter_map(|(name, code)| refusal(name, &module_with(code)).map(|found| format!("{name}: {found}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Features of the component model that are off, and a component that uses each.
const OFF_IN_COMPONENTS: [(&str, &str); 6] = [
    (
        "async functions",
        "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) (func async (canon lift (core func $i \"f\") async))",
    ),
    ("streams", "(type (stream u8))"),
    ("futures", "(type (future u8))"),
    ("error contexts", "(type error-context)"),
    ("lists of a fixed length", "(type (list u8 4))"),
    ("maps", "(type (map string u8))"),
];

#[test]
fn what_is_off_in_components_is_refused() {
    let wrong: Vec<String> = OFF_IN_COMPONENTS
        .iter()
        .filter_map(|(name, code)| {
            let found = refusal(name, &component_with(code)).unwrap_or_else(|| "it is taken".to_owned());
            let right = found.contains("isn't a component that can be compiled");
            (!right).then(|| format!("{name}: {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
