//! Reads a request and asks the policy, before anything leaves the host.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use url::Url;

use super::client::Client;
use super::error::{HttpError, at};
use super::oversight::Note;
use crate::policy::egress::{Destination, Permit};
use crate::policy::limits::Limits;
use crate::policy::requests::{METHODS, admits_method, is_connectors_header};

/// How long a connector wants to wait at most; the limits apply when they are shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Timeouts {
    /// For a free place, name lookup, connecting and the TLS handshake together.
    pub connect: Option<Duration>,
    /// For the response's head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the body.
    pub between_bytes: Option<Duration>,
}

/// A request as a connector wrote it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RequestParts {
    /// One of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// Header fields in order. Those that belong to the host are left out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Bytes of the body, when known; `Some(0)` and `None` with an empty body are the same.
    pub body_len: Option<u64>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// A request that the policy permits. Only [`Client::admit`] makes one, and only
/// [`Client::send`] takes it.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body_len: Option<u64>,
    pub(super) permit: Permit,
    /// The held secrets that the head needs, by number.
    pub(super) uses: BTreeSet<usize>,
    /// How long its host's rate lets it wait.
    pub(super) wait: Duration,
    pub(super) note: Arc<Note>,
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) between_bytes: Duration,
}

impl Admitted {
    /// Where it goes.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        self.permit.destination()
    }
}

impl Client {
    /// Reads a request, asks the policy, and takes it from the sync's budget. Does not wait, and
    /// nothing leaves the host.
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidRequest`], [`HttpError::Denied`], [`HttpError::SecretDenied`], or [`HttpError::Limit`].
    pub fn admit(&self, parts: &RequestParts) -> Result<Admitted, HttpError> {
        // nothing is written down about what comes after the end
        self.ledger().check()?;
        let mut to = None;
        self.judge(parts, &mut to).inspect_err(|error| {
            self.ledger().refused(self.limits());
            self.oversight().refused(&parts.method, to.as_ref(), error);
        })
    }

    fn judge(&self, parts: &RequestParts, to: &mut Option<Destination>) -> Result<Admitted, HttpError> {
        let limits = self.limits();
        let (method, destination, url) = read_target(parts, limits)?;
        let destination = to.insert(destination);
        let permit = self.grants().permit(destination).map_err(|denied| {
            self.ledger().host(destination.host()).denied += 1;
            HttpError::Denied(denied)
        })?;
        let headers = read_rest(parts, &url, destination, limits)?;
        let uses = match self.held() {
            Some(held) => held.judge(destination, url.as_str(), parts).inspect_err(|_| {
                self.ledger().host(destination.host()).denied += 1;
            })?,
            None => BTreeSet::new(),
        };
        self.ledger().take(destination.host(), limits)?;
        let taken = self.oversight().upstreams.request(destination.host(), limits);
        let wait = taken.map_err(|spent| self.ledger().end(format!("{}: {spent}", at(destination))))?;
        let note = Note::new(self.oversight(), self.span(), method.as_str(), url.path(), &permit);
        let (connect, first_byte, between_bytes) = shorter(parts.timeouts, limits);
        let (note, body_len) = (Arc::new(note), parts.body_len);
        Ok(Admitted { method, url, headers, body_len, permit, uses, wait, note, connect, first_byte, between_bytes })
    }
}

/// Reads where a request goes.
pub(super) fn read_target(parts: &RequestParts, limits: &Limits) -> Result<(Method, Destination, Url), HttpError> {
    // the size first: everything below costs time per byte
    let head_bytes = parts.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
    if parts.url.len() + head_bytes.sum::<usize>() > limits.header_bytes {
        let most = limits.header_bytes;
        return Err(HttpError::limit(format!("url and headers of the request have more than {most} bytes together")));
    }
    let method = parse_method(&parts.method)?;
    let (destination, url) =
        Destination::parse(&parts.url).map_err(|error| HttpError::InvalidRequest(error.to_string()))?;
    Ok((method, destination, url))
}

/// Reads what a request carries there.
pub(super) fn read_rest(
    parts: &RequestParts,
    url: &Url,
    destination: &Destination,
    limits: &Limits,
) -> Result<HeaderMap, HttpError> {
    agree(url, destination)?;
    let headers = read_headers(&parts.headers)?;
    if parts.body_len.is_some_and(|bytes| bytes > limits.request_bytes) {
        let most = limits.request_bytes;
        return Err(HttpError::limit(format!("{}: the request body is longer than {most} bytes", at(destination))));
    }
    Ok(headers)
}

fn parse_method(text: &str) -> Result<Method, HttpError> {
    let refused = || HttpError::InvalidRequest(format!("the method is none of {}", METHODS.join(", ")));
    if !admits_method(text) {
        return Err(refused());
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| refused())
}

/// reqwest hands the URL on as an [`Uri`]: that third reading must lead to the same place too.
fn agree(url: &Url, to: &Destination) -> Result<(), HttpError> {
    let same = |uri: &Uri| {
        uri.scheme_str() == Some(to.scheme().as_str())
            && uri.host().is_some_and(|host| host == to.host().to_string())
            && uri.port_u16().or(to.scheme().default_port()) == Some(to.port())
    };
    match url.as_str().parse::<Uri>() {
        Ok(uri) if same(&uri) => Ok(()),
        _ => Err(HttpError::InvalidRequest("the url cannot be read in exactly one way".to_owned())),
    }
}

fn read_headers(fields: &[(String, Vec<u8>)]) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (index, (name, value)) in fields.iter().enumerate() {
        let bad = |what| HttpError::InvalidRequest(format!("header field {} of the request has {what}", index + 1));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("a name that is not a token"))?;
        if !is_connectors_header(name.as_str()) {
            continue;
        }
        let value =
            HeaderValue::from_bytes(value).map_err(|_| bad("a value with a line break, NUL or control character"))?;
        headers.try_append(name, value).map_err(|_| bad("too many before it"))?;
    }
    Ok(headers)
}

fn shorter(wish: Timeouts, limits: &Limits) -> (Duration, Duration, Duration) {
    // zero would mean "never succeed"; a millisecond is as good and has no special cases
    let shorter =
        |wish: Option<Duration>, limit: Duration| wish.map_or(limit, |w| w.max(Duration::from_millis(1)).min(limit));
    (
        shorter(wish.connect, limits.connect),
        shorter(wish.first_byte, limits.first_byte),
        shorter(wish.between_bytes, limits.between_bytes),
    )
}
