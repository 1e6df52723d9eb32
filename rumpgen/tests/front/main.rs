//! The front half over its public interface: manifests and arguments in, plans, reports and messages out.

mod harness;
mod negative;
mod planning;
mod reports;
