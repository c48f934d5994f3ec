//! Limits in the manifest: what may be asked for, and that asking for more helps.

use tidemill::plugin::LimitsSpec;
use tidemill::record::{Bytes, Period};

use super::super::support::Project;
use super::corpus::{At, Case, Kind, kind};
use super::files::{component_with, text_file, wat};

#[test]
fn nobody_gets_more_than_the_hard_maxima() {
    let wrong = [
        ("memory = \"2GiB\"", "limits.memory asks for 2.0 GiB; at most 1.0 GiB is allowed"),
        ("memories = 17", "limits.memories asks for 17; at most 16 is allowed"),
        ("tables = 65", "limits.tables asks for 65; at most 64 is allowed"),
        ("table_elements = 1000001", "limits.table_elements asks for 1000001; at most 1000000 is allowed"),
        ("instances = 1001", "limits.instances asks for 1001; at most 1000 is allowed"),
        ("time = \"2m\"", "limits.time asks for 2m; at most 1m is allowed"),
        ("open_time = \"3m\"", "limits.open_time asks for 3m; at most 2m is allowed"),
        ("input = \"257MiB\"", "limits.input asks for 257.0 MiB; at most 256.0 MiB is allowed"),
        ("output = \"257MiB\"", "limits.output asks for 257.0 MiB; at most 256.0 MiB is allowed"),
        ("output_rows = 64000001", "limits.output_rows asks for 64000001; at most 64000000 is allowed"),
        ("log_line = \"17KiB\"", "limits.log_line asks for 17.0 KiB; at most 16.0 KiB is allowed"),
        ("log_rate = \"2MiB\"", "limits.log_rate asks for 2.0 MiB; at most 1.0 MiB is allowed"),
        ("file = \"257MiB\"", "limits.file asks for 257.0 MiB; at most 256.0 MiB is allowed"),
    ];
    for (limit, says) in wrong {
        let project = Project::new(&format!(
            r#"
            [pipeline]
            name = "limits"
            batch_interval = "1s"
            [plugins.odd]
            path = "@misbehave"
            limits = {{ {limit} }}
            [sources.lines]
            kind = "stdin"
            [streams.passed]
            op = "transform"
            from = "lines"
            plugin = "odd"
            [sinks.out]
            kind = "discard"
            from = "passed"
            "#
        ));
        let finished = project.run(&["--once"]);
        assert_eq!(finished.code, Some(2), "{limit}: {}", finished.stderr);
        assert!(finished.error().contains(says), "{limit}: {}", finished.stderr);
    }
}

#[test]
fn what_a_limit_stopped_goes_on_where_it_is_raised() {
    let raised = |name: &str, path, limits| {
        let outcome = Case::new(name, path, At::Call, Kind::Limit, "").limits(limits).run();
        assert_eq!(outcome.map_err(|(_, error)| error.to_string()), Ok(()), "{name}");
    };
    let none = LimitsSpec::default();
    raised("large_memory", wat("large_memory"), LimitsSpec { memory: Some(Bytes::mib(66)), ..none.clone() });
    raised("large_table", wat("large_table"), LimitsSpec { table_elements: Some(200_000), ..none.clone() });
    raised("many_tables", wat("many_tables"), LimitsSpec { tables: Some(17), ..none.clone() });
    let parts = |part: &str, times| {
        format!("(core module $part {part}) {}", "(core instance (instantiate $part)) ".repeat(times))
    };
    let memories = text_file("five_memories", &component_with(&parts("(memory 1)", 4)));
    raised("memories", memories, LimitsSpec { memories: Some(5), ..none.clone() });
    let instances = text_file("all_instances", &component_with(&parts("", 100)));
    raised("instances", instances, LimitsSpec { instances: Some(110), ..none });
}

#[test]
fn what_no_limit_could_allow_is_refused_when_it_is_loaded() {
    let parts = |part: &str, times| {
        format!("(core module $part {part}) {}", "(core instance (instantiate $part)) ".repeat(times))
    };
    let components = [
        ("twenty memories", component_with(&parts("(memory 1)", 20)), "linear memories"),
        ("ten thousand instances", component_with(&parts("", 10_000)), "instances count exceeds limit"),
        ("seventy tables", component_with(&parts("(table 1 funcref)", 70)), "tables"),
        ("a memory of 2 GiB", component_with(&parts("(memory 32768)", 1)), "memory"),
        ("a table of two million", component_with(&parts("(table 2000000 funcref)", 1)), "table"),
    ];
    for (name, text, says) in components {
        let case = Case::new(name, text_file("too_many", &text), At::Load, Kind::Unsuitable, "");
        let (at, error) = case.run().unwrap_err();
        assert_eq!((at, kind(&error.failure)), (At::Load, Kind::Unsuitable), "{name}: {error}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn growing_in_vain_is_no_failure_of_a_later_call() {
    // Asks for more than it may have, bears it, and traps in the second call of all for another reason.
    let text = super::files::module_with(
        r#"(func (export "unused"))
           (global $calls (mut i32) (i32.const 0))
           (start $hungry)
           (func $hungry (drop (memory.grow (i32.const 2000))))"#,
    )
    .replacen("(i32.store (i32.const 1028) (local.get $rows))", "unreachable", 1);
    let case = Case::new("hungry", text_file("hungry", &text), At::Call, Kind::Trapped, "")
        .limits(LimitsSpec { time: Some(Period::millis(500)), ..LimitsSpec::default() });
    let (at, error) = case.run().unwrap_err();
    assert_eq!((at, kind(&error.failure)), (At::Call, Kind::Trapped), "{error}");
}
