//! The attributes of `tidemill-plugin`, which re-exports them; depend on that crate, not on this one.
//!
//! In comes a function or a struct. Out comes the same, untouched, and beside it an implementation of
//! one of the library's traits, so that a plugin written with an attribute and one written by hand
//! are the same thing.

mod aggregate;
mod config;
mod function;
mod keyed;
#[cfg(test)]
mod misuse;
mod option;
mod reduce;
mod row;
mod transform;

use proc_macro::TokenStream;

/// Makes a function the plugin of this crate: one row in, one row out.
///
/// Arguments are input columns, by name: `bool`, `i64`, `f64`, `&str`, `&[u8]`, `Timestamp`, or an
/// `Option` of one of these where a row may hold no value; without `Option`, such a row is refused.
/// An argument that is a reference to anything else is the plugin's config. The answer is a struct
/// with `#[derive(Row)]`, or a `Result` of one whose error refuses the row.
///
/// With `#[map(carry)]` all input columns stand before those produced, but for those that have the
/// name of one produced.
///
/// ```
/// use tidemill_plugin::{Reject, Row, map};
///
/// #[derive(Row)]
/// struct Total {
///     total: f64,
/// }
///
/// #[map(carry)]
/// fn total(price: f64, amount: Option<i64>) -> Result<Total, Reject> {
///     if price < 0.0 {
///         return Err(Reject::new(format!("the price {price} is negative")));
///     }
///     Ok(Total { total: price * amount.unwrap_or(1) as f64 })
/// }
///
/// assert_eq!(total(2.5, Some(2)).unwrap().total, 5.0);
/// ```
#[proc_macro_attribute]
pub fn map(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(transform::expand(transform::Kind::Map, options.into(), item.into()))
}

/// Makes a function the plugin of this crate: one row in, any number of rows out.
///
/// Arguments are those of `map`. The answer is `impl Iterator<Item = R>`, a `Vec`, an array or an
/// `Option` of rows, or a `Result` of one of these. Items may themselves be `Result<R, Reject>`: the
/// first that is an error refuses the input row, and what came before it is taken back.
///
/// ```
/// use tidemill_plugin::{Row, config, flat_map};
///
/// #[derive(Row)]
/// struct Part<'a> {
///     part: &'a str,
/// }
///
/// #[config]
/// struct Config {
///     separator: char,
/// }
///
/// #[flat_map]
/// fn split<'a>(line: &'a str, config: &Config) -> impl Iterator<Item = Part<'a>> + use<'a> {
///     line.split(config.separator).map(|part| Part { part })
/// }
///
/// assert_eq!(split("a-b", &Config { separator: '-' }).count(), 2);
/// ```
#[proc_macro_attribute]
pub fn flat_map(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(transform::expand(transform::Kind::FlatMap, options.into(), item.into()))
}

/// Makes a function the plugin of this crate: says which rows stay.
///
/// Arguments are those of `map`. Only the columns that they name are read; all are carried. The answer
/// is `bool` or `Result<bool, Reject>`.
///
/// ```
/// use tidemill_plugin::filter;
///
/// #[filter]
/// fn is_large(price: f64) -> bool {
///     price > 100.0
/// }
///
/// assert!(is_large(101.0));
/// ```
///
/// A type that no column has does not compile:
///
/// ```compile_fail,E0277
/// #[tidemill_plugin::filter]
/// fn is_large(price: f32) -> bool {
///     price > 100.0
/// }
/// ```
#[proc_macro_attribute]
pub fn filter(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(transform::expand(transform::Kind::Filter, options.into(), item.into()))
}

