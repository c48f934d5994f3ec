//! Schemas: the names and types of the columns a plugin is opened on.
//!
//! In comes what the host knows about a stream. Out go column indices, or a sentence that tells the
//! author of a manifest which column is missing or of the wrong type, and what there is instead.

use crate::{DataType, Field};
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// The columns of a stream, in order. Names are unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// A schema of these columns.
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// The columns, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Where the column `name` stands, if there is one.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The column `name` and where it stands.
    ///
    /// # Errors
    /// Where there is none; the text lists the columns that there are.
    pub fn column(&self, name: &str) -> Result<(u32, &Field), String> {
        let found = (0..).zip(&self.fields).find(|(_, f)| f.name == name);
        found.ok_or_else(|| format!("there is no column `{name}`; {self}"))
    }

    /// Where the column `name` stands, which must be of this type.
    ///
    /// # Errors
    /// Where there is none or it has another type; the text lists the columns that there are.
    ///
    /// ```
    /// use tidemill_plugin::{DataType, Field, Schema};
    /// let schema = Schema::new(vec![Field::new("line", DataType::Utf8)]);
    /// assert_eq!(schema.want("line", DataType::Utf8), Ok(0));
    /// assert_eq!(
    ///     schema.want("line", DataType::Int64).unwrap_err(),
    ///     "column `line` is utf8, but int64 is wanted; the columns are: line: utf8"
    /// );
    /// ```
    pub fn want(&self, name: &str, data_type: DataType) -> Result<u32, String> {
        let (index, field) = self.column(name).map_err(|e| match e.split_once("; ") {
            Some((missing, there)) => format!("{missing} of type {data_type}; {there}"),
            None => e,
        })?;
        if field.data_type == data_type {
            return Ok(index);
        }
        let found = field.data_type;
        Err(format!("column `{name}` is {found}, but {data_type} is wanted; {self}"))
    }

    /// The indices of all columns but those that one of `replaced` names, for [`Plan::carries`]: a
    /// column that a plugin produces takes the place of an input column of the same name.
    ///
    /// [`Plan::carries`]: crate::Plan::carries
    pub fn all_but(&self, replaced: &[Field]) -> Vec<u32> {
        let kept = |field: &Field| replaced.iter().all(|r| r.name != field.name);
        (0..).zip(&self.fields).filter(|(_, f)| kept(f)).map(|(i, _)| i).collect()
    }
}

/// Lists the columns, as the end of an error message.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fields.is_empty() {
            return f.write_str("there are no columns");
        }
        f.write_str("the columns are: ")?;
        for (i, field) in self.fields.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let mark = if field.nullable { "?" } else { "" };
            write!(f, "{comma}{}: {}{mark}", field.name, field.data_type)?;
        }
        Ok(())
    }
}

impl Field {
    /// A column that has a value in every row.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type, nullable: false }
    }

    /// The same column, where a row may hold no value.
    #[must_use]
    pub fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// The name it has in manifests and messages.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataType::Boolean => "boolean",
            DataType::Int64 => "int64",
            DataType::Float64 => "float64",
            DataType::Utf8 => "utf8",
            DataType::Binary => "binary",
            DataType::Timestamp => "timestamp",
        })
    }
}

/// By name, so that a plugin's config may have types in it.
impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let types = [
            DataType::Boolean,
            DataType::Int64,
            DataType::Float64,
            DataType::Utf8,
            DataType::Binary,
            DataType::Timestamp,
        ];
        let names = &["boolean", "int64", "float64", "utf8", "binary", "timestamp"];
        let found = types.into_iter().zip(names).find(|(_, known)| **known == name);
        let unknown = || de::Error::unknown_variant(&name, names);
        found.map(|(data_type, _)| data_type).ok_or_else(unknown)
    }
}
