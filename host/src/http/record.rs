//! Keeps the exchanges of a sync for a cassette.
//!
//! An exchange under way is held in memory, all of them together within [`HELD_BYTES`]. When it is over its entry
//! goes, without secrets, to a nameless file beside the cassette, which is put together at the end.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;

use super::admit::RequestParts;
use super::error::HttpError;
use super::exchange::Response;
use super::upload::RequestBody;
use crate::cassette::{BODY_BYTES, CASSETTE_BYTES, Exchange, Redaction, head, tail};
use crate::policy::egress::Destination;
use crate::room;

/// Bytes of bodies of exchanges under way.
const HELD_BYTES: usize = 2 * BODY_BYTES;

/// Why a recording is not whole.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file could not be written.
    #[error("cannot write the cassette {path}: {}", room::words(error))]
    Io {
        /// The cassette.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Exchanges in the cassette.
    pub entries: u64,
    /// Bodies among them that arrived compressed, in which secrets could not be looked for.
    pub unsearched: u64,
    /// Whether it says of itself that the sync was ended before it was done.
    pub partial: bool,
}

/// The recorder of one sync.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    server: Option<String>,
    redaction: Redaction,
    held: AtomicUsize,
    spool: Mutex<Spool>,
}

#[derive(Debug)]
struct Spool {
    file: BufWriter<File>,
    /// Where each exchange's entry lies, in the order in which they began.
    places: Vec<Option<(u64, usize)>>,
    written: u64,
    unsearched: u64,
    failed: Option<io::Error>,
}

impl Recorder {
    /// A recorder for a cassette at `path`, which is written by [`finish`](Self::finish) alone. `server` is the
    /// URL of the test server beside the sync.
    ///
    /// # Errors
    /// When nothing can be written into its folder.
    pub fn new(path: &Path, redaction: Redaction, server: Option<String>) -> Result<Self, RecordError> {
        let path = path.to_path_buf();
        let file = match tempfile::tempfile_in(folder(&path)) {
            Ok(file) => BufWriter::new(file),
            Err(error) => return Err(RecordError::Io { path, error }),
        };
        let spool = Spool { file, places: Vec::new(), written: 0, unsearched: 0, failed: None };
        Ok(Self { path, server, redaction, held: AtomicUsize::new(0), spool: Mutex::new(spool) })
    }

    /// Writes the cassette in the place of one that was there, all of it or nothing; `partial` when the sync was ended
    /// before it was done.
    ///
    /// # Errors
    /// When it cannot be written, or some entry could not.
    pub fn finish(&self, partial: bool) -> Result<Recorded, RecordError> {
        self.write(partial).map_err(|error| RecordError::Io { path: self.path.clone(), error })
    }

