#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn grant(text: &str) -> NetworkGrant {
    text.parse().unwrap_or_else(|error| panic_on(text, error))
}

#[allow(clippy::panic, reason = "tests")]
fn panic_on(text: &str, error: GrantError) -> NetworkGrant {
    panic!("{text}: {error}")
}

fn to(url: &str) -> Destination {
    Destination::parse(url).unwrap().0
}

fn operator(hosts: &[&str], addresses: &[&str]) -> NetworkGrants {
    let hosts: Vec<_> = hosts.iter().map(|text| grant(text)).collect();
    let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    NetworkGrants::from_operator(&hosts, &addresses)
}

#[test]
fn grants_that_are_read() {
    for (text, printed) in [
        ("https://api.example.com", "https://api.example.com"),
        ("HTTPS://API.Example.COM:443", "https://api.example.com"),
        ("http://api.example.com", "http://api.example.com"),
        ("http://api.example.com:443", "http://api.example.com:443"),
        ("https://*.example.com:8443", "https://*.example.com:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://under_score.example.com", "https://under_score.example.com"),
        ("TLS://DB.example.com:5432", "tls://db.example.com:5432"),
        ("tcp://*.example.com:443", "tcp://*.example.com:443"),
        ("tcp://[::1]:6379", "tcp://[::1]:6379"),
    ] {
        assert_eq!(grant(text).to_string(), printed);
    }
}

#[test]
fn grants_that_are_refused() {
    for text in [
        "",
        "api.example.com",
        "//api.example.com",
        "https:api.example.com",
        "https://",
        "ftp://a.example",
        "*://a.example",
        "https://*",
        "https://*.com",
        "https://*.",
        "https://a.*.example.com",
        "https://*a.example.com",
        "https://*.*.example.com",
        "https://*.127.0.0.1",
        "https://a.example/",
        "https://a.example/x",
        "https://a.example?x",
        "https://a.example#x",
        "https://u@a.example",
        "https://u:p@a.example",
        "https://a.example:0",
        "tcp://a.example",
        "tls://a.example:",
        "tcp://a.example:0",
        "tcp://a.example:5432/db",
        "tcp://user@a.example:5432",
        "udp://a.example:53",
        "https://a.example:65536",
        "https://a.example:",
        "https://a.example:+443",
        "https://a.example:0443",
        "https://a.example:443:443",
        "https://a.example:https",
        "https://a.example.",
        "https://a..example",
        "https://.example",
        "https://-a.example",
        "https://a-.example",
        "https://10.0.0.0/8",
        "https://2130706433",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://127.1",
        "https://127.0.0.1.",
        "https://1.2.3.4.5",
        "https://256.1.1.1",
        "https://a.example.0x1f",
        "https://::1",
        "https://[::1",
        "https://::1]",
        "https://[fe80::1%25eth0]",
        "https://[::ffff:127.0.0.1]",
        "https://[0:0::1]",
        "https://b\u{fc}cher.example",
        "https://a.example ",
        " https://a.example",
        "https://a.exa\tmple",
        "https://a.example\\b",
        "https://a%2eb.example",
        "https://xn--a.example",
        "https://\u{ff11}27.0.0.1",
    ] {
        assert!(text.parse::<NetworkGrant>().is_err(), "{text:?}");
    }
    let long = format!("https://{}.example", "a".repeat(64));
    assert!(long.parse::<NetworkGrant>().is_err());
    let long = format!("https://{}example", "abcdefg.".repeat(32));
    assert!(long.parse::<NetworkGrant>().is_err());
}

#[test]
fn address_grants() {
    for (text, printed) in [
        ("db.internal=10.0.0.0/8", "db.internal=10.0.0.0/8"),
        ("db.internal=10.1.2.3", "db.internal=10.1.2.3/32"),
        ("*.svc.internal=fd00::/8", "*.svc.internal=fd00::/8"),
    ] {
        assert_eq!(text.parse::<AddressGrant>().unwrap().to_string(), printed);
    }
    for text in [
        "",
        "db.internal",
        "db.internal=",
        "=10.0.0.0/8",
        "db.internal=0.0.0.0/0",
        "db.internal=::/0",
        "db.internal=10.0.0.1/8",
        "db.internal=10/8",
        "db.internal=::ffff:10.0.0.0/104",
        "*=10.0.0.0/8",
        "https://db.internal=10.0.0.0/8",
    ] {
        assert!(text.parse::<AddressGrant>().is_err(), "{text:?}");
    }
}

