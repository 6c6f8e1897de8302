//! Which configuration values a connector's form says are passwords.
//!
//! A sync does not need the form, but what people typed without seeing it must not be seen in a log. The form is the
//! same for the same component, so it is asked for once, in the sandbox and without a grant, and its names are kept.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::subject::Subject;
use super::wall::Wall;
use crate::cli::failure::with_causes;
use crate::cli::folders::Folders;
use crate::display::output::Output;
use crate::http::{Oversight, Trust};
use crate::log::{Level, LogSink};
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::setup::{FieldKind, Form, SetupRequest};
use crate::sync::Confidential;

const FOLDER: &str = "forms";
/// What every project with a form writes somewhere.
const MARKS: [&[u8]; 2] = [b"configuration_form", b"form_field"];
/// A form is a few lines of code; a sync is not kept waiting for longer.
const CPU: Duration = Duration::from_secs(10);
const WALL: Duration = Duration::from_secs(20);

struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}

/// The names of a form's password fields.
pub(in crate::cli) fn of_form(form: &Form) -> BTreeSet<String> {
    let password = form.fields.iter().filter(|field| field.kind == FieldKind::Password);
    password.map(|field| field.name.clone()).collect()
}

/// What names the form of a project that a runner is given, and changes only with files that can be about a form;
/// `None` when there are none.
pub(in crate::cli) fn form_of(subject: &Subject, digest: &str) -> Option<String> {
    let Some(project) = &subject.project else { return Some(digest.to_owned()) };
    let about = |text: &[u8]| MARKS.iter().any(|mark| memchr::memmem::find(text, mark).is_some());
    let mut found = project.files.iter().filter(|file| about(&file.contents)).peekable();
    found.peek()?;
    let mut hasher = blake3::Hasher::new();
    for file in found {
        for part in [file.path.as_bytes(), &file.contents] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
    }
    Some(format!("given-{}", hasher.finalize().to_hex()))
}

/// The names of the password fields of a component's form; what cannot be found out is said once and left out.
pub(in crate::cli) fn of_component(
    wall: &Wall,
    digest: &str,
    limits: &Limits,
    folders: &Folders,
    output: &Output,
) -> BTreeSet<String> {
    let path = folders.cache.join(FOLDER).join(format!("{digest}.json"));
    let kept = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(names) = kept {
        return names;
    }
    let limits = Limits { cpu: limits.cpu.min(CPU), wall: limits.wall.min(WALL), ..limits.clone() };
    let request = SetupRequest {
        configuration: [].into(),
        confidential: Confidential::default(),
        grants: NetworkGrants::default(),
        trust: Trust::nobody(),
        oversight: Oversight::default(),
        limits,
        log: Arc::new(Silence),
    };
    let asked = match wall.open(&request.limits) {
        Ok(place) => place.form(&request).map_err(|error| with_causes(&error)),
        Err(_) => Err("no worker for it".to_owned()),
    };
    match asked {
        Ok(form) => {
            let names = of_form(&form.unwrap_or_default());
            keep(&path, &names);
            names
        }
        Err(error) => {
            output.line(&format!(
                "note: the connector's form failed ({error}), so its password fields are not known; name them with --secret"
            ));
            BTreeSet::new()
        }
    }
}

/// Without this, the next sync asks again.
fn keep(path: &PathBuf, names: &BTreeSet<String>) {
    let Some(folder) = path.parent() else { return };
    let Ok(text) = serde_json::to_vec(names) else { return };
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let written = made.and_then(|()| tempfile::NamedTempFile::new_in(folder));
    if let Ok(mut file) = written
        && std::io::Write::write_all(&mut file, &text).is_ok()
    {
        let _ = file.persist(path);
    }
}
