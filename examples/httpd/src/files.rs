//! Files of a directory, and lists of what is in those below it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use rump::fs::{self, File, FileType};
use rump::{Errno, Kernel, Result};

use crate::response::Body;

/// Names in a list, at most.
const LISTED: usize = 10_000;

/// Kinds of files, by what their names end with.
const KINDS: [(&str, &str); 9] = [
    (".html", "text/html; charset=utf-8"),
    (".txt", "text/plain; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".json", "application/json"),
    (".svg", "image/svg+xml"),
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".pdf", "application/pdf"),
];

/// The files of a directory.
pub(crate) struct Files {
    kernel: Kernel,
    root: String,
}

impl Files {
    pub(crate) fn new(kernel: &Kernel, root: &str) -> Self {
        Files {
            kernel: kernel.clone(),
            root: root.into(),
        }
    }

    /// What a path leads to.
    pub(crate) fn find(&self, path: &str) -> Body {
        let found = match decode(path) {
            Some(name) => self.open(&name, path),
            None => Err(Errno::ENOENT),
        };
        found.unwrap_or_else(|errno| {
            Body::Error(match errno {
                Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => "404 Not Found",
                Errno::EACCES | Errno::EPERM | Errno::ELOOP => "403 Forbidden",
                _ => "500 Internal Server Error",
            })
        })
    }

    fn open(&self, name: &[u8], path: &str) -> Result<Body> {
        let full = [self.root.as_bytes(), name].concat();
        // Looked at first: opening a FIFO would wait for somebody at its other end.
        let known = fs::metadata(&self.kernel, &full)?;
        match known.file_type() {
            FileType::File => {
                let kind = KINDS.iter().find(|(end, _)| name.ends_with(end.as_bytes()));
                let kind = kind.map_or("application/octet-stream", |(_, kind)| kind);
                let file = File::open(&self.kernel, &full)?;
                let len = file.metadata()?.len();
                Ok(Body::File(kind, file, len))
            }
            FileType::Directory => {
                let index = [&full, &b"/index.html"[..]].concat();
                match File::open(&self.kernel, index) {
                    Ok(file) => {
                        let len = file.metadata()?.len();
                        Ok(Body::File(KINDS[0].1, file, len))
                    }
                    Err(Errno::ENOENT) => self.list(&full, path),
                    Err(errno) => Err(errno),
                }
            }
            _ => Err(Errno::EACCES),
        }
    }

    fn list(&self, directory: &[u8], path: &str) -> Result<Body> {
        let entries = fs::read_dir(&self.kernel, directory)?.take(LISTED);
        let mut entries = entries.collect::<Result<Vec<_>>>()?;
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let base = path.trim_end_matches('/');
        let mut html = format!(
            "<!doctype html><title>{0}</title><h1>{0}</h1><ul>\n",
            shown(path.as_bytes())
        );
        for entry in entries {
            let slash = match entry.file_type {
                Some(FileType::Directory) => "/",
                _ => "",
            };
            let link = encode(&entry.name);
            let name = shown(&entry.name);
            // Writing to a string does not fail.
            let _ = writeln!(
                html,
                "<li><a href=\"{base}/{link}{slash}\">{name}{slash}</a>"
            );
        }
        html.push_str("</ul>\n");
        Ok(Body::Made(html))
    }
}

/// The bytes a path stands for (RFC 3986 §2.1). `None` for what is no path, or would lead out of the directory.
fn decode(path: &str) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'%' => {
                let digit = |byte: u8| (byte as char).to_digit(16);
                (digit(bytes.next()?)? << 4 | digit(bytes.next()?)?) as u8
            }
            _ => byte,
        });
    }
    let leads_out = name.split(|byte| *byte == b'/').any(|part| part == b"..");
    let whole = name.first() == Some(&b'/') && !name.contains(&0);
    (whole && !leads_out).then_some(name)
}

/// A name as a part of a link.
fn encode(name: &[u8]) -> String {
    let mut text = String::new();
    for byte in name {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(*byte as char);
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// A name as text of a page.
fn shown(name: &[u8]) -> String {
    let mut text = String::new();
    for letter in String::from_utf8_lossy(name).chars() {
        match letter {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below() {
        assert_eq!(decode("/a%20b/%C3%A9"), Some(b"/a b/\xc3\xa9".to_vec()));
        for path in [
            "/../x",
            "/a/%2e%2E/x",
            "/..",
            "x",
            "",
            "/%",
            "/%4",
            "/%zz",
            "/a%00",
        ] {
            assert_eq!(decode(path), None, "{path}");
        }
        assert_eq!(decode("/..a/b.."), Some(b"/..a/b..".to_vec()));
    }

    #[test]
    fn names_are_written_so_that_they_stay_names() {
        let name = b"<a href=\"x\">&\xff";
        assert_eq!(shown(name), "&lt;a href=&quot;x&quot;&gt;&amp;\u{fffd}");
        assert_eq!(
            decode(&format!("/{}", encode(name))).unwrap()[1..],
            name[..]
        );
    }
}
