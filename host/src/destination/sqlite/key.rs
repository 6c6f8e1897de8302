//! The key of a connection's hashed columns: `<connection>.key`, beside the database and not in it, because who has
//! the key can try out values, and the database is made to be given to others.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::OFlags;

use super::files::check_file;
use super::text::push_hex;
use crate::destination::DestinationError;
use crate::destination::filter::HashKey;

/// Hexadecimal digits of a key file, which ends with a line break.
const DIGITS: usize = 2 * HashKey::BYTES;

/// The key, if there is one.
///
/// # Errors
/// `Files` when the file is not a key, or others may read or write it.
pub(super) fn read(path: &Path) -> Result<Option<HashKey>, DestinationError> {
    check_file(path)?;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DestinationError::files(path, "cannot open the key of hashed columns", Some(error))),
    };
    let failed = |error| DestinationError::files(path, "cannot read the key of hashed columns", Some(error));
    let metadata = file.metadata().map_err(failed)?;
    if metadata.mode() & 0o077 != 0 {
        let reason = "can be read by others, who could then try out what was hashed; take that away with chmod go-rwx";
        return Err(DestinationError::files(path, reason, None));
    }
    let mut text = String::new();
    file.take(DIGITS as u64 + 2).read_to_string(&mut text).map_err(failed)?;
    match parse(text.trim_end()) {
        Some(bytes) => Ok(Some(HashKey::new(&bytes))),
        None => Err(DestinationError::files(path, "is not a key of hashed columns; put the right file back", None)),
    }
}

/// Makes a key where there is none, durable before this returns.
///
/// # Errors
/// `Files` when the system gives no random bytes or the file cannot be written.
pub(super) fn make(path: &Path) -> Result<HashKey, DestinationError> {
    let mut bytes = [0; HashKey::BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| DestinationError::files(path, "the system gives no random bytes for a key", None))?;
    let mut text = String::with_capacity(DIGITS + 1);
    push_hex(&mut text, &bytes);
    text.push('\n');
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // Private from its first moment, and under its name only when it is whole.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| DestinationError::files(path, "cannot write the key of hashed columns", Some(error)))?;
    Ok(HashKey::new(&bytes))
}

fn parse(text: &str) -> Option<[u8; HashKey::BYTES]> {
    if text.len() != DIGITS || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; HashKey::BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
