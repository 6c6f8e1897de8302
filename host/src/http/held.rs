//! Puts the values of held secrets into requests, after everything was judged and just before they are sent.
//!
//! Everything before sees placeholders: the connector, the limits of a request's head, a recorder. An answer whose
//! head repeats a value gets the placeholder back; bodies of answers are not searched.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::admit::{Admitted, RequestParts};
use super::client::Client;
use super::connect::BoxError;
use super::error::{HttpError, at};
use super::exchange::Response;
use super::oauth::Oauth;
use super::substitution::{Form, TooLong, Values, empty, fill, fill_header};
use super::upload::RequestBody;
use crate::policy::egress::Destination;
use crate::policy::held::{Bindings, PLACEHOLDER_DIGITS, PLACEHOLDER_PREFIX, Place, SecretDenied};
use crate::policy::limits::HELD_BODY_BYTES;
use crate::policy::secrets::Secret;

const UNAUTHORIZED: u16 = 401;

/// Where the value of a held secret comes from.
pub enum Source {
    /// It is known.
    Value(Secret),
    /// The host fetches it when it is needed.
    Token(Box<Oauth>),
}

/// The secrets that the host holds for one sync, with their values.
pub struct Held {
    bindings: Bindings,
    sources: Vec<Source>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.bindings).finish()
    }
}

impl Held {
    /// These bindings with a source each, in the same order.
    #[must_use]
    pub fn new(bindings: Bindings, sources: Vec<Source>) -> Self {
        Self { bindings, sources }
    }

    /// What is bound where.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Judges a request's head and answers which secrets it needs.
    pub(super) fn judge(
        &self,
        to: &Destination,
        url: &str,
        parts: &RequestParts,
    ) -> Result<BTreeSet<usize>, HttpError> {
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        self.bindings.judge_head(to, url, headers).map_err(denied)
    }

    async fn values(&self, numbers: &BTreeSet<usize>) -> Result<Values, HttpError> {
        let mut values = Values::new();
        for number in numbers {
            match self.sources.get(*number) {
                Some(Source::Value(value)) => values.insert(*number, value.clone()),
                Some(Source::Token(token)) => values.insert(*number, token.token().await?),
                None => None,
            };
        }
        Ok(values)
    }

    /// Forgets the tokens among these; whether there were any.
    async fn reject(&self, values: &Values) -> bool {
        let mut any = false;
        for (number, value) in values {
            if let Some(Source::Token(token)) = self.sources.get(*number) {
                token.reject(value).await;
                any = true;
            }
        }
        any
    }
}

fn denied(denied: SecretDenied) -> HttpError {
    HttpError::SecretDenied(denied.to_string())
}

/// Sends a request whose placeholders were judged, with the values in their place.
pub(super) async fn send(
    client: &Client,
    held: &Arc<Held>,
    admitted: Admitted,
    body: RequestBody,
) -> Result<Response, HttpError> {
    let (body, in_body) = read_body(client, held, &admitted, body).await?;
    let uses: BTreeSet<usize> = admitted.uses.iter().chain(&in_body).copied().collect();
    let body = match body {
        RequestBody::Bytes(bytes) if !uses.is_empty() => bytes,
        RequestBody::Empty if !uses.is_empty() => Bytes::new(),
        // a stream, which has no placeholder: it can be sent once
        body if !uses.is_empty() => {
            let values = held.values(&uses).await?;
            let filled = filled(client, held, &admitted, &values)?;
            return client.deliver(filled, body).await.map(|response| emptied(response, held, &values));
        }
        body => return client.deliver(admitted, body).await,
    };
    let mut again = true;
    loop {
        let values = held.values(&uses).await?;
        let mut filled = filled(client, held, &admitted, &values)?;
        let sent = fill_body(client, held, &admitted, &body, &values)?;
        let sent = match (sent, &body) {
            (Some(sent), _) => {
                filled.body_len = Some(sent.len() as u64);
                RequestBody::Bytes(sent)
            }
            (None, body) if body.is_empty() => RequestBody::Empty,
            (None, body) => RequestBody::Bytes(body.clone()),
        };
        let response = client.deliver(filled, sent).await?;
        if response.status == UNAUTHORIZED && std::mem::take(&mut again) && held.reject(&values).await {
            continue;
        }
        return Ok(emptied(response, held, &values));
    }
}

