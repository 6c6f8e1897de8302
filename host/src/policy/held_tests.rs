#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn bindings() -> Bindings {
    let bound = |name: &str, byte, hosts: &[&str], places: &[Place]| Binding {
        name: name.to_owned(),
        placeholder: placeholder([byte; 16]),
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        places: places.iter().copied().collect(),
    };
    Bindings::new(vec![
        bound("key", 1, &["https://api.example.com"], &[Place::Header]),
        bound("code", 2, &["https://api.example.com", "https://*.example.org"], &[Place::Query, Place::Body]),
    ])
}

fn judge(url: &str, headers: &[(&str, &str)]) -> Result<Vec<usize>, String> {
    let (to, parsed) = Destination::parse(url).unwrap();
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let judged = bindings().judge_head(&to, parsed.as_str(), headers);
    judged.map(|uses| uses.into_iter().collect()).map_err(|denied| denied.to_string())
}

#[test]
fn a_secret_goes_where_it_is_bound_to_and_nowhere_else() {
    let (key, code) = (placeholder([1; 16]), placeholder([2; 16]));
    let bearer = format!("Bearer {key}");
    assert_eq!(judge("https://api.example.com/x", &[("authorization", &bearer)]), Ok(vec![0]));
    assert_eq!(judge(&format!("https://a.example.org/?c={code}"), &[]), Ok(vec![1]));
    assert_eq!(judge("https://api.example.com/", &[("x", "slcsecret0123")]), Ok(vec![]));
    for (url, headers, says) in [
        ("https://evil.example.net/", vec![("x", bearer.as_str())], "bound to https://api.example.com;"),
        ("http://api.example.com/", vec![("x", &bearer)], "may not go to http://api.example.com"),
        ("https://api.example.com:8443/", vec![("x", &bearer)], "may not go to https://api.example.com:8443"),
        (&format!("https://api.example.com/?k={key}"), vec![], "in the query"),
        (&format!("https://api.example.com/{code}"), vec![], "in the path"),
        (&format!("https://{code}.example.org/"), vec![], "in the path"),
        ("https://api.example.com/", vec![("x", &code)], "in the header of a request"),
        ("https://api.example.com/", vec![(key.as_str(), "x")], "name of a header"),
        (
            "https://api.example.com/",
            vec![("authorization", "Basic dTpzbGNzZWNyZXQwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMg==")],
            "`code`",
        ),
    ] {
        let refused = judge(url, &headers).unwrap_err();
        assert!(refused.contains(says), "{url}: {refused}");
    }
}

fn rules(text: &str) -> Result<SecretRules, String> {
    let rules: SecretRules = toml::from_str(text).map_err(|error| error.to_string())?;
    rules.from_project().map_err(|error| error.to_string())
}

#[test]
fn a_project_binds_to_public_hosts_over_tls_only() {
    let good = rules("[secrets.a]\nhosts = ['https://api.example.com']\n[secrets.b]").unwrap();
    assert_eq!(good.secrets.get("a").unwrap().places, BTreeSet::from([Place::Header]));
    assert!(good.secrets.get("b").unwrap().hosts.is_empty());
    for (text, says) in [
        ("[secrets.a]\nhosts = ['http://api.example.com']", "not encrypted"),
        ("[secrets.a]\nhosts = ['tcp://db.example.com:5432']", "HTTP requests only"),
        ("[secrets.a]\nhosts = ['https://10.0.0.1']", "not a public host"),
        ("[secrets.a]\nhosts = ['everything']", "hosts"),
        ("[secrets.a]\nhost = ['https://api.example.com']", "unknown field `host`"),
        ("[secrets.a]\nin = ['path']", "unknown variant `path`"),
        ("[secrets.'']", "name of a secret"),
        (&oauth("https://login.example.com/", "client-credentials", ""), "needs `client_secret`"),
        (&oauth("https://login.example.com/", "refresh-token", ""), "needs `refresh_token`"),
        (&oauth("http://login.example.com/", "client-credentials", "client_secret = 's'"), "not encrypted"),
        (&oauth("https://127.0.0.1/", "client-credentials", "client_secret = 's'"), "not a public host"),
        (&oauth("login", "client-credentials", "client_secret = 's'"), "token_url"),
    ] {
        let refused = rules(text).unwrap_err();
        assert!(refused.contains(says), "{text}: {refused}");
    }
}

fn oauth(url: &str, flow: &str, more: &str) -> String {
    format!(
        "[oauth.t]\ntoken_url = '{url}'\nflow = '{flow}'\nclient_id = 'i'\nhosts = ['https://a.example.com']\n{more}"
    )
}

#[test]
fn an_operator_decides() {
    let project: SecretRules = toml::from_str("[secrets.a]\nhosts = ['https://a.example.com']\n[secrets.b]").unwrap();
    let operator: SecretRules = toml::from_str("[secrets.a]\nhosts = ['https://b.example.com']").unwrap();
    let both = project.overridden_by(operator);
    assert_eq!(both.secrets.get("a").unwrap().hosts, vec!["https://b.example.com".parse().unwrap()]);
    assert_eq!(both.names().count(), 2);
}
