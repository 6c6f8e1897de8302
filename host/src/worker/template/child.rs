//! A template's whole life.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process_group, pidfd_open, waitpid};

use super::super::frame;
use super::super::jail::{self, Copied, Layers, Wanted};
use super::super::message::{Opened, VERSION};
use super::super::shared::{receive, send};
use super::COPY;
use crate::sandbox::{Loaded, SandboxEngine};

/// How long a template that nobody asks and that no worker was made of waits for somebody who does.
const UNUSED: Duration = Duration::from_secs(60);

/// A copy that was made.
struct Made {
    pid: Pid,
    /// Readable when it has ended.
    process: OwnedFd,
    /// Where its end is told.
    status: OwnedFd,
}

/// What somebody who asks for a copy hands over.
struct Asked {
    channel: OwnedFd,
    words: OwnedFd,
    status: OwnedFd,
}

/// Lives. What comes back is a copy, which goes on as a worker; an error or `None` is the end of the template.
pub(in crate::worker) fn live(
    control: UnixStream,
    wanted: Wanted,
    map: impl FnOnce() -> Result<(SandboxEngine, Loaded), String>,
) -> io::Result<Option<(SandboxEngine, Loaded)>> {
    receive(&control)?;
    let mapped = map().and_then(|mapped| match is_alone() {
        true => Ok(mapped),
        false => Err("a template must have one thread".to_owned()),
    });
    let (engine, component) = match mapped {
        Ok(mapped) => mapped,
        Err(text) => return frame::write(&control, &Opened::Refused(text)).map(|()| None),
    };
    jail::forget_output();
    let own = control.as_raw_fd();
    let kept: Vec<_> = jail::open().into_iter().filter(|number| *number != own).collect();
    jail::enter_template(wanted);
    frame::write(&control, &Opened::Ready { version: VERSION, layers: Layers::default() })?;
    let made = serve(control, &kept)?;
    Ok(made.then_some((engine, component)))
}

fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

/// Makes copies until nobody can ask any more. Whether this is one.
fn serve(control: UnixStream, kept: &[i32]) -> io::Result<bool> {
    let mut made: Vec<Made> = Vec::new();
    loop {
        let (asked, ended) = wait(&control, &made)?;
        let mut at = 0;
        made.retain(|one| {
            let over = ended.get(at).copied().unwrap_or(false);
            at += 1;
            if over {
                bury(one);
            }
            !over
        });
        if !asked {
            // Nobody asked for long.
            if made.is_empty() && ended.is_empty() {
                return Ok(false);
            }
            continue;
        }
        let (byte, files) = match receive(&control) {
            Ok(received) => received,
            // The parent is gone, or needs no template any more. What was made ends with this process.
            Err(_) => return Ok(false),
        };
        let asked = match (byte, <[OwnedFd; 3]>::try_from(files)) {
            (COPY, Ok([channel, words, status])) => Asked { channel, words, status },
            _ => {
                send(&control, 0, &[])?;
                continue;
            }
        };
        let parent = getpid();
        match jail::copy() {
            Ok(Copied::Copy) => {
                let Asked { channel, words, status } = asked;
                // Their descriptors are closed all at once.
                std::mem::forget((control, made, status));
                jail::part(&channel, &words, kept, parent)?;
                std::mem::forget((channel, words));
                return Ok(true);
            }
            Ok(Copied::Original(pid)) => match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(process) => {
                    send(&control, COPY, &[process.as_fd()])?;
                    made.push(Made { pid, process, status: asked.status });
                }
                Err(_) => {
                    let _ = rustix::process::kill_process(pid, Signal::KILL);
                    let _ = waitpid(Some(pid), WaitOptions::empty());
                    send(&control, 0, &[])?;
                }
            },
            Err(_) => send(&control, 0, &[])?,
        }
    }
}

/// Waits; whether somebody asks, and of each that was made whether it ended.
fn wait(control: &UnixStream, made: &[Made]) -> io::Result<(bool, Vec<bool>)> {
    let processes = made.iter().map(|one| PollFd::new(&one.process, PollFlags::IN));
    let mut all: Vec<_> = std::iter::once(PollFd::new(control, PollFlags::IN)).chain(processes).collect();
    let unused = Timespec::try_from(UNUSED).map_err(io::Error::other)?;
    match poll(&mut all, made.is_empty().then_some(&unused)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut ready = all.iter().map(|one| !one.revents().is_empty());
    Ok((ready.next().unwrap_or(false), ready.collect()))
}

/// Tells how one ended, and ends what it may have started.
fn bury(one: &Made) {
    // While it was not waited for, its number is nobody else's.
    let _ = kill_process_group(one.pid, Signal::KILL);
    if let Ok(Some((_, status))) = waitpid(Some(one.pid), WaitOptions::empty()) {
        let _ = rustix::io::write(&one.status, &status.as_raw().to_le_bytes());
    }
}
