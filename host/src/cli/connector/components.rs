//! Components of one process, each read or built once and admitted once, however many syncs run them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::subject::Subject;
use super::unchanged::Print;
use super::wall::{Wall, refused};
use crate::cli::args::JailArguments;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::display::output::Output;
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::sandbox::AdmissionError;
use crate::worker::Code;

/// Components by the path under which they were asked for.
#[derive(Default)]
pub(in crate::cli) struct Components {
    known: Mutex<HashMap<PathBuf, Arc<Mutex<Option<Known>>>>>,
    /// The one component there is, whatever is asked for.
    given: Option<Arc<Component>>,
}

/// A component as it was when its file, or the project's, had this print.
#[derive(Clone)]
struct Known {
    print: Option<Print>,
    component: Arc<Component>,
}

/// A component, and its machine code once it was admitted.
pub(in crate::cli) struct Component {
    subject: Subject,
    size: u64,
    /// Until it is admitted: a process of many syncs does not keep them.
    bytes: Mutex<Vec<u8>>,
    code: OnceLock<Arc<Code>>,
    /// The project that it is given, when it is a runner.
    parcel: Option<Parcel>,
}

impl Components {
    /// A runner with a project, and nothing else.
    pub(in crate::cli) fn given(component: Component) -> Self {
        Self { given: Some(Arc::new(component)), ..Self::default() }
    }

    /// Reads a component or builds a project, unless that was done and nothing changed since. Others who ask for the
    /// same wait.
    ///
    /// # Errors
    /// As [`Subject::load`].
    pub(in crate::cli) fn load(
        &self,
        path: &Path,
        folders: &Folders,
        output: &Output,
    ) -> Result<Arc<Component>, Failure> {
        if let Some(given) = &self.given {
            return Ok(Arc::clone(given));
        }
        let slot = Arc::clone(lock(&self.known).entry(path.to_path_buf()).or_default());
        let mut slot = lock(&slot);
        // Before it is read: what is written meanwhile is seen the next time.
        let print = Print::of(path);
        if let Some(known) = slot.as_ref()
            && known.print.is_some()
            && known.print == print
        {
            return Ok(Arc::clone(&known.component));
        }
        let mut subject = Subject::load(path, folders, output)?;
        let bytes = std::mem::take(&mut subject.bytes);
        let component = Arc::new(Component::new(subject, bytes));
        *slot = Some(Known { print, component: Arc::clone(&component) });
        Ok(component)
    }
}

impl Component {
    fn new(subject: Subject, bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        Self { subject, size, bytes: Mutex::new(bytes), code: OnceLock::new(), parcel: None }
    }

    /// A runner with a project; with its machine code, or else its bytes.
    pub(in crate::cli) fn given(subject: Subject, runner: Vec<u8>, code: Option<Arc<Code>>, parcel: Parcel) -> Self {
        let code = code.map_or_else(OnceLock::new, OnceLock::from);
        Self { code, parcel: Some(parcel), ..Self::new(subject, runner) }
    }

    /// The project that it is given, when it is a runner.
    pub(in crate::cli) fn parcel(&self) -> Option<&Parcel> {
        self.parcel.as_ref()
    }

    /// What is known of it. Its bytes are not there.
    pub(in crate::cli) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Admits it, making its machine code if need be and if `may` has no objection to the digest of it. Others who
    /// want the same wait.
    ///
    /// # Errors
    /// As [`Wall::admit_if`].
    pub(in crate::cli) fn admit(
        &self,
        jail: &JailArguments,
        limits: &Limits,
        folders: &Folders,
        output: &Output,
        may: impl FnOnce(&str) -> Result<(), Failure>,
    ) -> Result<Wall, Failure> {
        let may = |digest: &str| may(self.parcel.as_ref().map_or(digest, Parcel::digest));
        Ok(self.admitted(jail, limits, folders, output, may)?.with(self.parcel.clone()))
    }

    fn admitted(
        &self,
        jail: &JailArguments,
        limits: &Limits,
        folders: &Folders,
        output: &Output,
        may: impl FnOnce(&str) -> Result<(), Failure>,
    ) -> Result<Wall, Failure> {
        let mut bytes = lock(&self.bytes);
        if let Some(code) = self.code.get() {
            let (size, limit) = (self.size, limits.component_bytes);
            return match size > limit {
                true => Err(refused(AdmissionError::TooLarge { size, limit })),
                false => Ok(Wall::workers(Arc::clone(code), jail)),
            };
        }
        if jail.no_jail {
            return Wall::admit_if(jail, &bytes, limits, folders, output, may);
        }
        let wall = Wall::admit_if(jail, &bytes, limits, folders, output, may);
        if let Ok(Wall::Workers(code, ..)) = &wall {
            let _ = self.code.set(Arc::clone(code));
            *bytes = Vec::new();
        }
        wall
    }
}

/// What a thread that panicked left behind is whole: it is put there in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
