//! The client of one sync.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use reqwest::redirect;
use rustls::ClientConfig;
use tokio::sync::{OnceCell, Semaphore};

use super::connect::{BoxError, ExchangeLayer};
use super::error::{HttpError, setup};
use super::held::Held;
use super::oversight::Oversight;
use super::resolve::{GuardedResolver, Resolve};
use super::stream::Placeholders;
use super::trust::Trust;
use super::turned_away::TurnedAway;
use super::usage::{HostUsage, Ledger};
use crate::policy::egress::{NetworkGrants, Scheme};
use crate::policy::limits::{IDLE_CONNECTIONS, Limits};

/// Sends the requests of one sync under its grants and limits.
///
/// Cheap to make and to clone: connections, and reading the machine's root certificates, wait for the
/// first request. Clones share everything. Dropping the last one closes its connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    grants: NetworkGrants,
    limits: Limits,
    resolver: Arc<dyn Resolve>,
    trust: Trust,
    oversight: Oversight,
    plain: OnceCell<reqwest::Client>,
    secure: OnceCell<reqwest::Client>,
    places: Arc<Semaphore>,
    stream_tls: OnceCell<Arc<ClientConfig>>,
    packet_tls: OnceCell<Arc<ClientConfig>>,
    stream_places: Arc<Semaphore>,
    addresses: Mutex<Placeholders>,
    ledger: Mutex<Ledger>,
    held: OnceLock<Arc<Held>>,
    /// The span of the sync.
    span: tracing::Span,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("grants", &self.shared.grants).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for one sync, which shares no budget and writes nothing down.
    #[must_use]
    pub fn new(grants: NetworkGrants, limits: &Limits, resolver: Arc<dyn Resolve>, trust: Trust) -> Self {
        Self::overseen(grants, limits, resolver, trust, Oversight::default())
    }

    /// A client for one sync.
    #[must_use]
    pub fn overseen(
        grants: NetworkGrants,
        limits: &Limits,
        resolver: Arc<dyn Resolve>,
        trust: Trust,
        oversight: Oversight,
    ) -> Self {
        let shared = Shared {
            grants,
            limits: limits.clone(),
            resolver,
            trust,
            oversight,
            plain: OnceCell::new(),
            secure: OnceCell::new(),
            places: Arc::new(Semaphore::new(limits.concurrent_requests)),
            stream_tls: OnceCell::new(),
            packet_tls: OnceCell::new(),
            stream_places: Arc::new(Semaphore::new(limits.connections)),
            addresses: Mutex::default(),
            ledger: Mutex::default(),
            held: OnceLock::new(),
            span: tracing::Span::current(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same, putting the values of held secrets into requests.
    #[must_use]
    pub fn holding(self, held: Option<Arc<Held>>) -> Self {
        if let Some(held) = held {
            // It is made with them once.
            let _ = self.shared.held.set(held);
        }
        self
    }

    /// What the sync used so far, by host name.
    #[must_use]
    pub fn usage(&self) -> Vec<HostUsage> {
        self.ledger().usage()
    }

    /// The host that turned this sync away, if that was the last that happened and it never did anything else.
    #[must_use]
    pub fn turned_away(&self) -> Option<TurnedAway> {
        self.ledger().answers.turned_away()
    }

    pub(super) fn oversight(&self) -> &Oversight {
        &self.shared.oversight
    }

    pub(super) fn span(&self) -> &tracing::Span {
        &self.shared.span
    }

    pub(super) fn grants(&self) -> &NetworkGrants {
        &self.shared.grants
    }

    pub(super) fn held(&self) -> Option<&Arc<Held>> {
        self.shared.held.get()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.places)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stream_places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.stream_places)
    }

    pub(super) fn resolver(&self) -> &Arc<dyn Resolve> {
        &self.shared.resolver
    }

    pub(super) fn addresses(&self) -> MutexGuard<'_, Placeholders> {
        self.shared.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The TLS settings of streams.
    pub(super) async fn stream_tls(&self) -> Result<Arc<ClientConfig>, HttpError> {
        self.settings(&self.shared.stream_tls, Trust::stream_tls).await
    }

    /// The TLS settings of streams whose handshake is in packets.
    pub(super) async fn packet_tls(&self) -> Result<Arc<ClientConfig>, HttpError> {
        self.settings(&self.shared.packet_tls, Trust::packet_tls).await
    }

    async fn settings(
        &self,
        cell: &OnceCell<Arc<ClientConfig>>,
        make: fn(&Trust) -> Result<ClientConfig, rustls::Error>,
    ) -> Result<Arc<ClientConfig>, HttpError> {
        let made = cell.get_or_try_init(|| async {
            let trust = self.shared.trust.clone();
            let config = tokio::task::spawn_blocking(move || make(&trust)).await??;
            Ok::<_, BoxError>(Arc::new(config))
        });
        made.await.cloned().map_err(|error| setup(&error))
    }

    /// The connections for a scheme. Apart, so that a sync that only speaks `http` needs no root
    /// certificates.
    pub(super) async fn connections(&self, scheme: Scheme) -> Result<&reqwest::Client, HttpError> {
        let made = match scheme.is_secure() {
            false => self.shared.plain.get_or_try_init(|| async { self.build(Trust::no_tls()?) }).await,
            true => self.shared.secure.get_or_try_init(|| async { self.build(self.tls().await?) }).await,
        };
        made.map_err(|error| setup(&error))
    }

    async fn tls(&self) -> Result<ClientConfig, BoxError> {
        let trust = self.shared.trust.clone();
        // reads some hundred files on most machines
        Ok(tokio::task::spawn_blocking(move || trust.tls()).await??)
    }

    fn build(&self, tls: ClientConfig) -> Result<reqwest::Client, BoxError> {
        let (idle, idle_for) = IDLE_CONNECTIONS;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connector_layer(ExchangeLayer)
            .dns_resolver(GuardedResolver(Arc::clone(&self.shared.resolver)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .http1_title_case_headers()
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(idle_for)
            .build()?;
        Ok(client)
    }
}

/// A client for the host's own messages, to where the operator said: no grants stand over it, and no connector reaches it.
pub(crate) fn plain_client(secure: bool) -> Result<reqwest::Client, BoxError> {
    let tls = if secure { Trust::system().tls()? } else { Trust::no_tls()? };
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(redirect::Policy::none());
    Ok(client.no_proxy().referer(false).http1_only().build()?)
}
