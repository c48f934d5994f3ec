//! Merges lists of clients, `[[client, total], ...]`, into the list of the largest totals.
//!
//! `config = { limit = 5 }` says how many. A list merged with others and cut is as good as the lists it
//! came from, so the host may merge parts in any grouping; of equal totals the smaller client id is first.

use tidemill_plugin::{Batch, Builder, Column, DataType, Groups, Push, Read, Reduce, Schema, parse_config};

#[tidemill_plugin::config]
struct Config {
    #[serde(default = "five")]
    limit: usize,
}

fn five() -> usize {
    5
}

/// A client, and what its orders come to.
type Entry = (i64, f64);

/// The plugin.
pub struct Top {
    limit: usize,
}

impl Reduce for Top {
    fn open(config: &str, values: &Schema) -> Result<Self, String> {
        let config: Config = parse_config(config)?;
        match values.fields() {
            [field] if field.data_type == DataType::Utf8 => Ok(Top { limit: config.limit }),
            _ => Err(format!("one column of lists is wanted, as JSON in utf8; {values}")),
        }
    }

    fn reduce(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let lists = <&str>::reader(values.column(0)?, values.rows as usize)?;
        let mut merged = <String as Push>::Builder::with_capacity(groups.len(), 0);
        for rows in groups.iter() {
            let rows =
                rows.map(|row| <&str>::read(&lists, row).ok_or_else(|| format!("row {row} holds no list")));
            self.merge(rows)?.push_to(&mut merged);
        }
        let mut columns: Vec<Column> = vec![];
        merged.finish(&mut columns);
        Ok(Batch { rows: groups.len() as u32, columns })
    }
}

impl Top {
    fn merge<'a>(&self, lists: impl Iterator<Item = Result<&'a str, String>>) -> Result<String, String> {
        let mut entries: Vec<Entry> = vec![];
        for list in lists {
            let list = list?;
            let more: Vec<Entry> =
                serde_json::from_str(list).map_err(|e| format!("`{list}` is no list: {e}"))?;
            entries.extend(more);
        }
        entries.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        entries.truncate(self.limit);
        serde_json::to_string(&entries).map_err(|e| e.to_string())
    }
}

tidemill_plugin::export_reduce!(Top);

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing::{self, Table};

    use super::*;

    #[test]
    fn the_largest_totals_stay_and_equals_go_by_client() -> Result<(), String> {
        let lists = Table::new().column("top", ["[[1,10.0]]", "[[9,30.0],[2,20.0]]", "[[3,20.0]]"]);
        let top = testing::reduce::<Top>(r#"{"limit": 3}"#, &[3], &lists)?;
        assert_eq!(top.rows(), ["([[9,30.0],[2,20.0],[3,20.0]])"]);
        Ok(())
    }

    #[test]
    fn merging_parts_first_changes_nothing() -> Result<(), String> {
        let top = Top { limit: 2 };
        let merge = |lists: &[&str]| top.merge(lists.iter().copied().map(Ok));
        let (a, b, c) = ("[[1,10.0]]", "[[2,20.0]]", "[[3,5.0],[4,40.0]]");
        assert_eq!(merge(&[&merge(&[a, b])?, c])?, merge(&[a, b, c])?);
        Ok(())
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let top = Top { limit: 2 };
        assert!(top.merge([Ok("7")].into_iter()).is_err());
    }
}
