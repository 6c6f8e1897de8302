//! `sluice dev`: a sync after each save.
//!
//! Nothing is built. A runner, made once for all projects, is given the project's files and its packages, as far as
//! they changed; everything else is `sluice run`.

mod packages;
mod watch;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::Style;
use serde::Serialize;

use crate::cli::args::{DevArguments, DevOptions, RunArguments};
use crate::cli::connector::components::{Component, Components};
use crate::cli::connector::subject::{INPUTS, Subject, in_steps, read_component, read_project};
use crate::cli::connector::wall::Wall;
use crate::cli::eprint;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::sync::record::StartedBy;
use crate::cli::sync::report;
use crate::cli::sync::run::wanted;
use crate::cli::sync::server::TestServer;
use crate::cli::sync::syncing::{Ended, Server, Surroundings, sync};
use crate::compiler::files::Files;
use crate::compiler::runner::{self, Runner};
use crate::destination::sqlite::Warehouse;
use crate::display::output::{Mode, Output};
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::policy::terminal::{Lines, visible};
use crate::sync::Cancel;
use crate::worker::Code;
use packages::Packages;
use watch::{Event, Watched, Watcher};

/// Says that the databases of a folder are ours to delete.
const MARK: &str = ".sluice-dev";
/// Files that are named when they changed.
const NAMED: usize = 3;
const NAME_BYTES: usize = 200;

/// Syncs after each save, until there is a signal.
pub(in crate::cli) fn dev(arguments: DevArguments, folders: &Folders) -> Result<u8, Failure> {
    let (arguments, options) = arguments.into_run();
    let output = crate::cli::tracing::output(arguments.sync.json);
    if !arguments.subject.is_dir() {
        return Err(Failure::refused(format!("{} is not a folder", arguments.subject.display()))
            .hint("name a project, a folder with connector.py; `sluice init` makes one"));
    }
    let root = arguments.subject.canonicalize();
    let root = root.map_err(|error| Failure::refused(format!("{}: {error}", arguments.subject.display())))?;
    prepare_warehouse(&arguments, options)?;
    let secrets = (!options.own_warehouse).then(|| PathBuf::from("warehouse"));
    let mut session =
        Session { arguments, options, folders, output, secrets, runner: None, packages: None, server: None };
    if options.once {
        let code = session.sync(&Cancel::default())?;
        let _ = session.output.finish();
        return Ok(code);
    }
    let watched = Watched { folder: root, beside: session.beside() };
    session.follow(&watched)
}

