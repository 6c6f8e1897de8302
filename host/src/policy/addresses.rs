//! Which IP addresses a granted name may lead to.
//!
//! The threat: a name the operator granted, or one under a granted wildcard, resolves to an
//! address of the operator's own network (DNS rebinding, or a hostile owner of the name), and the connector
//! reaches a metadata service, a database or a printer. So every address is judged after resolution and
//! before dialling, in its canonical form, and IPv6 forms that carry an IPv4 address are judged by
//! that too.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// A range that is never dialled unless the operator granted it, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedRange {
    /// The range in CIDR form.
    pub cidr: &'static str,
    /// What the range is for and where that is written.
    pub reason: &'static str,
    network: u128,
    prefix: u8,
    v4: bool,
}

impl fmt::Display for RefusedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cidr, self.reason)
    }
}

const fn v4(cidr: &'static str, octets: [u8; 4], prefix: u8, reason: &'static str) -> RefusedRange {
    RefusedRange { cidr, reason, network: u32::from_be_bytes(octets) as u128, prefix, v4: true }
}

const fn v6(cidr: &'static str, high: [u16; 4], prefix: u8, reason: &'static str) -> RefusedRange {
    let [a, b, c, d] = high;
    let network = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits();
    RefusedRange { cidr, reason, network, prefix, v4: false }
}

/// All refused ranges. IPv4-mapped addresses never get here as IPv6; see [`judge`].
pub const REFUSED: &[RefusedRange] = &[
    v4("0.0.0.0/8", [0, 0, 0, 0], 8, "this host, RFC 1122"),
    v4("10.0.0.0/8", [10, 0, 0, 0], 8, "private, RFC 1918"),
    v4("100.64.0.0/10", [100, 64, 0, 0], 10, "carrier-grade NAT, RFC 6598"),
    v4("127.0.0.0/8", [127, 0, 0, 0], 8, "loopback, RFC 1122"),
    v4("169.254.0.0/16", [169, 254, 0, 0], 16, "link-local and cloud metadata, RFC 3927"),
    v4("172.16.0.0/12", [172, 16, 0, 0], 12, "private, RFC 1918"),
    v4("192.0.0.0/24", [192, 0, 0, 0], 24, "protocol assignments, RFC 6890"),
    v4("192.0.2.0/24", [192, 0, 2, 0], 24, "documentation, RFC 5737"),
    v4("192.88.99.0/24", [192, 88, 99, 0], 24, "6to4 relays, RFC 7526"),
    v4("192.168.0.0/16", [192, 168, 0, 0], 16, "private, RFC 1918"),
    v4("198.18.0.0/15", [198, 18, 0, 0], 15, "benchmarking, RFC 2544"),
    v4("198.51.100.0/24", [198, 51, 100, 0], 24, "documentation, RFC 5737"),
    v4("203.0.113.0/24", [203, 0, 113, 0], 24, "documentation, RFC 5737"),
    v4("224.0.0.0/4", [224, 0, 0, 0], 4, "multicast, RFC 5771"),
    v4("240.0.0.0/4", [240, 0, 0, 0], 4, "reserved and broadcast, RFC 1112"),
    // unspecified and loopback lie inside; the rest embeds an IPv4 address, deprecated
    v6("::/96", [0, 0, 0, 0], 96, "unspecified, loopback or IPv4-compatible, RFC 4291"),
    v6("64:ff9b:1::/48", [0x64, 0xff9b, 1, 0], 48, "local NAT64, RFC 8215"),
    v6("100::/64", [0x100, 0, 0, 0], 64, "discard-only, RFC 6666"),
    v6("2001::/32", [0x2001, 0, 0, 0], 32, "Teredo, RFC 4380"),
    v6("2001:2::/48", [0x2001, 2, 0, 0], 48, "benchmarking, RFC 5180"),
    v6("2001:10::/28", [0x2001, 0x10, 0, 0], 28, "ORCHID, RFC 4843"),
    v6("2001:20::/28", [0x2001, 0x20, 0, 0], 28, "ORCHIDv2, RFC 7343"),
    v6("2001:db8::/32", [0x2001, 0xdb8, 0, 0], 32, "documentation, RFC 3849"),
    v6("2002::/16", [0x2002, 0, 0, 0], 16, "6to4, RFC 3056"),
    v6("3fff::/20", [0x3fff, 0, 0, 0], 20, "documentation, RFC 9637"),
    v6("5f00::/16", [0x5f00, 0, 0, 0], 16, "segment routing, RFC 9602"),
    v6("fc00::/7", [0xfc00, 0, 0, 0], 7, "unique local and cloud metadata, RFC 4193"),
    v6("fe80::/10", [0xfe80, 0, 0, 0], 10, "link-local, RFC 4291"),
    v6("fec0::/10", [0xfec0, 0, 0, 0], 10, "site-local, RFC 3879"),
    v6("ff00::/8", [0xff00, 0, 0, 0], 8, "multicast, RFC 4291"),
];