    fn write(&self, partial: bool) -> io::Result<Recorded> {
        let mut spool = self.spool();
        if let Some(error) = spool.failed.take() {
            return Err(error);
        }
        spool.file.flush()?;
        let mut entries = BufReader::new(spool.file.get_ref().try_clone()?);
        let mut cassette = tempfile::NamedTempFile::new_in(folder(&self.path))?;
        let mut out = BufWriter::new(cassette.as_file_mut());
        let mut recorded = Recorded { entries: 0, unsearched: spool.unsearched, partial };
        out.write_all(head(self.server.as_deref(), partial).as_bytes())?;
        for (at, bytes) in spool.places.iter().flatten() {
            if recorded.entries > 0 {
                out.write_all(b",\n")?;
            }
            entries.seek(SeekFrom::Start(*at))?;
            let copied = io::copy(&mut entries.by_ref().take(*bytes as u64), &mut out)?;
            if copied != *bytes as u64 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            recorded.entries += 1;
        }
        out.write_all(tail().as_bytes())?;
        out.flush()?;
        drop(out);
        cassette.as_file().sync_all()?;
        cassette.persist(&self.path).map_err(|error| error.error)?;
        Ok(recorded)
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as it goes out: as the connector wrote it, except that the server is asked for a body that is
    /// not compressed, in which secrets can be found.
    pub(super) fn as_sent(parts: &RequestParts) -> RequestParts {
        let mut sent = parts.clone();
        sent.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
        sent.headers.push(("Accept-Encoding".to_owned(), b"identity".to_vec()));
        sent
    }

    /// Begins to record a request, as it goes out.
    pub(super) fn begin(self: &Arc<Self>, sent: &RequestParts) -> Recording {
        let exchange = Exchange {
            started: Timestamp::now(),
            wait: 0.0,
            receive: 0.0,
            method: sent.method.clone(),
            url: Destination::parse(&sent.url).map_or_else(|_| sent.url.clone(), |(_, url)| url.into()),
            request_headers: sent.headers.clone(),
            request_body: Vec::new(),
            head: None,
            body: Vec::new(),
            end: None,
        };
        let mut spool = self.spool();
        spool.places.push(None);
        let number = spool.places.len() - 1;
        drop(spool);
        let request_body = Arc::new(Kept { recorder: Arc::clone(self), bytes: Mutex::default() });
        Recording {
            exchange,
            request_body,
            recorder: Arc::clone(self),
            number,
            held: 0,
            began: Instant::now(),
            over: false,
        }
    }

    /// Takes room for some bytes of a body that has `so_far`.
    fn hold(&self, so_far: usize, bytes: usize) -> Result<(), HttpError> {
        if so_far.saturating_add(bytes) > BODY_BYTES {
            return Err(full(format!("a body has more than {} MiB", BODY_BYTES / (1024 * 1024))));
        }
        if self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > HELD_BYTES {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(full(format!("bodies under way have more than {} MiB", HELD_BYTES / (1024 * 1024))));
        }
        Ok(())
    }

    /// Writes the entry of an exchange that is over.
    fn keep(&self, number: usize, exchange: &Exchange) -> Result<(), HttpError> {
        let entry = exchange.entry(&self.redaction).to_string();
        let mut spool = self.spool();
        let at = spool.written;
        if at.saturating_add(entry.len() as u64).saturating_add(1024) > CASSETTE_BYTES {
            return Err(full(format!("the exchanges have more than {} MiB", CASSETTE_BYTES / (1024 * 1024))));
        }
        if spool.failed.is_none() {
            match spool.file.write_all(entry.as_bytes()) {
                Ok(()) => {
                    spool.written += entry.len() as u64;
                    spool.unsearched += u64::from(exchange.unsearched());
                    if let Some(place) = spool.places.get_mut(number) {
                        *place = Some((at, entry.len()));
                    }
                }
                Err(error) => spool.failed = Some(error),
            }
        }
        match &spool.failed {
            None => Ok(()),
            Some(error) => Err(HttpError::Limit {
                text: format!("the cassette cannot be written: {}", room::words(error)),
                sticky: true,
            }),
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn full(what: String) -> HttpError {
    HttpError::Limit {
        text: format!("{what}, which is more than a cassette takes; sync without --record"),
        sticky: true,
    }
}

/// Bytes of a request's body as they go out.
#[derive(Debug)]
struct Kept {
    recorder: Arc<Recorder>,
    bytes: Mutex<Vec<u8>>,
}

impl Kept {
    fn add(&self, piece: &[u8]) -> Result<(), HttpError> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        self.recorder.hold(bytes.len(), piece.len())?;
        bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let bytes = self.bytes.get_mut().unwrap_or_else(PoisonError::into_inner).len();
        self.recorder.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One exchange under way. It is kept as far as it went when it is dropped.
#[derive(Debug)]
pub(super) struct Recording {
    exchange: Exchange,
    request_body: Arc<Kept>,
    recorder: Arc<Recorder>,
    number: usize,
    held: usize,
    began: Instant,
    over: bool,
}

impl Recording {
    /// The body, of which a copy is kept as it goes out.
    pub(super) fn outgoing(&self, body: RequestBody) -> Result<RequestBody, HttpError> {
        Ok(match body {
            RequestBody::Empty => RequestBody::Empty,
            RequestBody::Bytes(bytes) => {
                self.request_body.add(&bytes)?;
                RequestBody::Bytes(bytes)
            }
            RequestBody::Stream(stream) => {
                let kept = Arc::clone(&self.request_body);
                RequestBody::Stream(Box::pin(stream.map(move |piece| {
                    let piece = piece?;
                    kept.add(&piece)?;
                    Ok(piece)
                })))
            }
        })
    }

    /// The head has arrived.
    pub(super) fn head(&mut self, response: &Response) {
        self.exchange.wait = self.began.elapsed().as_secs_f64() * 1000.0;
        self.exchange.head = Some((response.status, response.reason.clone(), response.headers.clone()));
        self.began = Instant::now();
    }

    /// Some of the body has arrived.
    pub(super) fn piece(&mut self, piece: &[u8]) -> Result<(), HttpError> {
        self.recorder.hold(self.exchange.body.len(), piece.len())?;
        self.held += piece.len();
        self.exchange.body.extend_from_slice(piece);
        Ok(())
    }

    /// Whether the body is there although its end was not read, as libraries do that count bytes.
    fn is_whole(&self) -> bool {
        let Some((status, _, fields)) = &self.exchange.head else { return false };
        let length = fields.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse().ok());
        self.exchange.method == "HEAD" || matches!(status, 204 | 304) || length == Some(self.exchange.body.len())
    }

    /// It is over.
    pub(super) fn over(&mut self, error: Option<&HttpError>) -> Result<(), HttpError> {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        let elapsed = self.began.elapsed().as_secs_f64() * 1000.0;
        match self.exchange.head {
            Some(_) => self.exchange.receive = elapsed,
            None => self.exchange.wait = elapsed,
        }
        self.exchange.end = error.map(|error| (error.kind().to_owned(), error.to_string()));
        let body = &mut *self.request_body.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        // it still counts as held
        self.exchange.request_body.clone_from(body);
        self.recorder.keep(self.number, &self.exchange)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let unread = HttpError::ConnectionClosed("the recording ends here: the connector read no further".to_owned());
        let unread = Some(unread).filter(|_| !self.is_whole());
        // The recorder remembers what could not be written.
        let _ = self.over(unread.as_ref());
        self.recorder.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}
