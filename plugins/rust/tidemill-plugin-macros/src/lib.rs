//! The attributes of `tidemill-plugin`, which re-exports them; depend on that crate, not on this one.
//!
//! In comes a function or a struct. Out comes the same, untouched, and beside it an implementation of
//! one of the library's traits, so that a plugin written with an attribute and one written by hand
//! are the same thing.

mod config;
mod function;
#[cfg(test)]
mod misuse;
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
