//! The types that columns may have, and how users write and read them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType as Arrow, Field, Schema, SchemaRef, TimeUnit};
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error};

/// The time zone of timestamp columns, as an offset: Arrow knows zones by name only with a database of them.
pub const UTC: &str = "+00:00";

/// The type of a column. Nested values travel as JSON in a `utf8` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `boolean`
    Boolean,
    /// `int64`
    Int64,
    /// `float64`
    Float64,
    /// `utf8`
    Utf8,
    /// `binary`
    Binary,
    /// `timestamp`: microseconds since the Unix epoch, UTC
    Timestamp,
}

impl DataType {
    /// All types, in the order users are told of them.
    pub const ALL: [Self; 6] =
        [Self::Boolean, Self::Int64, Self::Float64, Self::Utf8, Self::Binary, Self::Timestamp];

    /// The name in manifests and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Utf8 => "utf8",
            Self::Binary => "binary",
            Self::Timestamp => "timestamp",
        }
    }

    /// The Arrow type.
    pub fn arrow(self) -> Arrow {
        match self {
            Self::Boolean => Arrow::Boolean,
            Self::Int64 => Arrow::Int64,
            Self::Float64 => Arrow::Float64,
            Self::Utf8 => Arrow::Utf8,
            Self::Binary => Arrow::Binary,
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        }
    }

    /// From an Arrow type; none where it is not one of ours.
    pub fn from_arrow(arrow: &Arrow) -> Option<Self> {
        Self::ALL.into_iter().find(|ours| ours.arrow() == *arrow)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|ours| ours.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is not a type; the types are {names}, with a `?` behind one that may be null")
        })
    }
}

/// A schema as a manifest declares it: column names to types in order, `?` behind a type that may be null.
#[derive(Clone, Debug)]
pub struct DeclaredSchema(pub SchemaRef);

impl<'de> Deserialize<'de> for DeclaredSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let columns = IndexMap::<String, String>::deserialize(deserializer)?;
        if columns.is_empty() {
            return Err(D::Error::custom("a schema needs at least one column"));
        }
        let fields = columns.into_iter().map(|(name, written)| {
            let (text, nullable) = match written.strip_suffix('?') {
                Some(text) => (text, true),
                None => (written.as_str(), false),
            };
            let data_type: DataType =
                text.parse().map_err(|e| D::Error::custom(format!("column `{name}`: {e}")))?;
            Ok(Field::new(name, data_type.arrow(), nullable))
        });
        Ok(Self(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, D::Error>>()?))))
    }
}

/// The schema of a source of raw lines: one column, `line: utf8`.
pub fn line_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("line", Arrow::Utf8, false)]))
}

/// A schema for people: `word: utf8, n: int64?`.
pub fn describe(schema: &Schema) -> String {
    let columns = schema.fields().iter().map(|field| describe_field(field));
    columns.collect::<Vec<_>>().join(", ")
}

/// A field for people: `n: int64?`.
pub fn describe_field(field: &Field) -> String {
    let name = match DataType::from_arrow(field.data_type()) {
        Some(ours) => ours.name().to_owned(),
        None => field.data_type().to_string(),
    };
    format!("{}: {name}{}", field.name(), if field.is_nullable() { "?" } else { "" })
}
