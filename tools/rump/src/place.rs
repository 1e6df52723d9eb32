//! Places in images as people write them: `IMAGE[:PARTITION][:/PATH]`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// An image, one of its partitions, a path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file or block device of the host.
    pub(crate) image: PathBuf,
    /// The partition, as it was named.
    pub(crate) partition: Option<String>,
    /// The path, which begins with a slash.
    pub(crate) path: Option<Vec<u8>>,
}

impl Place {
    /// Reads a place. What the host has a file of is that file, whatever its name looks like.
    pub(crate) fn parse(text: &OsStr) -> Place {
        Place::parse_beside(text, &|path| path.exists())
    }

    /// A place with a path in it, and nothing for a path of the host.
    pub(crate) fn with_path(text: &OsStr) -> Option<Place> {
        if Path::new(text).exists() {
            return None;
        }
        Some(Place::parse(text)).filter(|place| place.path.is_some())
    }

    fn parse_beside(text: &OsStr, exists: &dyn Fn(&Path) -> bool) -> Place {
        let alone = |image: &[u8]| Place {
            image: PathBuf::from(OsString::from_vec(image.to_vec())),
            partition: None,
            path: None,
        };
        let bytes = text.as_bytes();
        if exists(Path::new(text)) {
            return alone(bytes);
        }
        let (front, path) = match bytes.windows(2).position(|pair| pair == b":/") {
            Some(at) => (&bytes[..at], Some(bytes[at + 1..].to_vec())),
            None => (bytes, None),
        };
        let whole = exists(Path::new(OsStr::from_bytes(front)));
        let colon = front.iter().rposition(|byte| *byte == b':');
        let place = match colon.filter(|_| !whole) {
            Some(at) => Place {
                partition: Some(String::from_utf8_lossy(&front[at + 1..]).into_owned()),
                ..alone(&front[..at])
            },
            None => alone(front),
        };
        Place { path, ..place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, files: &[&str]) -> (String, Option<String>, Option<String>) {
        let place = Place::parse_beside(OsStr::new(text), &|path| {
            files.iter().any(|file| Path::new(file) == path)
        });
        let path = place.path.map(|path| String::from_utf8(path).unwrap());
        (place.image.display().to_string(), place.partition, path)
    }

    fn is(image: &str, partition: &str, path: &str) -> (String, Option<String>, Option<String>) {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        (image.to_owned(), given(partition), given(path))
    }

    #[test]
    fn places_have_three_parts() {
        let files = ["disk.img"];
        assert_eq!(parse("disk.img", &files), is("disk.img", "", ""));
        assert_eq!(parse("disk.img:2", &files), is("disk.img", "2", ""));
        assert_eq!(parse("disk.img:/a:b", &files), is("disk.img", "", "/a:b"));
        assert_eq!(parse("disk.img:2:/", &files), is("disk.img", "2", "/"));
        assert_eq!(parse("gone.img:2:/a", &[]), is("gone.img", "2", "/a"));
    }

    #[test]
    fn files_may_have_colons_in_their_names() {
        let files = ["a:1", "b:/c", "d:2"];
        assert_eq!(parse("a:1", &files), is("a:1", "", ""));
        assert_eq!(parse("a:1:3", &files), is("a:1", "3", ""));
        assert_eq!(parse("b:/c", &files), is("b:/c", "", ""));
        assert_eq!(parse("d:2:/x", &files), is("d:2", "", "/x"));
    }
}