#[test]
fn refuses_every_disguise() {
    for url in [
        "https://good.example@evil.example/",
        "https://good.example\\@evil.example/",
        "https://good.example%2eevil.example/",
        "https://good.example:pw@evil.example/",
        "https://good.ex\tample/",
        "https://good.ex\nample/",
        " https://good.example/",
        "https://good.example/ x",
        "https:///good.example/",
        "https:good.example",
        "https://good.example./",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://\u{ff11}\u{ff12}7.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1%25en0]/",
        "https://good.example:0/",
        "https://good.example:/",
        "https://good.example:+443/",
        "https://good.example:65536/",
        "https://g\u{f6}\u{f6}d.example/",
        "https://\u{434}ood.example/",
        "https://good\u{3002}example/",
        "https://good.example\u{ad}/",
        "blob:https://good.example/",
        "file:///etc/passwd",
        "javascript://good.example/",
        "https://good.example\\.evil.example/",
    ] {
        assert!(Destination::parse(url).is_err(), "{url:?}");
    }
    // `#@` and `?@` end the authority, as every parser agrees
    assert_eq!(to("https://good.example#@evil.example/").to_string(), "https://good.example");
    assert_eq!(to("https://good.example?@evil.example/").to_string(), "https://good.example");
}

/// Several controls refuse most of these: that each is there shows in the reason.
#[test]
fn disguises_are_refused_for_what_they_are() {
    for (url, reason) in [
        ("https://good.example./", UrlError::TrailingDot),
        ("https://[::ffff:127.0.0.1]/", UrlError::LooksNumeric),
        ("https://[::ffff:7f00:1]/", UrlError::LooksNumeric),
    ] {
        assert_eq!(Destination::parse(url).map(|(to, _)| to.to_string()), Err(reason), "{url}");
    }
    for path in ["/", "/x", "?x", "#x", "\\x"] {
        let granted = format!("https://a.example{path}").parse::<NetworkGrant>();
        assert_eq!(granted, Err(GrantError::Path), "{path}");
    }
}

#[test]
fn a_url_is_of_http() {
    for url in ["tcp://db.example:5432/", "tls://db.example:5432/", "tcp://db.example:5432"] {
        assert_eq!(Destination::parse(url).map(|(to, _)| to.to_string()), Err(UrlError::Scheme), "{url}");
    }
}

#[test]
fn an_address_grant_is_for_its_host() {
    let grants = operator(&["https://db.internal", "https://other.internal"], &["db.internal=10.0.0.0/8"]);
    let at = |url| grants.permit(&to(url)).unwrap().admits("10.1.2.3".parse().unwrap()).is_ok();
    assert!(at("https://db.internal/") && !at("https://other.internal/"));
}

