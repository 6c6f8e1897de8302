//! The hosts that a connector asks for are those that it uses.

use std::collections::BTreeSet;

use super::{Bench, CheckResult, Ran, Source, Verdict};
use crate::display::units::counted;
use crate::error::SyncError;
use crate::policy::egress::{Destination, NetworkGrant, NetworkGrants};

const TOO_LITTLE: &str = "add it to `allow` under [network] in connector.toml, so that operators know";
const TOO_MUCH: &str = "take it out of `allow` under [network] in connector.toml, or test what uses it too";

pub(super) fn check(bench: &Bench<'_>, first: &Ran) -> CheckResult {
    let Some(asks) = &bench.subject.asks else {
        return CheckResult::skipped("the component does not say what it asks for");
    };
    let used = match &bench.case.source {
        Source::Cassette(cassette, _) => {
            Used { server: cassette.server.clone(), origins: bench.origins(), ..Used::default() }
        }
        Source::Network { server, .. } => reached(bench, server.clone()),
    };
    let mut result = CheckResult::passed(format!("{} asked for", counted(asks.len() as u64, "destination")));
    if let Err(SyncError::Denied(text)) = &first.result {
        return result.and(Verdict::Failed, text.clone(), Some(TOO_LITTLE.to_owned()));
    }
    for host in &used.denied {
        let text = format!("{host} was wanted and denied");
        result = result.and(Verdict::Failed, text, Some(TOO_LITTLE.to_owned()));
    }
    for origin in used.unasked(asks) {
        let text = format!("it reaches {origin}, which it does not ask for");
        result = result.and(Verdict::Failed, text, Some(TOO_LITTLE.to_owned()));
    }
    for ask in asks.iter().filter(|ask| !used.uses(ask)) {
        let text = format!("it asks for {ask}, which no sync used");
        result = match used.tells(ask) {
            true => result.and(Verdict::Failed, text, Some(TOO_MUCH.to_owned())),
            false => result.and(
                Verdict::Undecided,
                format!("{text}: a test server stood in its place, or a cassette cannot hold it"),
                None,
            ),
        };
    }
    result
}

/// What syncs reached.
#[derive(Default)]
struct Used {
    /// As grants are written.
    origins: BTreeSet<String>,
    /// Hosts by name alone, where no more is known.
    hosts: BTreeSet<String>,
    denied: Vec<String>,
    server: Option<String>,
    streams: bool,
}

fn reached(bench: &Bench<'_>, server: Option<String>) -> Used {
    let mut used = Used { server, streams: true, ..Used::default() };
    for (host, (admitted, denied)) in bench.hosts() {
        if denied > 0 {
            used.denied.push(host.clone());
        }
        if admitted > 0 {
            used.hosts.insert(host);
        }
    }
    used
}

impl Used {
    /// The test server as a grant is written, and its host.
    fn server_origin(&self) -> Option<(String, String)> {
        let url = self.server.as_deref()?;
        match Destination::parse(url) {
            Ok((destination, _)) => Some((destination.to_string(), destination.host().to_string())),
            Err(_) => {
                let (_, authority) = url.split_once("://")?;
                let (host, _) = authority.trim_end_matches('/').rsplit_once(':')?;
                Some((url.to_owned(), host.to_owned()))
            }
        }
    }

    /// What was reached and not asked for. A test server is no part of what a connector is.
    fn unasked(&self, asks: &[NetworkGrant]) -> Vec<String> {
        let server = self.server_origin();
        let grants = NetworkGrants::from_operator(asks, &[]);
        let asked = |origin: &&String| {
            let grant = origin.parse::<NetworkGrant>();
            grant.is_ok_and(|grant| grants.covers(&grant))
        };
        let is_server = |origin: &&String| server.as_ref().is_some_and(|(server, _)| server == *origin);
        let origins = self.origins.iter().filter(|origin| !is_server(origin) && !asked(origin)).cloned();
        let own = server.as_ref().map(|(_, host)| host.clone());
        let by_name = |host: &&String| asks.iter().any(|ask| at(ask, host).is_some_and(|grant| ask.covers(&grant)));
        let hosts = self.hosts.iter().filter(|host| own.as_deref() != Some(host.as_str()) && !by_name(host)).cloned();
        origins.chain(hosts).collect()
    }

    fn uses(&self, ask: &NetworkGrant) -> bool {
        let origin = |origin: &String| origin.parse::<NetworkGrant>().is_ok_and(|grant| ask.covers(&grant));
        let host = |host: &String| at(ask, host).is_some_and(|grant| ask.covers(&grant));
        self.origins.iter().any(origin) || self.hosts.iter().any(host)
    }

    /// Whether what was reached tells that something is not needed.
    fn tells(&self, ask: &NetworkGrant) -> bool {
        let text = ask.to_string();
        let stream = text.starts_with("tcp:") || text.starts_with("tls:");
        self.server.is_none() && (self.streams || !stream)
    }
}

/// The grant for a host at the scheme and port of another one.
fn at(ask: &NetworkGrant, host: &str) -> Option<NetworkGrant> {
    let text = ask.to_string();
    let (scheme, rest) = text.split_once("://")?;
    let port = rest.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = port.map(|(_, port)| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}").parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Vec<NetworkGrant> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_asked_for_is_held_against_what_was_reached() {
        let origins = ["https://api.example.com", "https://a.files.example.com:8443", "http://127.0.0.1:8080"];
        let used = Used {
            origins: origins.iter().map(ToString::to_string).collect(),
            server: Some("http://127.0.0.1:8080/".to_owned()),
            ..Used::default()
        };
        let asks =
            grants(&["https://api.example.com", "https://*.files.example.com:8443", "https://unused.example.com"]);
        assert!(used.unasked(&asks).is_empty());
        assert_eq!(used.unasked(&asks[..1]), ["https://a.files.example.com:8443"]);
        let unused: Vec<_> = asks.iter().filter(|ask| !used.uses(ask)).map(ToString::to_string).collect();
        assert_eq!(unused, ["https://unused.example.com"]);
        assert!(!used.tells(&asks[2]), "the test server may have stood for it");
    }

    #[test]
    fn of_a_network_only_hosts_are_known() {
        let used = Used { hosts: ["db.example.com".to_owned()].into(), streams: true, ..Used::default() };
        let asks = grants(&["tls://db.example.com:5432"]);
        assert!(used.uses(&asks[0]) && used.unasked(&asks).is_empty() && used.tells(&asks[0]));
        assert_eq!(used.unasked(&[]), ["db.example.com"]);
    }
}
