//! Tests: what an author reads who uses an attribute wrongly that works on keys.

use super::error;
use crate::{aggregate, keyed, reduce};
use proc_macro2::TokenStream;
use quote::quote;

fn update_state(item: TokenStream) -> String {
    error(keyed::update_state(quote!(), item))
}

fn map_with_state(item: TokenStream) -> String {
    error(keyed::map_with_state(quote!(), item))
}

fn cogroup(item: TokenStream) -> String {
    error(keyed::cogroup(quote!(), item))
}

fn accumulator(item: TokenStream) -> String {
    error(aggregate::expand(quote!(), item))
}

#[test]
fn an_inverse_is_named() {
    let function = quote!(
        fn add(a: i64, b: i64) -> i64 {
            a + b
        }
    );
    let message = "the only option is `inverse = FUNCTION`";
    for options in [quote!(inverse), quote!(back = subtract), quote!(inverse = 3)] {
        assert_eq!(error(reduce::expand(options, function.clone())), message);
    }
    assert_eq!(error(reduce::expand(quote!(inverse = own::subtract), function)), "");
}

#[test]
fn functions_of_earlier_states_are_named() {
    let function = quote!(
        fn f(values: impl Iterator<Item = i64>, state: Option<i64>) -> Option<i64> {
            state
        }
    );
    let message = "the only option is `migrate = FUNCTION`, or `migrate = [FUNCTION, …]`";
    for options in [quote!(migrate), quote!(from = f), quote!(migrate = 3), quote!(migrate = [])] {
        assert_eq!(error(keyed::update_state(options, function.clone())), message);
    }
    for options in [quote!(migrate = from_v1), quote!(migrate = [from_v1, own::from_v2])] {
        assert_eq!(error(keyed::update_state(options, function.clone())), "");
    }
}

#[test]
fn arguments_have_names_that_say_what_they_are() {
    let message = "the arguments of a `#[update_state]` function are `key`, `values`, `state`, `now` and the \
                   config, not `total`";
    let item = quote!(
        fn f(values: impl Iterator<Item = i64>, total: Option<i64>) -> Option<i64> {
            total
        }
    );
    assert_eq!(update_state(item), message);
    let message = "a `#[update_state]` function takes `values: impl Iterator<Item = …>`";
    assert_eq!(
        update_state(quote!(
            fn f(state: Option<i64>) -> Option<i64> {
                state
            }
        )),
        message
    );
    assert_eq!(
        update_state(quote!(
            fn f(values: Vec<i64>) -> Option<i64> {
                None
            }
        )),
        message
    );
    let message = "a `#[map_with_state]` function takes `value: Option<…>`";
    let item = quote!(
        fn f(value: i64, state: &mut State<i64>) -> Option<Row> {
            None
        }
    );
    assert_eq!(map_with_state(item), message);
    let message = "a `#[map_with_state]` function takes `state: &mut State<…>`";
    assert_eq!(
        map_with_state(quote!(
            fn f(value: Option<i64>) -> Option<Row> {
                None
            }
        )),
        message
    );
    let item = quote!(
        fn f(value: Option<i64>, state: Option<i64>) -> Option<Row> {
            None
        }
    );
    assert_eq!(map_with_state(item), message);
    let message = "a `#[cogroup]` function takes `right: impl Iterator<Item = …>`";
    assert_eq!(
        cogroup(quote!(
            fn f(left: impl Iterator<Item = i64>) -> Vec<Row> {
                vec![]
            }
        )),
        message
    );
}

#[test]
fn answers_have_a_form() {
    let message = "a `#[update_state]` function answers `Option<…>` of the state, or a `Result` of it";
    assert_eq!(
        update_state(quote!(
            fn f(values: impl Iterator<Item = i64>) -> i64 {
                1
            }
        )),
        message
    );
    let message = "a `#[map_with_state]` function answers `Option<…>` of a row, or a `Result` of it";
    let item = quote!(
        fn f(value: Option<i64>, state: &mut State<i64>) -> Row {
            Row
        }
    );
    assert_eq!(map_with_state(item), message);
    let message = "a `#[cogroup]` function answers `impl Iterator<Item = R>`, a `Vec`, an array or an `Option` of \
                   rows, or a `Result` of one of these";
    let item = quote!(
        fn f(left: impl Iterator<Item = i64>, right: impl Iterator<Item = i64>) -> Row {
            Row
        }
    );
    assert_eq!(cogroup(item), message);
    assert_eq!(error(keyed::cogroup(quote!(outer), quote!())), "`cogroup` takes no options");
}

#[test]
fn an_accumulator_has_its_parts() {
    let message = "an accumulator has `add(&mut self, value)`, `merge(&mut self, other: Self)` and `finish(self)`, \
                   and `new()` if it isn't its default";
    assert_eq!(accumulator(quote!(impl Mean { fn add(&mut self, value: f64) {} })), message);
    let rest = quote!(
        fn merge(&mut self, other: Self) {}
        fn finish(self) -> Row {
            Row
        }
    );
    let message = "`add` takes one value, and the config if it needs it";
    assert_eq!(accumulator(quote!(impl Mean { fn add(&mut self, a: f64, b: f64) {} #rest })), message);
    let message = "`finish` has to answer a row";
    let item = quote!(
        impl Mean {
            fn add(&mut self, value: f64) {}
            fn merge(&mut self, other: Self) {}
            fn finish(self) {}
        }
    );
    assert_eq!(accumulator(item), message);
    let message = "`#[aggregate]` goes on the own `impl` of a row without lifetimes";
    assert_eq!(accumulator(quote!(impl Default for Mean {})), message);
    assert_eq!(
        accumulator(quote!(
            impl<'a> Mean<'a> {}
        )),
        message
    );
    let message = "`#[aggregate]` goes on the `impl` of a row: expected `impl`";
    assert_eq!(
        accumulator(quote!(
            struct Mean;
        )),
        message
    );
    let right = quote!(impl Mean { fn add(&mut self, value: &str, config: &Config) -> Result<(), Reject> { Ok(()) } #rest });
    assert_eq!(accumulator(right), "");
}
