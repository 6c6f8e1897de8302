//! Budgets and validation of files, before their parts are queued.

use std::collections::HashMap;

use super::{Operations, Refusal};
use crate::destination::FilePart;
use crate::policy::limits::{FILE_CHUNK_BYTES, OPEN_FILES};
use crate::policy::paths::FilePath;
use crate::rows::TableName;

/// The files of one sync.
#[derive(Default)]
pub(super) struct Files {
    path_column: String,
    open: HashMap<u64, Open>,
    begun: u64,
    bytes: u64,
}

struct Open {
    expected: Option<u64>,
    bytes: u64,
}

impl Operations {
    /// Begins the file of a row of a table; answers its number.
    pub(crate) async fn begin_file(
        &mut self,
        table: TableName,
        path: &str,
        expected: Option<u64>,
    ) -> Result<u64, Refusal> {
        self.begin()?;
        self.check_table(&table)?;
        let path = FilePath::parse(path).map_err(|error| Refusal::Invalid(format!("the path of a file {error}")))?;
        if self.files.open.len() >= OPEN_FILES {
            let text = format!("{OPEN_FILES} files are on their way; finish one before beginning another");
            return Err(Refusal::Invalid(text));
        }
        if expected.is_some_and(|bytes| bytes > self.limits.file_bytes) {
            return Err(self.limit("bytes of a file", self.limits.file_bytes));
        }
        if self.files.begun >= self.limits.files {
            return Err(self.limit("files", self.limits.files));
        }
        self.files.begun += 1;
        let file = self.files.begun;
        self.files.open.insert(file, Open { expected, bytes: 0 });
        self.send_file(FilePart::Begin { file, table, path }).await?;
        Ok(file)
    }

    /// The same with the destination's name for the column that holds the path of a row's file.
    pub(crate) fn with_path_column(mut self, name: String) -> Self {
        self.files.path_column = name;
        self
    }

    /// The name of the column that holds the path of a row's file.
    pub(crate) fn path_column(&self) -> &str {
        &self.files.path_column
    }

    /// Takes bytes of a file.
    pub(crate) async fn file_bytes(&mut self, file: u64, bytes: Vec<u8>) -> Result<(), Refusal> {
        self.begin()?;
        if bytes.len() > FILE_CHUNK_BYTES {
            let found = bytes.len();
            return Err(Refusal::Invalid(format!("{found} bytes of a file in one call; at most {FILE_CHUNK_BYTES}")));
        }
        let Some(open) = self.files.open.get_mut(&file) else { return Err(finished()) };
        open.bytes = open.bytes.saturating_add(bytes.len() as u64);
        self.files.bytes = self.files.bytes.saturating_add(bytes.len() as u64);
        if open.bytes > self.limits.file_bytes {
            return Err(self.limit("bytes of a file", self.limits.file_bytes));
        }
        if self.files.bytes > self.limits.file_bytes_total {
            return Err(self.limit("bytes of files", self.limits.file_bytes_total));
        }
        self.trial.file_bytes(&bytes);
        self.send_file(FilePart::Bytes { file, bytes }).await
    }

    /// Takes the end of a file.
    pub(crate) async fn finish_file(&mut self, file: u64) -> Result<(), Refusal> {
        let taken = self.take_finished(file).await;
        self.trial.taken(taken).await
    }

    async fn take_finished(&mut self, file: u64) -> Result<(), Refusal> {
        self.begin()?;
        let Some(open) = self.files.open.get(&file) else { return Err(finished()) };
        if let Some(expected) = open.expected.filter(|expected| *expected != open.bytes) {
            return Err(Refusal::Invalid(format!("a file has {} bytes, but {expected} were expected", open.bytes)));
        }
        let bytes = open.bytes;
        self.files.open.remove(&file);
        self.send_file(FilePart::Finish { file }).await?;
        self.counters.filed(bytes);
        Ok(())
    }