/// What stays from save to save.
struct Session<'a> {
    arguments: RunArguments,
    options: DevOptions,
    folders: &'a Folders,
    output: Output,
    /// The warehouse of the stored secrets, when it is another one.
    secrets: Option<PathBuf>,
    runner: Option<Admitted>,
    packages: Option<Packages>,
    server: Option<Arc<TestServer>>,
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
            let cancel = Cancel::by_hand();
            watcher.expect(seen.clone(), cancel.clone());
            match self.sync(&cancel) {
                Ok(_) => {}
                // What is refused is usually a file that can be saved again.
                Err(failure) => self.refused(&failure),
            }
            if cancel.reason().is_none() {
                self.output.event("watching", &Watching { project: &watched.folder });
                let dim = Style::new().dimmed();
                self.output.line(&format!("{dim}watching {}{dim:#}", self.arguments.subject.display()));
            }
            let now = loop {
                if let Event::Ended = watcher.next() {
                    let _ = self.output.finish();
                    return Ok(0);
                }
                let now = watched.settled();
                // Several looks may have told of one save; and one that was taken back ended a sync all the same.
                if now != seen || cancel.reason().is_some() {
                    break now;
                }
            };
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
        let server = self.arguments.sync.grants.with_server.as_deref().map(absolute);
        if paths.iter().any(|path| Some(path) == server.as_ref()) {
            self.server = None;
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
            &arguments.sync.configuration,
            &arguments.sync.landing.settings,
            &arguments.state,
            &arguments.sync.cassette.replay,
            &arguments.sync.grants.with_server,
            &arguments.sync.grants.ca_file,
        ];
        let default = arguments.sync.configuration.is_none().then_some(configuration);
        named.into_iter().flatten().chain(&default).map(|path| absolute(path)).collect()
    }

    fn sync(&mut self, cancel: &Cancel) -> Result<u8, Failure> {
        let (arguments, folders) = (&self.arguments, self.folders);
        // What can be refused at once is refused before anything is made.
        let mut wanted = wanted(arguments)?;
        wanted.said = wanted.said.stored_in(self.secrets.clone());
        let component = self.component()?;
        if let Some(script) = &self.arguments.sync.grants.with_server {
            let server = match self.server.take() {
                Some(server) => server,
                None => Arc::new(TestServer::start(script)?),
            };
            wanted.server = Some(Server::Running(Arc::clone(self.server.insert(server))));
        }
        if !self.options.keep {
            let connection = wanted.connection.clone().unwrap_or_else(|| component.subject().connection());
            Warehouse::new(&wanted.warehouse).reset(&connection)?;
        }
        let components = Components::given(component);
        let by = StartedBy::command("dev");
        let around =
            Surroundings { folders, components: &components, output: &self.output, cancel: cancel.clone(), by };
        let Ended { connection, summary, code, redactor, .. } = sync(wanted, &around)?;
        if self.output.mode() != Mode::Json && cancel.reason().is_none() {
            let arguments = &self.arguments;
            report::print(&summary, &arguments.warehouse.warehouse, &connection, arguments.preview, &redactor)?;
        }
        Ok(code)
    }

    /// The runner with the project as it is now.
    fn component(&mut self) -> Result<Component, Failure> {
        let (arguments, folders, output) = (&self.arguments, self.folders, &self.output);
        let project = read_project(&arguments.subject)?;
        let runner = match self.runner.take() {
            Some(runner) => runner,
            None => Admitted::make(arguments, folders, output)?,
        };
        let Admitted { runner, code } = &*self.runner.insert(runner);
        let packages = match self.packages.take().filter(|packages| packages.are_of(&project)) {
            Some(packages) => packages,
            None => {
                let wall = match code {
                    Some(code) => Wall::workers(Arc::clone(code), &arguments.sync.jail),
                    None => admit(runner, arguments, folders, output)?,
                };
                Packages::of(&project, runner, wall, folders, output)?
            }
        };
        let packages = &*self.packages.insert(packages);
        let digest = &runner.digest;
        let files = Files::of_project(&project);
        let parcel = Parcel::new(digest, files.pack(), packages.archive.clone(), &packages.digest);
        let stamp = runner::stamp(&project, &INPUTS, parcel.digest(), &packages.dependencies);
        let bytes = if code.is_some() { Vec::new() } else { read_component(&runner.base.path)? };
        Ok(Component::given(Subject::given(stamp, project), bytes, code.clone(), parcel))
    }
}

/// The runner, and its machine code where it runs in workers.
struct Admitted {
    runner: Runner,
    code: Option<Arc<Code>>,
}

impl Admitted {
    fn make(arguments: &RunArguments, folders: &Folders, output: &Output) -> Result<Self, Failure> {
        let runner = in_steps(output, "the runner", |progress| runner::runner(&INPUTS, &folders.cache, progress))?;
        let code = match arguments.sync.jail.no_jail {
            true => None,
            false => match admit(&runner, arguments, folders, output)? {
                Wall::Workers(code, ..) => Some(code),
                Wall::None(..) => None,
            },
        };
        Ok(Self { runner, code })
    }
}

fn admit(runner: &Runner, arguments: &RunArguments, folders: &Folders, output: &Output) -> Result<Wall, Failure> {
    Wall::admit(&arguments.sync.jail, &read_component(&runner.base.path)?, &Limits::default(), folders, output)
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
    // What is gone on from may become another command's.
    if options.own_warehouse && options.keep {
        return Ok(());
    }
    fs::write(folder.join(MARK), "").map_err(failed)?;
    if !options.own_warehouse
        && let Some(above) = folder.parent()
    {
        // Nothing of it belongs into a repository.
        fs::write(above.join(".gitignore"), "*\n").map_err(failed)?;
    }
    Ok(())
}
