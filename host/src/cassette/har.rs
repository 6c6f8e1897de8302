//! From bytes to entries.

use std::cell::Cell;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::DeserializeSeed;
use url::Url;

use super::CASSETTE_BYTES;
use super::raw::{End, File, RawContent, RawEntry, RawHeader, RawResponse};
use super::redact::bytes_of;
use crate::policy::base64;
use crate::policy::terminal::{Lines, visible};

/// The longest text of a parser that is shown.
const REASON_BYTES: usize = 200;

/// Header fields that describe how a body travelled, which a browser's file no longer has.
const TRAVEL: [&str; 5] = ["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"];

/// How a body begins that is still compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08";

/// Why a cassette cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CassetteError {
    /// More bytes than a cassette may have.
    #[error("the cassette is larger than {} MiB", CASSETTE_BYTES / (1024 * 1024))]
    TooLarge,
    /// The file is not as it must be.
    #[error("{}{reason}", entry.map(|entry| format!("entry {entry}: ")).unwrap_or_default())]
    Malformed {
        /// The entry, from 1, when it is one that is wrong.
        entry: Option<usize>,
        /// What is wrong and where.
        reason: String,
    },
    /// It does not say when its first exchange began.
    #[error("the first entry has no `startedDateTime`, at which the clock of a replay stands")]
    NoTime,
}

/// Exchanges that were recorded.
#[derive(Clone, Debug, Default)]
pub struct Cassette {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// The URL of the test server that was recorded, if one was.
    pub server: Option<String>,
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it began.
    pub started: Option<Timestamp>,
    /// The request's method.
    pub method: String,
    /// The request's URL, normalised and without a fragment.
    pub url: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An answer, perhaps one that broke off.
    Reply(Reply),
    /// None.
    Failed {
        /// The kind of failure, as `HttpError` has them.
        kind: String,
        /// What happened.
        text: String,
    },
}

/// An answer as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599.
    pub status: u16,
    /// The reason phrase, possibly empty.
    pub reason: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, as far as it was recorded.
    pub body: Bytes,
    /// Kind and text of the failure after the body, if it broke off.
    pub end: Option<(String, String)>,
}

impl Cassette {
    /// Reads a HAR file.
    ///
    /// # Errors
    /// [`CassetteError`], with line and column or the number of the entry.
    pub fn parse(bytes: &[u8]) -> Result<Self, CassetteError> {
        if bytes.len() as u64 > CASSETTE_BYTES {
            return Err(CassetteError::TooLarge);
        }
        // some tools write a byte order mark
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (read, in_entries) = (Cell::new(0), Cell::new(false));
        let mut parser = serde_json::Deserializer::from_slice(bytes);
        let file = File { read: &read, in_entries: &in_entries }.deserialize(&mut parser);
        let file = file.and_then(|file| parser.end().map(|()| file)).map_err(|error| CassetteError::Malformed {
            entry: in_entries.get().then(|| read.get() + 1),
            reason: visible(&error.to_string(), Lines::One, REASON_BYTES),
        })?;
        if let Some(version) = file.version.filter(|version| !version.starts_with("1.")) {
            let version = visible(&version, Lines::One, REASON_BYTES);
            return Err(malformed(None, format!("the version of HAR is {version}; 1.1 and 1.2 are known")));
        }
        let mut entries = Vec::with_capacity(file.entries.len());
        for (index, raw) in file.entries.into_iter().enumerate() {
            entries.extend(entry(raw).map_err(|reason| malformed(Some(index + 1), reason))?);
        }
        Ok(Self { entries, server: file.server })
    }

    /// When the first exchange began; the clock of a replay.
    ///
    /// # Errors
    /// [`CassetteError::NoTime`].
    pub fn started(&self) -> Result<Timestamp, CassetteError> {
        self.entries.first().and_then(|entry| entry.started).ok_or(CassetteError::NoTime)
    }
}

fn malformed(entry: Option<usize>, reason: String) -> CassetteError {
    CassetteError::Malformed { entry, reason }
}

