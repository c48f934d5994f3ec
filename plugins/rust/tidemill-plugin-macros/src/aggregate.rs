//! `#[aggregate]`: an `impl` block with `new`, `add`, `merge` and `finish` becomes an `Accumulator`.

use crate::function::{config_type, generic};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{VisitMut, visit_type_mut, visit_type_reference_mut};
use syn::{Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Lifetime, Result, ReturnType, Type, TypeReference};

/// One of the functions.
struct Part<'i> {
    item: &'i ImplItemFn,
    /// Its arguments beside `self` and the config.
    arguments: Vec<&'i Type>,
    config: Option<&'i Type>,
    /// What it answers, less the `Result`.
    answer: Option<&'i Type>,
    fallible: bool,
}

pub fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !options.is_empty() {
        return Err(Error::new_spanned(options, "`aggregate` takes no options"));
    }
    let item: ItemImpl = syn::parse2(item)
        .map_err(|e| Error::new(e.span(), format!("`#[aggregate]` goes on the `impl` of a row: {e}")))?;
    if item.trait_.is_some() || !item.generics.params.is_empty() {
        let message = "`#[aggregate]` goes on the own `impl` of a row without lifetimes";
        return Err(Error::new_spanned(&item.self_ty, message));
    }
    let new = part(&item, "new").ok();
    let (add, merge, finish) = (part(&item, "add")?, part(&item, "merge")?, part(&item, "finish")?);
    let [value] = *add.arguments else {
        return Err(Error::new_spanned(
            &add.item.sig,
            "`add` takes one value, and the config if it needs it",
        ));
    };
    let Some(output) = finish.answer else {
        return Err(Error::new_spanned(&finish.item.sig, "`finish` has to answer a row"));
    };
    let parts = [new.as_ref(), Some(&add), Some(&merge), Some(&finish)];
    let config = parts.into_iter().flatten().find_map(|part| part.config);
    let (config_ty, read_config) = match config {
        Some(ty) => (quote!(#ty), quote_spanned!(ty.span()=> ::tidemill_plugin::parse_config(__json))),
        None => (quote!(()), quote!(::tidemill_plugin::no_config(__json))),
    };
    let ty = &item.self_ty;
    let made = match &new {
        Some(new) => new.call(ty, &[]),
        None => quote!(<#ty as ::std::default::Default>::default()),
    };
    let added = add.outcome(add.call(ty, &[quote!(self), quote!(__value)]));
    let merged = merge.outcome(merge.call(ty, &[quote!(self), quote!(__other)]));
    let finished = finish.outcome(finish.call(ty, &[quote!(self)]));
    let value = with_lifetime(value);
    Ok(quote! {
        #item
        #[automatically_derived]
        impl ::tidemill_plugin::Accumulator for #ty {
            type Value<'__value> = #value;
            type Output = #output;
            type Config = #config_ty;

            fn config(__json: &str) -> ::std::result::Result<Self::Config, ::std::string::String> {
                #read_config
            }

            fn new(__config: &Self::Config) -> Self {
                #made
            }

            fn add(
                &mut self,
                __value: Self::Value<'_>,
                __config: &Self::Config,
            ) -> ::std::result::Result<(), ::tidemill_plugin::Reject> {
                #added
            }

            fn merge(
                &mut self,
                __other: Self,
                __config: &Self::Config,
            ) -> ::std::result::Result<(), ::tidemill_plugin::Reject> {
                #merged
            }

            fn finish(
                self,
                __config: &Self::Config,
            ) -> ::std::result::Result<Self::Output, ::tidemill_plugin::Reject> {
                #finished
            }
        }
        ::tidemill_plugin::export_aggregate!(::tidemill_plugin::Aggregation<#ty>);
    })
}

fn part<'i>(item: &'i ItemImpl, name: &str) -> Result<Part<'i>> {
    let found = item.items.iter().find_map(|item| match item {
        ImplItem::Fn(function) if function.sig.ident == name => Some(function),
        _ => None,
    });
    let Some(function) = found else {
        let message = "an accumulator has `add(&mut self, value)`, `merge(&mut self, other: Self)` and \
                       `finish(self)`, and `new()` if it isn't its default";
        return Err(Error::new_spanned(&item.self_ty, message));
    };
    let types = function.sig.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    });
    let (configs, arguments): (Vec<_>, Vec<_>) = types.partition(|ty| config_type(ty).is_some());
    let answer = match &function.sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    let ok = answer.and_then(|ty| generic("Result", ty));
    let config = configs.first().and_then(|ty| config_type(ty));
    Ok(Part { item: function, arguments, config, answer: ok.or(answer), fallible: ok.is_some() })
}

impl Part<'_> {
    /// The call of this part of `ty`; the config comes last.
    fn call(&self, ty: &Type, arguments: &[TokenStream]) -> TokenStream {
        let name = &self.item.sig.ident;
        let config = self.config.map(|_| quote!(__config));
        let arguments = arguments.iter().chain(&config);
        quote!(<#ty>::#name(#(#arguments),*))
    }

    /// What the call answers as a `Result`.
    fn outcome(&self, call: TokenStream) -> TokenStream {
        match self.fallible {
            true => quote!(#call.map_err(::tidemill_plugin::Reject::from)),
            false => quote!(::std::result::Result::Ok(#call)),
        }
    }
}

/// The type with the lifetime of a value wherever one is left out.
fn with_lifetime(ty: &Type) -> Type {
    struct Namer;
    impl VisitMut for Namer {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            *lifetime = Lifetime::new("'__value", lifetime.span());
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            let span = reference.span();
            reference.lifetime.get_or_insert_with(|| Lifetime::new("'__value", span));
            visit_type_reference_mut(self, reference);
        }
    }
    let mut ty = ty.clone();
    visit_type_mut(&mut Namer, &mut ty);
    ty
}
