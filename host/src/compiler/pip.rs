//! The pinned pip as the guest's, in a jail.
//!
//! It fetches packages, so it has the network, and it reads what tells it where from: its own configuration, the
//! credentials of the index, certificates. It writes into folders of this one build, and into its cache of downloads
//! unless it builds source. Then it runs code of a stranger, each time in a jail within this one: without network, the
//! environment and all that pip reads, with the folders of this one package. What that code needs to build is taken as
//! wheels only, since the pip that fetches it is started by pip and holds nobody.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::command::{self, CommandError, Finished};
use super::dependencies::DependencyError;
use super::native;
use super::requirements::OURS;
use super::resolution::Policy;
use super::toolchain::Toolchain;
use crate::worker::{self, Reach};

/// The pinned pip with the guest's markers and tags.
pub(super) const GUEST_PIP: &str = include_str!("guest_pip.py");

/// What pip, looking up names and checking certificates read, as far as it is there.
const OF_THE_SYSTEM: [&str; 25] = [
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/localtime",
    // Not the folders around these, in which keys may lie.
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pip.conf",
    // It tells the index which system it is, and Python what it knows of kinds of files.
    "/etc/os-release",
    "/etc/lsb-release",
    "/etc/debian_version",
    "/etc/mime.types",
    "/etc/httpd/mime.types",
    "/etc/httpd/conf/mime.types",
    "/etc/apache2/mime.types",
];
/// Variables that name a file or folder.
const NAMING: [&str; 7] =
    ["NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE"];
/// Variables in which folders may stand among URLs.
const LISTING: [&str; 3] = ["PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"];
/// Longest configuration of pip that is looked through.
const MAX_CONFIGURATION_BYTES: u64 = 1 << 20;

/// One call of pip. What it leaves goes when this does.
pub(super) struct GuestPip<'a> {
    toolchain: &'a Toolchain,
    folder: tempfile::TempDir,
    command: Command,
    /// Whether code of packages runs.
    builds: bool,
    /// This program, by which pip puts that code into a jail.
    own: Option<PathBuf>,
}

impl<'a> GuestPip<'a> {
    /// A call under a policy, with its own folder below `work`.
    pub(super) fn new(toolchain: &'a Toolchain, work: &Path, policy: &Policy) -> Result<Self, DependencyError> {
        let failed = |source| DependencyError::Cache { path: work.to_path_buf(), source };
        // Not below the last call's: what ran there could have laid a link in the way of what is written here.
        let folder = tempfile::Builder::new().prefix("pip-").tempdir_in(work).map_err(failed)?;
        let (script, settings) = (folder.path().join("guest_pip.py"), folder.path().join("policy.json"));
        let made = folder.path().join("made");
        fs::create_dir_all(made.join("tmp")).map_err(failed)?;
        let builds = !policy.sdists.is_empty();
        // The path and not `/proc/self/exe`, which in pip is Python.
        let own = (builds && toolchain.jail).then(std::env::current_exe).transpose().map_err(failed)?;
        let text = json!({
            "native": native::WITHOUT_MACHINE_CODE,
            "refused": native::refused().collect::<Vec<_>>(),
            "provided": OURS,
            "spared": native::SPARED,
            "any_native": policy.any_native,
            "sdists": policy.sdists,
            "hashes": policy.hashes,
            "blocked": made.join("blocked.json"),
            "jail": own.as_ref().map(|own| [own.as_os_str(), OsStr::new(worker::TOOL)].map(OsStr::to_string_lossy)),
        });
        fs::write(&script, GUEST_PIP).map_err(failed)?;
        fs::write(&settings, text.to_string()).map_err(failed)?;
        let mut command = command::with_pip_environment(&toolchain.python);
        command.arg("-I").arg(script).arg(settings);
        for variable in ["TMPDIR", "TEMP", "TMP"] {
            command.env(variable, made.join("tmp"));
        }
        if builds {
            command.env("PIP_NO_CACHE_DIR", "1");
            // For what a build needs. Of what is resolved the script says itself which files may be taken.
            command.env("PIP_ONLY_BINARY", ":all:");
        }
        Ok(Self { toolchain, folder, command, builds, own })
    }

