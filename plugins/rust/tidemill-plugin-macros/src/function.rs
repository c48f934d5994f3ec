//! The annotated function: its arguments, told apart into columns and config, and its answer.
//!
//! Types are looked at only as far as the expansion has to differ (references, `Result`, what is
//! iterated); whether a type can be a column is for the library's traits to say.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{Error, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Lifetime, Pat, PathArguments};
use syn::{Result, ReturnType, Type, TypeParamBound};

/// A function that is to become a plugin.
pub struct Function {
    pub item: ItemFn,
    /// In the order of the signature.
    pub arguments: Vec<Argument>,
    /// What it answers, less the `Result`.
    pub answer: Type,
    /// Whether it answers a `Result`.
    pub fallible: bool,
}

/// What an argument stands for.
pub enum Argument {
    Column(Column),
    Config(Type),
}

/// An input column.
pub struct Column {
    pub name: String,
    pub ty: Type,
    /// The variables that the expansion keeps it in.
    pub reader: Ident,
    pub value: Ident,
}

impl Function {
    /// The function that `attribute` goes on.
    pub fn parse(attribute: &str, item: TokenStream) -> Result<Self> {
        let item: ItemFn = syn::parse2(item)
            .map_err(|e| Error::new(e.span(), format!("`#[{attribute}]` goes on a function: {e}")))?;
        check_signature(attribute, &item)?;
        let arguments = item.sig.inputs.iter().enumerate();
        let arguments = arguments.map(|(i, arg)| argument(i, arg)).collect::<Result<Vec<_>>>()?;
        let configs = arguments.iter().filter(|arg| matches!(arg, Argument::Config(_))).count();
        if configs > 1 {
            let message = "more than one argument is a reference to something else than `str` or \
                           `[u8]`; only the config may be one";
            return Err(Error::new_spanned(&item.sig.inputs, message));
        }
        let ReturnType::Type(_, answer) = &item.sig.output else {
            let message = format!("a `#[{attribute}]` function has to answer something");
            return Err(Error::new_spanned(&item.sig, message));
        };
        let answer = without_lifetimes(answer);
        let (answer, fallible) = match generic("Result", &answer) {
            Some(ok) => (ok.clone(), true),
            None => (answer, false),
        };
        Ok(Self { item, arguments, answer, fallible })
    }

    /// Whether its columns are read as they lie; an owned text would be copied first.
    pub fn check_borrowed(&self) -> Result<()> {
        let copied = self.columns().find_map(|column| Some((column, owned(&column.ty)?)));
        let Some((column, instead)) = copied else { return Ok(()) };
        let message = format!("columns are read without copying: take `{instead}` here");
        Err(Error::new_spanned(&column.ty, message))
    }

    /// The columns among the arguments.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Column(column) => Some(column),
            Argument::Config(_) => None,
        })
    }

    /// The type of the config, if there is one.
    pub fn config(&self) -> Option<&Type> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Config(ty) => Some(ty),
            Argument::Column(_) => None,
        })
    }

    /// The type that stands for the plugin: named as the function, which is no clash, since types
    /// with braces and functions have names apart.
    pub fn plugin(&self, fields: TokenStream) -> TokenStream {
        let (name, vis) = (&self.item.sig.ident, &self.item.vis);
        let doc = format!("The plugin that the function [`{name}`](fn@{name}) is.");
        let config = self.config().map(|ty| quote!(config: #ty,));
        quote! {
            #[doc = #doc]
            #[allow(non_camel_case_types, dead_code)]
            #vis struct #name { #config #fields }
        }
    }

    /// The statement that reads the config at open, and the field to keep it in.
    pub fn open_config(&self) -> (TokenStream, TokenStream) {
        match self.config() {
            Some(ty) => {
                let read = quote_spanned!(ty.span()=> ::tidemill_plugin::parse_config::<#ty>(__config)?);
                (quote!(let __config = #read;), quote!(config: __config,))
            }
            None => (quote!(::tidemill_plugin::no_config(__config)?;), quote!()),
        }
    }
}

/// The type with every lifetime left to inference.
fn without_lifetimes(ty: &Type) -> Type {
    struct Eraser;
    impl VisitMut for Eraser {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }
    }
    let mut ty = ty.clone();
    visit_type_mut(&mut Eraser, &mut ty);
    ty
}

/// `T`, where the type is `name<T, ..>`.
pub fn generic<'t>(name: &str, ty: &'t Type) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// What is iterated: the `Item` of an `impl Iterator`, or the content of a collection.
pub fn iterated(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(ty) => ty.bounds.iter().find_map(item),
        Type::TraitObject(ty) => ty.bounds.iter().find_map(item),
        Type::Array(array) => Some(&array.elem),
        ty => match generic("Box", ty) {
            Some(boxed) => iterated(boxed),
            None => generic("Vec", ty).or_else(|| generic("Option", ty)),
        },
    }
}

fn item(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Item" => Some(&assoc.ty),
        _ => None,
    })
}

fn check_signature(attribute: &str, item: &ItemFn) -> Result<()> {
    let sig = &item.sig;
    if sig.asyncness.is_some() || sig.unsafety.is_some() {
        let message = format!("a `#[{attribute}]` function can be neither async nor unsafe");
        return Err(Error::new_spanned(sig.fn_token, message));
    }
    let types = sig.generics.params.iter().find(|p| !matches!(p, GenericParam::Lifetime(_)));
    if let Some(parameter) = types {
        let message = format!("a `#[{attribute}]` function can be generic over lifetimes only");
        return Err(Error::new_spanned(parameter, message));
    }
    Ok(())
}

fn argument(index: usize, argument: &FnArg) -> Result<Argument> {
    let FnArg::Typed(argument) = argument else {
        return Err(Error::new_spanned(argument, "a plugin is a free function, without `self`"));
    };
    let Pat::Ident(pattern) = &*argument.pat else {
        let message = "an argument needs a plain name: that of the column";
        return Err(Error::new_spanned(&argument.pat, message));
    };
    let ty = without_lifetimes(&argument.ty);
    if let Some(config) = config_type(&ty) {
        return Ok(Argument::Config(config.clone()));
    }
    Ok(Argument::Column(Column {
        name: pattern.ident.unraw().to_string(),
        ty,
        reader: format_ident!("__reader_{index}"),
        value: format_ident!("__value_{index}"),
    }))
}

/// The type of the config, where the type is a reference to something that no column holds.
pub fn config_type(ty: &Type) -> Option<&Type> {
    let Type::Reference(reference) = ty else {
        return None;
    };
    match &*reference.elem {
        _ if reference.mutability.is_some() => None,
        Type::Slice(_) => None,
        Type::Path(path) if path.path.is_ident("str") => None,
        config => Some(config),
    }
}

/// What to take instead of an owned text or owned bytes.
fn owned(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Path(path) if path.path.segments.last()?.ident == "String" => Some("&str"),
        ty if generic("Vec", ty).is_some() => Some("&[u8]"),
        ty => match owned(generic("Option", ty)?)? {
            "&str" => Some("Option<&str>"),
            _ => Some("Option<&[u8]>"),
        },
    }
}
