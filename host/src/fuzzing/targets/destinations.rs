//! URLs and grants: the first line is a URL, the others are grants.

use std::net::IpAddr;

use url::Url;

use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run, texts};
use crate::policy::egress::{AddressGrant, Destination, Host, NetworkGrant, NetworkGrants, Scheme};

const WORDS: &[&str] = &[
    "https://",
    "http://",
    "tcp://",
    "tls://",
    "HTTPS://",
    "//",
    "\\",
    "@",
    "*.",
    "*",
    ":443",
    ":80",
    ":0",
    ":+80",
    ":",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[fd00::1%25eth0]",
    "[64:ff9b::7f00:1]",
    "127.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "localhost",
    "xn--",
    "example.com",
    ".",
    "..",
    "%2e",
    "%00",
    "#",
    "?",
    "/",
    "=10.0.0.0/8",
    "=fd00::/8",
    "=::ffff:10.0.0.0/104",
    "=127.0.0.1",
    "\n",
];

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "https://api.example.com/v1?x=1#f\nhttps://api.example.com\nhttps://*.example.com:8443",
        "http://127.0.0.1:8080/\nhttp://127.0.0.1:8080\nlocalhost=127.0.0.0/8",
        "https://[2001:db8::1]/\nhttps://[2001:db8::1]\ntcp://db.internal:5432\ndb.internal=10.0.0.0/8",
        "https://good.com@evil.com/\nhttps://good.com",
        "http://0x7f.1/\nhttp://127.0.0.1",
        "https://a.b.example.com.\nhttps://*.example.com\nhttps://*.b.example.com",
        "tls://db:5432\ntcp://db:5432\ntls://db:5432",
    ])
}

/// One that is read is read the same from its own text.
fn same_again<T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    let again = read.to_string().parse::<T>().ok();
    assert_eq!(again.as_ref(), Some(&read), "{text:?} is printed as {:?}", read.to_string());
    Some(read)
}

fn attack(input: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.lines();
    let url = lines.next().unwrap_or_default();
    let lines: Vec<_> = lines.take(32).collect();
    // The parser of URLs has some buffers of its own, and makes three bytes of one.
    let parsed = within(16 * text.len() + 4096, || Destination::parse(url));
    let hosts: Vec<NetworkGrant> = lines.iter().filter_map(|line| same_again(line)).collect();
    let addresses: Vec<AddressGrant> = lines.iter().filter_map(|line| same_again(line)).collect();
    for grant in &hosts {
        assert!(grant.covers(grant), "{grant} does not cover itself");
    }
    let (project, operator) = (NetworkGrants::from_project(&hosts), NetworkGrants::from_operator(&hosts, &addresses));
    assert_eq!(operator.missing(&hosts), [], "what is granted is granted");
    let (to, dialled) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return Seen::of(&(Seen::text(&error.to_string()), hosts.len())),
    };
    one_meaning(&to, &dialled);
    let decided = operator.permit(&to).is_ok();
    let (again, _) = Destination::parse(dialled.as_str()).unwrap();
    assert_eq!(operator.permit(&again).is_ok(), decided, "{to}: what was decided changes with the spelling");
    assert!(NetworkGrants::default().permit(&to).is_err(), "{to} is permitted by nothing");
    if let Ok(permit) = project.permit(&to) {
        assert!(decided, "{to}: the project has more than the operator");
        assert_eq!(permit.destination(), &to);
        never_inside(&permit);
    }
    // Who may go where a printed grant says may go there by the grant itself.
    let narrow: NetworkGrant = to.to_string().parse().unwrap();
    assert!(NetworkGrants::from_operator(&[narrow], &[]).permit(&to).is_ok(), "{to} is not granted by its own name");
    Seen::of(&(to.scheme().as_str(), matches!(to.host(), Host::Ip(_)), decided, project.permit(&to).is_ok()))
}

/// Every reader must see the same destination in it.
fn one_meaning(to: &Destination, dialled: &Url) {
    let (again, url) = Destination::parse(dialled.as_str()).expect("what is dialled is a destination");
    assert_eq!((&again, &url), (to, dialled));
    let (printed, _) = Destination::parse(&to.to_string()).expect("what is printed is a destination");
    assert_eq!(&printed, to);
    assert_eq!(dialled.host_str(), Some(to.host().to_string().as_str()));
    assert_eq!(dialled.port_or_known_default(), Some(to.port()));
    assert!(dialled.username().is_empty() && dialled.password().is_none() && dialled.fragment().is_none());
    // A reader of another make, which the policy does not use.
    let other: http::Uri = match dialled.as_str().parse() {
        Ok(uri) => uri,
        Err(_) => return,
    };
    assert_eq!(other.host().map(str::to_ascii_lowercase), Some(to.host().to_string()), "{dialled}");
    assert_eq!(other.port_u16().or(to.scheme().default_port()), Some(to.port()), "{dialled}");
    let stream = to.host().to_string();
    let bare = stream.trim_start_matches('[').trim_end_matches(']');
    let stream = Destination::stream(Scheme::Tcp, bare, to.port()).expect("a host is one of a stream too");
    assert_eq!(stream.host(), to.host());
}

/// What a project asks for never leads to the operator's own side.
fn never_inside(permit: &crate::policy::egress::Permit) {
    for address in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"] {
        let address: IpAddr = address.parse().unwrap();
        assert!(permit.admits(address).is_err(), "{} at {address}", permit.destination());
    }
}

#[test]
fn fuzz_destinations() {
    run(&Target { name: "destinations", words: WORDS, longest: 2048, brief: 20_000, seeds, attack });
}
