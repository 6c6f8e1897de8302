//! From a permit to a connection: resolve, judge every address, dial one of the rest, begin TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::admit::AdmittedStream;
use super::tds::Transport;
use super::transfer::{Stream, Wire};
use crate::http::client::Client;
use crate::http::connect::Phase;
use crate::http::error::{HttpError, at, classify_stream};
use crate::http::resolve::{ResolveError, admitted};
use crate::policy::egress::{Destination, Host, Permit, Scheme};

impl Client {
    /// Connects. Dropping the future ends the attempt.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`].
    pub async fn connect(&self, admitted: AdmittedStream) -> Result<Stream, HttpError> {
        if !admitted.wait.is_zero() {
            tokio::time::sleep(admitted.wait).await;
        }
        let wire = self.wire(&admitted).await.inspect_err(|error| admitted.note.failed(error))?;
        let (wire, place) = wire;
        Ok(Stream::new(self.clone(), admitted.permit, wire, place, admitted.note))
    }

    async fn wire(&self, admitted: &AdmittedStream) -> Result<(Wire, OwnedSemaphorePermit), HttpError> {
        let AdmittedStream { permit, tls, timeout, .. } = admitted;
        let to = permit.destination();
        let Ok(place) = self.stream_places().try_acquire_owned() else {
            let most = self.limits().connections;
            return Err(HttpError::limit(format!(
                "{}: all {most} connections that may be open at a time are; close one first",
                at(to)
            )));
        };
        let by = Instant::now() + *timeout;
        let made = timeout_at(by, async {
            let clear = self.dial(permit).await?;
            Ok(match tls {
                true => Wire::Secure(Box::new(self.handshake(to, Transport::direct(clear)).await?)),
                false => Wire::Clear(clear),
            })
        });
        match made.await {
            Ok(Ok(wire)) => Ok((wire, place)),
            Ok(Err(error)) => {
                if matches!(error, HttpError::Denied(_)) {
                    self.ledger().host(to.host()).denied += 1;
                }
                Err(error)
            }
            Err(_) => Err(HttpError::ConnectTimeout(format!("{}: connecting took too long", at(to)))),
        }
    }

    async fn dial(&self, permit: &Permit) -> Result<TcpStream, HttpError> {
        let to = permit.destination();
        let mut failed = None;
        for address in self.resolve(permit).await? {
            // what was judged is what is dialled: an address, never the name again
            match TcpStream::connect(SocketAddr::new(address, to.port())).await {
                Ok(stream) => {
                    // programs that write many small pieces gather them themselves
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let error = failed.unwrap_or_else(|| io::ErrorKind::ConnectionRefused.into());
        Err(classify_stream(&error, to, Phase::Connecting))
    }

    async fn resolve(&self, permit: &Permit) -> Result<Vec<IpAddr>, HttpError> {
        let to = permit.destination();
        let found = match to.host() {
            Host::Ip(address) => Ok(vec![*address]),
            Host::Name(name) => self.resolver().resolve(name).await.map_err(|_| ResolveError::NoAddress),
        };
        found.and_then(|found| admitted(permit, found)).map_err(|error| match error {
            ResolveError::NonPublic(range) => HttpError::Denied(permit.non_public(range)),
            ResolveError::NoAddress | ResolveError::NotJudged => {
                HttpError::NameResolution(format!("{}: the name has no address", at(to)))
            }
        })
    }

    /// Begins TLS. The certificate must be for the host that was judged, whatever the connector says.
    pub(super) async fn handshake(
        &self,
        to: &Destination,
        transport: Transport,
    ) -> Result<TlsStream<Transport>, HttpError> {
        let secure = to.with_scheme(Scheme::Tls);
        let name = match to.host() {
            Host::Ip(address) => ServerName::IpAddress((*address).into()),
            Host::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| HttpError::Tls(format!("{}: no certificate can be for this name", at(to))))?,
        };
        let settings = match transport.has_packets() {
            true => self.packet_tls().await?,
            false => self.stream_tls().await?,
        };
        let handshake = TlsConnector::from(settings).connect(name, transport).await;
        let begun = handshake.and_then(|mut begun| begun.get_mut().0.leave_packets().map(|()| begun));
        begun.map_err(|error| classify_stream(&error, &secure, Phase::Connecting))
    }
}
