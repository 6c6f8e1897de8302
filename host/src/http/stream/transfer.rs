//! Reading and writing a connection, under time and size limits.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::tds::Transport;
use crate::http::client::Client;
use crate::http::connect::Phase;
use crate::http::error::{HttpError, at, classify_stream};
use crate::http::oversight::Note;
use crate::policy::egress::{Destination, Permit};
use crate::policy::limits::STREAM_CHUNK_BYTES;
use crate::policy::upgrades;

/// Room that is made for one read; a read goes on beyond it while there is more at once.
const ROOM: usize = 64 * 1024;

/// What is read ahead when somebody asks whether there is anything.
const AHEAD: usize = 16 * 1024;

/// The connection itself.
pub(super) enum Wire {
    Clear(TcpStream),
    Secure(Box<TlsStream<Transport>>),
    /// TLS could not be begun: nobody knows where the server is.
    Broken,
}

/// What was written in the clear.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    /// A request for TLS whose handshake is in packets.
    Prelogin,
    Else,
}

/// What was agreed on for TLS.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TlsDetails {
    /// The version, as OpenSSL calls it.
    pub version: String,
    /// The cipher suite by its name in the TLS registry.
    pub cipher: String,
    /// The server's own certificate, DER.
    pub certificate: Vec<u8>,
}

/// A connection. Dropping it closes it.
pub struct Stream {
    wire: Wire,
    /// Read ahead, and not yet asked for.
    ahead: Bytes,
    ended: bool,
    failed: Option<HttpError>,
    said: Said,
    permit: Permit,
    client: Client,
    note: Note,
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("to", self.to()).finish_non_exhaustive()
    }
}

impl Stream {
    pub(super) fn new(client: Client, permit: Permit, wire: Wire, place: OwnedSemaphorePermit, note: Note) -> Self {
        let (ahead, ended, failed, said) = (Bytes::new(), false, None, Said::Nothing);
        Self { wire, ahead, ended, failed, said, permit, client, note, _place: place }
    }

    /// Where it goes.
    #[must_use]
    pub fn to(&self) -> &Destination {
        self.permit.destination()
    }

    /// The next bytes, at least one and at most `max`; empty at the end. May be cancelled.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. After [`HttpError::ReadTimeout`] the connection can be used on, after any other every
    /// later call returns it again.
    pub async fn read(&mut self, max: usize, wish: Option<Duration>) -> Result<Vec<u8>, HttpError> {
        self.check()?;
        if self.ahead.is_empty() && !self.ended {
            let limit = self.patience(wish);
            let room = max.min(STREAM_CHUNK_BYTES);
            return match timeout(limit, self.receive(room)).await {
                Ok(read) => read,
                Err(_) => Err(HttpError::ReadTimeout(format!("{}: the server sent nothing in time", at(self.to())))),
            };
        }
        let taken = self.ahead.len().min(max);
        Ok(self.ahead.split_to(taken).into())
    }

    /// Waits until a read returns without waiting; false when the time is over first. May be cancelled.
    pub async fn readable(&mut self, wish: Option<Duration>) -> bool {
        if !self.ahead.is_empty() || self.ended || self.failed.is_some() {
            return true;
        }
        match timeout(self.patience(wish), self.receive(AHEAD)).await {
            Ok(Ok(bytes)) => {
                self.ended = bytes.is_empty();
                self.ahead = bytes.into();
                true
            }
            // the next read says what
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }

    /// Sends bytes, all of them.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`], which every later call returns again; [`HttpError::Denied`] and
    /// [`HttpError::InvalidRequest`] leave the connection as it was.
    pub async fn write(&mut self, bytes: &[u8], wish: Option<Duration>) -> Result<(), HttpError> {
        self.check()?;
        if bytes.len() > STREAM_CHUNK_BYTES {
            let most = STREAM_CHUNK_BYTES;
            return Err(HttpError::InvalidRequest(format!("one write takes at most {most} bytes")));
        }
        if matches!(self.wire, Wire::Clear(_)) {
            let admitted = self.permit.admits_in_the_clear(bytes, self.said != Said::Nothing);
            admitted.map_err(|denied| {
                self.client.ledger().host(self.permit.destination().host()).denied += 1;
                HttpError::Denied(denied)
            })?;
            self.said = match self.said {
                Said::Nothing if upgrades::is_prelogin(bytes) => Said::Prelogin,
                _ => Said::Else,
            };
        }
        self.count(bytes.len(), true)?;
        let limit = self.patience(wish);
        let sent = timeout(limit, send(&mut self.wire, bytes)).await;
        let error = match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => classify_stream(&error, self.to(), Phase::Connected),
            Err(_) => HttpError::ReadTimeout(format!("{}: the server took nothing in time", at(self.to()))),
        };
        // how much of it went out is not known
        Err(self.fail(error))
    }

