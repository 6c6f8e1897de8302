//! `sluice dev`: a sync after each save.
//!
//! Nothing is built. A runner, made once for all projects, is given the project's files and its packages, as far as
//! they changed; everything else is `sluice run`.

mod packages;
mod watch;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anstyle::Style;
use serde::Serialize;

use super::args::{DevArguments, DevOptions, RunArguments};
use super::eprint;
use super::failure::Failure;
use super::folders::Folders;
use super::run::{Kept, once};
use super::subject::{INPUTS, Subject, in_steps, read_component, read_project};
use super::wall::Wall;
use crate::compiler::runner::{self, Files, Runner};
use crate::destination::sqlite::Warehouse;
use crate::display::output::{Mode, Output};
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::policy::terminal::{Lines, visible};
use crate::sync::Stop;
use packages::Packages;
use watch::{Event, Watched, Watcher};

/// Says that the databases of a folder are ours to delete.
const MARK: &str = ".sluice-dev";
/// Files that are named when they changed.
const NAMED: usize = 3;
const NAME_BYTES: usize = 200;

/// Syncs after each save, until there is a signal.
pub(super) fn dev(arguments: DevArguments, folders: &Folders) -> Result<u8, Failure> {
    let (arguments, options) = arguments.into_run();
    let output = Output::standard(arguments.json);
    if !arguments.subject.is_dir() {
        return Err(Failure::refused(format!("{} is not a folder", arguments.subject.display()))
            .hint("name a project, a folder with connector.py; `sluice init` makes one"));
    }
    let root = arguments.subject.canonicalize();
    let root = root.map_err(|error| Failure::refused(format!("{}: {error}", arguments.subject.display())))?;
    prepare_warehouse(&arguments, options)?;
    let mut loop_ = Session { arguments, options, folders, output, kept: Kept::default(), runner: None, packages: None };
    loop_.kept.unaccepted = !options.keep;
    loop_.kept.secrets = (!options.own_warehouse).then(|| PathBuf::from("warehouse"));
    if options.once {
        let code = loop_.sync()?;
        let _ = loop_.output.finish();
        return Ok(code);
    }
    let watched = Watched { folder: root, beside: loop_.beside() };
    loop_.follow(&watched)
}

/// What stays from save to save.
struct Session<'a> {
    arguments: RunArguments,
    options: DevOptions,
    folders: &'a Folders,
    output: Output,
    kept: Kept,
    runner: Option<Runner>,
    packages: Option<Packages>,
}

#[derive(Serialize)]
struct Saved {
    files: Vec<String>,
}

#[derive(Serialize)]
struct Watching<'a> {
    project: &'a Path,
}

#[derive(Serialize)]
struct Refused<'a> {
    message: &'a str,
}

