//! `#[map]`, `#[flat_map]` and `#[filter]`: a loop over the rows of a batch around the function.

use crate::function::{Argument, Column, Function, generic, iterated};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Ident, Result, Type};

/// Which attribute it was.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Map,
    FlatMap,
    Filter,
}

/// How the loop takes what the function answers.
struct Answer {
    /// The row type; none for a filter.
    row: Option<Type>,
    /// The expression that collects the answers of a batch.
    collector: TokenStream,
    /// Its method for one answer.
    method: TokenStream,
}

pub fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let carry = carry(kind, options)?;
    let function = Function::parse(kind.attribute(), item)?;
    function.check_borrowed()?;
    let answer = answer(kind, &function)?;
    let name = &function.item.sig.ident;
    let (item, plugin) = (&function.item, function.plugin(quote!()));
    let (open, process) = (open(&function, &answer, carry), process(&function, &answer));
    Ok(quote! {
        #item
        #plugin
        #[automatically_derived]
        impl ::tidemill_plugin::Transform for #name {
            #open
            #process
        }
        ::tidemill_plugin::export_transform!(#name);
    })
}

impl Kind {
    fn attribute(self) -> &'static str {
        match self {
            Kind::Map => "map",
            Kind::FlatMap => "flat_map",
            Kind::Filter => "filter",
        }
    }
}

/// Whether all input columns are carried.
fn carry(kind: Kind, options: TokenStream) -> Result<bool> {
    if options.is_empty() {
        return Ok(kind == Kind::Filter);
    }
    if kind == Kind::Filter {
        return Err(Error::new_spanned(options, "a filter takes no options: it carries all columns"));
    }
    match syn::parse2::<Ident>(options.clone()) {
        Ok(option) if option == "carry" => Ok(true),
        _ => Err(Error::new_spanned(options, "the only option is `carry`")),
    }
}

fn answer(kind: Kind, function: &Function) -> Result<Answer> {
    let answer = &function.answer;
    let emit = |how: &str, row: &Type| {
        let how = Ident::new(how, row.span());
        let builder = quote_spanned!(row.span()=> <#row as ::tidemill_plugin::Push>::Builder);
        quote!(::tidemill_plugin::__private::Emit::<#builder>::#how(&__input))
    };
    match kind {
        Kind::Filter => {
            if !matches!(answer, Type::Path(path) if path.path.is_ident("bool")) {
                let message = "a filter answers `bool` or `Result<bool, Reject>`";
                return Err(Error::new_spanned(&function.item.sig.output, message));
            }
            let collector = quote!(::tidemill_plugin::__private::Keep::of(&__input));
            Ok(Answer { row: None, collector, method: quote!(row) })
        }
        Kind::Map => {
            if iterated(answer).is_some() {
                let message = "a map answers one row, or a `Result` of one; for any number of rows \
                               there is `flat_map`";
                return Err(Error::new_spanned(&function.item.sig.output, message));
            }
            let collector = emit("one_to_one", answer);
            Ok(Answer { row: Some(answer.clone()), collector, method: quote!(row) })
        }
        Kind::FlatMap => {
            let Some(item) = iterated(answer) else {
                let message = "a flat_map answers `impl Iterator<Item = R>`, a `Vec`, an array or an \
                               `Option` of rows, or a `Result` of one of these";
                return Err(Error::new_spanned(&function.item.sig.output, message));
            };
            let (row, method) = match generic("Result", item) {
                Some(row) => (row, quote!(try_rows)),
                None => (item, quote!(rows)),
            };
            Ok(Answer { row: Some(row.clone()), collector: emit("one_to_many", row), method })
        }
    }
}

fn open(function: &Function, answer: &Answer, carry: bool) -> TokenStream {
    let (read_config, keep_config) = function.open_config();
    let reads = function.columns().map(|Column { name, ty, .. }| {
        let data_type = quote_spanned!(ty.span()=> <#ty as ::tidemill_plugin::Read<'_>>::DATA_TYPE);
        quote!(__input.want(#name, #data_type)?)
    });
    let produces = match &answer.row {
        Some(row) => quote_spanned!(row.span()=> <#row as ::tidemill_plugin::Row>::fields()),
        None => quote!(::std::vec::Vec::new()),
    };
    let carries = match carry {
        true => quote!(__input.all_but(&__produces)),
        false => quote!(::std::vec::Vec::new()),
    };
    quote! {
        fn open(
            __config: &str,
            __input: &::tidemill_plugin::Schema,
        ) -> ::std::result::Result<(Self, ::tidemill_plugin::Plan), ::std::string::String> {
            #read_config
            let __reads = ::std::vec![#(#reads),*];
            let __produces = #produces;
            let __carries = #carries;
            let __plan = ::tidemill_plugin::Plan {
                reads: __reads,
                carries: __carries,
                produces: __produces,
            };
            ::std::result::Result::Ok((Self { #keep_config }, __plan))
        }
    }
}

fn process(function: &Function, answer: &Answer) -> TokenStream {
    let readers = function.columns().enumerate().map(|(i, Column { ty, reader, .. })| {
        quote_spanned! {ty.span()=>
            let #reader = <#ty as ::tidemill_plugin::Read<'_>>::reader(
                __input.column(#i)?,
                __input.rows as usize,
            )?;
        }
    });
    let values = function.columns().map(|Column { name, ty, reader, value }| {
        quote_spanned! {ty.span()=>
            let ::std::option::Option::Some(#value) =
                <#ty as ::tidemill_plugin::Read<'_>>::read(&#reader, __row as usize)
            else {
                __output.reject(__row, ::tidemill_plugin::__private::null(#name));
                continue;
            };
        }
    });
    let arguments = function.arguments.iter().map(|argument| match argument {
        Argument::Column(column) => {
            let value = &column.value;
            quote!(#value)
        }
        Argument::Config(_) => quote!(&self.config),
    });
    let (name, Answer { collector, method, .. }) = (&function.item.sig.ident, answer);
    let call = quote!(#name(#(#arguments),*));
    let take = match function.fallible {
        false => quote!(__output.#method(__row, #call);),
        true => quote! {
            match #call {
                ::std::result::Result::Ok(__answer) => __output.#method(__row, __answer),
                ::std::result::Result::Err(__error) => {
                    __output.reject(__row, ::tidemill_plugin::Reject::from(__error))
                }
            }
        },
    };
    quote! {
        fn process(
            &self,
            __input: ::tidemill_plugin::Batch,
        ) -> ::std::result::Result<::tidemill_plugin::Output, ::std::string::String> {
            #(#readers)*
            let mut __output = #collector;
            for __row in 0..__input.rows {
                #(#values)*
                #take
            }
            ::std::result::Result::Ok(__output.finish())
        }
    }
}
