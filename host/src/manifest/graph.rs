//! The graph that the names in a pipeline make: who is who, in which order, and who is read.

use std::collections::HashSet;

use super::pipeline::Pipeline;

/// A source or stream of a pipeline, by its place in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeRef {
    /// An index into `Pipeline::sources`.
    Source(usize),
    /// An index into `Pipeline::streams`.
    Stream(usize),
}

impl Pipeline {
    /// The source or stream named `name`.
    pub fn find(&self, name: &str) -> Option<NodeRef> {
        let source = self.sources.get_index_of(name).map(NodeRef::Source);
        source.or_else(|| self.streams.get_index_of(name).map(NodeRef::Stream))
    }

    /// The name of `node`; empty where there is no such node.
    pub fn name_of(&self, node: NodeRef) -> &str {
        let name = match node {
            NodeRef::Source(i) => self.sources.get_index(i).map(|(name, _)| name),
            NodeRef::Stream(i) => self.streams.get_index(i).map(|(name, _)| name),
        };
        name.map_or("", String::as_str)
    }

    /// Every source and stream whose rows reach a sink.
    pub fn reaching_sinks(&self) -> HashSet<NodeRef> {
        self.reaching(self.sinks.values().map(|output| output.from.as_str()).collect())
    }

    /// The sources and streams that one of `names` is made from, and these themselves.
    pub fn reaching<'a>(&'a self, names: Vec<&'a str>) -> HashSet<NodeRef> {
        let mut reached = HashSet::new();
        let mut left = names;
        while let Some(name) = left.pop() {
            if let Some(node) = self.find(name)
                && reached.insert(node)
                && let NodeRef::Stream(i) = node
                && let Some((_, stream)) = self.streams.get_index(i)
            {
                left.extend(stream.from.iter().map(String::as_str));
            }
        }
        reached
    }

    /// Every stream, each after those it is made from, else in the order given; or the streams of a cycle, each
    /// before the one it is made from. Names that lead nowhere are passed over.
    pub(super) fn in_order(&self) -> Result<Vec<NodeRef>, Vec<usize>> {
        let mut order = Vec::with_capacity(self.streams.len());
        let mut done = HashSet::new();
        for start in 0..self.streams.len() {
            let mut path = vec![(start, 0)];
            while let Some((stream, num_seen)) = path.pop() {
                if done.contains(&stream) {
                    continue;
                }
                let Some(input) = self.input(stream, num_seen) else {
                    done.insert(stream);
                    order.push(NodeRef::Stream(stream));
                    continue;
                };
                path.push((stream, num_seen + 1));
                let NodeRef::Stream(input) = input else {
                    continue;
                };
                if let Some(begin) = path.iter().position(|(open, _)| *open == input) {
                    return Err(path.into_iter().skip(begin).map(|(stream, _)| stream).collect());
                }
                path.push((input, 0));
            }
        }
        Ok(order)
    }

    /// Input `i` of the stream with the index `stream`; a name that leads nowhere counts as a source.
    fn input(&self, stream: usize, i: usize) -> Option<NodeRef> {
        let name = self.streams.get_index(stream)?.1.from.get(i)?;
        Some(self.find(name).unwrap_or(NodeRef::Source(usize::MAX)))
    }
}
