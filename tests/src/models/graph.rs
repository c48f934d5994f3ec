//! Graphs of operators, and a strategy for random ones that are valid.

use proptest::collection::vec;
use proptest::prelude::*;
use tidemill::operator::How;

use super::functions::{Map, Reduction};

/// A window: how many batches of its input it covers, and how many pass from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub length: u64,
    pub slide: u64,
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Map(Map),
    /// A plugin that passes on both columns.
    Select,
    Filter,
    Union,
    Repartition(usize),
    Window(Window),
    Count(Option<Window>),
    CountByValue(Option<Window>),
    Reduce(Reduction, Option<Window>, Option<bool>),
    ReduceByKey(Reduction, Option<Window>, Option<bool>),
    /// The mean of each key.
    AggregateByKey(Option<Window>),
    GroupByKey(Option<Window>),
    Cogroup,
    /// With a plugin.
    CogroupWith,
    Join(How),
    /// `running_sum` that ships.
    RunningSum,
    /// `drift` of the program.
    Drift,
    MapWithState {
        timeout_ms: Option<u64>,
        /// Whether there is a row for each number, or one for each key.
        each: bool,
    },
    /// Of one of the three above.
    Snapshots,
    /// A function of whole batches.
    NumberRows,
    /// A function of whole batches of two streams.
    MarkRows,
}

impl Op {
    /// The window that it looks at.
    pub fn window(self) -> Option<Window> {
        match self {
            Self::Window(window) => Some(window),
            Self::Count(window)
            | Self::CountByValue(window)
            | Self::Reduce(_, window, _)
            | Self::ReduceByKey(_, window, _)
            | Self::AggregateByKey(window)
            | Self::GroupByKey(window) => window,
            _ => None,
        }
    }

    /// Whether it puts out other columns than a key and a number, which are folded then.
    pub fn is_folded(self) -> bool {
        !matches!(
            self,
            Self::Map(_)
                | Self::Select
                | Self::Filter
                | Self::Union
                | Self::Repartition(_)
                | Self::Window(_)
                | Self::NumberRows
                | Self::MarkRows
        )
    }
}

/// What is promised of the order of a stream's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Nothing.
    None,
    /// That of the rows of each key.
    OfKey,
    /// That of all rows.
    OfAll,
}

/// A stream made of others.
#[derive(Clone, Debug)]
pub struct Node {
    pub op: Op,
    /// The streams that it reads: sources first, then nodes.
    pub from: Vec<usize>,
    /// How many batches it is from one of its own to the next.
    pub every: u64,
    pub order: Order,
}

/// Sources, and streams made of them.
#[derive(Clone, Debug)]
pub struct Graph {
    pub num_sources: usize,
    pub nodes: Vec<Node>,
    /// The streams that are looked at.
    pub outputs: Vec<usize>,
}

/// Numbers from which a node is made, whatever there is before it.
type Choice = (u8, u16, u16, u8, u8, bool);

/// The longest time between two batches of a stream, in intervals.
const LONGEST: u64 = 36;

/// Any graph.
pub fn graphs() -> impl Strategy<Value = Graph> {
    let choice = (0..26_u8, any::<u16>(), any::<u16>(), any::<u8>(), any::<u8>(), any::<bool>());
    (1..3_usize, vec(choice, 1..9)).prop_map(|(num_sources, choices)| Graph::new(num_sources, &choices))
}

impl Graph {
    fn new(num_sources: usize, choices: &[Choice]) -> Self {
        let mut graph = Self { num_sources, nodes: Vec::new(), outputs: Vec::new() };
        for choice in choices {
            let node = graph.node(*choice);
            graph.nodes.push(node);
            if choice.5 {
                graph.outputs.push(num_sources + graph.nodes.len() - 1);
            }
        }
        let last = num_sources + choices.len() - 1;
        if !graph.outputs.contains(&last) {
            graph.outputs.push(last);
        }
        graph
    }

    /// How many batches it is from one of the stream's to the next.
    pub fn every(&self, stream: usize) -> u64 {
        self.made(stream).map_or(1, |node| node.every)
    }

    /// What is promised of the order of the stream's rows.
    pub fn order(&self, stream: usize) -> Order {
        self.made(stream).map_or(Order::OfAll, |node| node.order)
    }

    /// Whether the rows of each key come to `node` in an order that is promised.
    pub fn keeps_order(&self, node: &Node) -> bool {
        node.from.iter().all(|&from| self.order(from) >= Order::OfKey)
    }

    /// The node that makes the stream; none of a source.
    pub fn made(&self, stream: usize) -> Option<&Node> {
        stream.checked_sub(self.num_sources).map(|index| &self.nodes[index])
    }

