//! The one option that an attribute has: a function, or several.

use proc_macro2::TokenStream;
use syn::{Error, Expr, MetaNameValue, Path, Result};

/// The function that `name = FUNCTION` names; none where nothing is said.
pub fn function(name: &str, options: TokenStream) -> Result<Option<Path>> {
    let message = format!("the only option is `{name} = FUNCTION`");
    let functions = read(name, &options).ok_or_else(|| Error::new_spanned(&options, &message))?;
    match functions.as_slice() {
        [] | [_] => Ok(functions.into_iter().next()),
        _ => Err(Error::new_spanned(&options, message)),
    }
}

/// The functions that `name = FUNCTION` or `name = [FUNCTION, …]` names; none where nothing is said.
pub fn functions(name: &str, options: TokenStream) -> Result<Vec<Path>> {
    let message = format!("the only option is `{name} = FUNCTION`, or `{name} = [FUNCTION, …]`");
    read(name, &options).ok_or_else(|| Error::new_spanned(&options, message))
}

fn read(name: &str, options: &TokenStream) -> Option<Vec<Path>> {
    if options.is_empty() {
        return Some(Vec::new());
    }
    let option: MetaNameValue =
        syn::parse2(options.clone()).ok().filter(|o: &MetaNameValue| o.path.is_ident(name))?;
    match option.value {
        Expr::Array(functions) if !functions.elems.is_empty() => {
            functions.elems.into_iter().map(path).collect()
        }
        value => path(value).map(|function| vec![function]),
    }
}

fn path(value: Expr) -> Option<Path> {
    match value {
        Expr::Path(function) => Some(function.path),
        _ => None,
    }
}
