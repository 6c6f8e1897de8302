//! WASI with nothing in it: no arguments, sockets or name lookup, and no environment but the
//! variables it is given. Files are in `local_files`; those of `wasmtime-wasi` are not linked.
//!
//! A component made by componentize-py imports all of WASI whether it uses it or not, so
//! the interfaces are there and every one of them is empty or refuses. What the guest
//! writes to standard output and error becomes lines of the connector's log.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, async_trait};

use super::local_files::HasFiles;
use super::state::HostState;
use super::still::StillClock;
use crate::log::{ConnectorLog, Level};
use crate::policy::limits::{Limits, RANDOM_BYTES_PER_CALL};

/// A context that grants nothing but these environment variables. With a clock that stands still, chance does too.
pub(crate) fn context(
    log: &Arc<ConnectorLog>,
    environment: &BTreeMap<String, String>,
    limits: &Limits,
    still: Option<&StillClock>,
) -> WasiCtx {
    let stdio = |level| LogStream::new(Arc::clone(log), level, limits.log_line_bytes);
    // Several of these are defaults; they are spelled out so that a reader and a test see them.
    let mut builder = WasiCtxBuilder::new();
    if let Some(still) = still {
        still.rule(&mut builder);
    }
    for (name, value) in environment {
        builder.env(name, value);
    }
    builder
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .socket_addr_check(|_, _| Box::pin(async { false }))
        .max_random_size(RANDOM_BYTES_PER_CALL)
        .stdout(stdio(Level::Info))
        .stderr(stdio(Level::Warning))
        .build()
}

/// Offers WASI to a component, the files being those of the sync.
pub(super) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    // Clocks, streams, secure random numbers, standard input and output.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    let l = linker;
    filesystem::types::add_to_linker::<_, HasFiles>(l, HostState::local_files)?;
    filesystem::preopens::add_to_linker::<_, HasFiles>(l, HostState::local_files)?;
    random::insecure::add_to_linker::<_, WasiRandom>(l, HostState::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, HostState::random)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::environment::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, HostState::cli)?;
    // All of these refuse: see `context`.
    sockets::network::add_to_linker::<_, WasiSockets>(
        l,
        &sockets::network::LinkOptions::default(),
        HostState::sockets,
    )?;
    sockets::instance_network::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(l, HostState::sockets)?;
    Ok(())
}

/// Bytes taken from one write; what `wasi:io` allows by itself since 48.0.8.
const WRITE_BYTES: usize = 64 * 1024;

/// Standard output or error: cut into lines, each a message of the connector's log.
#[derive(Clone)]
struct LogStream {
    lines: Arc<Mutex<Lines>>,
}

struct Lines {
    log: Arc<ConnectorLog>,
    level: Level,
    limit: usize,
    partial: Vec<u8>,
}

impl LogStream {
    fn new(log: Arc<ConnectorLog>, level: Level, limit: usize) -> Self {
        Self { lines: Arc::new(Mutex::new(Lines { log, level, limit, partial: Vec::new() })) }
    }

    fn take(&self, bytes: &[u8]) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.keep(line);
            self.flush();
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
    }

    /// A line without an end must not grow for ever. Twice the limit is kept, so that the log
    /// marks it as cut, and recognises a secret that stands across the limit.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (self.limit * 2).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn flush(&mut self) {
        if !self.partial.is_empty() {
            self.log.message(self.level, &String::from_utf8_lossy(&self.partial));
            self.partial.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.flush();
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::log::LogSink;
    use crate::policy::secrets::{Redactor, Secret};

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, _: Level, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn written(pieces: &[&str], secret: &str) -> Vec<String> {
        let kept = Arc::new(Kept::default());
        let limits = Limits { log_line_bytes: 100, ..Limits::default() };
        let redactor = Redactor::new(&[Secret::new(secret.to_owned())]);
        let log = Arc::new(ConnectorLog::new(kept.clone(), redactor, &limits));
        let stream = LogStream::new(log, Level::Info, limits.log_line_bytes);
        for piece in pieces {
            stream.take(piece.as_bytes());
        }
        drop(stream);
        let lines = kept.0.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn writes_become_lines() {
        assert_eq!(written(&["a", "b\nc", "\n\nrest"], "secret"), ["ab", "c", "rest"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let lines = written(&["x"; 10_000], "secret");
        assert!(matches!(lines.as_slice(), [line] if line.len() <= 100 && line.contains("[cut, ")), "{lines:?}");
    }

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let limits = Limits { log_line_bytes: 100, ..Limits::default() };
        let log = Arc::new(ConnectorLog::new(Arc::new(Kept::default()), Redactor::default(), &limits));
        let stream = LogStream::new(log, Level::Info, limits.log_line_bytes);
        for _ in 0..1_000 {
            stream.take(&[b'x'; 1_000]);
        }
        assert!(stream.lines.lock().unwrap().partial.len() <= 200);
    }

    #[test]
    fn a_secret_across_the_limit_is_not_shown_in_part() {
        let secret = "0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";
        for before in 30..100 {
            let [line] = written(&[&"x".repeat(before), secret, "\n"], secret).try_into().unwrap();
            assert!(!line.contains("0123"), "{line}");
        }
    }
}
