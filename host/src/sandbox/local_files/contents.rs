//! The bytes of one file, in pages, so that growing never copies what is there.

use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// Files take memory, and are counted, in steps of this many bytes.
pub(super) const PAGE: usize = 4096;

/// The bytes of one file. What lies behind `len` in the last page is zero.
#[derive(Default)]
pub(super) struct Contents {
    pages: Vec<Box<[u8]>>,
    len: u64,
}

impl Contents {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of memory that a file of this length takes.
    pub(super) fn charge(len: u64) -> u64 {
        len.div_ceil(PAGE as u64).saturating_mul(PAGE as u64)
    }

    /// Makes the file longer, with zeros, or shorter. The caller has counted the memory.
    pub(super) fn resize(&mut self, len: u64) -> Result<(), ErrorCode> {
        let pages = usize::try_from(len.div_ceil(PAGE as u64)).map_err(|_| ErrorCode::FileTooLarge)?;
        self.pages.resize_with(pages, || vec![0; PAGE].into_boxed_slice());
        if len < self.len {
            let kept = within(len);
            if let Some(rest) = self.pages.last_mut().filter(|_| kept > 0).and_then(|page| page.get_mut(kept..)) {
                rest.fill(0);
            }
        }
        self.len = len;
        Ok(())
    }

    /// At most `most` bytes from `offset` on; none at the end.
    pub(super) fn read(&self, offset: u64, most: usize) -> Vec<u8> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = left.min(most);
        let mut bytes = Vec::with_capacity(count);
        let mut at = offset;
        while bytes.len() < count {
            let (Some(page), from) = (self.page(at), within(at)) else { break };
            let end = PAGE.min(from + count - bytes.len());
            let piece = page.get(from..end).unwrap_or_default();
            bytes.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        bytes
    }

    /// Overwrites what lies between `offset` and the end; `resize` has made the room.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let from = within(at);
            let (piece, after) = rest.split_at(rest.len().min(PAGE - from));
            let page = usize::try_from(at / PAGE as u64).ok().and_then(|index| self.pages.get_mut(index));
            let Some(room) = page.and_then(|page| page.get_mut(from..from + piece.len())) else { return };
            room.copy_from_slice(piece);
            at += piece.len() as u64;
            rest = after;
        }
    }

    fn page(&self, at: u64) -> Option<&[u8]> {
        let index = usize::try_from(at / PAGE as u64).ok()?;
        self.pages.get(index).map(AsRef::as_ref)
    }
}

/// Where in its page a byte lies.
fn within(at: u64) -> usize {
    usize::try_from(at % PAGE as u64).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_across_pages() {
        let mut file = Contents::default();
        let bytes: Vec<u8> = (0..3 * PAGE).map(|number| (number % 251) as u8).collect();
        for offset in [0, 1, PAGE as u64 - 1, PAGE as u64, 5000] {
            file.resize(0).unwrap();
            file.resize(offset + bytes.len() as u64).unwrap();
            file.write(offset, &bytes);
            assert_eq!(file.read(offset, usize::MAX), bytes);
            assert_eq!(file.read(offset + 10, 5000), bytes.get(10..5010).unwrap());
            assert!(file.read(0, usize::try_from(offset).unwrap()).iter().all(|byte| *byte == 0));
        }
        assert_eq!(file.read(u64::MAX, 10), b"");
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut file = Contents::default();
        file.resize(6000).unwrap();
        file.write(0, &[1; 6000]);
        file.resize(100).unwrap();
        file.resize(6000).unwrap();
        let bytes = file.read(0, 6000);
        assert!(bytes.iter().skip(100).all(|byte| *byte == 0));
        assert!(bytes.iter().take(100).all(|byte| *byte == 1));
    }
}
