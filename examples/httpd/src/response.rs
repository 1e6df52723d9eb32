//! What is answered.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::request::{Bad, Method, Request};

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
    /// Whether the connection serves another request.
    pub(crate) keep_alive: bool,
}

enum Body {
    Page(&'static str, &'static [u8]),
    Stream(u64),
    Error(&'static str),
}

/// The answer to a request.
pub(crate) fn answer(request: &Request) -> Response {
    let found = match request.method {
        Method::Other => Body::Error("405 Method Not Allowed"),
        Method::Get | Method::Head => find(&request.path),
    };
    let mut response = make(&found, request.keep_alive, request.old);
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
    make(&Body::Error(status), false, false)
}

fn find(path: &str) -> Body {
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

fn make(body: &Body, keep_alive: bool, old: bool) -> Response {
    let page: String;
    let (status, kind, bytes, stream): (_, _, &[u8], _) = match body {
        Body::Page(kind, bytes) => ("200 OK", *kind, *bytes, 0),
        Body::Stream(len) => ("200 OK", "application/octet-stream", &[], *len),
        Body::Error(status) => {
            page = format!("<!doctype html><title>{status}</title><h1>{status}</h1>\n");
            (*status, "text/html; charset=utf-8", page.as_bytes(), 0)
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
        keep_alive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(method: Method, path: &str) -> (String, u64) {
        let response = answer(&Request {
            method,
            path: path.into(),
            keep_alive: true,
            old: false,
        });
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
