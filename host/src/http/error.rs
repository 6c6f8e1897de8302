//! What can go wrong, in the contract's terms.
//!
//! Texts hold host, port and cause, never path, query, header or body: they end up in logs.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use super::connect::{BoxError, ConnectTimedOut, Exchange, Phase};
use super::resolve::ResolveError;
use super::stream::NotInPackets;
use super::upload::RequestBodyError;
use crate::policy::egress::{Denied, Destination};

/// Why a request gave no response, or a body ended early; the cases of the contract's `error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Not granted; says what is missing.
    #[error("{0}")]
    Denied(Box<Denied>),
    /// A held secret may not go there; says which and what would let it.
    #[error("{0}")]
    SecretDenied(String),
    /// The same, said by another process.
    #[error("{0}")]
    DeniedElsewhere(String),
    /// The request itself is not acceptable.
    #[error("{0}")]
    InvalidRequest(String),
    /// The name has no address.
    #[error("{0}")]
    NameResolution(String),
    /// No connection could be made.
    #[error("{0}")]
    Connect(String),
    /// Connecting took too long.
    #[error("{0}")]
    ConnectTimeout(String),
    /// The server was silent for too long.
    #[error("{0}")]
    ReadTimeout(String),
    /// The server's certificate was not accepted.
    #[error("{0}")]
    Certificate(String),
    /// TLS failed otherwise.
    #[error("{0}")]
    Tls(String),
    /// The connection broke or ended early.
    #[error("{0}")]
    ConnectionClosed(String),
    /// The server broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// A limit was reached.
    #[error("{text}")]
    Limit {
        /// Which.
        text: String,
        /// A limit of the whole sync: every later request is refused too.
        sticky: bool,
    },
}

impl HttpError {
    /// Whether this ends the network for the sync, so that the sync must end as failed.
    #[must_use]
    pub fn sticky(&self) -> bool {
        matches!(self, Self::Limit { sticky: true, .. })
    }

    /// The kind as it stands in a cassette.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) | Self::SecretDenied(_) | Self::DeniedElsewhere(_) => "denied",
            Self::InvalidRequest(_) => "invalid-request",
            Self::NameResolution(_) => "name-resolution",
            Self::Connect(_) => "connect",
            Self::ConnectTimeout(_) => "connect-timeout",
            Self::ReadTimeout(_) => "read-timeout",
            Self::Certificate(_) => "certificate",
            Self::Tls(_) => "tls",
            Self::ConnectionClosed(_) => "connection-closed",
            Self::Protocol(_) => "protocol",
            Self::Limit { .. } => "limit",
        }
    }

    /// The reverse of [`kind`](Self::kind). A kind that is not known, and a denial, which is for the policy alone
    /// to say, is a connection that could not be made.
    pub(super) fn of_kind(kind: &str, text: String) -> Self {
        match kind {
            "invalid-request" => Self::InvalidRequest(text),
            "name-resolution" => Self::NameResolution(text),
            "connect-timeout" => Self::ConnectTimeout(text),
            "read-timeout" => Self::ReadTimeout(text),
            "certificate" => Self::Certificate(text),
            "tls" => Self::Tls(text),
            "connection-closed" => Self::ConnectionClosed(text),
            "protocol" => Self::Protocol(text),
            "limit" => Self::limit(text),
            _ => Self::Connect(text),
        }
    }

    /// As plain data, for another process: kind, text, and whether it is a limit of the whole sync.
    pub(crate) fn into_parts(self) -> (String, String, bool) {
        (self.kind().to_owned(), self.to_string(), self.sticky())
    }

    /// The reverse of [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts((kind, text, sticky): (String, String, bool)) -> Self {
        match kind.as_str() {
            "denied" => Self::DeniedElsewhere(text),
            "limit" => Self::Limit { text, sticky },
            kind => Self::of_kind(kind, text),
        }
    }

    /// A limit of one exchange.
    pub(crate) fn limit(text: String) -> Self {
        Self::Limit { text, sticky: false }
    }
}

/// `host:port`, the only part of a request that error texts name.
pub(super) fn at(destination: &Destination) -> String {
    format!("{}:{}", destination.host(), destination.port())
}

/// The contract's case for a failure of reqwest.
pub(super) fn classify(error: &reqwest::Error, exchange: &Exchange) -> HttpError {
    let causes = causes(error);
    let to = exchange.permit.destination();
    let known = find(&causes, |cause| own_cause(cause, exchange))
        .or_else(|| find(&causes, |cause| tls_cause(cause, to)))
        .or_else(|| find(&causes, |cause| hyper_cause(cause, to)))
        .or_else(|| find(&causes, |cause| io_cause(cause, to, exchange.phase())));
    known.unwrap_or_else(|| {
        let at = at(to);
        match exchange.phase() {
            Phase::Connecting => HttpError::Connect(format!("cannot connect to {at}")),
            Phase::Start | Phase::Connected if error.is_builder() => {
                HttpError::InvalidRequest(format!("the request to {at} cannot be written"))
            }
            Phase::Start | Phase::Connected => HttpError::ConnectionClosed(format!("the exchange with {at} failed")),
        }
    })
}

/// The same for a stream; `phase` says whether it was being connected, the handshake included.
pub(super) fn classify_stream(error: &io::Error, to: &Destination, phase: Phase) -> HttpError {
    let causes = causes(error);
    let known =
        find(&causes, |cause| tls_cause(cause, to)).or_else(|| find(&causes, |cause| io_cause(cause, to, phase)));
    known.unwrap_or_else(|| match phase {
        Phase::Connecting => HttpError::Connect(format!("cannot connect to {}", at(to))),
        Phase::Start | Phase::Connected => HttpError::ConnectionClosed(format!("the connection to {} failed", at(to))),
    })
}