/// The well-known NAT64 prefix, RFC 6052: the last 32 bits are the IPv4 address that is reached.
const NAT64: u128 = 0x0064_ff9b << 96;

impl RefusedRange {
    fn contains(&self, address: IpAddr) -> bool {
        let (bits, width, v4) = match address {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32, true),
            IpAddr::V6(ip) => (ip.to_bits(), 128, false),
        };
        let host_bits = u32::from(width - self.prefix.min(width));
        v4 == self.v4 && bits >> host_bits == self.network >> host_bits
    }
}

/// Whether an address is public, that is, may be dialled under a grant that names no
/// addresses.
///
/// IPv4-mapped addresses are judged as IPv4. An address behind the well-known NAT64 prefix is judged
/// by the IPv4 address inside.
///
/// # Errors
///
/// The range that refuses it.
pub fn judge(address: IpAddr) -> Result<(), RefusedRange> {
    let address = address.to_canonical();
    match REFUSED.iter().find(|range| range.contains(address)) {
        Some(range) => Err(*range),
        None => match embedded(address) {
            Some(inner) => judge(IpAddr::V4(inner)),
            None => Ok(()),
        },
    }
}

fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(ip) = address else { return None };
    let bits = ip.to_bits();
    // the last 32 bits; truncation is the point
    (bits >> 32 == NAT64 >> 32).then(|| Ipv4Addr::from_bits(bits as u32))
}

/// Whether an address may be dialled, given ranges that the operator granted. A grant is meant
/// literally: it holds for the canonical address, never for an address embedded in another.
///
/// # Errors
///
/// The range that refuses it.
pub fn judge_with(address: IpAddr, granted: &[IpNet]) -> Result<(), RefusedRange> {
    let canonical = address.to_canonical();
    if granted.iter().any(|range| range.contains(&canonical)) {
        return Ok(());
    }
    judge(canonical)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn step(address: IpAddr, forward: bool) -> Option<IpAddr> {
        let move_by_one = |n: u128, top: u128| match forward {
            true => (n < top).then(|| n + 1),
            false => n.checked_sub(1),
        };
        match address {
            IpAddr::V4(a) => move_by_one(a.to_bits().into(), u32::MAX.into())
                .map(|n| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(n).unwrap()))),
            IpAddr::V6(a) => move_by_one(a.to_bits(), u128::MAX).map(|n| IpAddr::V6(Ipv6Addr::from_bits(n))),
        }
    }

    #[test]
    fn both_edges_of_every_range() {
        for range in REFUSED {
            let net: IpNet = range.cidr.parse().unwrap();
            assert_eq!(net.trunc(), net, "{range} is not a network address");
            for edge in [net.network(), net.broadcast()] {
                assert!(judge(edge).is_err(), "{edge} of {range}");
                assert!(range.contains(edge), "{edge} of {range}");
            }
            let outside = [step(net.network(), false), step(net.broadcast(), true)];
            for neighbour in outside.into_iter().flatten() {
                assert!(!range.contains(neighbour), "{neighbour} beside {range}");
                let elsewhere = REFUSED.iter().any(|other| other.contains(neighbour));
                // ::ffff:0:0/96 begins right after ::1:0:0/96, so neighbours stay IPv6 here
                if !elsewhere && neighbour.to_canonical() == neighbour {
                    assert_eq!(judge(neighbour), Ok(()), "{neighbour} beside {range}");
                }
            }
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(judge(ip(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn every_disguise_of_a_private_address_is_refused() {
        for text in [
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::10.0.0.1",
            "::",
            "::1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "2001:0:1::1",
            "fd00:ec2::254",
            "fe80::1",
            "169.254.169.254",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(judge(ip(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn grants_are_literal() {
        let granted: Vec<IpNet> = vec!["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()];
        for (text, allowed) in [
            ("10.1.0.0", true),
            ("10.1.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("10.0.255.255", false),
            ("10.2.0.0", false),
            ("64:ff9b::10.1.2.3", false),
            ("::1", true),
            ("127.0.0.1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(judge_with(ip(text), &granted).is_ok(), allowed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_judged_as_ipv4(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let verdict = judge(IpAddr::V4(plain));
            prop_assert_eq!(judge(IpAddr::V6(plain.to_ipv6_mapped())), verdict);
            prop_assert_eq!(judge(IpAddr::V6(Ipv6Addr::from_bits(NAT64 | u128::from(bits)))), verdict);
        }
    }
}
