//! What a signal means to a process that runs several syncs.

use std::sync::mpsc::Sender;

use rustix::process::{Resource, Signal, getrlimit};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use crate::batch::Event;

/// The exit code of a process that was ended at once; that of a signal is added.
const BY_SIGNAL: i32 = 128;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Makes of a file that is as large as it may be an error of whoever writes it, and not the end of this process without
/// a word. Not ignored but caught: what this process starts is ended by it as before.
pub(super) fn catch_too_large_files() {
    if getrlimit(Resource::Fsize).current.is_none() {
        return;
    }
    // Where this fails the signal does what it did.
    if let Ok(runtime) = Builder::new_current_thread().enable_io().build() {
        let _entered = runtime.enter();
        // It is caught from now on, although nobody listens.
        let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    }
}

/// At the first SIGINT or SIGTERM stops a batch, at the second ends this process at once.
///
/// # Errors
/// When the system lets us not listen.
pub(super) fn stop_at<T: Send + 'static>(batch: &Sender<Event<T>>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::host(format!("could not listen for signals: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    // From here on, not from when the thread gets to it.
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    drop(entered);
    let batch = batch.clone();
    let listen = move || {
        let mut stopping = false;
        loop {
            let (name, number) = runtime.block_on(async {
                use futures_util::future::{Either, select};
                match select(std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv())).await {
                    Either::Left(_) => ("SIGINT", SIGINT),
                    Either::Right(_) => ("SIGTERM", SIGTERM),
                }
            });
            if std::mem::replace(&mut stopping, true) {
                at_once(number);
            }
            // A batch that has just ended does not listen any more.
            let _ = batch.send(Event::Stop(name.to_owned()));
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(())
}

/// What a signal asks of a process that stays.
pub(super) enum Asked {
    /// To end; the name of the signal.
    Stop(&'static str),
    /// To read its file again.
    Reload,
}

/// Tells of SIGHUP and of the first SIGINT or SIGTERM; at the second ends this process at once.
///
/// # Errors
/// When the system lets us not listen.
pub(super) fn tell(told: impl Fn(Asked) + Send + 'static) -> Result<(), Failure> {
    use futures_util::future::{Either, select};
    let failed = |error: std::io::Error| Failure::host(format!("could not listen for signals: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    drop(entered);
    let listen = move || {
        let mut stopping = false;
        loop {
            let asked = runtime.block_on(async {
                let (mut first, mut second) = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
                let end = select(first.as_mut(), second.as_mut());
                match select(end, std::pin::pin!(hangup.recv())).await {
                    Either::Left((Either::Left(_), _)) => Some(("SIGINT", SIGINT)),
                    Either::Left((Either::Right(_), _)) => Some(("SIGTERM", SIGTERM)),
                    Either::Right(_) => None,
                }
            });
            match asked {
                None => told(Asked::Reload),
                Some((_, number)) if std::mem::replace(&mut stopping, true) => at_once(number),
                Some((name, _)) => told(Asked::Stop(name)),
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(())
}

#[expect(clippy::exit, reason = "whoever signals twice wants no more work done; what was committed is safe")]
fn at_once(signal: i32) {
    std::process::exit(BY_SIGNAL + signal);
}
