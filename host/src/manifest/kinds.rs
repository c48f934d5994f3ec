//! Who makes sources, operators and sinks from the options in a manifest. A seam: tests have kinds of their own.

use toml::de::{Error, ValueDeserializer};

use crate::operator::{self, Operator};
use crate::sink::{self, Sink};
use crate::source::{self, Source};

/// Makes something of one of several kinds.
pub(super) struct Chooser<T: ?Sized> {
    /// The kinds there are.
    pub(super) kinds: &'static [&'static str],
    /// Makes one, from its kind and options.
    pub(super) choose: for<'de> fn(&str, ValueDeserializer<'de>) -> Result<Box<T>, Error>,
}

/// Everything that a manifest can name by its kind.
pub(super) struct Kinds {
    pub(super) sources: Chooser<dyn Source>,
    pub(super) operators: Chooser<dyn Operator>,
    pub(super) sinks: Chooser<dyn Sink>,
}

impl Kinds {
    /// What the host has.
    pub(super) const BUILT_IN: Self = Self {
        sources: Chooser {
            kinds: &source::KINDS,
            choose: |kind, options| source::from_options(kind, options),
        },
        operators: Chooser {
            kinds: &operator::KINDS,
            choose: |kind, options| operator::from_options(kind, options),
        },
        sinks: Chooser { kinds: &sink::KINDS, choose: |kind, options| sink::from_options(kind, options) },
    };
}
