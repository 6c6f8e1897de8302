//! Names to addresses, under a permit.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve as ReqwestResolve, Resolving};

use super::connect::current;
use crate::policy::addresses::RefusedRange;
use crate::policy::egress::Permit;
use crate::policy::limits::ADDRESSES_PER_NAME;

/// The answer of a [`Resolve`].
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up. A part of its own so that tests and recordings can answer instead.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of a name. Called only for names that are granted, never for IP addresses.
    fn resolve(&self, host: &str) -> Addresses;
}

/// The machine's own name lookup.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Addresses {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// No such name, or no answer.
    #[error("the name has no address")]
    NoAddress,
    /// Only addresses that the permit does not admit.
    #[error("the name leads only to non-public addresses")]
    NonPublic(RefusedRange),
    /// Asked outside an exchange, or for another name than the one that was judged.
    #[error("the name was not judged")]
    NotJudged,
}

/// What reqwest asks: resolves the permit's own name and drops what the permit does not admit. The
/// addresses it returns are the ones dialled.
pub(super) struct GuardedResolver(pub(super) Arc<dyn Resolve>);

impl ReqwestResolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let judged = current().filter(|exchange| exchange.is_for(name.as_str()));
        let Some(exchange) = judged else {
            return Box::pin(std::future::ready(Err(ResolveError::NotJudged.into())));
        };
        let lookup = self.0.resolve(name.as_str());
        Box::pin(async move {
            let found = lookup.await.map_err(|_| ResolveError::NoAddress)?;
            let kept = admitted(&exchange.permit, found)?;
            let kept: Addrs = Box::new(kept.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(kept)
        })
    }
}

/// The addresses of a name that the permit admits, at least one.
pub(super) fn admitted(permit: &Permit, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
    let mut refused = None;
    let mut kept = Vec::new();
    for ip in found.into_iter().take(ADDRESSES_PER_NAME) {
        match permit.admits(ip) {
            Ok(()) => kept.push(ip),
            Err(range) => refused = refused.or(Some(range)),
        }
    }
    match (kept.is_empty(), refused) {
        (false, _) => Ok(kept),
        (true, Some(range)) => Err(ResolveError::NonPublic(range)),
        (true, None) => Err(ResolveError::NoAddress),
    }
}
