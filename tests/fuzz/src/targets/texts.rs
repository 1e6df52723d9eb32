//! What people write into parameters: rules of the filter, addresses.

use std::cell::LazyCell;

use net::Cidr;

use crate::kernel::Host;

thread_local! {
    /// A router, which lives as long as the program: rules replace each other.
    static ROUTER: LazyCell<&'static Host> =
        const { LazyCell::new(|| Box::leak(Box::new(Host::router()))) };
}

pub(crate) fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    ROUTER.with(|host| {
        let _ = host.enter(|lwp| filter::syscalls::set(lwp, text.into()));
    });
}

pub(crate) fn addresses(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cidr) = text.parse::<Cidr>() {
        // What is understood is written so that it is understood again.
        assert_eq!(cidr.to_string().parse::<Cidr>().unwrap(), cidr);
    }
    // What boot takes as parameters; an error names what is wrong.
    for name in ["ip", "gateway", "virtif", "nameserver", "hosts", "filter"] {
        let config = base::Config::new().param(name, text);
        sim::reset(1);
        if let Err(error) = base::Kernel::boot(&crate::kernel::ROUTER, &config) {
            assert!(!error.to_string().is_empty());
        }
    }
}