/// The body, read whole where a secret may stand in it; and which do.
async fn read_body(
    client: &Client,
    held: &Arc<Held>,
    admitted: &Admitted,
    body: RequestBody,
) -> Result<(RequestBody, BTreeSet<usize>), HttpError> {
    let to = admitted.destination();
    let judge = |bytes: &[u8]| {
        held.bindings.judge(to, Place::Body, bytes).map_err(|refused| {
            client.ledger().host(to.host()).denied += 1;
            denied(refused)
        })
    };
    match body {
        RequestBody::Empty => Ok((RequestBody::Empty, BTreeSet::new())),
        RequestBody::Bytes(bytes) => judge(&bytes).map(|uses| (RequestBody::Bytes(bytes), uses)),
        RequestBody::Stream(stream) if held.bindings.in_bodies(to) => {
            let most = usize::try_from(client.limits().request_bytes).unwrap_or(usize::MAX).min(HELD_BODY_BYTES);
            let bytes = collect(stream, most, to).await?;
            if admitted.body_len.is_some_and(|length| length != bytes.len() as u64) {
                let at = at(to);
                return Err(HttpError::InvalidRequest(format!(
                    "{at}: the request body has another length than was announced"
                )));
            }
            judge(&bytes).map(|uses| (RequestBody::Bytes(bytes), uses))
        }
        RequestBody::Stream(stream) => {
            let searched = searched(stream, Arc::clone(held), to.clone());
            Ok((RequestBody::Stream(searched), BTreeSet::new()))
        }
    }
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

async fn collect(mut stream: Pieces, most: usize, to: &Destination) -> Result<Bytes, HttpError> {
    let mut all = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let ended = |_| HttpError::InvalidRequest(format!("{}: the request body ended in an error", at(to)));
        let piece = piece.map_err(ended)?;
        if all.len().saturating_add(piece.len()) > most {
            let at = at(to);
            return Err(HttpError::limit(format!(
                "{at}: a streamed request body in which a secret may stand is longer than {most} bytes"
            )));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// A body in which no secret may stand; it ends in an error before a piece that completes a placeholder.
fn searched(stream: Pieces, held: Arc<Held>, to: Destination) -> Pieces {
    let keep = PLACEHOLDER_PREFIX.len() + PLACEHOLDER_DIGITS - 1;
    let mut last: Vec<u8> = Vec::new();
    Box::pin(stream.map(move |piece| {
        let piece = piece?;
        last.extend_from_slice(&piece);
        held.bindings.judge(&to, Place::Body, &last)?;
        last.drain(..last.len().saturating_sub(keep));
        Ok(piece)
    }))
}

/// The head with values.
fn filled(client: &Client, held: &Held, admitted: &Admitted, values: &Values) -> Result<Admitted, HttpError> {
    let most = client.limits().header_bytes;
    let to = admitted.destination();
    let too_long = |TooLong| too_long(to, "head", most as u64);
    let bindings = &held.bindings;
    let mut real = admitted.clone();
    if let Some(query) = admitted.url.query()
        && let Some(filled) = fill(query.as_bytes(), Form::Percent, bindings, values, most).map_err(too_long)?
    {
        // percent-encoded, thus ASCII
        real.url.set_query(Some(&String::from_utf8_lossy(&filled)));
    }
    let mut headers = HeaderMap::with_capacity(admitted.headers.len());
    for (name, value) in &admitted.headers {
        let value = match fill_header(value.as_bytes(), bindings, values, most).map_err(too_long)? {
            None => value.clone(),
            Some(filled) => {
                let mut value = HeaderValue::from_bytes(&filled).map_err(|_| unfit(held, values))?;
                value.set_sensitive(true);
                value
            }
        };
        headers.append(name.clone(), value);
    }
    let bytes =
        headers.iter().fold(real.url.as_str().len(), |sum, (name, value)| sum + name.as_str().len() + value.len() + 4);
    if bytes > most {
        return Err(too_long(TooLong));
    }
    real.headers = headers;
    Ok(real)
}

fn fill_body(
    client: &Client,
    held: &Held,
    admitted: &Admitted,
    body: &Bytes,
    values: &Values,
) -> Result<Option<Bytes>, HttpError> {
    let media_type = admitted.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let most = client.limits().request_bytes;
    let filled =
        fill(body, Form::of_body(media_type), &held.bindings, values, usize::try_from(most).unwrap_or(usize::MAX));
    let filled = filled.map_err(|TooLong| too_long(admitted.destination(), "body", most))?;
    Ok(filled.map(Bytes::from))
}

fn too_long(to: &Destination, part: &str, most: u64) -> HttpError {
    HttpError::limit(format!("{}: the request's {part} with its secrets is longer than {most} bytes", at(to)))
}

/// A value that no header can have.
fn unfit(held: &Held, values: &Values) -> HttpError {
    let is_unfit = |value: &Secret| {
        HeaderValue::from_str(value.expose()).is_err() && HeaderValue::from_bytes(value.expose().as_bytes()).is_err()
    };
    let number = values.iter().find(|(_, value)| is_unfit(value)).map(|(number, _)| *number);
    let name = number.and_then(|number| held.bindings.all().get(number)).map_or("?", |binding| &binding.name);
    HttpError::InvalidRequest(format!(
        "the secret `{}` has a line break or control character, which no header can have; set it without",
        name.escape_debug()
    ))
}

/// The head of a response with placeholders for values.
fn emptied(mut response: Response, held: &Held, values: &Values) -> Response {
    for (_, value) in &mut response.headers {
        if let Some(emptied) = empty(value, &held.bindings, values) {
            *value = emptied;
        }
    }
    if let Some(reason) = empty(response.reason.as_bytes(), &held.bindings, values) {
        response.reason = String::from_utf8_lossy(&reason).into_owned();
    }
    response
}
