//! The shop's API, over the contract's `http` interface.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure;
use crate::sluice::connector::http::{self, Header, Request, Timeouts};
use crate::sluice::connector::types::Failure;

const PAGE_SIZE: u64 = 40;
/// The most bytes that one `read` gives.
const CHUNK: u32 = 1 << 20;

pub struct Shop {
    base_url: String,
    authorization: Vec<u8>,
}

#[derive(Deserialize)]
pub struct Page {
    pub changes: Vec<Change>,
    pub more: bool,
}

#[derive(Deserialize)]
pub struct Change {
    pub position: u64,
    #[serde(flatten)]
    pub kind: Kind,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    Order {
        order: Order,
    },
    Paid {
        id: i64,
        changed_at: String,
    },
    Removed {
        id: i64,
        lines: Vec<i64>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
pub struct Order {
    pub id: i64,
    pub reference: String,
    pub customer: String,
    pub total: String,
    pub weight: Option<f64>,
    pub paid: bool,
    pub ordered_on: String,
    pub delivery: Option<String>,
    pub changed_at: String,
    pub receipt: Option<String>,
    pub tags: serde_json::Value,
    pub note: Option<String>,
    pub lines: Vec<Line>,
}

#[derive(Deserialize)]
pub struct Line {
    pub line: i64,
    pub product: String,
    pub quantity: i64,
    pub price: String,
}

impl Shop {
    pub fn new(base_url: &str, token: &str) -> Self {
        Self { base_url: base_url.to_owned(), authorization: format!("Bearer {token}").into_bytes() }
    }

    /// The changes after a position.
    pub fn changes(&self, after: u64) -> Result<Page, Failure> {
        self.get(&format!("/changes?after={after}&limit={PAGE_SIZE}"))
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let authorization = Header { name: "Authorization".to_owned(), value: self.authorization.clone() };
        let exchange = http::send(&Request {
            method: "GET".to_owned(),
            url: format!("{}{path}", self.base_url),
            headers: vec![authorization],
            body: None,
            timeouts: Timeouts { connect: Some(30_000), read: Some(30_000) },
        })?;
        let head = exchange.head()?;
        if head.status != 200 {
            return Err(failure("http", format!("the shop answered {}", head.status)));
        }
        let mut body = Vec::new();
        loop {
            let bytes = exchange.read(CHUNK)?;
            if bytes.is_empty() {
                return Ok(serde_json::from_slice(&body)?);
            }
            body.extend(bytes);
        }
    }
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        use http::Error::*;
        // The host's words, such as which grant is missing.
        let (Denied(text)
        | InvalidRequest(text)
        | NameResolution(text)
        | Connect(text)
        | ConnectTimeout(text)
        | ReadTimeout(text)
        | Certificate(text)
        | Tls(text)
        | ConnectionClosed(text)
        | Protocol(text)
        | Limit(text)) = error;
        failure("http", text)
    }
}
