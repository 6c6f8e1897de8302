//! What a sync's requests go to.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::admit::{Admitted, RequestParts};
use super::client::Client;
use super::elsewhere::{Connected, Elsewhere, FarRequest, Rest};
use super::error::HttpError;
use super::exchange::Body;
use super::record::{Recorder, Recording};
use super::replay::{Found, Replay};
use super::stream::{Dial, Stream};
use super::turned_away::TurnedAway;
use super::upload::RequestBody;
use super::usage::HostUsage;

/// The network, the network with a recorder beside it, or a cassette. Clones share everything.
#[derive(Clone, Debug)]
pub enum Web {
    /// The network.
    Network(Client),
    /// The network, recorded.
    Recorded(Client, Arc<Recorder>),
    /// A cassette, and no network.
    Replayed(Arc<Replay>),
    /// One of these in another process.
    #[expect(private_interfaces, reason = "only a worker makes one")]
    Elsewhere(Arc<dyn Elsewhere>),
}

/// A request that may be sent.
#[derive(Debug)]
pub struct Ticket(Kind);

#[derive(Debug)]
enum Kind {
    Network(Box<Admitted>),
    Recorded(Box<Admitted>, Box<Recording>),
    Replayed(Box<Found>),
    Elsewhere(Box<dyn FarRequest>),
}

/// The head of an answer, and its body.
#[derive(Debug)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// The reason phrase, possibly empty.
    pub reason: String,
    /// Header fields, names in lower case, repeated ones in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Debug)]
pub struct AnswerBody(Source);

#[derive(Debug)]
enum Source {
    Network(Body),
    Recorded { body: Body, recording: Box<Recording>, failed: Option<HttpError> },
    Kept { bytes: Bytes, end: Option<HttpError> },
    Elsewhere(Box<dyn Rest>),
}