impl Session<'_> {
    fn follow(&mut self, watched: &Watched) -> Result<u8, Failure> {
        let watcher = Watcher::start(watched.clone()).map_err(|error| Failure::host(error.to_string()))?;
        let mut seen = watched.settled();
        loop {
            self.kept.stop = Stop::default();
            watcher.expect(seen.clone(), self.kept.stop.clone());
            match self.sync() {
                Ok(_) => {}
                // What is refused is usually a file that can be saved again.
                Err(failure) => self.refused(&failure),
            }
            if self.kept.stop.reason().is_none() {
                self.output.event("watching", &Watching { project: &watched.folder });
                let dim = Style::new().dimmed();
                self.output.line(&format!("{dim}watching {}{dim:#}", self.arguments.subject.display()));
            }
            match watcher.next() {
                Event::Ended => {
                    let _ = self.output.finish();
                    return Ok(0);
                }
                Event::Saved => {}
            }
            let now = watched.settled();
            self.saved(watched, &seen.changed(&now));
            seen = now;
        }
    }

    /// Says what was saved, and forgets what was made of it.
    fn saved(&mut self, watched: &Watched, paths: &[PathBuf]) {
        let name = |path: &PathBuf| {
            let shown = path.strip_prefix(&watched.folder).unwrap_or(path);
            visible(&shown.display().to_string(), Lines::One, NAME_BYTES)
        };
        let server = self.arguments.grants.with_server.as_deref().map(absolute);
        if paths.iter().any(|path| Some(path) == server.as_ref()) {
            self.kept.server = None;
        }
        let files: Vec<String> = paths.iter().map(name).collect();
        let more = files.len().saturating_sub(NAMED);
        let mut line = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            line += &format!(" and {more} more");
        }
        self.output.event("saved", &Saved { files });
        let bold = Style::new().bold();
        self.output.timed_line(format_args!("{bold}{line}{bold:#} saved"));
    }

    fn refused(&self, failure: &Failure) {
        match self.output.mode() {
            Mode::Json => self.output.event("refused", &Refused { message: failure.message() }),
            _ => {
                let mut text = Vec::new();
                if failure.print(&mut text).is_ok() {
                    eprint(&String::from_utf8_lossy(&text));
                }
            }
        }
    }

    /// Files elsewhere that a sync is made of.
    fn beside(&self) -> Vec<PathBuf> {
        let arguments = &self.arguments;
        let configuration = arguments.subject.join("configuration.json");
        let named = [
            &arguments.configuration,
            &arguments.landing.settings,
            &arguments.state,
            &arguments.cassette.replay,
            &arguments.grants.with_server,
            &arguments.grants.ca_file,
        ];
        let default = arguments.configuration.is_none().then_some(configuration);
        named.into_iter().flatten().chain(&default).map(|path| absolute(path)).collect()
    }

    fn sync(&mut self) -> Result<u8, Failure> {
        let (arguments, options, folders, output) = (&self.arguments, self.options, self.folders, &self.output);
        let project = read_project(&arguments.subject)?;
        let runner = match self.runner.take() {
            Some(runner) => runner,
            None => {
                in_steps(output, "the runner", |progress| runner::runner(&INPUTS, &folders.cache, progress))?
            }
        };
        let runner = &*self.runner.insert(runner);
        let mut wall = match self.kept.wall.take() {
            Some(wall) => wall,
            None => {
                let bytes = read_component(&runner.built.path)?;
                Wall::admit_bytes(&arguments.jail, &bytes, &Limits::default(), folders, output)?
            }
        };
        let packages = match self.packages.take().filter(|packages| packages.are_of(&project, runner)) {
            Some(packages) => packages,
            None => Packages::of(&project, runner, &mut wall, folders, output)?,
        };
        let packages = &*self.packages.insert(packages);
        self.kept.wall = Some(wall);
        let files = Files::of_project(&project, |_| None);
        let parcel = Parcel::new(&runner.built.digest, files.pack(), packages.archive.clone(), &packages.digest);
        let stamp = runner::stamp(&project, &INPUTS, parcel.digest(), &packages.dependencies);
        let subject = Subject::given(Vec::new(), stamp, project, parcel);
        if !options.keep {
            let connection = arguments.connection.clone().unwrap_or_else(|| subject.connection());
            Warehouse::new(&arguments.warehouse.warehouse).reset(&connection)?;
        }
        once(arguments, folders, output, || Ok(subject), &mut self.kept)
    }
}

/// A path as the watched folder has it.
fn absolute(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// Makes the folder of the databases, unless it holds somebody's.
fn prepare_warehouse(arguments: &RunArguments, options: DevOptions) -> Result<(), Failure> {
    let folder = &arguments.warehouse.warehouse;
    let failed = |error: io::Error| Failure::host(format!("cannot use {}: {error}", folder.display()));
    let empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !options.keep && !empty && !folder.join(MARK).exists() {
        return Err(Failure::refused(format!(
            "{} holds databases that are not of `sluice dev`, which deletes them before each sync",
            folder.display()
        ))
        .hint("name another folder, or go on from what is there with --keep"));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    if options.own_warehouse && !empty {
        return Ok(());
    }
    fs::write(folder.join(MARK), "").map_err(failed)?;
    if !options.own_warehouse && let Some(above) = folder.parent() {
        // Nothing of it belongs into a repository.
        fs::write(above.join(".gitignore"), "*\n").map_err(failed)?;
    }
    Ok(())
}
