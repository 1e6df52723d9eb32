//! What is answered.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::request::{Bad, Method, Request};
use crate::site::Site;
use crate::stream;

/// What is served, by path.
const PAGES: [(&str, &str, &[u8]); 2] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_bytes!("../pages/index.html"),
    ),
    (
        "/favicon.ico",
        "image/svg+xml",
        include_bytes!("../pages/favicon.svg"),
    ),
];

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Response {
    /// The head, and a body that is short.
    pub(crate) bytes: Vec<u8>,
    /// How long the stream behind that is.
    pub(crate) stream: u64,
    /// What it is made of.
    pub(crate) source: Source,
    /// Whether the connection serves another request.
    pub(crate) keep_alive: bool,
}

/// What the bytes behind a head are made of.
#[derive(Debug)]
pub(crate) enum Source {
    /// Numbers that anybody can compute.
    Stream,
    #[cfg(feature = "files")]
    File(rump::fs::File),
}

impl Source {
    /// Fills the buffer from a position on, or a part of it: how much. `None` if there is no more.
    pub(crate) fn fill(&self, position: u64, buffer: &mut [u8]) -> Option<usize> {
        match self {
            Source::Stream => {
                stream::fill(position, buffer);
                Some(buffer.len())
            }
            #[cfg(feature = "files")]
            Source::File(file) => {
                let count = file.read_at(buffer, position).ok();
                count.filter(|count| *count > 0)
            }
        }
    }
}

/// What a path leads to.
pub(crate) enum Body {
    Page(&'static str, &'static [u8]),
    Stream(u64),
    Error(&'static str),
    /// A page that was made for the purpose.
    #[cfg(feature = "files")]
    Made(String),
    /// A file of this kind, and how long it is.
    #[cfg(feature = "files")]
    File(&'static str, rump::fs::File, u64),
}

/// The answer to a request.
pub(crate) fn answer(request: &Request, site: &Site) -> Response {
    let found = match request.method {
        Method::Other => Body::Error("405 Method Not Allowed"),
        Method::Get | Method::Head => site.find(&request.path),
    };
    let mut response = make(found, request.keep_alive, request.old);
    if request.method == Method::Head {
        let head = response.bytes.windows(4).position(|end| end == b"\r\n\r\n");
        response.bytes.truncate(head.map_or(0, |head| head + 4));
        response.stream = 0;
    }
    response
}

/// The answer to what is no request. It is the connection's last.
pub(crate) fn refuse(bad: Bad) -> Response {
    let status = match bad {
        Bad::Malformed => "400 Bad Request",
        Bad::TooLarge => "431 Request Header Fields Too Large",
    };
    make(Body::Error(status), false, false)
}

/// Which of the server's own pages a path leads to.
pub(crate) fn find_page(path: &str) -> Body {
    if let Some(len) = path.strip_prefix("/bytes/").and_then(size) {
        return Body::Stream(len);
    }
    PAGES
        .iter()
        .find(|(name, _, _)| *name == path)
        .map_or(Body::Error("404 Not Found"), |(_, kind, bytes)| {
            Body::Page(kind, bytes)
        })
}

/// A number of bytes: digits, and `k`, `M` or `G` for powers of 1024.
fn size(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn make(body: Body, keep_alive: bool, old: bool) -> Response {
    const HTML: &str = "text/html; charset=utf-8";
    let page: String;
    #[cfg_attr(
        not(feature = "files"),
        expect(unused_mut, reason = "files are another")
    )]
    let mut source = Source::Stream;
    let (status, kind, bytes, stream): (_, _, &[u8], _) = match body {
        Body::Page(kind, bytes) => ("200 OK", kind, bytes, 0),
        Body::Stream(len) => ("200 OK", "application/octet-stream", &[], len),
        Body::Error(status) => {
            page = format!("<!doctype html><title>{status}</title><h1>{status}</h1>\n");
            (status, HTML, page.as_bytes(), 0)
        }
        #[cfg(feature = "files")]
        Body::Made(made) => {
            page = made;
            ("200 OK", HTML, page.as_bytes(), 0)
        }
        #[cfg(feature = "files")]
        Body::File(kind, file, len) => {
            source = Source::File(file);
            ("200 OK", kind, &[], len)
        }
    };
    let len = bytes.len() as u64 + stream;
    let allow = if status.starts_with("405") {
        "Allow: GET, HEAD\r\n"
    } else {
        ""
    };
    let connection = match (keep_alive, old) {
        (false, _) => "Connection: close\r\n",
        (true, true) => "Connection: keep-alive\r\n",
        (true, false) => "",
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: rump\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n{allow}{connection}\r\n"
    );
    Response {
        bytes: [head.as_bytes(), bytes].concat(),
        stream,
        source,
        keep_alive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(method: Method, path: &str) -> (String, u64) {
        let request = Request {
            method,
            path: path.into(),
            keep_alive: true,
            old: false,
        };
        let response = answer(&request, &Site::default());
        (String::from_utf8(response.bytes).unwrap(), response.stream)
    }

    #[test]
    fn serves_pages_and_streams() {
        let (page, stream) = get(Method::Get, "/");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</html>\n"));
        assert_eq!(stream, 0);
        let (head, _) = get(Method::Head, "/");
        assert!(page.starts_with(&head) && head.ends_with("\r\n\r\n"));
        assert_eq!(get(Method::Get, "/bytes/3k").1, 3 << 10);
        assert_eq!(get(Method::Get, "/bytes/0").1, 0);
        let (head, stream) = get(Method::Head, "/bytes/2G");
        assert!(head.contains("Content-Length: 2147483648\r\n"));
        assert_eq!(stream, 0);
    }

    #[test]
    fn knows_what_it_does_not_have() {
        for path in [
            "/nothing",
            "/bytes/",
            "/bytes/x",
            "/bytes/-1",
            "/bytes/+1",
            "/bytes/kk",
            "/bytes/99999999999G",
        ] {
            assert!(
                get(Method::Get, path).0.starts_with("HTTP/1.1 404 "),
                "{path}"
            );
        }
        let (head, _) = get(Method::Other, "/");
        assert!(head.starts_with("HTTP/1.1 405 ") && head.contains("\r\nAllow: GET, HEAD\r\n"));
    }
}
