//! `--with-server`: a test server of the author's own, beside a sync.
//!
//! The script is the operator's, named on the command line, and runs outside the sandbox like
//! any script they would start in another terminal. What a connector gains by it is one grant:
//! the loopback URL that the script printed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::cli::failure::Failure;
use crate::policy::egress::{Destination, Host, NetworkGrant};

/// The placeholder in configuration values for the URL of `--with-server`.
pub(in crate::cli) const SERVER_PLACEHOLDER: &str = "${server}";
/// How long the script may take to print its URL.
const START: Duration = Duration::from_secs(15);
/// The longest first line taken from the script.
const LINE_BYTES: u64 = 1024;

/// A server under way; it is ended when this is dropped.
pub(in crate::cli) struct TestServer {
    child: Child,
    /// Where it listens.
    pub(in crate::cli) url: String,
    /// The grant for it.
    pub(in crate::cli) grant: NetworkGrant,
}

impl TestServer {
    /// Starts the script with `python3` and waits for its URL.
    ///
    /// # Errors
    /// When it does not start, or prints anything but a URL on loopback.
    pub(in crate::cli) fn start(script: &Path) -> Result<Self, Failure> {
        let mut child = Command::new("python3")
            .arg(script)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::host(format!("could not start python3 for {}: {error}", script.display())))?;
        let first_line = child.stdout.take().map(first_line);
        let started = first_line.and_then(|line| line.recv_timeout(START).ok());
        let url = started.unwrap_or_default().trim().to_owned();
        match granted(&url) {
            Ok(grant) => Ok(Self { child, url, grant }),
            Err(reason) => {
                end(&mut child);
                Err(Failure::refused(format!("the server {} did not start: {reason}", script.display()))
                    .hint("its first line on standard output must be its URL, such as http://127.0.0.1:8080"))
            }
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn first_line(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        if output.by_ref().take(LINE_BYTES).read_line(&mut line).is_ok() {
            let _ = sender.send(line);
        }
        // What follows is read and dropped, so that the script never waits for a reader.
        let _ = std::io::copy(&mut output, &mut std::io::sink());
    });
    receiver
}

fn granted(url: &str) -> Result<NetworkGrant, String> {
    if url.is_empty() {
        return Err("it printed no URL".to_owned());
    }
    let grant: NetworkGrant = url.trim_end_matches('/').parse().map_err(|error| format!("{error}"))?;
    let host = match url.strip_prefix("tcp://") {
        // A server of bytes has no path, and its grant no wildcard that is on loopback.
        Some(authority) => {
            let host = authority.trim_end_matches('/').rsplit_once(':').map_or(authority, |(host, _)| host);
            Host::parse(host).map_err(|error| error.to_string())?
        }
        None => Destination::parse(url).map_err(|error| error.to_string())?.0.host().clone(),
    };
    let loopback = match &host {
        Host::Ip(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    };
    if loopback { Ok(grant) } else { Err("its URL is not on loopback".to_owned()) }
}