    /// Begins TLS on a connection in the clear; in packets of TDS when that is how it was asked for.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`].
    pub async fn begin_tls(&mut self, wish: Option<Duration>) -> Result<(), HttpError> {
        self.check()?;
        if !self.ahead.is_empty() {
            // whoever sits in between could have put them there: they must not be taken for the server's
            let text = format!("{}: the server sent more in the clear before TLS began", at(self.to()));
            return Err(self.fail(HttpError::Tls(text)));
        }
        let Wire::Clear(stream) = std::mem::replace(&mut self.wire, Wire::Broken) else {
            let text = format!("{}: TLS was begun already", at(self.to()));
            return Err(self.fail(HttpError::InvalidRequest(text)));
        };
        let transport = match self.said {
            Said::Prelogin => Transport::in_packets(stream),
            Said::Nothing | Said::Else => Transport::direct(stream),
        };
        let longest = self.client.limits().connect;
        let limit = wish.map_or(longest, |wish| wish.min(longest));
        let client = self.client.clone();
        match timeout(limit, client.handshake(self.permit.destination(), transport)).await {
            Ok(Ok(secure)) => {
                self.wire = Wire::Secure(Box::new(secure));
                Ok(())
            }
            Ok(Err(error)) => Err(self.fail(error)),
            Err(_) => {
                let text = format!("{}: the TLS handshake took too long", at(self.to()));
                Err(self.fail(HttpError::ConnectTimeout(text)))
            }
        }
    }

    /// What was agreed on for TLS; `None` in the clear.
    #[must_use]
    pub fn tls(&self) -> Option<TlsDetails> {
        let Wire::Secure(stream) = &self.wire else { return None };
        let (_, session) = stream.get_ref();
        let version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        Some(TlsDetails {
            version: version.to_owned(),
            cipher: suite.unwrap_or_default().trim_start_matches("TLS13_").to_owned(),
            certificate: certificate.map(|der| der.to_vec()).unwrap_or_default(),
        })
    }

    /// Says that nothing more will be written.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`].
    pub async fn finish(&mut self) -> Result<(), HttpError> {
        self.check()?;
        let finished = timeout(self.patience(None), async {
            match &mut self.wire {
                Wire::Clear(stream) => stream.shutdown().await,
                Wire::Secure(stream) => stream.shutdown().await,
                Wire::Broken => Ok(()),
            }
        });
        match finished.await {
            Ok(Ok(())) => Ok(()),
            // the other side was faster
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            Ok(Err(error)) => Err(classify_stream(&error, self.to(), Phase::Connected)),
            Err(_) => Err(HttpError::ReadTimeout(format!("{}: the server took nothing in time", at(self.to())))),
        }
    }

    /// Reads what there is, up to `room` bytes; empty at the end.
    async fn receive(&mut self, room: usize) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::with_capacity(room.min(ROOM));
        let mut read = read_some(&mut self.wire, &mut bytes, room).await;
        while matches!(read, Ok(more) if more > 0) && bytes.len() < room {
            match read_some(&mut self.wire, &mut bytes, room).now_or_never() {
                Some(more) => read = more,
                None => break,
            }
        }
        // what came before an error or the end is given first; the next call meets it again
        match read {
            Err(error) if bytes.is_empty() => {
                let error = classify_stream(&error, self.to(), Phase::Connected);
                return Err(self.fail(error));
            }
            _ => self.count(bytes.len(), false)?,
        }
        Ok(bytes)
    }

    fn count(&mut self, bytes: usize, sent: bool) -> Result<(), HttpError> {
        let host = self.permit.destination().host();
        match sent {
            true => self.note.counts().sent(bytes),
            false => self.note.counts().received(bytes),
        }
        let taken = self.client.oversight().upstreams.body(host, bytes, self.client.limits());
        taken.map_err(|spent| self.client.ledger().end(format!("{}: {spent}", at(self.to()))))?;
        let bytes = bytes as u64;
        let mut ledger = self.client.ledger();
        let usage = ledger.host(self.permit.destination().host());
        match sent {
            true => usage.bytes_sent += bytes,
            false => usage.bytes_received += bytes,
        }
        ledger.take_bytes(bytes, self.client.limits())
    }

    fn patience(&self, wish: Option<Duration>) -> Duration {
        let longest = self.client.limits().stream_silence;
        wish.map_or(longest, |wish| wish.min(longest))
    }

    fn check(&self) -> Result<(), HttpError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: HttpError) -> HttpError {
        self.failed = Some(error.clone());
        self.wire = Wire::Broken;
        error
    }
}

async fn send(wire: &mut Wire, bytes: &[u8]) -> io::Result<()> {
    match wire {
        Wire::Clear(stream) => stream.write_all(bytes).await,
        Wire::Secure(stream) => {
            stream.write_all(bytes).await?;
            stream.flush().await
        }
        Wire::Broken => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

async fn read_some(wire: &mut Wire, bytes: &mut Vec<u8>, room: usize) -> io::Result<usize> {
    let left = room.saturating_sub(bytes.len());
    bytes.reserve(left.min(ROOM));
    let mut bytes = bytes.limit(left);
    match wire {
        Wire::Clear(stream) => stream.read_buf(&mut bytes).await,
        Wire::Secure(stream) => stream.read_buf(&mut bytes).await,
        Wire::Broken => Err(io::ErrorKind::BrokenPipe.into()),
    }
}
