//! `#[update_state]`, `#[map_with_state]` and `#[cogroup]`: a loop over keys around the function.
//!
//! Their arguments are not columns: each has a name that says what it stands for. Those that a function
//! doesn't need may be left out, or begin with an underscore.

use crate::function::{Argument, Function, generic, iterated};
use crate::option::functions;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Ident, Path, Result, Type};

/// A function whose arguments were told apart by their names.
struct Keyed {
    function: Function,
    attribute: &'static str,
}

impl Keyed {
    /// `names` are those that an argument may have.
    fn parse(attribute: &'static str, names: &[&str], item: TokenStream) -> Result<Self> {
        let function = Function::parse(attribute, item)?;
        if let Some(stray) = function.columns().find(|column| !names.contains(&plain(&column.name))) {
            let (names, name) = (names.join("`, `"), &stray.name);
            let message = format!(
                "the arguments of a `#[{attribute}]` function are `{names}` and the config, not `{name}`"
            );
            return Err(Error::new_spanned(&function.item.sig.inputs, message));
        }
        Ok(Self { function, attribute })
    }

    /// The type of the argument `name`, if there is one.
    fn argument(&self, name: &str) -> Option<&Type> {
        self.function.columns().find(|column| plain(&column.name) == name).map(|column| &column.ty)
    }