/// `None` for what is no exchange over HTTP; browsers list data URLs and web sockets too.
fn entry(raw: RawEntry) -> Result<Option<Entry>, String> {
    let url = match Url::parse(&raw.request.url) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => return Ok(None),
        Ok(mut url) => {
            url.set_fragment(None);
            url.into()
        }
        // a redacted host is no URL, and is compared as it stands
        Err(_) if raw.request.url.starts_with("http") => raw.request.url,
        Err(error) => return Err(format!("`request.url` is not a URL: {error}")),
    };
    let started = match &raw.started_date_time {
        None => None,
        Some(text) => Some(moment(text).ok_or_else(|| {
            let text = visible(text, Lines::One, 64);
            format!("`startedDateTime` is not a time such as 2025-01-31T12:00:00Z: {text}")
        })?),
    };
    let note = raw.note.unwrap_or_default();
    let head = raw.request.method == "HEAD";
    let outcome = match raw.response {
        Some(response) => reply(response, note.as_sent, note.end, head)?,
        None => failed(note.end),
    };
    Ok(Some(Entry { started, method: raw.request.method, url, outcome }))
}

/// A time with its offset. Without one, as some tools write it, it is UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    text.parse().ok().or_else(|| local().map(|time| time.timestamp()))
}

fn failed(end: Option<End>) -> Outcome {
    match end {
        Some(End { kind, text }) => Outcome::Failed { kind, text },
        None => Outcome::Failed {
            kind: "connect".to_owned(),
            text: "the cassette holds no answer: the request failed when it was recorded".to_owned(),
        },
    }
}

fn reply(raw: RawResponse, as_sent: bool, end: Option<End>, head: bool) -> Result<Outcome, String> {
    let status = match raw.status.unwrap_or(0) {
        ..=0 => return Ok(failed(end)),
        status @ 200..=599 => u16::try_from(status).map_err(|error| error.to_string())?,
        status => {
            return Ok(Outcome::Failed {
                kind: "protocol".to_owned(),
                text: format!("the cassette holds status {status}, which is no answer"),
            });
        }
    };
    let mut fields = headers(raw.headers.unwrap_or_default())?;
    let content = raw.content.unwrap_or(RawContent { size: None, text: None, encoding: None });
    let bodiless = head || status == 204 || (300..400).contains(&status);
    if content.text.is_none() && content.size.is_some_and(|size| size > 0.0) && !bodiless {
        // an empty body in its place would look like an empty source
        return Ok(Outcome::Failed {
            kind: "connection-closed".to_owned(),
            text: "the cassette holds no body of this answer; the browser did not save it".to_owned(),
        });
    }
    let body = body(content)?;
    if !as_sent {
        // most tools save what they decoded; where bytes are still as they travelled, the client decodes them
        let squeezed = body.starts_with(GZIP);
        fields.retain(|(name, value)| {
            !TRAVEL.contains(&name.as_str())
                || (squeezed && name == "content-encoding" && value.eq_ignore_ascii_case(b"gzip"))
        });
    }
    let end = end.map(|end| (end.kind, end.text));
    Ok(Outcome::Reply(Reply { status, reason: raw.status_text.unwrap_or_default(), headers: fields, body, end }))
}

fn headers(fields: Vec<RawHeader>) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut headers = Vec::with_capacity(fields.len());
    for (index, RawHeader { name, value }) in fields.into_iter().enumerate() {
        // what HTTP/2 writes among the header fields
        if name.starts_with(':') {
            continue;
        }
        let bad = |what| format!("header field {} of the response has {what}", index + 1);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("a name that is not a token"))?;
        // browsers join fields of one name by line breaks
        for line in value.split(['\n', '\r']).filter(|line| !line.is_empty() || value.is_empty()) {
            let value = bytes_of(line.trim_matches([' ', '\t']));
            HeaderValue::from_bytes(&value).map_err(|_| bad("a value with a NUL or control character"))?;
            headers.push((name.as_str().to_owned(), value));
        }
    }
    Ok(headers)
}

fn body(content: RawContent) -> Result<Bytes, String> {
    let text = content.text.unwrap_or_default();
    match content.encoding.as_deref().unwrap_or_default() {
        "" => Ok(Bytes::from(text)),
        encoding if encoding.eq_ignore_ascii_case("base64") => {
            let bytes = base64::decode(&text).ok_or("`response.content.text` is not base64")?;
            Ok(Bytes::from(bytes))
        }
        other => {
            let other = visible(other, Lines::One, 64);
            Err(format!("`response.content.encoding` is {other}; only base64 is known"))
        }
    }
}
