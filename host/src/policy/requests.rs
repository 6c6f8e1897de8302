//! What a connector may say in a request beside its destination: the method, and header fields that are its own.
//!
//! The threat: a method that makes a tunnel or echoes credentials, and fields with which a request frames itself
//! differently for the host than for the server, or reaches a host that nobody granted at an address that was.

/// Methods a connector may use. `CONNECT` would make a tunnel, `TRACE` echoes credentials.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Header fields that describe the connection or the framing, which are the host's. `Host` is set from
/// the URL: another one would reach a host at the granted address that nobody granted.
pub const HOST_HEADERS: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// Whether a connector may use a method, to the letter.
#[must_use]
pub fn admits_method(method: &str) -> bool {
    METHODS.contains(&method)
}

/// Whether a header field is the connector's to set, in any case of its letters. Others are left out.
#[must_use]
pub fn is_connectors_header(name: &str) -> bool {
    !HOST_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_and_echoes_are_refused() {
        for method in ["CONNECT", "TRACE", "TRACK", "get", "", "GET ", "PRI", "PROPFIND"] {
            assert!(!admits_method(method), "{method:?}");
        }
        assert!(METHODS.iter().all(|method| admits_method(method)));
    }

    #[test]
    fn framing_is_the_hosts_in_any_spelling() {
        for name in ["Host", "HOST", "Content-Length", "transfer-encoding", "Upgrade", "Proxy-Authorization", "TE"] {
            assert!(!is_connectors_header(name), "{name}");
        }
        for name in ["Authorization", "X-Forwarded-For", "Cookie", "Content-Type"] {
            assert!(is_connectors_header(name), "{name}");
        }
    }
}
