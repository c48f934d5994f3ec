//! Laying out stages: narrow operators join the stage of their input, an exchange begins a new one.

use std::collections::HashMap;
use std::sync::Arc;

use super::opened::OpenedPipeline;
use crate::manifest::Pipeline;
use crate::operator::{Exchange, Factory, Shape};
use crate::schedule::{Node, Origin, Port, Stage, StagePlan, Target};

/// The stages of `pipeline`. Inputs are numbered as its sources are that an output needs, outputs as its sinks.
pub fn lay_out(pipeline: &Pipeline, opened: &OpenedPipeline) -> StagePlan {
    let mut layout = Layout { stages: Vec::new(), points: HashMap::new() };
    let sources = opened.schemas.keys().filter(|name| pipeline.sources.contains_key(*name));
    let mut num_inputs = 0;
    for name in sources {
        let point = layout.begin(Origin::Input(num_inputs));
        layout.points.insert(name, point);
        num_inputs += 1;
    }
    for (name, stream) in &opened.streams {
        let from: Vec<Point> =
            stream.from.iter().filter_map(|from| layout.points.get(from.as_str()).copied()).collect();
        let point = layout.add(name, &stream.label, &stream.shape, &from, opened);
        layout.points.insert(name, point);
    }
    for (index, output) in pipeline.sinks.values().enumerate() {
        if let Some(&point) = layout.points.get(output.from.as_str()) {
            layout.port(point, Port::Output(index));
        }
    }
    StagePlan {
        stages: layout.stages,
        num_inputs,
        num_outputs: pipeline.sinks.len(),
        partitions: pipeline.partitions.get(),
    }
}

/// Where the rows of a stream come by: in a stage, as they come in or behind a node.
#[derive(Clone, Copy)]
struct Point {
    stage: usize,
    behind: Option<usize>,
}

struct Layout<'a> {
    stages: Vec<Stage>,
    points: HashMap<&'a str, Point>,
}

impl Layout<'_> {
    fn begin(&mut self, source: Origin) -> Point {
        self.stages.push(Stage { source, nodes: Vec::new(), roots: Vec::new(), ports: Vec::new() });
        Point { stage: self.stages.len() - 1, behind: None }
    }

    fn add(
        &mut self,
        name: &str,
        label: &str,
        shape: &Shape,
        from: &[Point],
        opened: &OpenedPipeline,
    ) -> Point {
        let (before, exchange, after) = match shape {
            Shape::Narrow(factory) => {
                let input = from.first().copied().unwrap_or(Point { stage: 0, behind: None });
                return self.node(input, name, label, factory, false);
            }
            Shape::Wide { before, exchange, after } => (before, exchange, after),
        };
        let port = match exchange {
            Exchange::ByKey(key) => match opened.schemas.get(name) {
                Some(schema) => Port::Bucket(Arc::clone(schema), key.clone()),
                None => Port::Pass,
            },
            Exchange::Gather | Exchange::Concatenate | Exchange::Recut(_) => Port::Pass,
        };
        let mut ports = Vec::with_capacity(from.len());
        for &input in from {
            let point = match before {
                Some(factory) => self.node(input, name, &format!("{label}, each partition"), factory, false),
                None => input,
            };
            ports.push((point.stage, self.port(point, port.clone())));
        }
        let start = self.begin(Origin::Exchange(ports, exchange.clone()));
        match after {
            Some(factory) => self.node(start, name, label, factory, before.is_some()),
            None => start,
        }
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
            completes,
        });
        let index = stage.nodes.len() - 1;
        self.attach(at, Target::Node(index));
        Point { stage: at.stage, behind: Some(index) }
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
