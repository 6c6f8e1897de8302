//! What stands in a worker in place of the destination and the log.
//!
//! Nothing is decided here: each is a call to the parent, which holds the real ones.

use std::sync::Arc;

use super::link::{Link, Waiting};
use super::message::{Answer, Call, FromWorker};
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
    /// Rows whose answer nobody waited for yet.
    pub(super) rows: Option<Waiting>,
    /// Why rows were refused, until the connector is told.
    pub(super) refused: Option<Refusal>,
}

type Taken<T> = Result<T, Refusal>;

fn interrupted() -> Refusal {
    Refusal::Ended("the sync was interrupted".to_owned())
}

impl RemoteOperations {
    /// Sends rows and does not wait for the answer, so that the connector goes on while the parent takes them. A
    /// refusal is told with the next operation; a checkpoint waits for it, so nothing lands after refused rows unseen.
    async fn send(&mut self, call: Call) -> Taken<()> {
        if let Some(reached) = self.incidents.reached() {
            return Err(Refusal::Limit(reached));
        }
        self.settle().await;
        self.rows = Some(self.link.call(call));
        // The channel gets its turn: the guest, which does not wait now, would keep it from it.
        tokio::task::yield_now().await;
        self.refused.take().map_or(Ok(()), Err)
    }

    /// Waits for the answer to the last rows.
    async fn settle(&mut self) {
        let Some(mut rows) = self.rows.take() else { return };
        let taken = match rows.answer().await {
            Ok(Answer::Taken(taken)) => taken,
            _ => Err(interrupted()),
        };
        if let Err(refusal) = taken {
            self.remember(&refusal);
            self.refused.get_or_insert(refusal);
        }
    }

    fn remember(&self, refusal: &Refusal) {
        if let Refusal::Limit(reached) = refusal {
            self.incidents.limit(reached.clone());
        }
    }

    async fn ask(&mut self, call: Call) -> Taken<Answer> {
        self.settle().await;
        let answer = self.link.call(call).answer().await.map_err(|_| interrupted())?;
        if let Answer::Taken(Err(refusal)) | Answer::Begun(Err(refusal)) = &answer {
            self.remember(refusal);
        }
        Ok(answer)
    }

    async fn take(&mut self, call: Call) -> Taken<()> {
        self.settle().await;
        // A limit that was reached here, such as that of memory, holds there too.
        if let Some(reached) = self.incidents.reached() {
            return Err(Refusal::Limit(reached));
        }
        if let Some(refusal) = self.refused.take() {
            return Err(refusal);
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
            Self::Parent(parent) => parent.send(Call::Rows { table, kind, rows, columns }).await,
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