#[test]
fn errors_hold_nothing_of_the_url() {
    for url in ["https://user:hunter2@x.example/?k=hunter2", "https://hunter2.example./", "hunter2"] {
        let error = Destination::parse(url).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn default_denies_everything() {
    let none = NetworkGrants::default();
    assert!(none.is_empty());
    let denied = none.permit(&to("https://api.example.com/secret?token=1")).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "network access to https://api.example.com is not granted; \
         an operator can grant it with --allow https://api.example.com"
    );
}

#[test]
fn wildcards_match_at_label_boundaries() {
    let grants = operator(&["https://*.example.com"], &[]);
    for (url, allowed) in [
        ("https://a.example.com/", true),
        ("https://a.b.example.com/", true),
        ("https://example.com/", false),
        ("https://evilexample.com/", false),
        ("https://a.example.com.evil.net/", false),
        ("http://a.example.com/", false),
        ("https://a.example.com:444/", false),
    ] {
        assert_eq!(grants.permit(&to(url)).is_ok(), allowed, "{url}");
    }
}

#[test]
fn covering() {
    for (granted, asked, covered) in [
        ("https://*.example.com", "https://a.example.com", true),
        ("https://*.example.com", "https://*.b.example.com", true),
        ("https://*.example.com", "https://*.example.com", true),
        ("https://*.b.example.com", "https://*.example.com", false),
        ("https://a.example.com", "https://*.example.com", false),
        ("https://*.example.com", "https://example.com", false),
        ("https://a.example.com", "http://a.example.com", false),
        ("https://a.example.com:8443", "https://a.example.com", false),
        ("https://a.example.com:8443", "http://a.example.com:8443", false),
        ("http://a.example.com:8443", "https://a.example.com:8443", false),
    ] {
        assert_eq!(grant(granted).covers(&grant(asked)), covered, "{granted} {asked}");
    }
    let asked = [grant("https://a.example.com"), grant("https://b.example.com")];
    assert_eq!(operator(&["https://a.example.com"], &[]).missing(&asked), vec![grant("https://b.example.com")]);
}

#[test]
fn non_public_addresses() {
    let grants = operator(
        &[
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:9000",
            "https://db.internal",
            "https://1.1.1.1",
        ],
        &["db.internal=10.0.0.0/8"],
    );
    for (url, allowed) in [
        ("http://127.0.0.1:8080/", true),
        ("http://127.0.0.2:8080/", false),
        ("http://[::1]:8080/", true),
        ("https://1.1.1.1/", true),
        ("http://localhost:8080/", false),
    ] {
        assert_eq!(grants.permit(&to(url)).is_ok(), allowed, "{url}");
    }
    for (url, address, admitted) in [
        ("http://localhost:9000/", "127.0.0.1", true),
        ("http://localhost:9000/", "::1", true),
        ("http://localhost:9000/", "10.0.0.1", false),
        ("https://db.internal/", "10.9.9.9", true),
        ("https://db.internal/", "127.0.0.1", false),
        ("https://db.internal/", "8.8.8.8", true),
    ] {
        let permit = grants.permit(&to(url)).unwrap();
        assert_eq!(permit.admits(address.parse().unwrap()).is_ok(), admitted, "{url} at {address}");
    }
}

#[test]
fn refused_addresses_name_the_missing_grant() {
    let grants = operator(&["https://db.internal"], &[]);
    let permit = grants.permit(&to("https://db.internal/x")).unwrap();
    let range = permit.admits("10.1.2.3".parse().unwrap()).unwrap_err();
    assert_eq!(permit.non_public(range).grant, "--allow-address db.internal=10.0.0.0/8");
}

#[test]
fn a_project_cannot_grant_loopback() {
    let asked = [grant("http://127.0.0.1:8080"), grant("http://localhost:9000"), grant("https://api.example.com")];
    let project = NetworkGrants::from_project(&asked);
    let denied = project.permit(&to("http://127.0.0.1:8080/")).unwrap_err();
    assert!(matches!(denied.reason, DenyReason::NonPublic(_)));
    assert_eq!(denied.grant, "--allow http://127.0.0.1:8080");
    let permit = project.permit(&to("http://localhost:9000/")).unwrap();
    assert!(permit.admits("127.0.0.1".parse().unwrap()).is_err());
    assert!(project.permit(&to("https://api.example.com/")).is_ok());
    assert_eq!(project.missing(&asked), asked[..2]);

    let both = project.and(operator(&["http://127.0.0.1:8080"], &[]));
    assert!(both.permit(&to("http://127.0.0.1:8080/")).is_ok());
    assert_eq!(both.missing(&asked), asked[1..2]);
}

fn host_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9_]{1,9}(\\.[a-z][a-z0-9-]{0,8}[a-z0-9]){1,3}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]")),
        "[a-zA-Z0-9.%@:\\[\\]\\-_\\\\]{1,20}",
    ]
}