    /// Adds arguments.
    pub(super) fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// A file that pip reads.
    pub(super) fn input(&self, name: &str, text: &str) -> Result<PathBuf, DependencyError> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).map_err(|source| DependencyError::Cache { path: path.clone(), source })?;
        Ok(path)
    }

    /// Where pip can write, for this call only. A stranger's code may have been there: see [`command::plain`].
    pub(super) fn made(&self, name: &str) -> PathBuf {
        self.folder.path().join("made").join(name)
    }

    /// The cache of downloads, where it may write: not beside a stranger's code.
    fn downloads(&self, value: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        downloads(value).filter(|_| !self.builds && self.toolchain.jail)
    }

    /// Runs it; it may also write into `write`, and read `read`.
    pub(super) fn run(self, write: &[&Path], read: &[&Path]) -> Result<(Finished, Self), CommandError> {
        let set: Vec<_> = self.command.get_envs().filter_map(|(name, value)| Some((name, value?))).collect();
        let value = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| PathBuf::from(value));
        let made = self.folder.path().join("made");
        let downloads = self.downloads(value);
        // The jail cannot allow what is not there; without a cache pip fetches again.
        downloads.iter().for_each(|folder| drop(fs::create_dir_all(folder)));
        let settings = settings(value);
        let mut reading: Vec<&Path> = vec![self.folder.path()];
        reading.extend(settings.iter().map(PathBuf::as_path).chain(read.iter().copied()));
        let mut writing: Vec<&Path> = vec![&made];
        writing.extend(downloads.as_deref().into_iter().chain(write.iter().copied()));
        let run: Vec<_> = self.own.iter().map(PathBuf::as_path).collect();
        let reach = Reach { write: &writing, read: &reading, run: &run, network: true };
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args()).env_clear().envs(set.iter().copied());
        let finished = command::run(&mut self.toolchain.held(command, reach))?;
        Ok((finished, self))
    }
}

/// Where pip keeps what it fetched.
fn downloads(value: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let below = |variable: &str, more: &str| value(variable).filter(|path| path.is_absolute()).map(|p| p.join(more));
    value("PIP_CACHE_DIR").or_else(|| below("XDG_CACHE_HOME", "pip")).or_else(|| below("HOME", ".cache/pip"))
}

/// The files that tell pip where packages come from, and those that these name.
fn settings(value: impl Fn(&str) -> Option<PathBuf> + Copy) -> Vec<PathBuf> {
    let home = value("HOME").filter(|home| home.is_absolute());
    let at_home = |place: &str| home.as_ref().map(|home| home.join(place));
    let mut configurations = vec![PathBuf::from("/etc/pip.conf"), PathBuf::from("/etc/xdg/pip/pip.conf")];
    configurations.extend([at_home(".pip/pip.conf"), at_home(".config/pip/pip.conf")].into_iter().flatten());
    configurations.extend(value("XDG_CONFIG_HOME").map(|folder| folder.join("pip/pip.conf")));
    if let Some(folders) = value("XDG_CONFIG_DIRS") {
        configurations.extend(std::env::split_paths(&folders).map(|folder| folder.join("pip/pip.conf")));
    }
    configurations.extend(value("PIP_CONFIG_FILE"));
    let mut found: Vec<PathBuf> = OF_THE_SYSTEM.iter().map(PathBuf::from).collect();
    found.extend(NAMING.iter().filter_map(|name| value(name)));
    found.extend([at_home(".netrc"), at_home("_netrc")].into_iter().flatten());
    let text = |name: &str| value(name).and_then(|text| text.to_str().map(str::to_owned)).unwrap_or_default();
    found.extend(LISTING.iter().flat_map(|name| named(&text(name), home.as_deref())));
    // Folders of wheels may be named from where pip is started.
    let links = text("PIP_FIND_LINKS");
    found.extend(
        links.split_whitespace().filter(|word| !word.contains("://")).filter_map(|w| std::path::absolute(w).ok()),
    );
    for configuration in configurations {
        let mut text = Vec::new();
        let read = fs::File::open(&configuration);
        let _ = read.and_then(|file| file.take(MAX_CONFIGURATION_BYTES).read_to_end(&mut text));
        found.extend(named(&String::from_utf8_lossy(&text), home.as_deref()));
        found.push(configuration);
    }
    found.retain(|path| path.is_absolute() && path.exists() && path.parent().is_some());
    found.sort();
    found.dedup();
    found
}