/// Makes a function of two values the plugin of this crate: a reducer.
///
/// The values are of one type that can be read from columns: a plain one (then the stream has one value
/// column, whatever its name), or a struct with `#[derive(Row)]` whose fields are the value columns.
/// A third argument that is a reference is the plugin's config. The answer is a value of that type, or
/// a `Result` of one whose error fails the key. The function must be associative and commutative.
///
/// With `#[reduce(inverse = subtract)]` the function `subtract`, of the same signature, takes a value back
/// out of a total, so that a window that slides costs what enters and leaves it:
///
/// ```
/// #[tidemill_plugin::reduce(inverse = subtract)]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// fn subtract(total: i64, b: i64) -> i64 {
///     total - b
/// }
/// ```
///
/// Several value columns:
///
/// ```
/// use tidemill_plugin::{Row, reduce};
///
/// #[derive(Row)]
/// struct Stats {
///     count: i64,
///     highest: f64,
/// }
///
/// #[reduce]
/// fn add(a: Stats, b: Stats) -> Stats {
///     Stats { count: a.count + b.count, highest: a.highest.max(b.highest) }
/// }
/// ```
#[proc_macro_attribute]
pub fn reduce(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(reduce::expand(options.into(), item.into()))
}

/// Makes a row that collects values the plugin of this crate: `add` collects a value, `merge` takes in what
/// another has collected, `finish` answers what came of it; `new` makes an empty one, which is the row's
/// default where it is left out.
///
/// Values are of one type that can be read from columns: a plain one (then the stream has one value
/// column, whatever its name), or a struct with `#[derive(Row)]` whose fields are value columns. Each
/// function may take a reference to the config as its last argument, and all but `new` may answer a
/// `Result` whose error fails the key.
///
/// ```
/// use tidemill_plugin::{Aggregation, Row, aggregate, testing};
///
/// #[derive(Row, Default)]
/// struct Mean {
///     sum: f64,
///     count: i64,
/// }
///
/// #[derive(Row)]
/// struct Out {
///     mean: f64,
/// }
///
/// #[aggregate]
/// impl Mean {
///     fn add(&mut self, value: f64) {
///         self.sum += value;
///         self.count += 1;
///     }
///
///     fn merge(&mut self, other: Self) {
///         self.sum += other.sum;
///         self.count += other.count;
///     }
///
///     fn finish(self) -> Out {
///         Out { mean: self.sum / self.count as f64 }
///     }
/// }
///
/// let values = testing::Table::new().column("price", [1.0, 2.0, 6.0]);
/// let means = testing::aggregate::<Aggregation<Mean>>("null", &[3], &values).unwrap();
/// assert_eq!(means.rows(), ["(3.0)"]);
/// ```
#[proc_macro_attribute]
pub fn aggregate(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(aggregate::expand(options.into(), item.into()))
}

/// Makes a function of a key's new values and its state the plugin of this crate. It is called for each key
/// of a batch, and answers the key's new state; none removes the key.
///
/// Its arguments are told apart by their names: `values`, the new values in arrival order; `state`, if
/// there is one; and where they are needed `key`, `now` (the batch's time, a `Timestamp`), and a reference
/// to the config. Keys, values and states are plain types, where they have one column, or structs with
/// `#[derive(Row)]`. The answer may be a `Result` whose error fails the key.
///
/// ```
/// #[tidemill_plugin::update_state]
/// fn running_sum(values: impl Iterator<Item = i64>, state: Option<i64>) -> Option<i64> {
///     Some(state.unwrap_or(0) + values.sum::<i64>())
/// }
///
/// assert_eq!(running_sum([1, 2].into_iter(), Some(4)), Some(7));
/// ```
///
/// With `#[update_state(migrate = from_sum)]` the function `from_sum` makes a state of one that an earlier version kept, so
/// that a running pipeline can be swapped to this one. It may answer a `Result`; of several, `migrate = [a, b]`, that one is
/// called whose argument has the columns that were kept:
///
/// ```
/// use tidemill_plugin::{Row, update_state};
///
/// #[derive(Row)]
/// struct Stats {
///     sum: i64,
///     count: i64,
/// }
///
/// #[update_state(migrate = from_sum)]
/// fn stats(values: impl Iterator<Item = i64>, state: Option<Stats>) -> Option<Stats> {
///     let start = state.unwrap_or(Stats { sum: 0, count: 0 });
///     Some(values.fold(start, |s, value| Stats { sum: s.sum + value, count: s.count + 1 }))
/// }
///
/// fn from_sum(sum: i64) -> Stats {
///     Stats { sum, count: 1 }
/// }
/// ```
#[proc_macro_attribute]
pub fn update_state(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(keyed::update_state(options.into(), item.into()))
}