type Cause<'a> = &'a (dyn StdError + 'static);

/// An error and everything behind it. `io::Error::source` skips the error it wraps, so that one is
/// taken by `get_ref`.
fn causes(error: Cause<'_>) -> Vec<Cause<'_>> {
    // a chain this long is a loop
    std::iter::successors(Some(error), |cause| next_cause(*cause)).take(16).collect()
}

fn next_cause<'a>(error: Cause<'a>) -> Option<Cause<'a>> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn find<'a>(causes: &[Cause<'a>], known: impl Fn(Cause<'a>) -> Option<HttpError>) -> Option<HttpError> {
    causes.iter().find_map(|cause| known(*cause))
}

fn own_cause(cause: Cause<'_>, exchange: &Exchange) -> Option<HttpError> {
    let at = at(exchange.permit.destination());
    if let Some(error) = cause.downcast_ref::<ResolveError>() {
        return Some(match error {
            ResolveError::NoAddress => HttpError::NameResolution(format!("{at}: the name has no address")),
            ResolveError::NonPublic(range) => HttpError::Denied(exchange.permit.non_public(*range)),
            ResolveError::NotJudged => HttpError::Connect(format!("{at}: the name was not judged")),
        });
    }
    if cause.is::<ConnectTimedOut>() {
        return Some(HttpError::ConnectTimeout(format!("{at}: connecting took too long")));
    }
    match cause.downcast_ref::<RequestBodyError>()? {
        RequestBodyError::TooLong(limit) => {
            Some(HttpError::limit(format!("{at}: the request body is longer than {limit} bytes")))
        }
        RequestBodyError::WrongLength => {
            Some(HttpError::InvalidRequest(format!("{at}: the request body has another length than was announced")))
        }
        RequestBodyError::Source => {
            Some(HttpError::InvalidRequest(format!("{at}: the request body ended in an error")))
        }
    }
}

fn tls_cause(cause: Cause<'_>, to: &Destination) -> Option<HttpError> {
    let at = at(to);
    if let Some(error) = cause.downcast_ref::<NotInPackets>() {
        return Some(HttpError::Tls(format!("{at}: {error}")));
    }
    let error = cause.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(why) => HttpError::Certificate(format!("{at}: {}", certificate_text(why))),
        rustls::Error::NoCertificatesPresented => {
            HttpError::Certificate(format!("{at}: the server shows no certificate"))
        }
        rustls::Error::InvalidMessage(_) => HttpError::Tls(format!("{at}: the server does not speak TLS on this port")),
        other => HttpError::Tls(format!("{at}: {}", tls_text(other))),
    })
}

fn certificate_text(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the server's certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; check this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host name"
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate was issued by an authority that is not trusted here; \
             an operator can add a private authority's certificate"
        }
        CertificateError::Revoked => "the server's certificate was revoked",
        CertificateError::BadSignature => "the signature of the server's certificate is wrong",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not meant for servers"
        }
        // among them a self-signed authority used as the server's own certificate
        _ => "the server's certificate is not acceptable",
    }
}

fn tls_text(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::AlertReceived(_) => "the server refused the TLS handshake",
        rustls::Error::PeerIncompatible(_) => "no TLS version or cipher in common with the server",
        rustls::Error::PeerMisbehaved(_) | rustls::Error::InappropriateMessage { .. } => {
            "the server breaks the TLS protocol"
        }
        _ => "TLS failed",
    }
}

fn hyper_cause(cause: Cause<'_>, to: &Destination) -> Option<HttpError> {
    let error = cause.downcast_ref::<hyper::Error>()?;
    let at = at(to);
    if error.is_parse() {
        Some(HttpError::Protocol(format!("{at}: the response is not valid HTTP/1.1, or its head is too large")))
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Some(HttpError::ConnectionClosed(format!(
            "{at}: the server closed the connection before the response was complete"
        )))
    } else {
        None
    }
}

fn io_cause(cause: Cause<'_>, to: &Destination, phase: Phase) -> Option<HttpError> {
    use io::ErrorKind as Kind;
    let kind = cause.downcast_ref::<io::Error>()?.kind();
    let at = at(to);
    let connecting = phase == Phase::Connecting;
    Some(match kind {
        Kind::ConnectionRefused => HttpError::Connect(format!("{at}: connection refused")),
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::AddrNotAvailable => {
            HttpError::Connect(format!("{at}: the network or host is unreachable"))
        }
        Kind::TimedOut if connecting => HttpError::ConnectTimeout(format!("{at}: connecting took too long")),
        Kind::TimedOut => HttpError::ReadTimeout(format!("{at}: the connection timed out")),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
            match (connecting, to.scheme().is_secure()) {
                (true, true) => {
                    HttpError::Tls(format!("{at}: the server closed the connection during the TLS handshake"))
                }
                (true, false) => HttpError::Connect(format!("{at}: the server closed the connection at once")),
                (false, _) => HttpError::ConnectionClosed(format!("{at}: the connection broke")),
            }
        }
        Kind::InvalidInput | Kind::InvalidData => {
            HttpError::Protocol(format!("{at}: the response's framing is broken"))
        }
        _ => return None,
    })
}

/// For a client that could not be built.
pub(super) fn setup(error: &BoxError) -> HttpError {
    HttpError::Certificate(format!(
        "no usable root certificates on this machine ({error}); install them, or let an operator add a file of certificates"
    ))
}
