//! The packages of the project that is worked on, with the byte code that its runner made of them.

use crate::cli::connector::interpreter::interpreter;
use crate::cli::connector::subject::in_steps;
use crate::cli::connector::wall::Wall;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::compiler::dependencies::Dependencies;
use crate::compiler::files::Files;
use crate::compiler::modules::{self, Part};
use crate::compiler::runner::{self, Runner};
use crate::compiler::{Options, Project};
use crate::display::output::Output;
use crate::display::steps::Step;
use crate::parcel::Archive;
use crate::sandbox::BytecodeCache;

/// Packages ready to be handed over.
pub(super) struct Packages {
    /// What they are.
    pub(super) dependencies: Dependencies,
    /// What was asked for, and the lock file that answered.
    asked: String,
    /// Their files.
    pub(super) archive: Archive,
    /// What they are, by content.
    pub(super) digest: String,
}

impl Packages {
    /// Whether they are still those that the project asks for.
    pub(super) fn are_of(&self, project: &Project) -> bool {
        self.asked == asked(project)
    }

    /// Resolves and installs what the project asks for, and has its byte code made unless it is in the cache.
    ///
    /// # Errors
    /// When that is impossible. Without byte code there are packages all the same.
    pub(super) fn of(
        project: &Project,
        runner: &Runner,
        wall: Wall,
        folders: &Folders,
        output: &Output,
    ) -> Result<Self, Failure> {
        let dependencies = in_steps(output, &project.name, |progress| {
            runner::dependencies(project, &folders.cache, &Options::default(), progress)
        })?;
        let mut files = Files::of_packages(&dependencies).map_err(|error| Failure::refused(with_causes(&error)))?;
        let shared = files.share(&runner.packages);
        let name = format!("{} {} {shared}", runner.digest, dependencies.digest);
        let cache =
            BytecodeCache::open(&folders.cache, &folders.state).map_err(|error| Failure::host(with_causes(&error)))?;
        let kept = cache.find(&name).and_then(|bytes| postcard::from_bytes::<Vec<(usize, Vec<u8>)>>(&bytes).ok());
        match kept {
            _ if files.is_empty() => {}
            Some(kept) => kept.into_iter().for_each(|(number, code)| files.set_code(number, code)),
            None => {
                let step = Step::start(output, "compiling the packages, once");
                // Libraries ship modules for other Pythons; importing one reports the error then.
                modules::compile(&mut files, Part::Site, &runner.digest, &mut interpreter(wall))
                    .map_err(|error| Failure::host(format!("the runner failed: {error}")))?;
                step.done(None);
                let code: Vec<_> = files.code().collect();
                if let Ok(bytes) = postcard::to_stdvec(&code)
                    && let Err(error) = cache.keep(&name, &bytes)
                {
                    tracing::debug!(%error, "byte code of packages is not kept");
                }
            }
        }
        let archive = files.pack();
        let digest = archive.digest();
        // After they were resolved, which can write the lock file.
        Ok(Self { dependencies, asked: asked(project), archive, digest })
    }
}

fn asked(project: &Project) -> String {
    let lock = std::fs::read(project.folder.join(crate::compiler::lock::LOCK)).unwrap_or_default();
    format!("{:?} {}", project.requirements, blake3::hash(&lock))
}