/// Makes a function of a record and its key's state the plugin of this crate. It is called once a record,
/// in arrival order, and once without a value where a key had none for too long. What it answers is put
/// out, behind the columns of the key.
///
/// Its arguments are told apart by their names: `value`; `state`, a handle that reads, updates and removes
/// the state; and where they are needed `key`, `now` (the batch's time, a `Timestamp`), and a reference to
/// the config. Keys, values and states are plain types, where they have one column, or structs with
/// `#[derive(Row)]`. The answer is an `Option` of a row, or a `Result` of one whose error fails the key.
/// `#[map_with_state(migrate = from_v1)]` is what it is for `update_state`.
///
/// ```
/// use tidemill_plugin::{Row, State, map_with_state};
///
/// #[derive(Row)]
/// struct Total {
///     total: i64,
/// }
///
/// #[map_with_state]
/// fn running_total(value: Option<i64>, state: &mut State<i64>) -> Option<Total> {
///     let total = state.get().copied().unwrap_or(0) + value?; // nothing is put out for a key that times out
///     state.update(total);
///     Some(Total { total })
/// }
///
/// let mut state = State::new(Some(4));
/// assert_eq!(running_total(Some(3), &mut state).unwrap().total, 7);
/// assert_eq!(state.get(), Some(&7));
/// ```
#[proc_macro_attribute]
pub fn map_with_state(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(keyed::map_with_state(options.into(), item.into()))
}

/// Makes a function of the rows of two streams that share a key the plugin of this crate. Either side may
/// have none. What it answers is put out, behind the columns of the key.
///
/// Its arguments are told apart by their names: `left` and `right`, the values of both sides in arrival
/// order; and where they are needed `key`, and a reference to the config. Keys and values are plain types,
/// where they have one column, or structs with `#[derive(Row)]`. The answer is that of `flat_map`, but an
/// error fails the key.
///
/// ```
/// use tidemill_plugin::{Row, cogroup};
///
/// #[derive(Row)]
/// struct Paid {
///     open: f64,
/// }
///
/// #[cogroup]
/// fn paid(left: impl Iterator<Item = f64>, right: impl Iterator<Item = f64>) -> Option<Paid> {
///     Some(Paid { open: left.sum::<f64>() - right.sum::<f64>() })
/// }
///
/// assert_eq!(paid([3.0, 4.0].into_iter(), [5.0].into_iter()).unwrap().open, 2.0);
/// ```
#[proc_macro_attribute]
pub fn cogroup(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(keyed::cogroup(options.into(), item.into()))
}

/// Makes a struct a row, with a column a field.
///
/// Fields are `bool`, `i64`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `Timestamp`, or an `Option` of
/// one of these for a column in which rows may hold no value. The struct may have one lifetime.
///
/// ```
/// #[derive(tidemill_plugin::Row)]
/// struct Trade<'a> {
///     symbol: &'a str,
///     price: f64,
///     note: Option<String>,
/// }
/// ```
#[proc_macro_derive(Row)]
pub fn row(item: TokenStream) -> TokenStream {
    or_error(row::expand(item.into()))
}

/// Makes a struct or enum a config: it is read from what the manifest gives the plugin, and a key that
/// it does not know is an error. serde's attributes (`default`, `rename`, …) may be used in it.
///
/// ```
/// #[tidemill_plugin::config]
/// struct Config {
///     max_word_bytes: usize,
///     #[serde(default)]
///     separators: Vec<char>,
/// }
/// ```
#[proc_macro_attribute]
pub fn config(options: TokenStream, item: TokenStream) -> TokenStream {
    or_error(config::expand(options.into(), item.into()))
}

fn or_error(expansion: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expansion.unwrap_or_else(|error| error.to_compile_error()).into()
}
