//! Reading requests.

use alloc::string::String;

/// The most a request's head may have, in bytes.
pub(crate) const MAX_HEAD: usize = 8 * 1024;

const MAX_HEADERS: usize = 64;

/// What is asked for how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path, without query.
    pub(crate) path: String,
    /// Whether the connection can serve another request after this one.
    pub(crate) keep_alive: bool,
    /// Whether the client speaks HTTP/1.0, and has to be told that the connection stays.
    pub(crate) old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Other,
}

/// Why a request cannot be answered, and the connection not be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// It is no HTTP.
    Malformed,
    /// Its head is too long.
    TooLarge,
}

/// Reads a request from the beginning of `input`, and says how long it is. `None`: it goes on.
pub(crate) fn parse(input: &[u8]) -> Result<Option<(Request, usize)>, Bad> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let len = match parsed.parse(input) {
        Ok(httparse::Status::Complete(len)) if len <= MAX_HEAD => len,
        Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Bad::TooLarge),
        Err(_) => return Err(Bad::Malformed),
    };
    let old = parsed.version == Some(0);
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    let target = parsed.path.unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();

    let mut keep_alive = !old;
    let mut host = false;
    for header in parsed.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("host") {
            host = true;
        } else if is("connection") {
            for option in header.value.split(|byte| *byte == b',') {
                match option.trim_ascii() {
                    option if option.eq_ignore_ascii_case(b"close") => keep_alive = false,
                    option if option.eq_ignore_ascii_case(b"keep-alive") && old => {
                        keep_alive = true;
                    }
                    _ => {}
                }
            }
        }
    }
    // Bodies mean nothing here, and nobody reads them: what follows is no request. Said last, so that no
    // later header takes it back.
    let body = |header: &httparse::Header<'_>| {
        header.name.eq_ignore_ascii_case("transfer-encoding")
            || (header.name.eq_ignore_ascii_case("content-length")
                && header.value.trim_ascii() != b"0")
    };
    if parsed.headers.iter().any(body) {
        keep_alive = false;
    }
    if !old && !host {
        return Err(Bad::Malformed);
    }
    let request = Request {
        method,
        path: path.into(),
        keep_alive,
        old,
    };
    Ok(Some((request, len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Request {
        let (request, len) = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(len, text.len());
        request
    }

    #[test]
    fn reads_what_browsers_send() {
        let request = parsed("GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n");
        assert_eq!(
            request,
            Request {
                method: Method::Get,
                path: "/a".into(),
                keep_alive: true,
                old: false
            }
        );
        assert!(!parsed("GET / HTTP/1.1\r\nhost: x\r\nConnection: x, Close\r\n\r\n").keep_alive);
        assert!(!parsed("HEAD / HTTP/1.0\r\n\r\n").keep_alive);
        assert!(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
        assert!(!parsed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n").keep_alive);
    }

    #[test]
    fn a_request_may_come_in_pieces_and_with_another_behind() {
        let text = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /";
        for len in 0..text.len() - 5 {
            assert_eq!(parse(&text[..len]), Ok(None));
        }
        assert_eq!(parse(text).unwrap().unwrap().1, text.len() - 5);
    }

    #[test]
    fn refuses_what_is_no_request() {
        for text in [
            "\0\0\0\0",
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "\x16\x03\x01\x02\0\x01\0\x01\u{fc}",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(Bad::Malformed), "{text:?}");
        }
        let mut long = b"GET /".to_vec();
        long.resize(MAX_HEAD, b'a');
        assert_eq!(parse(&long), Err(Bad::TooLarge));
        let mut many = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
        many.extend(b"a: b\r\n".repeat(100));
        many.extend(b"\r\n");
        assert_eq!(parse(&many), Err(Bad::TooLarge));
    }
}
