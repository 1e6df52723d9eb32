//! The definitions that join hypercall groups to a platform.
//!
//! For each call: the symbol components were compiled against, defined by the platform's method; a
//! check that declaration and definition agree (the linker would not notice); and the symbol kept
//! out of the artifact's exports, so that two kernels in one process cannot bind to each other.
//!
//! A group that a host in C implements is defined by the function of that host, which is declared from the
//! same signature as in its header.

use proc_macro2::{Group as Tokens, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::FnArg;

use super::rust;
use crate::plan::Platform;
use crate::source::hypercalls::{Call, Group};

/// The file that binds `groups` to the platform.
pub(super) fn emit(platform: &Platform, groups: &[&Group]) -> String {
    let bindings = groups.iter().flat_map(|group| {
        group
            .calls
            .iter()
            .map(move |call| binding(platform, group, call))
    });
    let hidden = groups.iter().flat_map(|group| {
        group
            .calls
            .iter()
            .map(|call| format!(".hidden {}", group.symbol(call)))
    });
    let about = "The hypercalls of this configuration, bound to its platform.";
    rust::file(
        about,
        quote! {
            #(#bindings)*
            #[cfg(not(any(target_family = "wasm", target_vendor = "apple", windows)))]
            core::arch::global_asm!(#(#hidden),*);
        },
    )
}

fn binding(platform: &Platform, group: &Group, call: &Call) -> TokenStream {
    let (module, trait_name) = (rust::ident(&group.name), rust::ident(&group.trait_name));
    let (method, symbol) = (&call.signature.ident, group.symbol(call));
    let function = format_ident!("{}_{}", group.name, method);
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for input in &call.signature.inputs {
        if let FnArg::Typed(typed) = input {
            names.push(typed.pat.to_token_stream());
            types.push(qualified(typed.ty.to_token_stream()));
        }
    }
    let output = qualified(call.signature.output.to_token_stream());
    let body = if platform.imports.contains(&group.name) {
        let host = format_ident!("{}", group.host_symbol(call));
        quote! {
            unsafe extern "C" {
                safe fn #host(#(#names: #types),*) #output;
            }
            #host(#(#names),*)
        }
    } else {
        let platform = rust::ident(&platform.package);
        quote!(<#platform::Platform as hypercall::#trait_name>::#method(#(#names),*))
    };
    quote! {
        #[unsafe(export_name = #symbol)]
        extern "Rust" fn #function(#(#names: #types),*) #output {
            #body
        }
        const _: fn(#(#types),*) #output = hypercall::#module::#method;
    }
}

/// The interface's own types begin with a capital; they are named here as its crate exports them.
fn qualified(tokens: TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name.to_string().starts_with(char::is_uppercase) => {
                result.extend(quote!(hypercall::#name));
            }
            TokenTree::Group(group) => {
                let inner = Tokens::new(group.delimiter(), qualified(group.stream()));
                result.extend([TokenTree::Group(inner)]);
            }
            other => result.extend([other]),
        }
    }
    result
}
