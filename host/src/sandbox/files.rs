//! The contract's `files`, converted to the host's own operations at once.

use wasmtime::component::Resource;

use super::bindings::sluice::connector::{files, operations, types};
use super::state::HostState;
use crate::ops::Refusal;

/// A file on its way; the host's side of the `upload` resource.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Upload(u64);

type Answer<T> = wasmtime::Result<Result<T, operations::Refusal>>;

impl files::Host for HostState {
    async fn begin(
        &mut self,
        table: types::TableName,
        path: String,
        expected: Option<u64>,
    ) -> Answer<Resource<Upload>> {
        match self.operations.begin_file(table.into(), &path, expected).await {
            Ok(file) => Ok(Ok(self.table.push(Upload(file))?)),
            Err(refusal) => Ok(Err(refusal.into())),
        }
    }

    async fn path_column(&mut self) -> wasmtime::Result<String> {
        Ok(self.operations.path_column().to_owned())
    }
}

impl files::HostUpload for HostState {
    async fn write(&mut self, upload: Resource<Upload>, bytes: Vec<u8>) -> Answer<()> {
        let file = self.table.get(&upload)?.0;
        Ok(self.operations.file_bytes(file, bytes).await.map_err(Into::into))
    }

    async fn write_text(&mut self, upload: Resource<Upload>, text: String) -> Answer<()> {
        let file = self.table.get(&upload)?.0;
        let bytes = text.chars().map(|character| u8::try_from(u32::from(character))).collect::<Result<Vec<_>, _>>();
        Ok(match bytes {
            Ok(bytes) => self.operations.file_bytes(file, bytes).await.map_err(Into::into),
            Err(_) => Err(Refusal::Invalid("a file's text holds characters beyond U+00FF".to_owned()).into()),
        })
    }

    async fn finish(&mut self, upload: Resource<Upload>) -> Answer<()> {
        let file = self.table.get(&upload)?.0;
        Ok(self.operations.finish_file(file).await.map_err(Into::into))
    }

    async fn drop(&mut self, upload: Resource<Upload>) -> wasmtime::Result<()> {
        let Upload(file) = self.table.delete(upload)?;
        self.operations.drop_file(file).await;
        Ok(())
    }
}