proptest! {
    #[test]
    fn grant_prints_back(host in host_text(), wild: bool, tls: bool, port in proptest::option::of(any::<u16>())) {
        let scheme = if tls { "https" } else { "http" };
        let star = if wild { "*." } else { "" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        if let Ok(grant) = format!("{scheme}://{star}{host}{port}").parse::<NetworkGrant>() {
            prop_assert_eq!(grant.to_string().parse::<NetworkGrant>(), Ok(grant.clone()));
            prop_assert!(grant.covers(&grant));
        }
    }

    #[test]
    fn destination_prints_back(host in host_text(), tail in "[/?#][ -~]{0,20}") {
        if let Ok((destination, url)) = Destination::parse(&format!("https://{host}{tail}")) {
            let printed = destination.to_string();
            prop_assert_eq!(&Destination::parse(&printed).unwrap().0, &destination);
            prop_assert_eq!(&Destination::parse(url.as_str()).unwrap().0, &destination);
            prop_assert!(url.username().is_empty() && url.password().is_none());
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,40}") {
        let _ = Destination::parse(&text);
        let _ = Destination::parse(&format!("https://{text}"));
        let _ = text.parse::<NetworkGrant>();
        let _ = format!("https://{text}").parse::<NetworkGrant>();
        let _ = text.parse::<AddressGrant>();
    }

    #[test]
    fn a_granted_exact_host_permits_only_itself(host in host_text(), other in host_text()) {
        let grant = format!("https://{host}").parse::<NetworkGrant>();
        let destination = Destination::parse(&format!("https://{other}/"));
        if let (Ok(grant), Ok((destination, _))) = (grant, destination) {
            let permitted = NetworkGrants::from_operator(std::slice::from_ref(&grant), &[]).permit(&destination).is_ok();
            prop_assert_eq!(permitted, grant.to_string() == destination.to_string());
        }
    }
}

fn stream(scheme: Scheme, host: &str, port: u16) -> Destination {
    Destination::stream(scheme, host, port).unwrap()
}

#[test]
fn streams_need_grants_of_their_own() {
    let grants = operator(&["https://a.example", "tcp://b.example:5432", "tls://c.example:5432"], &[]);
    for (scheme, host, port, granted) in [
        (Scheme::Tls, "a.example", 443, false),
        (Scheme::Tcp, "a.example", 443, false),
        (Scheme::Tcp, "b.example", 5432, true),
        (Scheme::Tls, "b.example", 5432, true),
        (Scheme::Tcp, "b.example", 5433, false),
        (Scheme::Tcp, "c.example", 5432, false),
        (Scheme::Tls, "c.example", 5432, true),
    ] {
        assert_eq!(grants.permit(&stream(scheme, host, port)).is_ok(), granted, "{scheme:?} {host}:{port}");
    }
    assert!(grants.permit(&to("https://b.example:5432/")).is_err(), "a stream is no request");
    assert!(grants.permit(&to("http://b.example:5432/")).is_err());
    assert!(grants.permit_stream(&stream(Scheme::Tcp, "c.example", 5432)).is_ok(), "it has to change to TLS");
    assert!(operator(&["tcp://b.example:1"], &[]).covers(&grant("tls://b.example:1")), "who may more, may less");
    assert!(!operator(&["tls://b.example:1"], &[]).covers(&grant("tcp://b.example:1")));
}

#[test]
fn only_a_grant_for_tcp_lets_anything_out_in_the_clear() {
    let grants = operator(&["tcp://b.example:1", "tls://c.example:1"], &[]);
    let request = [0, 0, 0, 8, 4, 210, 22, 47];
    let clear = grants.permit_stream(&stream(Scheme::Tcp, "b.example", 1)).unwrap();
    assert!(clear.admits_in_the_clear(b"anything", true).is_ok());
    let secure = grants.permit_stream(&stream(Scheme::Tcp, "c.example", 1)).unwrap();
    assert!(secure.admits_in_the_clear(&request, false).is_ok());
    for (bytes, sent) in [(&request[..], true), (b"anything", false), (b"", false)] {
        let denied = secure.admits_in_the_clear(bytes, sent).unwrap_err();
        assert_eq!(denied.reason, DenyReason::InTheClear);
        assert!(denied.to_string().ends_with("--allow tcp://c.example:1"), "{denied}");
    }
}

#[test]
fn a_project_cannot_open_private_streams() {
    for wish in ["tcp://127.0.0.1:5432", "tls://localhost:5432", "tcp://[::1]:1", "tcp://10.0.0.1:1"] {
        let (project, operator) = (NetworkGrants::from_project(&[grant(wish)]), operator(&[wish], &[]));
        assert_eq!(project.missing(&[grant(wish)]), [grant(wish)]);
        assert!(operator.missing(&[grant(wish)]).is_empty());
    }
}
