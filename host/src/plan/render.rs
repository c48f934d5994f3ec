//! A plan for people: as lines of text, or as a Mermaid flowchart.

use std::fmt::Write;

use crate::manifest::Pipeline;
use crate::operator::Exchange;
use crate::record::describe;
use crate::schedule::{Origin, Port, Stage, StagePlan, Target};

use super::opened::OpenedPipeline;

/// The stages as text, each with what it reads, does and hands on, and the schemas of the streams.
pub fn text(pipeline: &Pipeline, opened: &OpenedPipeline, plan: &StagePlan) -> String {
    let mut out = String::new();
    for (index, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "stage {index}: {}", origin(pipeline, opened, stage));
        for node in &stage.nodes {
            let _ = writeln!(out, "  {}: {}", node.stream, node.label);
        }
        for (number, port) in stage.ports.iter().enumerate() {
            let _ = match port {
                Port::Output(output) => writeln!(out, "  -> {}", destination(pipeline, *output)),
                Port::Pass | Port::Bucket { .. } => writeln!(out, "  -> {}", readers(plan, (index, number))),
            };
        }
    }
    let _ = writeln!(out, "schemas:");
    for (name, schema) in &opened.schemas {
        let _ = writeln!(out, "  {name} ({})", describe(schema));
    }
    out
}

/// The stages as a Mermaid flowchart: a box a stage, an arrow where rows go.
pub fn mermaid(pipeline: &Pipeline, opened: &OpenedPipeline, plan: &StagePlan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "  subgraph stage{index}[stage {index}]");
        let _ = writeln!(out, "    s{index}(({index}))");
        for (number, node) in stage.nodes.iter().enumerate() {
            let _ = writeln!(out, "    s{index}n{number}[\"{}: {}\"]", node.stream, node.label);
        }
        out.push_str("  end\n");
        arrows(&mut out, pipeline, index, stage);
        if let Origin::Input(_) = stage.source {
            let _ = writeln!(out, "  in{index}[/\"{}\"/] --> s{index}", origin(pipeline, opened, stage));
        }
    }
    for (index, stage) in plan.stages.iter().enumerate() {
        if let Origin::Exchange(ports, exchange) = &stage.source {
            for (from, port) in ports {
                let _ = writeln!(out, "  s{from}p{port}{{{{{}}}}} --> s{index}", exchange_name(exchange));
            }
        }
    }
    out
}

fn arrows(out: &mut String, pipeline: &Pipeline, index: usize, stage: &Stage) {
    let name = |target: &Target| match target {
        Target::Node(node) => format!("s{index}n{node}"),
        Target::Port(port) => match stage.ports.get(*port) {
            Some(Port::Output(output)) => {
                format!("s{index}p{port}[\\\"{}\"\\]", destination(pipeline, *output))
            }
            _ => format!("s{index}p{port}"),
        },
    };
    for target in &stage.roots {
        let _ = writeln!(out, "  s{index} --> {}", name(target));
    }
    for (number, node) in stage.nodes.iter().enumerate() {
        for target in &node.to {
            let _ = writeln!(out, "  s{index}n{number} --> {}", name(target));
        }
    }
}

fn origin(pipeline: &Pipeline, opened: &OpenedPipeline, stage: &Stage) -> String {
    match &stage.source {
        Origin::Input(input) => {
            let sources = opened.schemas.keys().filter_map(|name| Some((name, pipeline.sources.get(name)?)));
            sources
                .into_iter()
                .nth(*input)
                .map_or_else(String::new, |(name, source)| format!("{name}: {}", source.kind()))
        }
        Origin::Exchange(ports, exchange) => {
            let from: Vec<_> = ports.iter().map(|(stage, _)| format!("stage {stage}")).collect();
            format!("{} from {}", exchange_name(exchange), from.join(", "))
        }
    }
}

/// The stages that read a port.
fn readers(plan: &StagePlan, port: (usize, usize)) -> String {
    let reads = |stage: &Stage| matches!(&stage.source, Origin::Exchange(ports, _) if ports.contains(&port));
    let readers = plan.stages.iter().enumerate().filter(|(_, stage)| reads(stage));
    readers.map(|(index, _)| format!("stage {index}")).collect::<Vec<_>>().join(", ")
}

fn exchange_name(exchange: &Exchange) -> String {
    match exchange {
        Exchange::ByKey(_) => "shuffle by key".to_owned(),
        Exchange::ByKeyGroup(_) => "shuffle by key group".to_owned(),
        Exchange::Gather | Exchange::GatherApart => "gather".to_owned(),
        Exchange::Concatenate => "one after the other".to_owned(),
        Exchange::Recut(partitions) => format!("cut into {partitions}"),
    }
}

fn destination(pipeline: &Pipeline, output: usize) -> String {
    match pipeline.sinks.get_index(output) {
        Some((name, output)) => format!("{name}: {}", output.sink.kind()),
        None => String::new(),
    }
}
