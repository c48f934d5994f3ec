//! Laying out stages: narrow operators join the stage of their input, an exchange begins a new one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Schema;

use super::opened::{OpenedPipeline, OpenedStream};
use crate::manifest::Pipeline;
use crate::operator::{Exchange, Factory, Shape};
use crate::partition::common_key_fields;
use crate::schedule::{Node, Origin, Port, Stage, StagePlan, Target};

/// The stages of `pipeline`. Inputs are numbered as its sources are that an output needs, outputs as its sinks.
pub fn lay_out(pipeline: &Pipeline, opened: &OpenedPipeline) -> StagePlan {
    lay_out_with(pipeline, opened, &[])
}

/// The same, with the streams `looked_at` as further outputs behind those of the sinks.
pub fn lay_out_with(pipeline: &Pipeline, opened: &OpenedPipeline, looked_at: &[String]) -> StagePlan {
    let mut layout = Layout { stages: Vec::new(), points: HashMap::new() };
    let sources = opened.schemas.keys().filter(|name| pipeline.sources.contains_key(*name));
    let mut num_inputs = 0;
    for name in sources {
        let point = layout.begin(Origin::Input(num_inputs), 1);
        layout.points.insert(name, point);
        num_inputs += 1;
    }
    for (name, stream) in &opened.streams {
        let from: Vec<Point> =
            stream.from.iter().filter_map(|from| layout.points.get(from.as_str()).copied()).collect();
        let point = layout.add(name, stream, &from, opened);
        layout.points.insert(name, point);
    }
    let outputs = || pipeline.sinks.values().map(|output| &output.from).chain(looked_at);
    for (index, from) in outputs().enumerate() {
        if let Some(&point) = layout.points.get(from.as_str()) {
            layout.port(point, Port::Output(index));
        }
    }
    StagePlan {
        stages: layout.stages,
        num_inputs,
        outputs: outputs().map(|from| opened.every(from)).collect(),
        partitions: pipeline.partitions.get(),
    }
}

/// Where the rows of a stream come by: in a stage, as they come in or behind a node.
#[derive(Clone, Copy)]
struct Point {
    stage: usize,
    behind: Option<usize>,
    /// How many batch intervals it is from one batch to the next.
    every: u64,
}

struct Layout<'a> {
    stages: Vec<Stage>,
    points: HashMap<&'a str, Point>,
}

impl Layout<'_> {
    fn begin(&mut self, source: Origin, every: u64) -> Point {
        self.stages.push(Stage { source, every, nodes: Vec::new(), roots: Vec::new(), ports: Vec::new() });
        Point { stage: self.stages.len() - 1, behind: None, every }
    }

    fn add(&mut self, name: &str, stream: &OpenedStream, from: &[Point], opened: &OpenedPipeline) -> Point {
        let OpenedStream { label, every, .. } = stream;
        let wide = match &stream.shape {
            Shape::Narrow(factory) => {
                let input = from.first().copied().unwrap_or(Point { stage: 0, behind: None, every: 1 });
                return Point { every: *every, ..self.node(input, name, label, factory, false) };
            }
            Shape::Wide(wide) => wide,
        };
        // What runs before an exchange by key puts out the stream's own columns.
        let schemas: Vec<&Schema> = match wide.before {
            Some(_) => opened.schemas.get(name).into_iter().map(Arc::as_ref).collect(),
            None => stream.from.iter().filter_map(|from| opened.schemas.get(from)).map(Arc::as_ref).collect(),
        };
        let mut ports = Vec::with_capacity(from.len());
        for (index, &input) in from.iter().enumerate() {
            let point = match &wide.before {
                Some(factory) => self.node(input, name, &format!("{label}, each partition"), factory, false),
                None => input,
            };
            ports.push((point.stage, self.port(point, port_for(&wide.exchange, index, &schemas))));
        }
        let pace = from.first().map_or(1, |input| input.every);
        let mut point = self.begin(Origin::Exchange(ports, wide.exchange.clone()), pace);
        if let Some(factory) = &wide.after {
            point = self.node(point, name, label, factory, wide.completes);
        }
        point.every = *every;
        if wide.spread {
            let port = self.port(point, Port::Pass);
            point = self.begin(Origin::Exchange(vec![(point.stage, port)], Exchange::Concatenate), *every);
        }
        point
    }

    fn node(
        &mut self,
        at: Point,
        name: &str,
        label: &str,
        factory: &Arc<dyn Factory>,
        completes: bool,
    ) -> Point {
        let Some(stage) = self.stages.get_mut(at.stage) else { return at };
        stage.nodes.push(Node {
            stream: name.to_owned(),
            label: label.to_owned(),
            factory: Arc::clone(factory),
            to: Vec::new(),
            every: at.every,
            completes,
        });
        let index = stage.nodes.len() - 1;
        self.attach(at, Target::Node(index));
        Point { behind: Some(index), ..at }
    }

    fn port(&mut self, at: Point, port: Port) -> usize {
        let Some(stage) = self.stages.get_mut(at.stage) else { return 0 };
        stage.ports.push(port);
        let index = stage.ports.len() - 1;
        self.attach(at, Target::Port(index));
        index
    }

    fn attach(&mut self, at: Point, target: Target) {
        let Some(stage) = self.stages.get_mut(at.stage) else { return };
        match at.behind.and_then(|node| stage.nodes.get_mut(node)) {
            Some(node) => node.to.push(target),
            None => stage.roots.push(target),
        }
    }
}

/// How the rows of input `index` leave for `exchange`, whose inputs have the columns `schemas`.
fn port_for(exchange: &Exchange, index: usize, schemas: &[&Schema]) -> Port {
    let (keys, fixed) = match exchange {
        Exchange::ByKey(key) => (std::slice::from_ref(key), false),
        Exchange::ByKeyGroup(keys) => (keys.as_slice(), true),
        Exchange::Gather | Exchange::GatherApart | Exchange::Concatenate | Exchange::Recut(_) => {
            return Port::Pass;
        }
    };
    let keyed: Vec<_> = schemas.iter().copied().zip(keys.iter().map(Vec::as_slice)).collect();
    // Operators check their keys when they are opened.
    let fields = common_key_fields(&keyed).unwrap_or_default();
    Port::Bucket { key: keys.get(index).cloned().unwrap_or_default(), fields, fixed }
}
