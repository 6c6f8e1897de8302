//! One cassette of what several syncs exchanged: enough entries for any of them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::Trouble;
use crate::cassette::{CASSETTE_BYTES, ENTRIES, PARTIAL};
use crate::room;

/// Entries so far, and how many there are of each request.
#[derive(Debug, Default)]
pub(super) struct Merged {
    log: Map<String, Value>,
    entries: Vec<Value>,
    counts: HashMap<(String, String), usize>,
    bytes: usize,
}

impl Merged {
    /// Adds what one sync recorded, as far as it has more of a request than those before.
    pub(super) fn add(&mut self, recording: &Path) -> Result<(), Trouble> {
        let unusable = |reason: String| Trouble(format!("could not read a recording: {reason}"));
        let bytes = fs::read(recording).map_err(|error| unusable(error.to_string()))?;
        let file: Value = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
        let Some(Value::Object(mut log)) = file.get("log").cloned() else { return Ok(()) };
        let entries = log.remove("entries");
        // A sync that the kit cut is no reason to call the whole partial.
        log.remove("comment");
        if self.log.is_empty() {
            self.log = log;
        }
        let mut these = HashMap::<(String, String), usize>::new();
        for entry in entries.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| entry.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let asked = (text("/request/method"), text("/request/url"));
            let count = these.entry(asked.clone()).or_default();
            *count += 1;
            let known = self.counts.entry(asked).or_default();
            if *count <= *known {
                continue;
            }
            *known = *count;
            self.bytes = self.bytes.saturating_add(entry.to_string().len());
            if self.bytes as u64 > CASSETTE_BYTES || self.entries.len() >= ENTRIES {
                return Err(Trouble("the recording of all syncs is larger than a cassette may be".to_owned()));
            }
            self.entries.push(entry.clone());
        }
        // What is not needed any more need not wait for the end.
        let _ = fs::remove_file(recording);
        Ok(())
    }

    /// Whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the cassette, all of it or nothing; answers its entries.
    pub(super) fn write(&self, path: &Path, partial: bool) -> Result<u64, Trouble> {
        let failed = |error: std::io::Error| {
            Trouble(format!("cannot write the cassette {}: {}", path.display(), room::words(&error)))
        };
        let mut log = self.log.clone();
        if partial {
            log.insert("comment".to_owned(), PARTIAL.into());
        }
        let log = Value::Object(log);
        let mut log = log.to_string();
        // One entry a line, so that changes of a cassette can be read.
        log.truncate(log.len().saturating_sub(1));
        let comma = if self.log.is_empty() { "" } else { "," };
        let entries = self.entries.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n");
        let text = format!("{{\"log\":{log}{comma}\"entries\":[\n{entries}\n]}}}}\n");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        fs::write(file.path(), text).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(self.entries.len() as u64)
    }
}
