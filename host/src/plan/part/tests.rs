use std::path::Path;

use super::*;
use crate::manifest::Manifest;
use crate::plugin::{Engine, EngineOptions};
use crate::source::LetterSource;

const MANIFEST: &str = r#"
    [pipeline]
    name = "p"
    batch_interval = "1s"
    [sources.lines]
    kind = "generate"
    rows = 1
    [sources.others]
    kind = "generate"
    rows = 1
    [streams.top]
    op = "repartition"
    from = "lines"
    partitions = 2
    [streams.both]
    op = "union"
    from = ["top", "lines", "others"]
    [streams.aside]
    op = "count"
    from = "lines"
    [streams.nowhere]
    op = "count"
    from = "top"
    [streams.early]
    op = "repartition"
    from = "others"
    partitions = 2
    [streams.recent]
    op = "count"
    from = "early"
    window = { length = "2s" }
    [sinks.recent]
    kind = "discard"
    from = "recent"
    [sinks.both]
    kind = "discard"
    from = "both"
    [sinks.top]
    kind = "discard"
    from = "top"
    [sinks.aside]
    kind = "discard"
    from = "aside"
"#;

fn part(top: &str) -> (Result<Pipeline, PartError>, Vec<(String, Role)>) {
    let pipeline = Manifest::parse(MANIFEST, Path::new("")).unwrap().pipeline;
    let opened = OpenedPipeline::open(&pipeline, &Engine::new(&EngineOptions::default()).unwrap()).unwrap();
    let mut inputs = Vec::new();
    let part = part_from(pipeline, &opened, top, |input| {
        inputs.push((input.name.to_owned(), input.role));
        Box::new(LetterSource::empty(input.schema.clone()))
    });
    (part, inputs)
}

#[test]
fn only_what_comes_of_the_operator_is_left_and_its_input_is_its_own() {
    let (part, inputs) = part("top");
    let part = part.unwrap();
    assert_eq!(part.streams.keys().collect::<Vec<_>>(), ["top", "both"]);
    assert_eq!(part.sinks.keys().collect::<Vec<_>>(), ["both", "top"]);
    assert_eq!(part.sources.keys().collect::<Vec<_>>(), ["top_letters_lines", "lines", "others"]);
    assert_eq!(part.streams["top"].from, ["top_letters_lines"]);
    assert_eq!(part.streams["both"].from, ["top", "lines", "others"]);
    let expected = [("lines", Role::Only), ("lines", Role::Beside), ("others", Role::Beside)];
    assert_eq!(inputs, expected.map(|(name, role)| (name.to_owned(), role)));
    assert!(OpenedPipeline::open(&part, &Engine::new(&EngineOptions::default()).unwrap()).is_ok());
}

#[test]
fn an_operator_with_several_inputs_has_a_source_for_each() {
    let (part, inputs) = part("both");
    let from = &part.unwrap().streams["both"].from;
    assert_eq!(*from, ["both_letters_top", "both_letters_lines", "both_letters_others"]);
    assert!(inputs.iter().all(|(_, role)| *role == Role::OneOfSeveral), "{inputs:?}");
}

#[test]
fn what_is_no_operator_with_a_sink_is_told() {
    let refused = |top| part(top).0.unwrap_err().to_string();
    for top in ["early", "recent"] {
        let refused = refused(top);
        assert!(refused.starts_with("the stream `recent` keeps something from batch to batch"), "{refused}");
    }
    assert!(
        refused("lines").starts_with("`lines` is a source, and its letters are what it could not decode")
    );
    assert_eq!(refused("nowhere"), "no sink gets the rows of the stream `nowhere`; add one");
    assert_eq!(
        refused("topp"),
        "the pipeline has no stream `topp`; its streams are top, both, aside, nowhere, early, recent"
    );
}