    /// The type of the key; one that reads nothing where the function takes none.
    fn key(&self) -> TokenStream {
        match self.argument("key") {
            Some(ty) => quote!(#ty),
            None => quote!(::tidemill_plugin::__private::Unread),
        }
    }

    /// What the argument `name` consists of, which `part` finds in its type; `wanted` says how it should look.
    fn part(&self, name: &str, part: impl FnOnce(&Type) -> Option<&Type>, wanted: &str) -> Result<&Type> {
        let found = self.argument(name).and_then(part);
        found.ok_or_else(|| self.wrong(&format!("takes `{name}: {wanted}`")))
    }

    fn wrong(&self, what: &str) -> Error {
        let message = format!("a `#[{}]` function {what}", self.attribute);
        Error::new_spanned(&self.function.item.sig, message)
    }

    /// The call with the arguments in variables of their names.
    fn call(&self) -> TokenStream {
        let name = &self.function.item.sig.ident;
        let arguments = self.function.arguments.iter().map(|argument| match argument {
            Argument::Column(column) => {
                let variable = format_ident!("__{}", plain(&column.name));
                quote!(#variable)
            }
            Argument::Config(_) => quote!(&self.config),
        });
        quote!(#name(#(#arguments),*))
    }

    /// The statement that gives what the function answers to `method` of an `Emit`.
    fn emit(&self, method: &str) -> TokenStream {
        let (call, method) = (self.call(), Ident::new(method, Span::call_site()));
        match self.function.fallible {
            false => quote!(__output.#method(__row, #call)),
            true => quote! {
                match #call {
                    ::std::result::Result::Ok(__answer) => __output.#method(__row, __answer),
                    ::std::result::Result::Err(__error) => {
                        __output.reject(__row, ::tidemill_plugin::Reject::from(__error))
                    }
                }
            },
        }
    }
}

pub fn update_state(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let migrate = functions("migrate", options)?;
    let keyed = Keyed::parse("update_state", &["key", "values", "state", "now"], item)?;
    let key = keyed.key();
    let value = keyed.part("values", impl_iterated, "impl Iterator<Item = …>")?;
    let state = generic("Option", &keyed.function.answer)
        .ok_or_else(|| keyed.wrong("answers `Option<…>` of the state, or a `Result` of it"))?;
    let call = match (keyed.call(), keyed.function.fallible) {
        (call, false) => quote!(::std::result::Result::Ok(#call)),
        (call, true) => quote!(#call.map_err(|__error| ::tidemill_plugin::Reject::from(__error).to_string())),
    };
    let update = quote_spanned! {state.span()=>
        ::tidemill_plugin::__private::update_each::<#key, #value, #state>(
            &self.keyed,
            &__input,
            |__key, __values, __state, __now| #call,
        )
    };
    Ok(updater(&keyed, &key, value, state, &quote!(::std::vec::Vec::new()), &update, &migrate))
}

pub fn map_with_state(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let migrate = functions("migrate", options)?;
    let keyed = Keyed::parse("map_with_state", &["key", "value", "state", "now"], item)?;
    let key = keyed.key();
    let value = keyed.part("value", |ty| generic("Option", ty), "Option<…>")?;
    let state = keyed.part("state", handled, "&mut State<…>")?;
    let row = generic("Option", &keyed.function.answer)
        .ok_or_else(|| keyed.wrong("answers `Option<…>` of a row, or a `Result` of it"))?;
    let emit = keyed.emit("rows");
    let update = quote_spanned! {state.span()=>
        ::tidemill_plugin::__private::map_each::<#key, #value, #state, <#row as ::tidemill_plugin::Push>::Builder>(
            &self.keyed,
            &__input,
            |__row, __key, __value, __state, __now, __output| #emit,
        )
    };
    let output = quote_spanned!(row.span()=> <#row as ::tidemill_plugin::Row>::fields());
    Ok(updater(&keyed, &key, value, state, &output, &update, &migrate))
}

/// The implementation of `UpdateState` that answers `output` as the columns put out, and updates with `update`; and of
/// `MigrateState`, where there are functions `migrate` of earlier states.
fn updater(
    keyed: &Keyed,
    key: &TokenStream,
    value: &Type,
    state: &Type,
    output: &TokenStream,
    update: &TokenStream,
    migrate: &[Path],
) -> TokenStream {
    let (item, name) = (&keyed.function.item, &keyed.function.item.sig.ident);
    let plugin = keyed.function.plugin(quote!(keyed: ::tidemill_plugin::__private::Keyed,));
    let (read_config, keep_config) = keyed.function.open_config();
    let bind = quote_spanned! {value.span()=>
        ::tidemill_plugin::__private::Keyed::bind::<#key, #value>(__key, __value)?
    };
    let columns = quote_spanned!(state.span()=> <#state as ::tidemill_plugin::ReadRow<'_>>::columns("state"));
    let export = match migrate {
        [] => quote!(::tidemill_plugin::export_update_state!(#name);),
        migrate => migrating(name, state, migrate),
    };
    quote! {
        #item
        #plugin
        #[automatically_derived]
        impl ::tidemill_plugin::UpdateState for #name {
            fn open(
                __config: &str,
                __key: &::tidemill_plugin::Schema,
                __value: &::tidemill_plugin::Schema,
            ) -> ::std::result::Result<(Self, ::tidemill_plugin::UpdatePlan), ::std::string::String> {
                #read_config
                let __plan = ::tidemill_plugin::UpdatePlan { state: #columns, output: #output };
                ::std::result::Result::Ok((Self { #keep_config keyed: #bind }, __plan))
            }

            fn update(
                &self,
                __input: ::tidemill_plugin::UpdateInput,
            ) -> ::std::result::Result<::tidemill_plugin::UpdateOutput, ::std::string::String> {
                #update
            }
        }
        #export
    }
}

/// The implementation of `MigrateState` by functions of earlier states, of which the first whose columns are there counts.
fn migrating(name: &Ident, state: &Type, migrate: &[Path]) -> TokenStream {
    let each = migrate.iter().map(|function| {
        quote_spanned! {function.span()=>
            if let ::std::option::Option::Some(__migrated) =
                ::tidemill_plugin::__private::migrate_each::<_, #state, _>(__from, &__states, #function)
            {
                return __migrated;
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl ::tidemill_plugin::MigrateState for #name {
            fn migrate(
                &self,
                __from: &::tidemill_plugin::Schema,
                __states: ::tidemill_plugin::Batch,
            ) -> ::std::result::Result<::tidemill_plugin::Batch, ::std::string::String> {
                #(#each)*
                ::std::result::Result::Err(::tidemill_plugin::__private::no_migration(__from))
            }
        }
        ::tidemill_plugin::export_migrating!(#name);
    }
}

pub fn cogroup(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !options.is_empty() {
        return Err(Error::new_spanned(options, "`cogroup` takes no options"));
    }
    let keyed = Keyed::parse("cogroup", &["key", "left", "right"], item)?;
    let key = keyed.key();
    let left = keyed.part("left", impl_iterated, "impl Iterator<Item = …>")?;
    let right = keyed.part("right", impl_iterated, "impl Iterator<Item = …>")?;
    let item = iterated(&keyed.function.answer).ok_or_else(|| {
        keyed.wrong("answers `impl Iterator<Item = R>`, a `Vec`, an array or an `Option` of rows, or a `Result` of one of these")
    })?;
    let (row, method) = match generic("Result", item) {
        Some(row) => (row, "try_rows"),
        None => (item, "rows"),
    };
    let (item, name) = (&keyed.function.item, &keyed.function.item.sig.ident);
    let plugin = keyed.function.plugin(quote!(sides: ::tidemill_plugin::__private::Sides,));
    let (read_config, keep_config) = keyed.function.open_config();
    let emit = keyed.emit(method);
    let fields = quote_spanned!(row.span()=> <#row as ::tidemill_plugin::Row>::fields());
    let process = quote_spanned! {row.span()=>
        ::tidemill_plugin::__private::cogroup_each::<#key, #left, #right, <#row as ::tidemill_plugin::Push>::Builder>(
            &self.sides,
            &__input,
            |__row, __key, __left, __right, __output| #emit,
        )
    };
    Ok(quote! {
        #item
        #plugin
        #[automatically_derived]
        impl ::tidemill_plugin::Cogroup for #name {
            fn open(
                __config: &str,
                __key: &::tidemill_plugin::Schema,
                __left: &::tidemill_plugin::Schema,
                __right: &::tidemill_plugin::Schema,
            ) -> ::std::result::Result<(Self, ::std::vec::Vec<::tidemill_plugin::Field>), ::std::string::String>
            {
                #read_config
                let __sides =
                    ::tidemill_plugin::__private::Sides::bind::<#key, #left, #right>(__key, __left, __right)?;
                ::std::result::Result::Ok((Self { #keep_config sides: __sides }, #fields))
            }

            fn process(
                &self,
                __input: ::tidemill_plugin::CogroupInput,
            ) -> ::std::result::Result<::tidemill_plugin::CogroupOutput, ::std::string::String> {
                #process
            }
        }
        ::tidemill_plugin::export_cogroup!(#name);
    })
}

/// The name less the underscore of an argument that is not used.
fn plain(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

/// The `Item` of an `impl Iterator`.
fn impl_iterated(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(_) => iterated(ty),
        _ => None,
    }
}

/// What a `&mut State<_>` is a handle of.
fn handled(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => generic("State", &reference.elem),
        _ => None,
    }
}
