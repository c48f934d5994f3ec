//! How rates are decided, as a manifest or a program says it.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::fit::Fit;
use super::pid::{Pid, PidOptions};
use super::{RateControl, SourceLoad};
use crate::record::Interval;

/// What a source may bring before anything is known, in rows a second.
const INITIAL_RATE: u64 = 100_000;

/// The words for modes.
const MODES: [&str; 3] = ["fit", "spark", "off"];

/// How rates are decided.
#[derive(Clone, Debug)]
pub struct RateOptions {
    /// By what.
    pub mode: RateMode,
    /// What each source may bring in the first batches, in rows a second.
    pub initial_rate: u64,
}

/// By what rates are decided.
#[derive(Clone, Default)]
pub enum RateMode {
    /// So that batches fit their interval: [`Fit`].
    #[default]
    Fit,
    /// As Spark Streaming does: a [`Pid`] for each source.
    Spark(PidOptions),
    /// Not at all: a batch takes what is there.
    Off,
    /// By code of the program, made for the interval and the number of sources.
    Custom(MakeControl),
}

type MakeControl = Arc<dyn Fn(Interval, usize) -> Box<dyn RateControl> + Send + Sync>;

/// Rates can't be decided so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RateError {
    /// A factor of the controller.
    #[error("`{factor}` is {value}; write a number that is 0 or more")]
    Factor {
        /// Which.
        factor: &'static str,
        /// What it is.
        value: f64,
    },
    /// The least rate.
    #[error("`min_rate` is {0}; write a number of rows a second above 0")]
    Least(f64),
    /// The rate to begin with.
    #[error("`initial_rate` is 0; write a number of rows a second above 0")]
    Initial,
}

impl Default for RateOptions {
    fn default() -> Self {
        Self::new(RateMode::default())
    }
}

impl RateOptions {
    /// By `mode`, with everything else as by default.
    pub const fn new(mode: RateMode) -> Self {
        Self { mode, initial_rate: INITIAL_RATE }
    }

    /// Not at all: a batch takes what is there.
    pub const fn off() -> Self {
        Self::new(RateMode::Off)
    }

    /// As Spark Streaming decides on them, with its settings.
    pub fn spark() -> Self {
        Self::new(RateMode::Spark(PidOptions::default()))
    }

    /// By what `make` makes for an interval and a number of sources.
    pub fn custom(make: impl Fn(Interval, usize) -> Box<dyn RateControl> + Send + Sync + 'static) -> Self {
        Self::new(RateMode::Custom(Arc::new(make)))
    }

    /// Whether numbers are in range.
    pub fn check(&self) -> Result<(), RateError> {
        if self.initial_rate == 0 {
            return Err(RateError::Initial);
        }
        match self.mode {
            // Whether they can be used doesn't depend on the interval.
            RateMode::Spark(options) => Pid::new(Interval::MILLISECOND, options).map(drop),
            RateMode::Fit | RateMode::Off | RateMode::Custom(_) => Ok(()),
        }
    }

    /// What decides, for so many sources; none where nothing does.
    pub fn control(
        &self,
        interval: Interval,
        num_sources: usize,
    ) -> Result<Option<Box<dyn RateControl>>, RateError> {
        Ok(match &self.mode {
            RateMode::Fit => Some(Box::new(Fit::new(interval))),
            RateMode::Spark(options) => Some(Box::new(vec![Pid::new(interval, *options)?; num_sources])),
            RateMode::Custom(make) => Some(make(interval, num_sources)),
            RateMode::Off => None,
        })
    }

    /// The rate to begin with, in rows a second; none where none is decided on.
    pub fn first_rate(&self) -> Option<f64> {
        match self.mode {
            RateMode::Off => None,
            _ => Some(self.initial_rate as f64),
        }
    }
}

impl fmt::Debug for RateMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit => f.write_str("Fit"),
            Self::Spark(options) => f.debug_tuple("Spark").field(options).finish(),
            Self::Off => f.write_str("Off"),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

impl SourceLoad {
    /// The rows that a batch may have of the source.
    pub(super) fn limit(&self, interval: Interval) -> Option<f64> {
        self.rate.map(|rate| rate * interval.duration().as_secs_f64())
    }
}

/// A manifest says a mode, `"spark"`, or a table, `{ mode = "spark", min_rate = 10 }`.
impl<'de> Deserialize<'de> for RateOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = RateOptions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "\"fit\", \"spark\", \"off\" or a table such as { mode = \"spark\", initial_rate = 1000 }",
        )
    }

    fn visit_str<E: Error>(self, mode: &str) -> Result<RateOptions, E> {
        Table { mode: Some(mode.to_owned()), ..Table::default() }.options()
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RateOptions, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))?.options()
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    mode: Option<String>,
    initial_rate: Option<u64>,
    proportional: Option<f64>,
    integral: Option<f64>,
    derivative: Option<f64>,
    min_rate: Option<f64>,
}

impl Table {
    fn options<E: Error>(self) -> Result<RateOptions, E> {
        let mode = match self.mode.as_deref() {
            None | Some("fit") => RateMode::Fit,
            Some("off") => RateMode::Off,
            Some("spark") => {
                let usual = PidOptions::default();
                RateMode::Spark(PidOptions {
                    proportional: self.proportional.unwrap_or(usual.proportional),
                    integral: self.integral.unwrap_or(usual.integral),
                    derivative: self.derivative.unwrap_or(usual.derivative),
                    min_rate: self.min_rate.unwrap_or(usual.min_rate),
                })
            }
            Some(other) => return Err(E::unknown_variant(other, &MODES)),
        };
        let factors = [self.proportional, self.integral, self.derivative, self.min_rate];
        let options = RateOptions { initial_rate: self.initial_rate.unwrap_or(INITIAL_RATE), mode };
        if factors.iter().any(Option::is_some) && !matches!(options.mode, RateMode::Spark(_)) {
            return Err(E::custom(
                "`proportional`, `integral`, `derivative` and `min_rate` go with mode = \"spark\"; leave them out",
            ));
        }
        options.check().map_err(E::custom)?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<RateOptions, String> {
        serde_json::from_str(written).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mode_or_a_table_is_read_and_what_is_out_of_range_is_told() {
        assert!(matches!(read("\"fit\"").unwrap().mode, RateMode::Fit));
        assert!(matches!(read("\"off\"").unwrap().mode, RateMode::Off));
        let spark = read(r#"{ "mode": "spark", "min_rate": 10, "initial_rate": 7 }"#).unwrap();
        let RateMode::Spark(options) = spark.mode else { panic!("{spark:?}") };
        assert_eq!(options, PidOptions { min_rate: 10.0, ..PidOptions::default() });
        assert_eq!(spark.first_rate(), Some(7.0));
        for (written, said) in [
            ("\"spork\"", "unknown variant `spork`"),
            (r#"{ "mode": "spark", "integral": -1 }"#, "`integral` is -1"),
            (r#"{ "mode": "spark", "min_rate": 0 }"#, "`min_rate` is 0"),
            (r#"{ "initial_rate": 0 }"#, "`initial_rate` is 0"),
            (r#"{ "min_rate": 10 }"#, "go with mode = \"spark\""),
            (r#"{ "initial": 10 }"#, "unknown field `initial`"),
        ] {
            let error = read(written).unwrap_err();
            assert!(error.contains(said), "{written}: {error}");
        }
    }
}