impl Web {
    /// Reads a request and decides whether it may be sent, or finds its answer. Nothing leaves the host, and nothing
    /// is waited for. Another process decides when the request is sent: then [`send`](Self::send) has these errors.
    ///
    /// # Errors
    /// As [`Client::admit`]; [`HttpError::Connect`] when a cassette has no entry for it.
    pub fn admit(&self, parts: &RequestParts) -> Result<Ticket, HttpError> {
        Ok(Ticket(match self {
            Self::Network(client) => Kind::Network(Box::new(client.admit(parts)?)),
            Self::Recorded(client, recorder) => {
                let sent = Recorder::as_sent(parts);
                Kind::Recorded(Box::new(client.admit(&sent)?), Box::new(recorder.begin(&sent)))
            }
            Self::Replayed(replay) => Kind::Replayed(Box::new(replay.find(parts)?)),
            Self::Elsewhere(web) => Kind::Elsewhere(web.request(parts)),
        }))
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub async fn send(&self, ticket: Ticket, body: RequestBody) -> Result<Answer, HttpError> {
        let no_place = || HttpError::InvalidRequest("the request belongs to another sync".to_owned());
        match (ticket.0, self) {
            (Kind::Network(admitted), Self::Network(client) | Self::Recorded(client, _)) => {
                let response = client.send(*admitted, body).await?;
                Ok(Answer {
                    status: response.status,
                    reason: response.reason,
                    headers: response.headers,
                    body: AnswerBody(Source::Network(response.body)),
                })
            }
            (Kind::Recorded(admitted, recording), Self::Network(client) | Self::Recorded(client, _)) => {
                recorded(client, *admitted, recording, body).await
            }
            (Kind::Replayed(found), Self::Replayed(replay)) => replay.answer(*found, body).await,
            (Kind::Elsewhere(held), Self::Elsewhere(web)) => {
                let (head, rest) = held.send(body).await?;
                let body = AnswerBody(Source::Elsewhere(rest));
                let body = if web.answers_at_once() { body.collected().await } else { body };
                Ok(Answer { status: head.status, reason: head.reason, headers: head.headers, body })
            }
            (Kind::Replayed(_) | Kind::Elsewhere(_), _) | (_, Self::Replayed(_) | Self::Elsewhere(_)) => {
                Err(no_place())
            }
        }
    }

    /// The address that stands for a host in `connect`. Nothing leaves the host.
    ///
    /// # Errors
    /// [`HttpError::Denied`], [`HttpError::NameResolution`], [`HttpError::InvalidRequest`] or [`HttpError::Limit`].
    pub async fn lookup(&self, host: &str, port: u16) -> Result<IpAddr, HttpError> {
        if let Self::Elsewhere(web) = self {
            return web.lookup(host, port).await;
        }
        self.streams(host, port)?.lookup(host, port)
    }

    /// Decides whether a connection may be made, and makes it.
    ///
    /// # Errors
    /// Any [`HttpError`]; [`HttpError::Connect`] in a replay, where there is no network.
    pub(crate) async fn connect(&self, dial: &Dial) -> Result<Connected, HttpError> {
        if let Self::Elsewhere(web) = self {
            return web.connect(dial).await.map(Connected::Elsewhere);
        }
        Ok(Connected::Here(Box::new(self.open(dial).await?)))
    }

    /// As [`connect`](Self::connect), in this process.
    pub(crate) async fn open(&self, dial: &Dial) -> Result<Stream, HttpError> {
        let client = self.streams(&dial.host, dial.port)?;
        client.connect(client.admit_stream(dial)?).await
    }

    fn streams(&self, host: &str, port: u16) -> Result<&Client, HttpError> {
        match self {
            Self::Network(client) | Self::Recorded(client, _) => Ok(client),
            Self::Replayed(_) => Err(HttpError::Connect(format!(
                "{}:{port} cannot be reached: a replay has no network, and a cassette holds HTTP only, no tcp connections",
                host.escape_debug().take(300).collect::<String>()
            ))),
            Self::Elsewhere(_) => Err(HttpError::Connect("the network is in another process".to_owned())),
        }
    }

    /// Whether exchanges are kept, which connections are not.
    #[must_use]
    pub fn records(&self) -> bool {
        matches!(self, Self::Recorded(..))
    }

    /// Whether answers are there at once, so that a guest's order of events depends on nothing else.
    #[must_use]
    pub fn answers_at_once(&self) -> bool {
        match self {
            Self::Network(_) | Self::Recorded(..) => false,
            Self::Replayed(_) => true,
            Self::Elsewhere(web) => web.answers_at_once(),
        }
    }

    /// The host that turned this sync away, see [`Client::turned_away`].
    #[must_use]
    pub fn turned_away(&self) -> Option<TurnedAway> {
        match self {
            Self::Network(client) | Self::Recorded(client, _) => client.turned_away(),
            // Nobody tries a replay again, and what is elsewhere is known there.
            Self::Replayed(_) | Self::Elsewhere(_) => None,
        }
    }

    /// What the sync used so far, by host name.
    #[must_use]
    pub fn usage(&self) -> Vec<HostUsage> {
        match self {
            Self::Network(client) | Self::Recorded(client, _) => client.usage(),
            Self::Replayed(replay) => replay.usage(),
            // Counted where it is.
            Self::Elsewhere(_) => Vec::new(),
        }
    }
}

async fn recorded(
    client: &Client,
    admitted: Admitted,
    mut recording: Box<Recording>,
    body: RequestBody,
) -> Result<Answer, HttpError> {
    let sent = match recording.outgoing(body) {
        Ok(body) => client.send(admitted, body).await,
        Err(error) => Err(error),
    };
    let response = match sent {
        Ok(response) => response,
        Err(error) => {
            recording.over(Some(&error))?;
            return Err(error);
        }
    };
    recording.head(&response);
    Ok(Answer {
        status: response.status,
        reason: response.reason,
        headers: response.headers,
        body: AnswerBody(Source::Recorded { body: response.body, recording, failed: None }),
    })
}

impl AnswerBody {
    pub(super) fn kept(bytes: Bytes, end: Option<HttpError>) -> Self {
        Self(Source::Kept { bytes, end })
    }

    /// All of it, read now; a cassette's, which is bounded.
    async fn collected(mut self) -> Self {
        let mut all = Vec::new();
        let end = loop {
            match self.next().await {
                Ok(Some(bytes)) => all.extend_from_slice(&bytes),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        Self::kept(all.into(), end)
    }

    /// The next piece; `None` at the end. May be cancelled; the next call goes on where this one was.
    ///
    /// # Errors
    /// Any [`HttpError`]; every later call returns it again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.piece(true).await
    }

    /// The same for somebody who reads ahead: nobody waits, so the server may take its time.
    pub(crate) async fn ahead(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.piece(false).await
    }

    async fn piece(&mut self, waited_for: bool) -> Result<Option<Bytes>, HttpError> {
        match &mut self.0 {
            Source::Network(body) => body.piece(waited_for).await,
            Source::Recorded { failed: Some(error), .. } => Err(error.clone()),
            Source::Recorded { body, recording, failed } => {
                let piece = body.piece(waited_for).await;
                let kept = match &piece {
                    Ok(Some(piece)) => recording.piece(piece),
                    Ok(None) => recording.over(None),
                    Err(error) => recording.over(Some(error)),
                };
                if let Err(error) = kept {
                    // The recorder remembers what could not be written.
                    let _ = recording.over(Some(&error));
                    *failed = Some(error.clone());
                    return Err(error);
                }
                piece
            }
            Source::Kept { bytes, end } => match (bytes.is_empty(), end) {
                (false, _) => Ok(Some(std::mem::take(bytes))),
                (true, Some(error)) => Err(error.clone()),
                (true, None) => Ok(None),
            },
            Source::Elsewhere(rest) => rest.next().await,
        }
    }
}