    /// Something valid of `choice`, whose numbers say more than there may be.
    fn node(&self, (kind, a, b, p, q, _): Choice) -> Node {
        let num_streams = self.num_sources + self.nodes.len();
        let from = a as usize % num_streams;
        let (every, order) = (self.every(from), self.order(from));
        let alike: Vec<usize> = (0..num_streams).filter(|other| self.every(*other) == every).collect();
        let other = alike[b as usize % alike.len()];
        let both = order.min(self.order(other));

        let slide = [1, 2, 3, 4, 1, 2, 3, 33][q as usize % 8];
        let slide = Some(slide).filter(|slide| slide * every <= LONGEST).unwrap_or(1);
        let window = Window { length: [1, 2, 3, 4, 5, 6, 4, 5, 6, 66][p as usize % 10], slide };
        let maybe = Some(window).filter(|_| b % 3 > 0);
        let wanted = [
            Reduction::Sum,
            Reduction::NativeSum,
            Reduction::Max,
            Reduction::Min,
            Reduction::First,
            Reduction::Last,
        ][p as usize / 6 % 6];
        let reduction = |least: Order| {
            if wanted.needs_order() && order < least { Reduction::Max } else { wanted }
        };
        let inverse = |reduction: Reduction| {
            let choice = [None, Some(false), Some(true)][q as usize / 8 % 3];
            choice.filter(|_| maybe.is_some() && reduction.has_inverse())
        };
        let new = |op: Op, every: u64, order: Order| Node { op, from: vec![from], every, order };
        let two = |op: Op, order: Order| Node { op, from: vec![from, other], every, order };
        let keyed = |op: Op, window: Option<Window>, order: Order| {
            new(op, every * window.map_or(1, |window| window.slide), order)
        };
        match kind {
            0..=2 => {
                let maps = [Map::AddOne, Map::Repeat, Map::Rekey(u32::from(q) % 50 + 1), Map::DropKeys];
                let map = maps[p as usize % 4];
                let loses = order == Order::OfKey && !map.keeps_keys();
                new(Op::Map(map), every, if loses { Order::None } else { order })
            }
            3 => new(Op::Select, every, order),
            4 => new(Op::Filter, every, order),
            5 | 6 => two(Op::Union, both),
            7 => new(Op::Repartition(p as usize % 20 + 1), every, Order::None),
            8 | 9 => keyed(Op::Window(window), Some(window), order),
            10 => keyed(Op::Count(maybe), maybe, Order::OfAll),
            11 => keyed(Op::CountByValue(maybe), maybe, Order::None),
            12 => {
                let reduction = reduction(Order::OfAll);
                keyed(Op::Reduce(reduction, maybe, inverse(reduction)), maybe, Order::OfAll)
            }
            13 | 14 => {
                let reduction = reduction(Order::OfKey);
                keyed(Op::ReduceByKey(reduction, maybe, inverse(reduction)), maybe, Order::OfKey)
            }
            15 => keyed(Op::AggregateByKey(maybe), maybe, Order::OfKey),
            16 => keyed(Op::GroupByKey(maybe), maybe, Order::OfKey),
            17 => two(Op::Cogroup, Order::OfKey),
            18 => two(Op::CogroupWith, Order::OfKey),
            19 | 20 => {
                let hows = [How::Inner, How::Left, How::Right, How::Full];
                two(Op::Join(hows[p as usize % 4]), Order::None)
            }
            21 => new(Op::RunningSum, every, Order::OfKey),
            22 => new(Op::Drift, every, Order::OfKey),
            23 => {
                let timeout_ms = Some(u64::from(p) % 12 * 500 + 500).filter(|_| q % 4 > 0);
                let each = q % 8 < 5 && order >= Order::OfKey;
                new(Op::MapWithState { timeout_ms, each }, every, Order::OfKey)
            }
            24 => {
                let keeps =
                    |node: &Node| matches!(node.op, Op::RunningSum | Op::Drift | Op::MapWithState { .. });
                let keepers = (self.num_sources..num_streams).filter(|i| self.made(*i).is_some_and(keeps));
                let keepers: Vec<usize> = keepers.collect();
                match keepers.get(a as usize % keepers.len().max(1)) {
                    Some(&from) => Node {
                        op: Op::Snapshots,
                        from: vec![from],
                        every: self.every(from),
                        order: Order::OfKey,
                    },
                    None => new(Op::Drift, every, Order::OfKey),
                }
            }
            _ if p % 2 == 0 => new(Op::NumberRows, every, Order::OfAll),
            _ => two(Op::MarkRows, Order::OfAll),
        }
    }
}
