//! `#[derive(Row)]`: a builder with a field a column, and readers where all fields can be read.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, GenericParam, Ident, Lifetime, Result, Type};

/// A field: its name in Rust, the column's name, its type.
struct Cell {
    ident: Ident,
    name: String,
    ty: Type,
}

pub fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let cells = cells(&input)?;
    check_generics(&input)?;
    let (push, row, read) = (push(&input, &cells), row(&input, &cells), read(&input, &cells));
    // A block of its own, so that the builder needs no name that could be taken.
    Ok(quote! {
        const _: () = {
            #push
            #row
            #read
        };
    })
}

fn cells(input: &DeriveInput) -> Result<Vec<Cell>> {
    let wrong = |message| Err(Error::new_spanned(&input.ident, message));
    let Data::Struct(data) = &input.data else {
        return wrong("a row is a struct");
    };
    let Fields::Named(fields) = &data.fields else {
        return wrong("a row needs named fields: their names are those of the columns");
    };
    let cell = |field: &syn::Field| {
        let ident = field.ident.clone()?;
        Some(Cell { name: ident.unraw().to_string(), ident, ty: field.ty.clone() })
    };
    let cells: Vec<_> = fields.named.iter().filter_map(cell).collect();
    if cells.is_empty() {
        return wrong("a row needs a field at least");
    }
    Ok(cells)
}

fn check_generics(input: &DeriveInput) -> Result<()> {
    let mut lifetimes = input.generics.lifetimes();
    let types = input.generics.params.iter().any(|p| !matches!(p, GenericParam::Lifetime(_)));
    if types || lifetimes.nth(1).is_some() {
        let message = "a row may have one lifetime and no other parameters";
        return Err(Error::new_spanned(&input.generics, message));
    }
    Ok(())
}

fn push(input: &DeriveInput, cells: &[Cell]) -> TokenStream {
    let name = &input.ident;
    let (impls, types, _) = input.generics.split_for_impl();
    let idents: Vec<_> = cells.iter().map(|cell| &cell.ident).collect();
    let first = idents.first();
    // Lifetimes play no part in which builder a type has.
    let builders = cells.iter().map(|Cell { ty, .. }| {
        let ty = with_static(ty);
        quote_spanned!(ty.span()=> <#ty as ::tidemill_plugin::Push>::Builder)
    });
    quote! {
        #[doc(hidden)]
        pub struct __Builder { #(#idents: #builders),* }

        #[automatically_derived]
        impl ::tidemill_plugin::Builder for __Builder {
            fn with_capacity(__rows: usize, __bytes: usize) -> Self {
                Self { #(#idents: ::tidemill_plugin::Builder::with_capacity(__rows, __bytes)),* }
            }

            #[inline]
            fn num_rows(&self) -> usize {
                ::tidemill_plugin::Builder::num_rows(&self.#first)
            }

            fn truncate(&mut self, __rows: usize) {
                #(::tidemill_plugin::Builder::truncate(&mut self.#idents, __rows);)*
            }

            fn push_blank(&mut self) {
                #(::tidemill_plugin::Builder::push_blank(&mut self.#idents);)*
            }

            fn finish(self, __columns: &mut ::std::vec::Vec<::tidemill_plugin::Column>) {
                #(::tidemill_plugin::Builder::finish(self.#idents, __columns);)*
            }
        }

        #[automatically_derived]
        impl #impls ::tidemill_plugin::Push for #name #types {
            type Builder = __Builder;

            #[inline]
            fn push_to(self, __builder: &mut Self::Builder) {
                #(::tidemill_plugin::Push::push_to(self.#idents, &mut __builder.#idents);)*
            }
        }
    }
}

fn row(input: &DeriveInput, cells: &[Cell]) -> TokenStream {
    let name = &input.ident;
    let (impls, types, _) = input.generics.split_for_impl();
    let fields = cells.iter().map(|Cell { name, ty, .. }| {
        quote_spanned! {ty.span()=>
            ::tidemill_plugin::Field {
                name: ::std::string::String::from(#name),
                data_type: <#ty as ::tidemill_plugin::Cell>::DATA_TYPE,
                nullable: <#ty as ::tidemill_plugin::Cell>::NULLABLE,
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #impls ::tidemill_plugin::Row for #name #types {
            fn fields() -> ::std::vec::Vec<::tidemill_plugin::Field> {
                ::std::vec![#(#fields),*]
            }
        }
    }
}

fn read(input: &DeriveInput, cells: &[Cell]) -> TokenStream {
    let name = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let own = input.generics.lifetimes().next().map(|param| param.lifetime.clone());
    let life = own.unwrap_or_else(|| Lifetime::new("'__row", Span::call_site()));
    let read = quote!(::tidemill_plugin::Read<#life>);
    let names: Vec<_> = cells.iter().map(|cell| &cell.name).collect();
    let idents: Vec<_> = cells.iter().map(|cell| &cell.ident).collect();
    let tys: Vec<_> = cells.iter().map(|cell| &cell.ty).collect();
    // The bounds leave the impl out, without an error, where a field can only be written.
    quote! {
        #[automatically_derived]
        impl<#life> ::tidemill_plugin::ReadRow<#life> for #name #types
        where
            #(#tys: #read,)*
        {
            type Reader = (#(<#tys as #read>::Reader,)*);

            fn columns(_: &str) -> ::std::vec::Vec<::tidemill_plugin::Field> {
                ::std::vec![#(
                    ::tidemill_plugin::Field {
                        name: ::std::string::String::from(#names),
                        data_type: <#tys as #read>::DATA_TYPE,
                        nullable: <#tys as #read>::NULLABLE,
                    }
                ),*]
            }

            fn bind(
                __schema: &::tidemill_plugin::Schema,
            ) -> ::std::result::Result<::std::vec::Vec<usize>, ::std::string::String> {
                let __fields = [#((#names, <#tys as #read>::DATA_TYPE)),*];
                ::tidemill_plugin::__private::bind(&__fields, __schema)
            }

            fn reader(
                mut __columns: &[&#life ::tidemill_plugin::Column],
                __rows: usize,
            ) -> ::std::result::Result<Self::Reader, ::std::string::String> {
                ::std::result::Result::Ok((#(
                    <#tys as #read>::reader(
                        ::tidemill_plugin::__private::next(&mut __columns)?,
                        __rows,
                    )?,
                )*))
            }

            #[inline]
            fn read(__reader: &Self::Reader, __row: usize) -> ::std::option::Option<Self> {
                let (#(#idents,)*) = __reader;
                ::std::option::Option::Some(Self {
                    #(#idents: <#tys as #read>::read(#idents, __row)?),*
                })
            }
        }
    }
}

/// The type with `'static` for every lifetime.
fn with_static(ty: &Type) -> Type {
    struct Static;
    impl syn::visit_mut::VisitMut for Static {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("static", lifetime.ident.span());
        }
    }
    let mut ty = ty.clone();
    syn::visit_mut::visit_type_mut(&mut Static, &mut ty);
    ty
}