    /// Discards a file unless it was finished. Never refused: what cannot be told to the destination
    /// is discarded with the sync.
    pub(crate) async fn drop_file(&mut self, file: u64) {
        if self.files.open.remove(&file).is_some() {
            let _ = self.queue.file(FilePart::Discard { file }).await;
        }
    }

    async fn send_file(&mut self, part: FilePart) -> Result<(), Refusal> {
        self.queue.file(part).await.map_err(|failure| self.stopped(failure))
    }
}

fn finished() -> Refusal {
    Refusal::Invalid("the file was finished before; begin another one".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::counters::Counters;
    use crate::incidents::Incidents;
    use crate::policy::limits::Limits;
    use crate::queue::{Writer, queue};

    async fn operations(limits: Limits) -> (Operations, Writer) {
        let counters = Arc::new(Counters::default());
        let (sender, writer) = queue(Arc::clone(&counters));
        let mut operations = Operations::new(limits, Arc::default(), sender, Incidents::default(), counters);
        operations.declare(Vec::new()).await.unwrap();
        (operations, writer)
    }

    fn table() -> TableName {
        TableName { schema: None, name: "t".to_owned() }
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn limits_are_sticky() {
        run(async {
            let limits = Limits { file_bytes: 10, file_bytes_total: 15, files: 3, ..Limits::default() };
            let (mut taken, _writer) = operations(limits.clone()).await;
            let file = taken.begin_file(table(), "a", Some(10)).await.unwrap();
            taken.file_bytes(file, vec![0; 10]).await.unwrap();
            taken.finish_file(file).await.unwrap();
            let file = taken.begin_file(table(), "a", None).await.unwrap();
            assert!(matches!(taken.file_bytes(file, vec![0; 6]).await, Err(Refusal::Limit(_))));
            assert!(matches!(taken.begin_file(table(), "a", None).await, Err(Refusal::Limit(_))));

            let (mut taken, _writer) = operations(limits.clone()).await;
            assert!(matches!(taken.begin_file(table(), "a", Some(11)).await, Err(Refusal::Limit(_))));

            let (mut taken, _writer) = operations(limits.clone()).await;
            let file = taken.begin_file(table(), "a", None).await.unwrap();
            assert!(matches!(taken.file_bytes(file, vec![0; 11]).await, Err(Refusal::Limit(_))));

            let (mut taken, _writer) = operations(limits).await;
            for _ in 0..3 {
                let file = taken.begin_file(table(), "a", None).await.unwrap();
                taken.drop_file(file).await;
            }
            assert!(matches!(taken.begin_file(table(), "a", None).await, Err(Refusal::Limit(_))));
        });
    }

    #[test]
    fn mistakes_are_refused_and_the_sync_goes_on() {
        run(async {
            let (mut taken, _writer) = operations(Limits::default()).await;
            for path in ["../a", "/a", ""] {
                assert!(matches!(taken.begin_file(table(), path, None).await, Err(Refusal::Invalid(_))));
            }
            let nameless = TableName { schema: None, name: String::new() };
            assert!(matches!(taken.begin_file(nameless, "a", None).await, Err(Refusal::Invalid(_))));
            let file = taken.begin_file(table(), "a", Some(2)).await.unwrap();
            taken.file_bytes(file, vec![0]).await.unwrap();
            assert!(matches!(taken.finish_file(file).await, Err(Refusal::Invalid(_))));
            let chunk = vec![0; FILE_CHUNK_BYTES + 1];
            assert!(matches!(taken.file_bytes(file, chunk).await, Err(Refusal::Invalid(_))));
            taken.file_bytes(file, vec![0]).await.unwrap();
            taken.finish_file(file).await.unwrap();
            assert!(matches!(taken.finish_file(file).await, Err(Refusal::Invalid(_))));
            assert!(matches!(taken.file_bytes(file, vec![]).await, Err(Refusal::Invalid(_))));
            let mut last = Ok(0);
            for _ in 0..=OPEN_FILES {
                last = taken.begin_file(table(), "b", None).await;
            }
            assert!(matches!(last, Err(Refusal::Invalid(_))));
        });
    }
}
