//! Starts the build tools: without the author's environment, with all output kept and with an end in time.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// Longest a tool may take; a slow package index is the usual reason for minutes.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Most bytes of a tool's output that are kept, from its end.
pub const MAX_OUTPUT_BYTES: u64 = 1 << 20;
const POLL: Duration = Duration::from_millis(20);

/// What pip needs to reach the package index the author's machine is set up for. Everything else, such as a
/// `PIP_TARGET` or `PYTHONPATH`, would change what is built.
const PIP_ENVIRONMENT: [&str; 38] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "LANG",
    "LC_ALL",
    "NETRC",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_CACHE_DIR",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TRUSTED_HOST",
];

/// What every call of pip is told.
pub const PIP_OPTIONS: [&str; 3] = ["--disable-pip-version-check", "--no-input", "--no-color"];

/// How a tool ended.
#[derive(Debug)]
pub struct Finished {
    /// Whether it succeeded.
    pub success: bool,
    /// Everything it wrote, standard output and error together.
    pub output: String,
}

/// Why a tool did not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started or watched.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took longer than [`TOOL_TIMEOUT`].
    #[error("{program} did not end within {} minutes", TOOL_TIMEOUT.as_secs() / 60)]
    Timeout {
        /// The program.
        program: String,
    },
}

/// A command that starts with an empty environment.
#[must_use]
pub fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    // Windows cannot open sockets or make random numbers without it.
    command.envs(std::env::var_os("SYSTEMROOT").map(|root| ("SYSTEMROOT", root)));
    command
}

/// `python -m pip` of an interpreter, for one of pip's commands.
#[must_use]
pub fn pip(python: &Path) -> Command {
    let mut command = with_pip_environment(python);
    command.args(["-I", "-m", "pip"]).args(PIP_OPTIONS);
    command
}

/// A Python that starts with those variables that pip needs to reach the package index.
#[must_use]
pub fn with_pip_environment(python: &Path) -> Command {
    let mut command = isolated(python);
    let kept = |name: &str| Some((OsString::from(name), std::env::var_os(name)?));
    command.envs(PIP_ENVIRONMENT.iter().filter_map(|name| kept(name)));
    command
}

/// Runs a command to its end.
///
/// # Errors
///
/// When it cannot be started or takes longer than [`TOOL_TIMEOUT`]; it is ended then.
pub fn run(command: &mut Command) -> Result<Finished, CommandError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| CommandError::Start { program: program.clone(), source };
    // One file for both streams keeps their order and cannot fill up like a pipe.
    let mut log = tempfile::tempfile().map_err(start)?;
    let both = (log.try_clone().map_err(start)?, log.try_clone().map_err(start)?);
    command.stdin(Stdio::null()).stdout(both.0).stderr(both.1);
    let status = wait(command, &program)?;
    let output = tail(&mut log).map_err(start)?;
    Ok(Finished { success: status.success(), output })
}

/// Reads a plain file of at most `most` bytes that a tool made, whoever was in it: no link, no pipe.
///
/// # Errors
///
/// When it cannot be read, is larger or something else.
pub fn plain(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > most { Err(io::Error::other("it is too large")) } else { Ok(bytes) }
}

fn wait(command: &mut Command, program: &str) -> Result<ExitStatus, CommandError> {
    let start = |source| CommandError::Start { program: program.to_owned(), source };
    let mut child = command.spawn().map_err(start)?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(start)? {
            return Ok(status);
        }
        if began.elapsed() > TOOL_TIMEOUT {
            // Failing to end it means that it has ended.
            let _ = child.kill();
            let _ = child.wait();
            return Err(CommandError::Timeout { program: program.to_owned() });
        }
        thread::sleep(POLL);
    }
}

fn tail(log: &mut File) -> io::Result<String> {
    let length = log.seek(SeekFrom::End(0))?;
    log.seek(SeekFrom::Start(length.saturating_sub(MAX_OUTPUT_BYTES)))?;
    let mut bytes = Vec::new();
    log.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_left_is_read_only_if_it_is_a_plain_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("secret"), "of the builder").unwrap();
        std::os::unix::fs::symlink(at("secret"), at("link")).unwrap();
        let fifo = Command::new("mkfifo").arg(at("fifo")).status().unwrap();
        assert!(fifo.success());
        assert_eq!(plain(&at("secret"), 14).unwrap(), b"of the builder");
        for (name, most) in [("link", 14), ("fifo", 14), ("secret", 13), ("nowhere", 14), (".", 14)] {
            assert!(plain(&at(name), most).is_err(), "{name}");
        }
    }
}
