//! Where a connector's files may land, below a folder of their own.
//!
//! The threat: a path that leaves the folder, names a device or another program's file, or reads
//! in a terminal as something else. So a path is names and nothing more: what looks like another way
//! to write a path is refused, not cleaned, and what was judged is what is opened. Opening
//! follows no link (`destination/sqlite/uploads`).

use super::terminal::is_control;

/// Bytes of a path.
pub const PATH_BYTES: usize = 1024;
/// Bytes of one name in it; file systems take 255, and some add an ending of their own.
pub const NAME_BYTES: usize = 200;
/// Names in a path.
pub const PATH_NAMES: usize = 32;

/// A relative path of ordinary names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(String);

/// Why a path was not accepted. The texts hold no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It begins with `/`, or like a drive of another system.
    #[error("is absolute; write it relative to the folder of files")]
    Absolute,
    /// A name is empty, `.` or `..`.
    #[error("has an empty name, . or .. in it; write each name of the path")]
    Empty,
    /// Too long, as a whole or in one name, or too many names.
    #[error("is too long; at most {PATH_BYTES} bytes, {PATH_NAMES} names and {NAME_BYTES} bytes a name are possible")]
    TooLong,
    /// A control character, a backslash, or a blank at the edge of a name.
    #[error(
        "has a name with a control character or a backslash, or with a blank at its begin or end; use ordinary names"
    )]
    Odd,
}

impl FilePath {
    /// Accepts a path as a connector writes it.
    ///
    /// # Errors
    ///
    /// See [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > PATH_BYTES || text.split('/').count() > PATH_NAMES {
            return Err(PathError::TooLong);
        }
        let drive = text.get(1..2) == Some(":") && text.starts_with(|c: char| c.is_ascii_alphabetic());
        if text.starts_with('/') || drive {
            return Err(PathError::Absolute);
        }
        for name in text.split('/') {
            if matches!(name, "" | "." | "..") {
                return Err(PathError::Empty);
            }
            if name.len() > NAME_BYTES {
                return Err(PathError::TooLong);
            }
            let edged = name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace);
            if edged || name.contains(|c| c == '\\' || is_control(c)) {
                return Err(PathError::Odd);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its names, from the outermost folder to the file; never empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether one of the two would have to be a folder for the other to be a file.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let below =
            |inner: &Self, outer: &Self| inner.0.strip_prefix(&outer.0).is_some_and(|rest| rest.starts_with('/'));
        below(self, other) || below(other, self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths() {
        let deep = ["a"; PATH_NAMES].join("/");
        for path in ["a", "a.pdf", "2024/ü/日本 1.csv", ".github/workflows/x.yml", "2:b", "...", &deep] {
            assert_eq!(FilePath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn every_way_out_is_refused() {
        let long = "a".repeat(NAME_BYTES + 1);
        let longer = vec!["a".repeat(NAME_BYTES); 6].join("/");
        let deep = ["a"; PATH_NAMES + 1].join("/");
        for (path, error) in [
            ("", PathError::Empty),
            ("/etc/passwd", PathError::Absolute),
            ("C:\\x", PathError::Absolute),
            ("c:x", PathError::Absolute),
            ("..", PathError::Empty),
            ("a/../b", PathError::Empty),
            ("a/./b", PathError::Empty),
            ("a//b", PathError::Empty),
            ("a/", PathError::Empty),
            ("a\\..\\b", PathError::Odd),
            ("a\0b", PathError::Odd),
            ("a\nb", PathError::Odd),
            ("a\u{202e}b", PathError::Odd),
            ("a/ b", PathError::Odd),
            ("a /b", PathError::Odd),
            (&long, PathError::TooLong),
            (&longer, PathError::TooLong),
            (&deep, PathError::TooLong),
        ] {
            assert_eq!(FilePath::parse(path), Err(error), "{path:?}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let path = |text| FilePath::parse(text).unwrap();
        assert!(path("a").conflicts_with(&path("a/b")) && path("a/b/c").conflicts_with(&path("a")));
        assert!(!path("a").conflicts_with(&path("ab/c")) && !path("a/b").conflicts_with(&path("a/b")));
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_below(text in "[a./ \\\\:\u{0}é]{0,12}") {
            if let Ok(path) = FilePath::parse(&text) {
                let components: Vec<_> = std::path::Path::new(path.as_str()).components().collect();
                prop_assert!(components.iter().all(|one| matches!(one, std::path::Component::Normal(_))));
                prop_assert_eq!(components.len(), path.names().count());
            }
        }
    }
}
