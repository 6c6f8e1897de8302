//! Carries an exchange's permit and deadlines into reqwest's connector.
//!
//! reqwest knows one connect timeout for all requests, and its resolver sees only a name. So
//! each request runs inside a task-local [`Exchange`]; the layer here picks it up where a connection is
//! made and keeps it with the connection attempt, even when that attempt outlives the request. An attempt
//! without an exchange fails.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::oversight::Counts;
use crate::policy::egress::{Host, Permit};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

tokio::task_local! {
    static EXCHANGE: Arc<Exchange>;
}

/// The exchange that the current code works for.
pub(super) fn current() -> Option<Arc<Exchange>> {
    EXCHANGE.try_with(Arc::clone).ok()
}

/// Runs a request as part of an exchange.
pub(super) async fn within<F: Future>(exchange: Arc<Exchange>, request: F) -> F::Output {
    EXCHANGE.scope(exchange, request).await
}

/// Connecting took too long.
#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
pub(super) struct ConnectTimedOut;

/// Connecting was tried outside an exchange.
#[derive(Debug, thiserror::Error)]
#[error("the connection belongs to no exchange")]
struct NoExchange;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was dialled yet; also when a kept connection is used.
    Start,
    Connecting,
    Connected,
}

/// One exchange on its way to a response head.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) permit: Permit,
    pub(super) connect_by: Instant,
    pub(super) counts: Arc<Counts>,
    progress: Mutex<(Phase, Instant)>,
}

impl Exchange {
    pub(super) fn new(permit: Permit, connect_by: Instant, counts: Arc<Counts>) -> Arc<Self> {
        Arc::new(Self { permit, connect_by, counts, progress: Mutex::new((Phase::Start, Instant::now())) })
    }

    /// Whether this is the name that was judged.
    pub(super) fn is_for(&self, name: &str) -> bool {
        matches!(self.permit.destination().host(), Host::Name(own) if own == name)
    }

    pub(super) fn phase(&self) -> Phase {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn enter(&self, phase: Phase) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    /// A piece of the request body went out.
    pub(super) fn sent_some(&self) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).1 = Instant::now();
    }

    /// When the response head is due, if the server may stay silent for `first_byte`.
    pub(super) fn head_due(&self, first_byte: Duration) -> Instant {
        let (phase, since) = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match phase {
            Phase::Connecting => self.connect_by,
            Phase::Start | Phase::Connected => since + first_byte,
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeLayer;

impl<S> Layer<S> for ExchangeLayer {
    type Service = ExchangeConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ExchangeConnector { inner }
    }
}

#[derive(Clone, Debug)]
pub(super) struct ExchangeConnector<S> {
    inner: S,
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl<S, R> Service<R> for ExchangeConnector<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Some(exchange) = current() else {
            return Box::pin(std::future::ready(Err(NoExchange.into())));
        };
        exchange.enter(Phase::Connecting);
        let connecting = self.inner.call(request);
        Box::pin(EXCHANGE.scope(Arc::clone(&exchange), async move {
            let connection = tokio::time::timeout_at(exchange.connect_by, connecting).await;
            let connection = connection.map_err(|_| ConnectTimedOut)??;
            exchange.enter(Phase::Connected);
            Ok(connection)
        }))
    }
}
