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
    bytes == POSTGRESQL || is_mysql(bytes) || is_prelogin(bytes)
}

/// Whether they ask SQL Server for a connection that is encrypted from the login to the end. It begins TLS in
/// packets of its own protocol.
///
/// Of a PRELOGIN, which can hold text and random numbers, only what says nothing is taken. It is one packet: a table
/// of options in order, number, place and length, until 255; and their values, one after the other without a gap.
#[must_use]
pub fn is_prelogin(bytes: &[u8]) -> bool {
    let [0x12, 1, high, low, 0, 0, 0 | 1, 0, body @ ..] = bytes else { return false };
    let count = body.iter().step_by(5).take_while(|token| **token != 255).count();
    let options = body.get(..5 * count).unwrap_or_default().as_chunks().0;
    // an order of its own, or a place that nobody reads, would be room for data
    let end = options.iter().try_fold(5 * count + 1, |at, &[token, place, place_low, length, length_low]| {
        let end = at + usize::from(u16::from_be_bytes([length, length_low]));
        let follows = usize::from(u16::from_be_bytes([place, place_low])) == at;
        (follows && says_nothing(token, body.get(at..end)?)).then_some(end)
    });
    let whole = end == Some(body.len()) && usize::from(u16::from_be_bytes([*high, *low])) == bytes.len();
    let encrypts = options.iter().any(|[token, ..]| *token == 1);
    whole && encrypts && options.is_sorted_by(|[one, ..], [other, ..]| one < other)
}

/// The version of the client, of which four bytes are its own; encryption, on or required, so not for the login alone
/// nor with a certificate of the client; the instance; the thread; and whether there are several results at a time,
/// and a token for a password. A trace and a nonce, which are random, are not among them.
fn says_nothing(token: u8, value: &[u8]) -> bool {
    matches!(
        (token, value),
        (0, [_, _, _, _, 0, 0]) | (1, [1 | 3]) | (2, b"\0" | b"MSSQLServer\0") | (3, [0, 0, 0, 0]) | (4 | 6, [0 | 1])
    )
}

fn is_mysql(bytes: &[u8]) -> bool {
    let flags = bytes.get(4..8).and_then(|flags| flags.try_into().ok()).map_or(0, u32::from_le_bytes);
    bytes.len() == 36
        && bytes.starts_with(&MYSQL_FRAME)
        && flags & MYSQL_WANTS_TLS != 0
        && bytes.iter().skip(MYSQL_HEAD).all(|byte| *byte == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const VERSION: u8 = 0;
    const ENCRYPTION: u8 = 1;
    const INSTANCE: u8 = 2;
    const THREAD: u8 = 3;
    const SEVERAL_RESULTS: u8 = 4;
    const TRACE: u8 = 5;
    const FEDERATED: u8 = 6;
    const NONCE: u8 = 7;

    fn mysql() -> Vec<u8> {
        let mut request = vec![0; 36];
        request[..14].copy_from_slice(&[32, 0, 0, 1, 0x85, 0xae, 0x0f, 0, 0, 0, 0, 1, 45, 0]);
        request
    }

    /// As python-tds sends it.
    fn usual() -> Vec<(u8, &'static [u8])> {
        vec![
            (VERSION, &[1, 0, 0, 0, 0, 0]),
            (ENCRYPTION, &[1]),
            (INSTANCE, b"MSSQLServer\0"),
            (THREAD, &[0; 4]),
            (SEVERAL_RESULTS, &[0]),
        ]
    }

    fn prelogin(options: &[(u8, &[u8])]) -> Vec<u8> {
        let (mut table, mut values) = (Vec::new(), Vec::new());
        for (token, value) in options {
            let offset = 5 * options.len() + 1 + values.len();
            let (offset, length) = (u16::try_from(offset).unwrap(), u16::try_from(value.len()).unwrap());
            table.push(*token);
            table.extend([offset.to_be_bytes(), length.to_be_bytes()].concat());
            values.extend_from_slice(value);
        }
        table.push(255);
        let length = u16::try_from(8 + table.len() + values.len()).unwrap().to_be_bytes();
        [&[0x12, 1, length[0], length[1], 0, 0, 0, 0][..], &table, &values].concat()
    }

    /// The usual options with another value for one of them.
    fn with(token: u8, value: &'static [u8]) -> Vec<u8> {
        let mut options = usual();
        options.retain(|(other, _)| *other != token);
        options.push((token, value));
        options.sort_unstable_by_key(|(token, _)| *token);
        prelogin(&options)
    }

    #[test]
    fn requests_are_recognised_to_the_byte() {
        for request in [POSTGRESQL.to_vec(), mysql(), prelogin(&usual())] {
            assert!(is_request(&request));
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

    #[test]
    fn a_prelogin_of_sql_server_has_no_room_for_data() {
        for (token, value) in [
            (ENCRYPTION, &[3][..]),
            (INSTANCE, b"\0"),
            (VERSION, &[9, 9, 9, 9, 0, 0]),
            (SEVERAL_RESULTS, &[1]),
            (FEDERATED, &[1]),
        ] {
            assert!(is_prelogin(&with(token, value)), "{token}: {value:?}");
        }
        for (token, value) in [
            (ENCRYPTION, &[0][..]),
            (ENCRYPTION, &[2]),
            (ENCRYPTION, &[0x81]),
            (ENCRYPTION, &[1, 1]),
            (ENCRYPTION, b""),
            (INSTANCE, b"HUNTER2\0"),
            (INSTANCE, b"MSSQLServer"),
            (INSTANCE, b"\0hunter2"),
            (THREAD, &[1, 2, 3, 4]),
            (VERSION, &[0, 0, 0, 0, 0, 1]),
            (VERSION, b"hunter2"),
            (SEVERAL_RESULTS, &[2]),
            (FEDERATED, &[2]),
            (TRACE, &[0; 36]),
            (NONCE, &[0; 32]),
            (8, b""),
        ] {
            assert!(!is_prelogin(&with(token, value)), "{token}: {value:?}");
        }
        let mut options = usual();
        options.remove(1);
        assert!(!is_prelogin(&prelogin(&options)), "it does not say whether it wants encryption");
        let mut options = usual();
        options.swap(2, 4);
        assert!(!is_prelogin(&prelogin(&options)), "an order of its own");
        let mut options = usual();
        options.push((SEVERAL_RESULTS, &[1]));
        assert!(!is_prelogin(&prelogin(&options)), "one option twice");
    }

    #[test]
    fn every_byte_of_a_prelogin_counts() {
        let request = prelogin(&usual());
        let version = 8 + 5 * 5 + 1;
        for at in 0..request.len() {
            let mut changed = request.clone();
            changed[at] ^= 0x40;
            assert_eq!(is_prelogin(&changed), (version..version + 4).contains(&at), "{at}");
        }
        for cut in 0..request.len() {
            let mut short = request[..cut].to_vec();
            assert!(!is_prelogin(&short), "{cut}");
            if cut > 3 {
                short[3] = u8::try_from(cut).unwrap();
            }
            assert!(!is_prelogin(&short), "{cut}, and says so");
        }
        let gap = [&request[..], b"hunter2"].concat();
        let mut longer = gap.clone();
        longer[3] += 7;
        assert!(!is_prelogin(&gap) && !is_prelogin(&longer), "more than the options");
    }
}
