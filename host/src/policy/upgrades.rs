//! What may be said in the clear on a connection that was granted as `tls`.
//!
//! The threat: a connector sends credentials or rows where everybody on the way can read them, although the
//! operator granted TLS alone. Some protocols begin in the clear all the same: the client asks for TLS first.
//! So exactly those requests are let through, once, and each is one of a form that holds no data of its own.

/// PostgreSQL's `SSLRequest`: length 8, code 80877103.
const POSTGRESQL: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A packet of 32 bytes in MySQL's framing; its fourth byte is a number that only counts packets.
const MYSQL_FRAME: [u8; 3] = [32, 0, 0];

/// The flag among MySQL's capabilities that makes the packet a request for TLS.
const MYSQL_WANTS_TLS: u32 = 0x0800;

/// Where MySQL's request holds flags, largest packet and character set; all after that is zero.
const MYSQL_HEAD: usize = 4 + 4 + 4 + 2;

/// Whether these bytes, all that were written, ask a server to begin TLS.
///
/// ```
/// use sluicegate::policy::upgrades::is_request;
///
/// assert!(is_request(&[0, 0, 0, 8, 4, 210, 22, 47]));
/// assert!(!is_request(b"\0\0\0\x14\0\x03\0\0user\0hunter2\0"));
/// ```
#[must_use]
pub fn is_request(bytes: &[u8]) -> bool {
    bytes == POSTGRESQL || is_mysql(bytes)
}

fn is_mysql(bytes: &[u8]) -> bool {
    let flags = bytes.get(4..8).and_then(|flags| flags.try_into().ok()).map_or(0, u32::from_le_bytes);
    bytes.len() == 36
        && bytes.starts_with(&MYSQL_FRAME)
        && flags & MYSQL_WANTS_TLS != 0
        && bytes.iter().skip(MYSQL_HEAD).all(|byte| *byte == 0)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn mysql() -> Vec<u8> {
        let mut request = vec![0; 36];
        request[..14].copy_from_slice(&[32, 0, 0, 1, 0x85, 0xae, 0x0f, 0, 0, 0, 0, 1, 45, 0]);
        request
    }

    #[test]
    fn requests_are_recognised_to_the_byte() {
        assert!(is_request(&POSTGRESQL) && is_request(&mysql()));
        for request in [POSTGRESQL.to_vec(), mysql()] {
            assert!(!is_request(&request[1..]) && !is_request(&[&request[..], b"x"].concat()));
        }
        assert!(!is_request(b"") && !is_request(b"GET / HTTP/1.1\r\n\r\n"));
    }

    #[test]
    fn a_request_of_mysql_has_no_room_for_data() {
        for at in MYSQL_HEAD..36 {
            let mut request = mysql();
            request[at] = 1;
            assert!(!is_request(&request), "{at}");
        }
        let mut login = mysql();
        login[5] &= !0x08;
        assert!(!is_request(&login), "without the flag it is a login");
    }
}
