//! The interface downwards: what a kernel made of components asks of whatever executes it.
//!
//! A **group** is declared once, in `groups/`, with [`group!`]. The declaration yields the trait a
//! platform implements and the functions components call; the generator reads the same text and
//! emits, into the tailored kernel, the definitions that join the two. The join is a symbol, so a
//! component is compiled without knowing the platform and link-time optimisation makes the call
//! an inlined one.
//!
//! Calls whose word is "platform → kernel" are **upcalls**: a function and a cookie ([`Upcall`])
//! that the kernel hands over when it opens or attaches something.
//!
//! This crate does not know any platform or any component, and it keeps no state.
#![no_std]
// The one place where the kernel meets symbols it cannot see the definition of.
#![allow(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

mod errno;
mod groups;
mod types;

pub use errno::Errno;
/// Whether links over other interfaces of the host are wanted, where a platform has such: few want them, and only they
/// shall carry the code. The driver of links has a build parameter that switches the feature on.
pub const HOST_INTERFACES: bool = cfg!(feature = "host-interfaces");

pub use groups::*;
pub use types::{Bytes, BytesMut, Segment, Segments, SegmentsMut, Upcall};

/// Declares a group of hypercalls, in a module of the group's name: the trait a platform implements,
/// and beside it the functions of the same names that components call.
///
/// Every function becomes the symbol `__rump1_<module>_<function>`. The `1` is the version of the
/// interface: two versions linked into one program bind to different symbols instead of to each
/// other.
///
/// Declaring the symbols `safe` is sound because the definitions come from one place only, the
/// generator, which emits a check of each definition's signature beside it.
#[macro_export]
macro_rules! group {
    (
        $(#[$group_doc:meta])*
        pub trait $Group:ident as $module:ident {
            $(
                $(#[$doc:meta])*
                fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)?;
            )*
        }
    ) => {
        $(#[$group_doc])*
        pub trait $Group {
            $( $(#[$doc])* fn $name($($arg: $ty),*) $(-> $ret)?; )*
        }

        $(
            $(#[$doc])*
            #[inline(always)]
            pub fn $name($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: see the macro's documentation.
                unsafe extern "Rust" {
                    #[link_name = concat!("__rump1_", stringify!($module), "_", stringify!($name))]
                    safe fn bound($($arg: $ty),*) $(-> $ret)?;
                }
                bound($($arg),*)
            }
        )*

        $crate::binder! { ($) $Group $module $( $name ($($arg: $ty),*) ($(-> $ret)?) )* }
    };
}

/// Makes, for each group, a macro of the group's name that binds it to a platform by hand:
/// `hypercall::clock!(Platform);`. That is for programs the generator does not make, the unit tests
/// of components; everything else is bound by generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! binder {
    (
        ($d:tt) $Group:ident $module:ident
        $( $name:ident ($($arg:ident : $ty:ty),*) ($(-> $ret:ty)?) )*
    ) => {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $module {
            ($d platform:ty) => { $(
                const _: () = {
                    // SAFETY: the name is this interface's own, and the signature is the declaration's.
                    #[unsafe(export_name = concat!("__rump1_", stringify!($module), "_", stringify!($name)))]
                    extern "Rust" fn bound($($arg: $ty),*) $(-> $ret)? {
                        <$d platform as $crate::$Group>::$name($($arg),*)
                    }
                };
            )* };
        }
    };
}
