//! A web server, in HTTP/1.1, as an application of a kernel.
//!
//! It serves a few pages that are part of the program, and at `/bytes/N` a [`stream`] of `N` bytes that
//! anybody can compute, to measure and to check transfers with. One thread serves every
//! connection: each is a state machine over bounded buffers, and an idle one has none at all.
//!
//! `httpd [--port N]`, port 80 otherwise.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod connection;
#[cfg(feature = "files")]
mod files;
mod request;
mod response;
mod server;
mod site;
pub mod stream;

use alloc::string::String;

use rump::{Errno, Kernel, Level};

use server::Server;
use site::Site;

/// Serves until the kernel ends. Returns the exit code.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    run(kernel, args, Site::default())
}

/// As [`main`], with the files below a directory in place of the pages.
#[cfg(feature = "files")]
pub fn serve(kernel: &Kernel, args: &[String], root: Option<&str>) -> i32 {
    run(kernel, args, Site::new(kernel, root))
}

fn run(kernel: &Kernel, args: &[String], site: Site) -> i32 {
    let port = match port(args) {
        Ok(port) => port,
        Err(argument) => {
            kernel.log(
                Level::Error,
                format_args!("httpd: not `{argument}`; usage: httpd [--port N], 0 to 65535"),
            );
            return 2;
        }
    };
    match Server::bind(kernel, port, site) {
        Ok(server) => {
            kernel.print(format_args!("httpd: listening on port {port}"));
            let errno = server.run();
            if errno == Errno::EINTR {
                return 0;
            }
            kernel.log(Level::Error, format_args!("httpd: {errno}"));
        }
        Err(errno) => kernel.log(Level::Error, format_args!("httpd: port {port}: {errno}")),
    }
    1
}

fn port(args: &[String]) -> Result<u16, &str> {
    match args {
        [] => Ok(80),
        [name, value] if name == "--port" => value.parse().map_err(|_| value.as_str()),
        [name, _, other, ..] if name == "--port" => Err(other),
        [other, ..] => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_arguments() {
        let args = |text: &str| {
            text.split_whitespace()
                .map(String::from)
                .collect::<alloc::vec::Vec<_>>()
        };
        assert_eq!(port(&args("")), Ok(80));
        assert_eq!(port(&args("--port 8080")), Ok(8080));
        assert_eq!(port(&args("--port 65536")), Err("65536"));
        assert_eq!(port(&args("--port")), Err("--port"));
        assert_eq!(port(&args("--help")), Err("--help"));
        assert_eq!(port(&args("--prt 3")), Err("--prt"));
        assert_eq!(port(&args("--port 3 more")), Err("more"));
    }
}
