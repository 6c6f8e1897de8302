//! What stands in a worker in place of the network. Nothing is decided here: each is a call to the parent.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, select};

use super::link::{Link, Waiting};
use super::message::{Answer, Body, Call, FromWorker, Piece, StreamCall};
use crate::http::{
    Dial, Elsewhere, Far, FarRequest, Head, HttpError, Later, RequestBody, RequestParts, Rest, TlsDetails,
};
use crate::rows::Block;

/// The parent's network.
#[derive(Debug)]
pub(super) struct RemoteWeb {
    pub(super) link: Arc<Link>,
    pub(super) at_once: bool,
}

/// Something that the parent holds under a number until it is told otherwise.
#[derive(Debug)]
struct Number {
    id: u64,
    link: Arc<Link>,
}

impl Drop for Number {
    fn drop(&mut self) {
        self.link.tell(&FromWorker::Drop { id: self.id });
    }
}

fn broken() -> HttpError {
    HttpError::ConnectionClosed("the exchange was interrupted".to_owned())
}

impl Elsewhere for RemoteWeb {
    fn admit(&self, parts: &RequestParts) -> Later<'static, Box<dyn FarRequest>> {
        let link = Arc::clone(&self.link);
        let mut admitted = link.call(Call::Admit(parts.clone()));
        Box::pin(async move {
            match admitted.answer().await {
                Ok(Answer::Admitted(Ok(id))) => Ok(Box::new(Number { id, link }) as Box<dyn FarRequest>),
                Ok(Answer::Admitted(Err(error))) => Err(error.into()),
                _ => Err(broken()),
            }
        })
    }

    fn answers_at_once(&self) -> bool {
        self.at_once
    }

    fn lookup(&self, host: &str, port: u16) -> Later<'static, IpAddr> {
        let mut found = self.link.call(Call::Lookup { host: host.to_owned(), port });
        Box::pin(async move {
            match found.answer().await {
                Ok(Answer::Address(found)) => found.map_err(Into::into),
                _ => Err(broken()),
            }
        })
    }

    fn connect(&self, dial: &Dial) -> Later<'static, Box<dyn Far>> {
        let link = Arc::clone(&self.link);
        let mut connected = link.call(Call::Connect(dial.clone()));
        Box::pin(async move {
            match connected.answer().await {
                Ok(Answer::Connected(Ok(id))) => Ok(Box::new(Number { id, link }) as Box<dyn Far>),
                Ok(Answer::Connected(Err(error))) => Err(error.into()),
                _ => Err(broken()),
            }
        })
    }
}

impl FarRequest for Number {
    fn send(self: Box<Self>, body: RequestBody) -> Later<'static, (Head, Box<dyn Rest>)> {
        Box::pin(async move {
            let (body, stream) = match body {
                RequestBody::Empty => (Body::Empty, None),
                RequestBody::Bytes(bytes) => (Body::Bytes(Block(bytes.into())), None),
                RequestBody::Stream(stream) => (Body::Stream, Some(stream)),
            };
            let link = &self.link;
            let mut head = link.call(Call::Send { admitted: self.id, body });
            let answer = match stream {
                None => head.answer().await,
                Some(mut stream) => {
                    let pieces = async {
                        loop {
                            let piece = match stream.next().await {
                                Some(Ok(bytes)) => Piece::Bytes(Block(bytes.into())),
                                Some(Err(_)) => Piece::Broken,
                                None => Piece::End,
                            };
                            let last = !matches!(piece, Piece::Bytes(_));
                            let more = link.call(Call::Piece { admitted: self.id, piece }).answer().await;
                            if last || !matches!(more, Ok(Answer::More(true))) {
                                return std::future::pending().await;
                            }
                        }
                    };
                    match select(pin!(head.answer()), pin!(pieces)).await {
                        Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
                    }
                }
            };
            match answer {
                Ok(Answer::Head(Ok((id, head)))) => {
                    let number = Number { id, link: Arc::clone(link) };
                    Ok((head, Box::new(RemoteBody { number, waiting: None, ended: None }) as Box<dyn Rest>))
                }
                Ok(Answer::Head(Err(error))) => Err(error.into()),
                _ => Err(broken()),
            }
        })
    }
}

/// The body of an answer.
#[derive(Debug)]
struct RemoteBody {
    number: Number,
    /// The answer to a call that was cancelled on this side still comes.
    waiting: Option<Waiting>,
    ended: Option<Result<(), HttpError>>,
}

impl Rest for RemoteBody {
    fn next(&mut self) -> Later<'_, Option<Bytes>> {
        Box::pin(async move {
            if let Some(ended) = &self.ended {
                return ended.clone().map(|()| None);
            }
            let Number { id, link } = &self.number;
            let waiting = self.waiting.get_or_insert_with(|| link.call(Call::Read { answer: *id }));
            let answer = waiting.answer().await;
            self.waiting = None;
            let piece = match answer {
                Ok(Answer::Piece(Ok(piece))) => Ok(piece.map(|Block(bytes)| Bytes::from(bytes))),
                Ok(Answer::Piece(Err(error))) => Err(error.into()),
                _ => Err(broken()),
            };
            self.ended = match &piece {
                Ok(Some(_)) => None,
                Ok(None) => Some(Ok(())),
                Err(error) => Some(Err(error.clone())),
            };
            piece
        })
    }
}

impl Number {
    async fn stream(&self, wish: Option<Duration>, what: StreamCall) -> Result<Answer, HttpError> {
        self.link.call(Call::Stream { stream: self.id, wish, what }).answer().await.map_err(|_| broken())
    }

    async fn done(&self, wish: Option<Duration>, what: StreamCall) -> Result<(), HttpError> {
        match self.stream(wish, what).await? {
            Answer::Done(done) => done.map_err(Into::into),
            _ => Err(broken()),
        }
    }
}

impl Far for Number {
    fn read(&mut self, max: usize, wish: Option<Duration>) -> Later<'_, Vec<u8>> {
        Box::pin(async move {
            match self.stream(wish, StreamCall::Read(max)).await? {
                Answer::Bytes(read) => read.map(|Block(bytes)| bytes).map_err(Into::into),
                _ => Err(broken()),
            }
        })
    }

    fn readable(&mut self, wish: Option<Duration>) -> Later<'_, bool> {
        Box::pin(async move {
            match self.stream(wish, StreamCall::Readable).await? {
                Answer::Readable(readable) => Ok(readable),
                _ => Err(broken()),
            }
        })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8], wish: Option<Duration>) -> Later<'a, ()> {
        Box::pin(self.done(wish, StreamCall::Write(Block(bytes.to_vec()))))
    }

    fn begin_tls(&mut self, wish: Option<Duration>) -> Later<'_, ()> {
        Box::pin(self.done(wish, StreamCall::BeginTls))
    }

    fn tls(&mut self) -> Later<'_, Option<TlsDetails>> {
        Box::pin(async move {
            match self.stream(None, StreamCall::Tls).await? {
                Answer::Tls(details) => Ok(details),
                _ => Err(broken()),
            }
        })
    }

    fn finish(&mut self) -> Later<'_, ()> {
        Box::pin(self.done(None, StreamCall::Finish))
    }
}
