//! What of a project changed since it was last looked at.
//!
//! Files are looked at again and again, which works the same on every file system. Nothing is read and no link is
//! followed out of a folder: what a file is, is for the project's reader to say.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::signal::unix::{SignalKind, signal};

use crate::compiler::project::{self, MAX_DEPTH, MAX_FILES};
use crate::sync::Cancel;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// Looking takes at most this part of the time.
const SHARE: u32 = 10;
/// How long files must stay the same before they count as saved; editors write in several steps.
const QUIET: Duration = Duration::from_millis(10);
/// What editors leave beside a file while they write it.
const NOT_ENDING: [&str; 3] = ["~", ".swp", ".tmp"];

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    modified: (i64, i64),
    inode: u64,
    bytes: u64,
}

/// Files and what they looked like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, Mark>);

impl Seen {
    /// Which files differ, in order.
    pub(super) fn changed(&self, now: &Self) -> Vec<PathBuf> {
        let gone = self.0.keys().filter(|path| !now.0.contains_key(*path));
        let new = now.0.iter().filter(|(path, mark)| self.0.get(*path) != Some(mark)).map(|(path, _)| path);
        let mut paths: Vec<_> = gone.chain(new).cloned().collect();
        paths.sort();
        paths
    }
}

/// What is watched: a project's folder, and files elsewhere that its syncs are made of.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) folder: PathBuf,
    pub(super) beside: Vec<PathBuf>,
}

impl Watched {
    /// What it looks like now.
    pub(super) fn look(&self) -> Seen {
        let mut seen = Seen::default();
        self.walk(&self.folder, 0, &mut seen);
        for path in &self.beside {
            if let Ok(found) = fs::metadata(path) {
                seen.0.insert(path.clone(), mark(&found));
            }
        }
        seen
    }

    /// What it looks like once it stays like that for a moment.
    pub(super) fn settled(&self) -> Seen {
        let mut last = self.look();
        loop {
            thread::sleep(QUIET);
            let now = self.look();
            if now == last {
                return now;
            }
            last = now;
        }
    }

    fn walk(&self, folder: &Path, depth: usize, seen: &mut Seen) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let passing = name.starts_with('#') || NOT_ENDING.iter().any(|ending| name.ends_with(ending));
            if passing || !project::is_part(&name, depth) || seen.0.len() >= MAX_FILES || depth > MAX_DEPTH {
                continue;
            }
            let Ok(found) = entry.metadata() else { continue };
            if !found.is_dir() {
                seen.0.insert(path, mark(&found));
            } else if !path.join("pyvenv.cfg").exists() {
                self.walk(&path, depth + 1, seen);
            }
        }
    }
}

fn mark(found: &Metadata) -> Mark {
    Mark { modified: (found.mtime(), found.mtime_nsec()), inode: found.ino(), bytes: found.len() }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    /// Files were saved.
    Saved,
    /// The author has enough.
    Ended,
}

/// A thread that watches until the program ends.
pub(super) struct Watcher {
    events: Receiver<Event>,
    shared: Arc<Mutex<Running>>,
}

/// What a sync under way was made of, and what ends it.
struct Running {
    seen: Seen,
    cancel: Cancel,
    /// The signal that ended all of it.
    ended: Option<&'static str>,
}

impl Watcher {
    /// Starts to watch. Until told otherwise, everything is as it is now.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(super) fn start(watched: Watched) -> std::io::Result<Self> {
        let shared = Arc::new(Mutex::new(Running { seen: watched.look(), cancel: Cancel::by_hand(), ended: None }));
        let (sender, events) = mpsc::channel();
        let running = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("watch".into())
            .spawn(move || runtime.block_on(watch(&watched, &running, &sender)))?;
        Ok(Self { events, shared })
    }

    /// From now on it is told when files differ from these, and `cancel` ends the sync that was made of them.
    pub(super) fn expect(&self, seen: Seen, cancel: Cancel) {
        let mut running = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(by) = running.ended {
            cancel.cancel(by);
        }
        (running.seen, running.cancel) = (seen, cancel);
    }

    /// Waits for what happens next.
    pub(super) fn next(&self) -> Event {
        self.events.recv().unwrap_or(Event::Ended)
    }
}

async fn watch(watched: &Watched, running: &Mutex<Running>, events: &Sender<Event>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process, as they should.
        return std::future::pending().await;
    };
    let mut pause = LOOK_EVERY;
    let mut told = None;
    loop {
        let signal = async {
            match select(pin!(interrupt.recv()), pin!(terminate.recv())).await {
                Either::Left(_) => "SIGINT",
                Either::Right(_) => "SIGTERM",
            }
        };
        if let Either::Left((by, _)) = select(pin!(signal), pin!(tokio::time::sleep(pause))).await {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.ended = Some(by);
            running.cancel.cancel(by);
            let _ = events.send(Event::Ended);
            return;
        }
        let begun = Instant::now();
        let now = watched.look();
        pause = LOOK_EVERY.max(begun.elapsed().saturating_mul(SHARE));
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.seen == now {
            told = None;
        } else if told.as_ref() != Some(&now) {
            running.cancel.cancel("a save");
            told = Some(now);
            if events.send(Event::Saved).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_seen_and_what_is_not_the_projects_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let watched = Watched { folder: folder.path().to_path_buf(), beside: vec![at("configuration.json")] };
        fs::write(at("connector.py"), "x = 1").unwrap();
        fs::create_dir(at("lib")).unwrap();
        let first = watched.look();

        for name in [".git", "__pycache__", "warehouse", "venv"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("pyvenv.cfg"), "").unwrap();
            fs::write(at(name).join("a.py"), "").unwrap();
        }
        for name in ["connector.py~", ".connector.py.swp", "#connector.py#", "out.wasm"] {
            fs::write(at(name), "").unwrap();
        }
        assert_eq!(watched.look(), first);

        fs::write(at("lib/client.py"), "").unwrap();
        fs::write(at("configuration.json"), "{}").unwrap();
        // As editors do that never let a file be half-written.
        fs::write(at("new"), "x = 2").unwrap();
        fs::rename(at("new"), at("connector.py")).unwrap();
        let second = watched.settled();
        assert_eq!(first.changed(&second), [at("configuration.json"), at("connector.py"), at("lib/client.py")]);
        fs::remove_file(at("lib/client.py")).unwrap();
        assert_eq!(second.changed(&watched.look()), [at("lib/client.py")]);
    }
}
