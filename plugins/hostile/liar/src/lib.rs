//! A transform and a reduction whose answers are wrong in the one way that the config names: `{ lie = "..." }`.
//!
//! Without a lie, the transform answers for each `line` its text and its number of bytes, and the reduction the
//! first value of each key. It is written against the bare contract, because the SDK can't lie. Only Wasm is
//! built; there is nothing in it for a native build.
#![cfg(target_family = "wasm")]

mod bindings;
mod reduction;
mod transform;

use std::cell::RefCell;

use bindings::exports::tidemill::plugin::{reduce, transform as contract};
use bindings::tidemill::plugin::types::{Batch, Field};

thread_local! {
    static LIE: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Liar;

impl contract::Guest for Liar {
    fn open(config: String, _: Vec<Field>) -> Result<contract::Plan, String> {
        transform::plan(&choose(&config)?)
    }

    fn process(input: Batch) -> Result<contract::Output, String> {
        transform::output(&LIE.with_borrow(String::clone), input)
    }
}

impl reduce::Guest for Liar {
    fn open(config: String, _: Vec<Field>) -> Result<(), String> {
        choose(&config).map(|_| ())
    }

    fn reduce(ends: Vec<u32>, values: Batch) -> Result<Batch, String> {
        Ok(reduction::answer(&LIE.with_borrow(String::clone), &ends, values))
    }
}

fn choose(config: &str) -> Result<String, String> {
    let config: serde_json::Value = serde_json::from_str(config).map_err(|error| error.to_string())?;
    let lie = config["lie"].as_str().unwrap_or_default().to_owned();
    LIE.set(lie.clone());
    Ok(lie)
}

mod export {
    #![allow(unsafe_code, reason = "generated")]
    use super::{Liar, bindings};

    bindings::export!(Liar with_types_in bindings);
}
