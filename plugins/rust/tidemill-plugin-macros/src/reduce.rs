//! `#[reduce]`: a fold over each group of rows around the function.

use crate::function::{Argument, Function};
use crate::option;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Path, Result};

pub fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let inverse = option::function("inverse", options)?;
    let function = Function::parse("reduce", item)?;
    function.check_borrowed()?;
    check(&function)?;
    let name = &function.item.sig.ident;
    let (item, plugin) = (&function.item, function.plugin(quote!(order: ::std::vec::Vec<usize>,)));
    let (read_config, keep_config) = function.open_config();
    let value = &function.answer;
    let bind = quote_spanned!(value.span()=> ::tidemill_plugin::__private::bind_all::<#value>(__values)?);
    let fold = quote_spanned!(value.span()=> ::tidemill_plugin::__private::fold::<#value>);
    let call = call(&function, &name.clone().into());
    let inverse = match inverse {
        Some(inverse) => invert(&function, &inverse),
        None => quote!(::tidemill_plugin::export_reduce!(#name);),
    };
    Ok(quote! {
        #item
        #plugin
        #[automatically_derived]
        impl ::tidemill_plugin::Reduce for #name {
            fn open(
                __config: &str,
                __values: &::tidemill_plugin::Schema,
            ) -> ::std::result::Result<Self, ::std::string::String> {
                #read_config
                ::std::result::Result::Ok(Self { #keep_config order: #bind })
            }

            fn reduce(
                &self,
                __groups: ::tidemill_plugin::Groups<'_>,
                __values: ::tidemill_plugin::Batch,
            ) -> ::std::result::Result<::tidemill_plugin::Batch, ::std::string::String> {
                #fold(&self.order, __groups, &__values, |__a, __b| #call)
            }
        }
        #inverse
    })
}

/// The inverse, a function of the same types as `function`.
fn invert(function: &Function, inverse: &Path) -> TokenStream {
    let (name, value) = (&function.item.sig.ident, &function.answer);
    let fold_back = quote_spanned!(value.span()=> ::tidemill_plugin::__private::fold_back::<#value>);
    let call = call(function, inverse);
    quote! {
        #[automatically_derived]
        impl ::tidemill_plugin::Invert for #name {
            fn subtract(
                &self,
                __totals: ::tidemill_plugin::Batch,
                __groups: ::tidemill_plugin::Groups<'_>,
                __values: ::tidemill_plugin::Batch,
            ) -> ::std::result::Result<::tidemill_plugin::Batch, ::std::string::String> {
                #fold_back(&self.order, &__totals, __groups, &__values, |__a, __b| #call)
            }
        }
        ::tidemill_plugin::export_invertible!(#name);
    }
}

/// Two values of the type answered, and perhaps a config.
fn check(function: &Function) -> Result<()> {
    let types: Vec<_> = function.columns().map(|column| column.ty.to_token_stream().to_string()).collect();
    let answer = function.answer.to_token_stream().to_string();
    if types.len() == 2 && types.iter().all(|ty| *ty == answer) {
        return Ok(());
    }
    let message = "a reducer takes two values of one type and answers a value of that type, or a \
                   `Result` of one";
    Err(Error::new_spanned(&function.item.sig, message))
}

/// A call of `name`, which takes and answers what `function` does.
fn call(function: &Function, name: &Path) -> TokenStream {
    let mut values = [quote!(__a), quote!(__b)].into_iter();
    let arguments = function.arguments.iter().map(|argument| match argument {
        Argument::Column(_) => values.next(),
        Argument::Config(_) => Some(quote!(&self.config)),
    });
    let call = quote!(#name(#(#arguments),*));
    match function.fallible {
        false => quote!(::std::result::Result::Ok(#call)),
        true => {
            quote!(#call.map_err(|__error| ::tidemill_plugin::Reject::from(__error).to_string()))
        }
    }
}
