//! `#[config]`: derives `Deserialize` through the library's own serde, so that authors need none.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Result};

pub fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !options.is_empty() {
        return Err(Error::new_spanned(options, "`config` takes no options"));
    }
    Ok(quote! {
        #[derive(::tidemill_plugin::__private::serde::Deserialize)]
        #[serde(crate = "::tidemill_plugin::__private::serde", deny_unknown_fields)]
        #item
    })
}
