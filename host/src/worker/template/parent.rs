//! Templates and their copies as the parent has them.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};

use super::super::frame::read;
use super::super::message::{Opened, VERSION};
use super::super::parent::{LONGEST_OPENED, Launch, Process, READY_WITHIN, last_words};
use super::super::shared::{receive, send};
use super::{COPY, TEMPLATE, Templates};

/// A template that is ready. Dropping it ends it.
#[derive(Debug)]
pub(in crate::worker) struct Template {
    parts: Mutex<(UnixStream, Process)>,
}

/// A copy of a template: a worker. The template lives as long as it.
#[derive(Debug)]
pub(in crate::worker) struct Copy {
    process: OwnedFd,
    status: PipeReader,
    ended: Option<ExitStatus>,
    _template: Arc<Template>,
}

impl Template {
    fn start(code: &File, launch: &Launch) -> io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        let code = OwnedFd::from(code.try_clone()?);
        let process = Process::start(launch.arguments.iter(), OwnedFd::from(theirs).into(), code.into())?;
        control.set_read_timeout(Some(READY_WITHIN))?;
        send(&control, TEMPLATE, &[])?;
        match read::<Opened>(&control, LONGEST_OPENED)? {
            Opened::Ready { version: VERSION, .. } => Ok(Self { parts: Mutex::new((control, process)) }),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The descriptor of a copy.
    fn copy(&self, files: [&dyn AsFd; 3]) -> io::Result<OwnedFd> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (control, _) = &*parts;
        send(control, COPY, &files.map(AsFd::as_fd))?;
        let (answer, files) = receive(control)?;
        match files.into_iter().next() {
            Some(process) if answer == COPY => Ok(process),
            _ => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

impl Templates {
    /// A worker that is a copy, with `channel` as its own; `None` when it is to be started the other way.
    pub(in crate::worker) fn copy(
        &self,
        name: &str,
        code: &File,
        launch: &Launch,
        channel: &UnixStream,
    ) -> Option<Process> {
        let slot = self.slot(name)?;
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, their_words) = last_words().ok()?;
        let (status, their_status) = io::pipe().ok()?;
        // One that was there may have ended for want of use.
        for _ in 0..2 {
            let template = match slot.take() {
                Some(template) => template,
                None => Arc::new(Template::start(code, launch).inspect_err(|_| self.failed()).ok()?),
            };
            match template.copy([channel, &their_words, &their_status]) {
                Ok(process) => {
                    *slot = Some(Arc::clone(&template));
                    let copy = Copy { process, status, ended: None, _template: template };
                    return Some(Process::of_copy(copy, words));
                }
                // It has no room for one more.
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    *slot = Some(template);
                    return None;
                }
                Err(_) => {}
            }
        }
        None
    }
}

impl Copy {
    /// How it ended, if it does so within this time.
    pub(in crate::worker) fn wait_for(&mut self, time: Duration) -> Option<ExitStatus> {
        if self.ended.is_none() {
            let mut all = [PollFd::new(&self.status, PollFlags::IN)];
            let time = Timespec::try_from(time).ok()?;
            if poll(&mut all, Some(&time)).is_ok_and(|ready| ready == 0) {
                return None;
            }
            self.ended = Some(self.told());
        }
        self.ended
    }

    /// Waits for its end.
    pub(in crate::worker) fn wait(&mut self) -> ExitStatus {
        let ended = self.ended.unwrap_or_else(|| self.told());
        self.ended = Some(ended);
        ended
    }

    pub(in crate::worker) fn kill(&self) {
        let _ = pidfd_send_signal(&self.process, Signal::KILL);
    }

    fn told(&mut self) -> ExitStatus {
        let mut status = [0; 4];
        match self.status.read_exact(&mut status) {
            Ok(()) => ExitStatus::from_raw(i32::from_le_bytes(status)),
            // The template is gone, and the system ends its copies then.
            Err(_) => {
                self.kill();
                let _ = poll(&mut [PollFd::new(&self.process, PollFlags::IN)], None);
                ExitStatus::from_raw(Signal::KILL.as_raw())
            }
        }
    }
}
