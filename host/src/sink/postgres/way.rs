//! How values get into the columns of a table.
//!
//! A column takes values that stay what they are in it. Those of a narrower type are checked by the server, row by row:
//! what doesn't fit is an error, and never changed.

use crate::record::DataType;
use crate::sink::fit::Ways;

/// How values get into a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As they are.
    Direct,
    /// The server makes this type of them.
    Cast(String),
}

impl Ways for Way {
    fn new_type(data_type: DataType) -> &'static str {
        match data_type {
            DataType::Boolean => "boolean",
            DataType::Int64 => "bigint",
            DataType::Float64 => "double precision",
            DataType::Utf8 => "text",
            DataType::Binary => "bytea",
            DataType::Timestamp => "timestamp with time zone",
        }
    }

    fn of(data_type: DataType, there: &str) -> Option<Self> {
        let bare = there.split('(').next().unwrap_or(there);
        let is_text = data_type == DataType::Utf8 && bare == "character varying";
        if is_text || there == Self::new_type(data_type) {
            return Some(Self::Direct);
        }
        let can_be_cast = match data_type {
            DataType::Int64 => matches!(bare, "integer" | "smallint" | "numeric"),
            DataType::Utf8 => matches!(bare, "json" | "jsonb" | "citext" | "uuid"),
            DataType::Timestamp => there == "timestamp without time zone",
            DataType::Boolean | DataType::Float64 | DataType::Binary => false,
        };
        can_be_cast.then(|| Self::Cast(there.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_stay_what_it_is_has_no_way() {
        use DataType::{Binary, Boolean, Float64, Int64, Timestamp, Utf8};
        for data_type in DataType::ALL {
            assert_eq!(Way::of(data_type, Way::new_type(data_type)), Some(Way::Direct));
        }
        assert_eq!(Way::of(Utf8, "character varying(5)"), Some(Way::Direct));
        for (data_type, there) in [
            (Int64, "integer"),
            (Int64, "numeric(5,0)"),
            (Utf8, "jsonb"),
            (Timestamp, "timestamp without time zone"),
        ] {
            assert_eq!(Way::of(data_type, there), Some(Way::Cast(there.to_owned())));
        }
        for (data_type, there) in [
            (Int64, "double precision"),
            (Float64, "real"),
            (Utf8, "character(5)"),
            (Binary, "text"),
            (Boolean, "integer"),
            (Timestamp, "date"),
            (Timestamp, "timestamp(3) with time zone"),
        ] {
            assert_eq!(Way::of(data_type, there), None, "{data_type} in {there}");
        }
    }
}
