//! `wasi:http` for components of other languages, over the same client and policy as the
//! contract's own interface.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{once, unfold};
use futures_util::{StreamExt, TryStreamExt};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::http::remember;
use crate::counters::Counters;
use crate::http::{AnswerBody, HttpError, RequestBody, RequestParts, Timeouts, Web};
use crate::incidents::Incidents;

/// Methods of requests that mostly have no body.
const HAVE_NO_BODY: [&str; 4] = ["GET", "HEAD", "DELETE", "OPTIONS"];
/// How long such a request waits for its body to begin or end. A guest may wait for the answer before it ends one, and
/// then it is sent as one that has a body.
const OPEN_BODY: Duration = Duration::from_millis(100);

/// Sends the requests of `wasi:http/outgoing-handler`.
pub(crate) struct HttpHooks {
    client: Web,
    incidents: Incidents,
    counters: Arc<Counters>,
}

impl HttpHooks {
    pub(super) fn new(client: Web, incidents: Incidents, counters: Arc<Counters>) -> Self {
        Self { client, incidents, counters }
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for HttpHooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (client, incidents, counters) = (self.client.clone(), self.incidents.clone(), Arc::clone(&self.counters));
        Box::new(async move {
            if incidents.reached().is_some() {
                return Err(Error::ConnectionLimitReached);
            }
            let (parts, body) = read(request, options.unwrap_or_default());
            let body = if HAVE_NO_BODY.contains(&parts.method.as_str()) { without_nothing(body).await } else { body };
            let sent = match client.admit(&parts) {
                Ok(admitted) => {
                    counters.requested();
                    client.send(admitted, body).await
                }
                Err(error) => Err(error),
            };
            let response = sent.map_err(|error| to_guest(&error, &incidents))?;
            let mut answer = http::Response::builder().status(response.status);
            for (name, value) in &response.headers {
                answer = answer.header(name, value.as_slice());
            }
            let answer = answer.body(stream(response.body, incidents)).map_err(|_| Error::HttpProtocolError)?;
            Ok((answer, Box::new(async { Ok(()) }) as Io))
        })
    }
}

fn read(request: http::Request<WasiBody>, options: RequestOptions) -> (RequestParts, RequestBody) {
    let (head, body) = request.into_parts();
    let length = head.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let parts = RequestParts {
        method: head.method.as_str().to_owned(),
        url: head.uri.to_string(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        body_len: length,
        timeouts: Timeouts {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        },
    };
    let body = match body.is_end_stream() {
        true => RequestBody::Empty,
        false => RequestBody::Stream(Box::pin(body.into_data_stream().map_err(|error| error.to_string().into()))),
    };
    (parts, body)
}

/// A body of which nothing came is none: some libraries open that of every request, and servers refuse such a request
/// when it announces one.
async fn without_nothing(body: RequestBody) -> RequestBody {
    let RequestBody::Stream(mut pieces) = body else {
        return body;
    };
    let first = async {
        loop {
            match pieces.next().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                first => return first,
            }
        }
    };
    match tokio::time::timeout(OPEN_BODY, first).await {
        Ok(None) => RequestBody::Empty,
        Ok(Some(first)) => RequestBody::Stream(Box::pin(once(async { first }).chain(pieces))),
        Err(_) => RequestBody::Stream(pieces),
    }
}

/// The response's body as the stream that `wasi:http` wants.
fn stream(body: AnswerBody, incidents: Incidents) -> WasiBody {
    let frames = unfold(Some((body, incidents)), |rest| async {
        let (mut body, incidents) = rest?;
        match body.next().await {
            Ok(Some(bytes)) => Some((Ok(Frame::data(bytes)), Some((body, incidents)))),
            Ok(None) => None,
            Err(error) => Some((Err(to_guest(&error, &incidents)), None)),
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

/// An error as `wasi:http` says it, which has no room for the host's sentence.
fn to_guest(error: &HttpError, incidents: &Incidents) -> Error {
    remember(error, incidents);
    match error {
        HttpError::Denied(_) | HttpError::SecretDenied(_) | HttpError::DeniedElsewhere(_) => Error::HttpRequestDenied,
        HttpError::InvalidRequest(_) => Error::HttpRequestUriInvalid,
        HttpError::NameResolution(_) => Error::DnsError { rcode: None, info_code: None },
        HttpError::Connect(_) => Error::ConnectionRefused,
        HttpError::ConnectTimeout(_) => Error::ConnectionTimeout,
        HttpError::ReadTimeout(_) => Error::ConnectionReadTimeout,
        HttpError::Certificate(_) => Error::TlsCertificateError,
        HttpError::Tls(_) => Error::TlsProtocolError,
        HttpError::ConnectionClosed(_) => Error::ConnectionTerminated,
        HttpError::Protocol(_) => Error::HttpProtocolError,
        HttpError::Limit { .. } => Error::HttpResponseBodySize(None),
    }
}
