//! Header names as servers write them.
//!
//! Names of header fields have no case, and the client keeps them in lower case. Python's libraries show them
//! as they were received, so that code which looks for `Content-Type` in a plain dictionary works natively.
//! What the server wrote is not known any more, hence the usual form: each word begins with a capital, except
//! the words in [`USUAL`] and the names of services that write them in lower case.

/// Words that are not written with one capital at their beginning.
const USUAL: [(&str, &str); 12] = [
    ("ch", "CH"),
    ("ct", "CT"),
    ("dns", "DNS"),
    ("etag", "ETag"),
    ("github", "GitHub"),
    ("md5", "MD5"),
    ("nel", "NEL"),
    ("p3p", "P3P"),
    ("ratelimit", "RateLimit"),
    ("ua", "UA"),
    ("www", "WWW"),
    ("xss", "XSS"),
];

/// Beginnings of names that are written in lower case. Libraries make keys of what follows, as of `x-amz-meta-owner`.
const LOWER: [&str; 3] = ["x-amz-", "x-goog-", "x-ms-"];

/// The usual form of a name in lower case.
pub(super) fn usual_case(name: &str) -> String {
    if LOWER.iter().any(|prefix| name.starts_with(prefix)) {
        return name.to_owned();
    }
    let mut usual = String::with_capacity(name.len());
    for (index, word) in name.split('-').enumerate() {
        if index > 0 {
            usual.push('-');
        }
        if let Some((_, form)) = USUAL.iter().find(|(lower, _)| *lower == word) {
            usual.push_str(form);
            continue;
        }
        let mut letters = word.chars();
        usual.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        usual.push_str(letters.as_str());
    }
    usual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_look_as_servers_write_them() {
        for name in [
            "Content-Type",
            "ETag",
            "WWW-Authenticate",
            "X-RateLimit-Remaining",
            "RateLimit-Reset",
            "X-GitHub-Request-Id",
            "X-XSS-Protection",
            "X-UA-Compatible",
            "Content-MD5",
            "Set-Cookie",
            "Link",
            "X-B3-Traceid",
            "x-amz-meta-owner",
            "x-goog-hash",
            "x-ms-request-id",
            "A--B-",
            "-",
            "",
            "5",
        ] {
            assert_eq!(usual_case(&name.to_ascii_lowercase()), name);
        }
    }

    #[test]
    fn only_the_case_changes() {
        for name in ["x_custom", "!#$%&'*+.^`|~", "www", "etag-etag"] {
            assert!(usual_case(name).eq_ignore_ascii_case(name), "{name}");
        }
    }
}
