//! What stands in a worker in place of the destination, the network and the log.
//!
//! Nothing is decided here: each is a call to the parent, which holds the real ones.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, select};

use super::link::{Link, Waiting};
use super::message::{Answer, Body, Call, FromWorker, Piece};
use crate::http::{Elsewhere, Head, Held, HttpError, Later, RequestBody, RequestParts, Rest};
use crate::incidents::Incidents;
use crate::log::{Level, LogSink};
use crate::ops::{Operations, Refusal, Tolerance};
use crate::queue::WriterFailure;
use crate::rows::{Block, Column, OperationKind, TableDefinition, TableName};

/// Takes a connector's operations: here, or in the parent of a worker.
#[expect(clippy::large_enum_variant, reason = "a store has one")]
pub(crate) enum Taker {
    /// Here.
    Here(Operations),
    /// In the parent.
    Parent(RemoteOperations),
}

/// The operations of one sync, taken by the parent.
pub(crate) struct RemoteOperations {
    pub(super) link: Arc<Link>,
    pub(super) incidents: Incidents,
    pub(super) path_column: String,
}

type Taken<T> = Result<T, Refusal>;

fn interrupted() -> Refusal {
    Refusal::Ended("the sync was interrupted".to_owned())
}

impl RemoteOperations {
    async fn ask(&self, call: Call) -> Taken<Answer> {
        let answer = self.link.call(call).answer().await.map_err(|_| interrupted())?;
        let refusal = match &answer {
            Answer::Taken(Err(refusal)) | Answer::Begun(Err(refusal)) => Some(refusal),
            _ => None,
        };
        if let Some(Refusal::Limit(reached)) = refusal {
            self.incidents.limit(reached.clone());
        }
        Ok(answer)
    }

    async fn take(&self, call: Call) -> Taken<()> {
        // A limit that was reached here, such as that of memory, holds there too.
        if let Some(reached) = self.incidents.reached() {
            return Err(Refusal::Limit(reached));
        }
        match self.ask(call).await? {
            Answer::Taken(taken) => taken,
            _ => Err(interrupted()),
        }
    }
}

impl Taker {
    pub(crate) async fn declare(&mut self, tables: Vec<TableDefinition>) -> Taken<()> {
        match self {
            Self::Here(here) => here.declare(tables).await,
            Self::Parent(parent) => parent.take(Call::Declare(tables)).await,
        }
    }

    pub(crate) async fn rows(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
    ) -> Taken<()> {
        match self {
            Self::Here(here) => here.rows(table, kind, rows, columns).await,
            Self::Parent(parent) => parent.take(Call::Rows { table, kind, rows, columns }).await,
        }
    }

    pub(crate) async fn reject(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
        reason: &str,
    ) -> Taken<()> {
        match self {
            Self::Here(here) => here.reject(table, kind, rows, columns, reason).await,
            Self::Parent(parent) => {
                parent.take(Call::Reject { table, kind, rows, columns, reason: reason.to_owned() }).await
            }
        }
    }

    pub(crate) async fn truncate(&mut self, table: TableName) -> Taken<()> {
        match self {
            Self::Here(here) => here.truncate(table).await,
            Self::Parent(parent) => parent.take(Call::Truncate(table)).await,
        }
    }

    pub(crate) async fn tolerance(&mut self, table: TableName) -> Tolerance {
        match self {
            Self::Here(here) => here.tolerance(&table),
            Self::Parent(parent) => match parent.ask(Call::Tolerance(table)).await {
                Ok(Answer::Tolerance(tolerance)) => tolerance,
                _ => Tolerance { misfits: false, rejects: false },
            },
        }
    }

    pub(crate) async fn checkpoint(&mut self, state: String) -> Taken<()> {
        match self {
            Self::Here(here) => here.checkpoint(state).await,
            Self::Parent(parent) => parent.take(Call::Checkpoint(state)).await,
        }
    }

    pub(crate) async fn finish(&mut self) -> Taken<()> {
        match self {
            Self::Here(here) => here.finish().await,
            Self::Parent(parent) => parent.take(Call::Finish).await,
        }
    }

    pub(crate) fn failure(&self) -> Option<WriterFailure> {
        match self {
            Self::Here(here) => here.failure(),
            // The parent knows.
            Self::Parent(_) => None,
        }
    }

    pub(crate) async fn begin_file(&mut self, table: TableName, path: &str, expected: Option<u64>) -> Taken<u64> {
        match self {
            Self::Here(here) => here.begin_file(table, path, expected).await,
            Self::Parent(parent) => {
                match parent.ask(Call::BeginFile { table, path: path.to_owned(), expected }).await? {
                    Answer::Begun(begun) => begun,
                    _ => Err(interrupted()),
                }
            }
        }
    }

    pub(crate) fn path_column(&self) -> &str {
        match self {
            Self::Here(here) => here.path_column(),
            Self::Parent(parent) => &parent.path_column,
        }
    }

    pub(crate) async fn file_bytes(&mut self, file: u64, bytes: Vec<u8>) -> Taken<()> {
        match self {
            Self::Here(here) => here.file_bytes(file, bytes).await,
            Self::Parent(parent) => parent.take(Call::FileBytes { file, bytes: Block(bytes) }).await,
        }
    }

    pub(crate) async fn finish_file(&mut self, file: u64) -> Taken<()> {
        match self {
            Self::Here(here) => here.finish_file(file).await,
            Self::Parent(parent) => parent.take(Call::FinishFile(file)).await,
        }
    }

    pub(crate) async fn drop_file(&mut self, file: u64) {
        match self {
            Self::Here(here) => here.drop_file(file).await,
            Self::Parent(parent) => {
                let _ = parent.ask(Call::DropFile(file)).await;
            }
        }
    }
}

/// Where messages go.
pub(super) struct RemoteLog(pub(super) Arc<Link>);

impl LogSink for RemoteLog {
    fn line(&self, level: Level, text: &str) {
        self.0.tell(&FromWorker::Log { level, text: text.to_owned() });
    }
}

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
    fn admit(&self, parts: &RequestParts) -> Later<'static, Box<dyn Held>> {
        let link = Arc::clone(&self.link);
        let mut admitted = link.call(Call::Admit(parts.clone()));
        Box::pin(async move {
            match admitted.answer().await {
                Ok(Answer::Admitted(Ok(id))) => Ok(Box::new(Number { id, link }) as Box<dyn Held>),
                Ok(Answer::Admitted(Err(error))) => Err(error.into()),
                _ => Err(broken()),
            }
        })
    }

    fn answers_at_once(&self) -> bool {
        self.at_once
    }
}

impl Held for Number {
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
