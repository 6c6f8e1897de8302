//! Local servers that speak bytes, and a name server that says what a test wants.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::*;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;

/// Runs a future on a runtime of its own.
pub(super) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A server: one thread a connection, which gets the stream and the connection's number from 0.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn new(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, serve) = (Arc::clone(&accepted), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream.unwrap(), number));
            }
        });
        Self { address, accepted }
    }

    /// Answers every request of every connection with the same bytes.
    pub(super) fn always(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |mut stream, _| {
            while read_request(&mut stream).is_some() {
                stream.write_all(&answer).unwrap();
            }
        })
    }

    pub(super) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }

    /// A grant for the server's own address.
    pub(super) fn grants(&self) -> NetworkGrants {
        grants(&[&format!("http://{}", self.address)], &[])
    }
}

/// Reads one request with the body its Content-Length announces; `None` when the client closed.
pub(super) fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

pub(super) fn grants(hosts: &[&str], addresses: &[&str]) -> NetworkGrants {
    let hosts: Vec<_> = hosts.iter().map(|text| text.parse().unwrap()).collect();
    let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    NetworkGrants::from_operator(&hosts, &addresses)
}

/// Answers queries from a list; the last answer is repeated.
#[derive(Default)]
pub(super) struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    pub(super) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve(&self, _: &str) -> Addresses {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| std::io::Error::other("no such name")) })
    }
}

/// Short limits, so that a test that fails by waiting fails soon.
pub(super) fn quick() -> Limits {
    let mut limits = Limits::default();
    limits.connect = Duration::from_secs(5);
    limits.first_byte = Duration::from_secs(5);
    limits.between_bytes = Duration::from_secs(5);
    limits
}

pub(super) fn client(grants: NetworkGrants, limits: &Limits) -> Client {
    Client::new(grants, limits, Names::new(&[]), Trust::nobody())
}

pub(super) fn get(url: &str) -> RequestParts {
    RequestParts { method: "GET".to_owned(), url: url.to_owned(), ..RequestParts::default() }
}

pub(super) async fn send(client: &Client, parts: &RequestParts) -> Result<Response, HttpError> {
    client.send(client.admit(parts)?, RequestBody::Empty).await
}

/// The whole exchange.
pub(super) async fn fetch(client: &Client, parts: &RequestParts) -> Result<(u16, Vec<u8>), HttpError> {
    let mut response = send(client, parts).await?;
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await? {
        body.extend_from_slice(&piece);
    }
    Ok((response.status, body))
}
