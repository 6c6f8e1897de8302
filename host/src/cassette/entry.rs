//! From an exchange to the text of an entry.

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::raw::{End, Note};
use super::redact::Redaction;
use crate::policy::base64;

/// Header fields in order.
type Fields = Vec<(String, Vec<u8>)>;

/// An exchange as it went.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// When it began.
    pub started: Timestamp,
    /// Milliseconds until the head of the response, or until it failed.
    pub wait: f64,
    /// Milliseconds of the body.
    pub receive: f64,
    /// The request's method.
    pub method: String,
    /// The request's URL.
    pub url: String,
    /// Header fields of the request.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// Body of the request.
    pub request_body: Vec<u8>,
    /// Status, reason and header fields of the response, if there was one.
    pub head: Option<(u16, String, Fields)>,
    /// Body of the response, as far as it was read.
    pub body: Vec<u8>,
    /// Kind and text of the failure, if it did not end well.
    pub end: Option<(String, String)>,
}

/// What a cassette says of itself that ends before the sync was done.
pub const PARTIAL: &str = "partial: the sync was ended before it was done, and this is what was exchanged until then";

/// What stands before the entries.
#[must_use]
pub fn head(server: Option<&str>, partial: bool) -> String {
    let creator = json!({"name": "sluice", "version": env!("CARGO_PKG_VERSION")});
    let server = server.map(|server| format!("\"_server\":{},", json!(server))).unwrap_or_default();
    let comment = if partial { format!("\"comment\":{},", json!(PARTIAL)) } else { String::new() };
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},{comment}{server}\"entries\":[\n")
}

/// What stands after the entries.
#[must_use]
pub fn tail() -> &'static str {
    "\n]}}\n"
}

impl Exchange {
    /// The entry as JSON, without secrets.
    #[must_use]
    pub fn entry(&self, redaction: &Redaction) -> Value {
        let note = Note {
            as_sent: true,
            end: self.end.as_ref().map(|(kind, text)| End { kind: kind.clone(), text: redaction.text(text) }),
        };
        json!({
            "startedDateTime": self.started.to_string(),
            "time": millis(self.wait + self.receive),
            "request": self.request(redaction),
            "response": self.response(redaction),
            "cache": {},
            "timings": {"send": 0, "wait": millis(self.wait), "receive": millis(self.receive)},
            "_sluice": note,
        })
    }

    /// Whether the response's body is compressed, so that secrets in it cannot be found.
    #[must_use]
    pub fn unsearched(&self) -> bool {
        let encoding = self.head.iter().flat_map(|(_, _, headers)| headers);
        let mut encoding = encoding.filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        !self.body.is_empty() && encoding.any(|(_, value)| !value.eq_ignore_ascii_case(b"identity"))
    }

    fn request(&self, redaction: &Redaction) -> Value {
        let url = redaction.url(&self.url);
        let query: Vec<Value> = Url::parse(&url)
            .map(|url| url.query_pairs().map(|(name, value)| json!({"name": name, "value": value})).collect())
            .unwrap_or_default();
        let mut request = json!({
            "method": self.method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(&self.request_headers, None, redaction),
            "queryString": query,
            "headersSize": -1,
            "bodySize": self.request_body.len(),
        });
        if !self.request_body.is_empty() {
            let kind = media_type(&self.request_headers);
            let (text, encoding) = body_text(redaction.body(&self.request_body, &kind));
            let mut data = json!({"mimeType": redaction.text(&kind), "text": text});
            if let (Some(encoding), Some(data)) = (encoding, data.as_object_mut()) {
                // HAR knows an encoding of responses only
                data.insert("_encoding".to_owned(), json!(encoding));
            }
            if let Some(request) = request.as_object_mut() {
                request.insert("postData".to_owned(), data);
            }
        }
        request
    }

    fn response(&self, redaction: &Redaction) -> Value {
        let (status, reason, fields) = match &self.head {
            Some((status, reason, fields)) => (*status, reason.as_str(), fields.as_slice()),
            None => (0, "", Default::default()),
        };
        let kind = media_type(fields);
        let body = redaction.body(&self.body, &kind);
        let length = (body.len() != self.body.len()).then_some(body.len());
        let size = body.len();
        let (text, encoding) = body_text(body);
        let mut content = json!({"size": size, "mimeType": redaction.text(&kind), "text": text});
        if let (Some(encoding), Some(content)) = (encoding, content.as_object_mut()) {
            content.insert("encoding".to_owned(), json!(encoding));
        }
        let location = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
        json!({
            "status": status,
            "statusText": redaction.text(reason),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(fields, length, redaction),
            "content": content,
            "redirectURL": location.map(|(name, value)| redaction.header(name, value)).unwrap_or_default(),
            "headersSize": -1,
            "bodySize": self.body.len(),
        })
    }
}

/// The header fields; the length of a body that was changed is the new one.
fn headers(fields: &[(String, Vec<u8>)], length: Option<usize>, redaction: &Redaction) -> Vec<Value> {
    let one = |(name, value): &(String, Vec<u8>)| {
        let value = match length {
            Some(length) if name.eq_ignore_ascii_case("content-length") => length.to_string(),
            _ => redaction.header(name, value),
        };
        json!({"name": name, "value": value})
    };
    fields.iter().map(one).collect()
}

fn media_type(fields: &[(String, Vec<u8>)]) -> String {
    let field = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    field.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn body_text(bytes: Vec<u8>) -> (String, Option<&'static str>) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => (base64::encode(error.as_bytes()), Some("base64")),
    }
}

/// To the microsecond.
fn millis(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
