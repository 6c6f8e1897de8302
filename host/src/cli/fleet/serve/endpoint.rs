//! `/metrics` and `/healthz` of `sluice serve`: two pages over plain HTTP, for the machine itself unless the operator
//! says otherwise.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::cli::failure::Failure;
use crate::telemetry::metrics;

/// The largest head of a request.
const HEAD_BYTES: usize = 8 << 10;
/// For reading a request and for writing its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the pages say beside the numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct State(Arc<Now>);

#[derive(Debug, Default)]
struct Now {
    running: AtomicUsize,
    stopping: AtomicBool,
}

impl State {
    /// How many syncs run, and whether the process is about to end.
    pub(super) fn set(&self, running: usize, stopping: bool) {
        self.0.running.store(running, Ordering::Relaxed);
        self.0.stopping.store(stopping, Ordering::Relaxed);
    }
}

/// The pages, served until the process ends.
pub(super) struct Endpoint {
    address: SocketAddr,
}

impl Endpoint {
    /// Listens.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(super) fn start(address: SocketAddr, state: State) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::refused(format!("cannot listen on {address}: {error}")).hint("name another with --metrics")
        };
        if !address.ip().is_loopback() {
            tracing::warn!("whoever reaches {address} can read the names of connections, tables and hosts there");
        }
        let listener = TcpListener::bind(address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let serve = move || {
            for stream in listener.incoming() {
                match stream {
                    // A reader that goes away is no failure.
                    Ok(stream) => drop(answer(stream, &state)),
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        };
        std::thread::Builder::new().name("metrics".to_owned()).spawn(serve).map_err(failed)?;
        Ok(Self { address: bound })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn answer(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (mut head, mut some) = (Vec::new(), [0; 1024]);
    let until = std::time::Instant::now() + PATIENCE;
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut some)?;
        if read == 0 || head.len() + read > HEAD_BYTES || std::time::Instant::now() > until {
            return Ok(());
        }
        head.extend_from_slice(some.get(..read).unwrap_or_default());
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = page(method, path, state);
    let kind = if path == "/metrics" { "text/plain; version=0.0.4; charset=utf-8" } else { "text/plain" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn page(method: &str, path: &str, state: &State) -> (&'static str, String) {
    match (method, path) {
        ("GET", "/metrics") => {
            let running = state.0.running.load(Ordering::Relaxed);
            let own = "# HELP sluice_syncs_running Syncs under way\n# TYPE sluice_syncs_running gauge\n";
            ("200 OK", format!("{}{own}sluice_syncs_running {running}\n", metrics().prometheus()))
        }
        ("GET", "/healthz") if state.0.stopping.load(Ordering::Relaxed) => {
            ("503 Service Unavailable", "stopping\n".to_owned())
        }
        ("GET", "/healthz") => ("200 OK", "ok\n".to_owned()),
        ("GET", _) => ("404 Not Found", "there are /metrics and /healthz\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    }
}