/// Paths among the words of a text.
fn named(text: &str, home: Option<&Path>) -> Vec<PathBuf> {
    let words = text.split(|end: char| end.is_whitespace() || matches!(end, '=' | ',' | '"' | '\''));
    let path = |word: &str| {
        let word = word.strip_prefix("file://").unwrap_or(word);
        match (word.strip_prefix("~/"), home) {
            (Some(below), Some(home)) if !below.is_empty() => Some(home.join(below)),
            _ => Some(PathBuf::from(word)).filter(|path| path.is_absolute()),
        }
    };
    words.filter_map(path).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_pip_is_set_up_with_is_read_and_nothing_else_of_the_home() {
        let home = tempfile::tempdir().unwrap();
        let at = |place: &str| home.path().join(place);
        for folder in [".config/pip", "wheels", "others", ".ssh"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let wheels = at("wheels");
        let text = format!("[global]\nfind-links = {}\n  file://{}\n", wheels.display(), at("others").display());
        fs::write(at(".config/pip/pip.conf"), text).unwrap();
        fs::write(at("more.conf"), "[global]\ncert = ~/ca.pem\n").unwrap();
        for file in [".netrc", "ca.pem", ".ssh/id"] {
            fs::write(at(file), "").unwrap();
        }
        let value = |name: &str| match name {
            "HOME" => Some(home.path().to_path_buf()),
            "PIP_CONFIG_FILE" => Some(home.path().join("more.conf")),
            _ => None,
        };
        let mut found = settings(value);
        found.retain(|path| path.starts_with(home.path()));
        let wanted = [".config/pip/pip.conf", ".netrc", "ca.pem", "more.conf", "others", "wheels"];
        assert_eq!(found, wanted.map(at));
        assert_eq!(downloads(value).unwrap(), at(".cache/pip"));
    }

    #[test]
    fn who_builds_source_does_not_write_where_others_take_packages_from() {
        let work = tempfile::tempdir().unwrap();
        let toolchain = Toolchain { python: PathBuf::from("python3"), jail: true };
        let downloads = |sdists: &[&str]| {
            let sdists = sdists.iter().map(|&name| name.to_owned()).collect();
            let pip = GuestPip::new(&toolchain, work.path(), &Policy { sdists, ..Policy::default() }).unwrap();
            pip.downloads(|name| (name == "PIP_CACHE_DIR").then(|| PathBuf::from("/cache")))
        };
        assert_eq!(downloads(&[]), Some(PathBuf::from("/cache")));
        assert_eq!(downloads(&["docopt"]), None);
    }

    #[test]
    fn a_root_or_a_relative_path_is_no_place() {
        let value = |name: &str| (name == "PIP_INDEX_URL").then(|| PathBuf::from("/ https://index.example/ src"));
        let found = settings(value);
        assert!(found.iter().all(|path| path.is_absolute() && path.parent().is_some()), "{found:?}");
        let value = |name: &str| (name == "PIP_FIND_LINKS").then(|| PathBuf::from("src"));
        assert!(
            settings(value).contains(&std::path::absolute("src").unwrap()),
            "the folder of wheels that is asked for"
        );
    }
}
