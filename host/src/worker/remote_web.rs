//! What stands in a worker in place of the network. Nothing is decided here: each is a call to the parent.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::link::Link;
use super::message::{Answer, Call, FromWorker, StreamCall};
use super::remote_body::Request;
use crate::http::{Dial, Elsewhere, Far, FarRequest, HttpError, Later, RequestParts, TlsDetails};
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

pub(super) fn broken() -> HttpError {
    HttpError::ConnectionClosed("the exchange was interrupted".to_owned())
}

impl Elsewhere for RemoteWeb {
    fn request(&self, parts: &RequestParts) -> Box<dyn FarRequest> {
        Box::new(Request { parts: parts.clone(), link: Arc::clone(&self.link) })
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
