//! Files as streams: always ready, since they lie in memory.

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::Open;

/// Bytes one call moves at most; what the host allocates for a call of a guest.
pub(super) const PIECE: usize = 256 * 1024;

/// Reads a file from a position on.
pub(super) struct Reader {
    pub(super) open: Open,
    pub(super) position: u64,
}

/// Writes a file from a position on, or always at its end.
pub(super) struct Writer {
    pub(super) open: Open,
    /// None to append.
    pub(super) position: Option<u64>,
}

fn failed(code: ErrorCode) -> StreamError {
    // The guest asks for the code through `filesystem-error-code`.
    StreamError::LastOperationFailed(code.into())
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.open.tree().read(self.open.id(), self.position, size.min(PIECE)).map_err(failed)?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.position += bytes.len() as u64;
        Ok(bytes.into())
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut tree = self.open.tree();
        let id = self.open.id();
        let at = match self.position {
            Some(position) => position,
            None => tree.len(id).map_err(failed)?,
        };
        tree.write(id, at, &bytes).map_err(failed)?;
        if let Some(position) = &mut self.position {
            *position = at.saturating_add(bytes.len() as u64);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE)
    }
}
