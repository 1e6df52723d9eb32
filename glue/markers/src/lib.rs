//! Attributes that mark a component's interface upwards.
//!
//! They leave the function as it is. The generator reads them from the source; that they are
//! attributes, and not comments, makes a misspelt one an error of the compiler.

use proc_macro::TokenStream;

/// A system call: `rump_sys_<name>` in C, with -1 and `errno` on failure.
#[proc_macro_attribute]
pub fn syscall(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// A public call of a component, `rump_pub_<module>_<name>` in C for `#[public(module)]`, which
/// returns zero or an error number.
#[proc_macro_attribute]
pub fn public(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
