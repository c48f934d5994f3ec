//! Steps that bring values together by key.

use named::{Column, Form, Record, Step};
use serde_json::{Value, json};
use tidemill::operator::{AggregateByKey, Cogroup, GroupByKey, How, Join, ReduceByKey};

use super::{Builder, Stream, inverse, key, key_of, slid, window};
use crate::Failure;
use crate::case::StepSpec;

impl Builder<'_> {
    /// The values of each key combined to one.
    pub(super) fn reduce_by_key(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (from, value) = self.pairs(from)?;
        let (plugin, _) = self.reducer(step, value);
        let reduce = ReduceByKey { plugin, key: key(), window: window(step), inverse: inverse(step) };
        let handle = self.operator("reduce_by_key", &[&from], reduce);
        let reduced = slid(Stream { handle, ..from }, step);
        match &step.filter {
            Some(filter) => self.apply(reduced, Form::Filter, filter),
            None => Ok(reduced),
        }
    }

    /// The values of each key in a combiner of another type.
    pub(super) fn combine_by_key(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (from, value) = self.pairs(from)?;
        let function = |name: &str| {
            let function = step.rest.get(name).and_then(Value::as_str).map(str::to_owned);
            function.ok_or_else(|| Failure::wrong(format!("`{name}` is missing")))
        };
        let create = Step { form: Form::Map, function: function("create")?, input: Record::single(value) };
        let record = Record::two(key_of(&from), create.output().map_err(Failure::wrong)?);
        let config =
            json!({ "create": create, "merge": function("merge")?, "combine": function("combine")? });
        let (plugin, _) = self.plugin("named_aggregate", config);
        let aggregate = AggregateByKey { plugin, key: key(), window: None };
        let handle = self.operator("combine_by_key", &[&from], aggregate);
        Ok(Stream { handle, record, ..from })
    }

    /// All values of each key.
    pub(super) fn group_by_key(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (from, value) = self.pairs(from)?;
        let handle = self.operator("group_by_key", &[&from], GroupByKey { key: key(), window: window(step) });
        let record = Record::two(key_of(&from), Record::Column(Column::list("values", value)));
        Ok(slid(Stream { handle, record, ..from }, step))
    }

    /// All values of each key of two streams.
    pub(super) fn cogroup(&mut self, from: Stream, step: &StepSpec) -> Result<Stream, Failure> {
        let (left, left_value) = self.pairs(from)?;
        let other = self.other(step.other.as_ref())?;
        let (right, right_value) = self.pairs(other)?;
        let handle =
            self.operator("cogroup", &[&left, &right], Cogroup { plugin: None, key: key(), right_key: None });
        let side = |name: &str, cell| Record::Column(Column::list(name, cell));
        let values = Record::two(side("left", left_value), side("right", right_value));
        Ok(Stream { handle, record: Record::two(key_of(&left), values), ..left })
    }

    /// The values of two streams that share a key, in pairs.
    pub(super) fn join(&mut self, left: Stream, right: Stream, op: &str) -> Result<Stream, Failure> {
        let how = match op {
            "leftOuterJoin" => How::Left,
            "rightOuterJoin" => How::Right,
            "fullOuterJoin" => How::Full,
            _ => How::Inner,
        };
        let (left, left_value) = self.pairs(left)?;
        let (right, right_value) = self.pairs(right)?;
        let join = Join { key: key(), right_key: None, how, right_prefix: "right_".to_owned() };
        let handle = self.operator("join", &[&left, &right], join);
        let side = |name: &str, cell| Record::Column(Column::new(name, cell));
        let values = Record::two(side("v", left_value), side("right_v", right_value));
        Ok(Stream { handle, record: Record::two(key_of(&left), values), ..left })
    }
}
