//! Tests: what an author reads who uses an attribute wrongly.

mod keyed;

use crate::{config, reduce, row, transform};
use proc_macro2::TokenStream;
use quote::quote;

fn map(options: TokenStream, item: TokenStream) -> String {
    error(transform::expand(transform::Kind::Map, options, item))
}

fn flat_map(item: TokenStream) -> String {
    error(transform::expand(transform::Kind::FlatMap, quote!(), item))
}

fn filter(options: TokenStream, item: TokenStream) -> String {
    error(transform::expand(transform::Kind::Filter, options, item))
}

fn fold(item: TokenStream) -> String {
    error(reduce::expand(quote!(), item))
}

fn derive(item: TokenStream) -> String {
    error(row::expand(item))
}

fn error(expansion: syn::Result<TokenStream>) -> String {
    expansion.err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn wrong_answers_are_named() {
    let message = "a map answers one row, or a `Result` of one; for any number of rows there is `flat_map`";
    assert_eq!(
        map(
            quote!(),
            quote!(
                fn f(line: &str) -> Vec<Word> {
                    todo!()
                }
            )
        ),
        message
    );
    let message = "a flat_map answers `impl Iterator<Item = R>`, a `Vec`, an array or an `Option` of rows, \
                   or a `Result` of one of these";
    assert_eq!(
        flat_map(quote!(
            fn f(line: &str) -> Word {
                todo!()
            }
        )),
        message
    );
    let message = "a filter answers `bool` or `Result<bool, Reject>`";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(n: i64) -> i64 {
                    n
                }
            )
        ),
        message
    );
    let message = "a `#[flat_map]` function has to answer something";
    assert_eq!(
        flat_map(quote!(
            fn f(line: &str) {}
        )),
        message
    );
}

#[test]
fn wrong_arguments_are_named() {
    let message = "columns are read without copying: take `&str` here";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(line: String) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "columns are read without copying: take `Option<&[u8]>` here";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(data: Option<Vec<u8>>) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "an argument needs a plain name: that of the column";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f((a, b): (i64, i64)) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "more than one argument is a reference to something else than `str` or `[u8]`; only the \
                   config may be one";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(a: &i64, b: &Config) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "a plugin is a free function, without `self`";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(&self) -> bool {
                    true
                }
            )
        ),
        message
    );
}

#[test]
fn wrong_options_are_named() {
    let function = quote!(
        fn f(n: i64) -> bool {
            true
        }
    );
    assert_eq!(map(quote!(keep), function.clone()), "the only option is `carry`");
    let message = "a filter takes no options: it carries all columns";
    assert_eq!(filter(quote!(carry), function), message);
    assert_eq!(error(config::expand(quote!(strict), quote!())), "`config` takes no options");
}

#[test]
fn wrong_functions_are_named() {
    let message = "a `#[filter]` function can be neither async nor unsafe";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                async fn f(n: i64) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "a `#[filter]` function can be generic over lifetimes only";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f<T>(n: T) -> bool {
                    true
                }
            )
        ),
        message
    );
    let message = "`#[filter]` goes on a function: expected `fn`";
    assert_eq!(
        filter(
            quote!(),
            quote!(
                struct Word;
            )
        ),
        message
    );
    let message = "a reducer takes two values of one type and answers a value of that type, or a `Result` \
                   of one";
    assert_eq!(
        fold(quote!(
            fn f(a: i64, b: i64) -> f64 {
                0.0
            }
        )),
        message
    );
    assert_eq!(
        fold(quote!(
            fn f(a: i64) -> i64 {
                a
            }
        )),
        message
    );
}

#[test]
fn wrong_rows_are_named() {
    assert_eq!(
        derive(quote!(
            enum Word {}
        )),
        "a row is a struct"
    );
    assert_eq!(
        derive(quote!(
            struct Word {}
        )),
        "a row needs a field at least"
    );
    let message = "a row needs named fields: their names are those of the columns";
    assert_eq!(
        derive(quote!(
            struct Word(i64);
        )),
        message
    );
    let message = "a row may have one lifetime and no other parameters";
    assert_eq!(
        derive(quote!(
            struct Word<T> {
                word: T,
            }
        )),
        message
    );
}

#[test]
fn right_use_is_no_error() {
    assert_eq!(
        filter(
            quote!(),
            quote!(
                fn f(n: i64, config: &Config) -> Result<bool, Reject> {
                    Ok(true)
                }
            )
        ),
        ""
    );
    assert_eq!(
        fold(quote!(
            fn f<'a>(a: Stats<'a>, b: Stats<'a>) -> Stats<'a> {
                a
            }
        )),
        ""
    );
    assert_eq!(
        map(
            quote!(carry),
            quote!(
                fn f(line: &str) -> Result<Word<'_>, Reject> {
                    todo!()
                }
            )
        ),
        ""
    );
}
