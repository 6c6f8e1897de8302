//! What a check has to say: findings in plain words, with stable codes for programs.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::policy::terminal::{self, Lines};
use crate::stamp::Stamp;

/// Most findings one report holds; the last one then says that there are more.
pub const MAX_FINDINGS: usize = 100;
/// Most names that [`Report::imports`] and [`Report::exports`] hold each.
pub const MAX_NAMES: usize = 1_000;
/// Longest name or text in a report that comes from the component, in bytes.
const MAX_TEXT: usize = 300;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A WebAssembly component.
    Component,
    /// A WIT package in binary form: types without code.
    WitPackage,
    /// A WebAssembly core module.
    CoreModule,
    /// Something else.
    NotWebassembly,
}

/// Whether a finding keeps a component from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The component does not conform.
    Error,
    /// Worth knowing.
    Note,
}

/// Stable names of what can be found, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No bytes at all.
    Empty,
    /// More than [`MAX_COMPONENT_BYTES`](super::MAX_COMPONENT_BYTES).
    TooLarge,
    /// More declarations than anything real; see `budget`.
    TooComplex,
    /// Not WebAssembly: text.
    Text,
    /// WebAssembly in its text form.
    WatText,
    /// A program or library of an operating system.
    NativeProgram,
    /// A zip archive, which a Python wheel is too.
    ZipArchive,
    /// Another compressed file.
    Compressed,
    /// Machine code prepared by an engine.
    Precompiled,
    /// Bytes that are none of the above.
    NotWebassembly,
    /// WebAssembly of a version or kind that does not exist here.
    UnknownEncoding,
    /// The bytes end too early.
    Truncated,
    /// The bytes break the format.
    Malformed,
    /// A WebAssembly feature that this host keeps off.
    UnsupportedFeature,
    /// A core module.
    CoreModule,
    /// A core module for WASI preview 1.
    Preview1Module,
    /// A core module that was not yet made into a component.
    UnfinishedModule,
    /// Types without code.
    WitPackage,
    /// An export of the contract is missing.
    ExportMissing,
    /// An export of the contract is not a function.
    ExportKind,
    /// An export has another signature.
    ExportType,
    /// An export that the contract does not ask for.
    ExportExtra,
    /// An import that is not an interface.
    ImportNotInterface,
    /// An import of an interface outside the contract.
    ImportUnknownInterface,
    /// An import of a version outside the contract.
    ImportVersion,
    /// An interface with something in it that the contract's interface does not have.
    ImportUnknownItem,
    /// An import has another type.
    ImportType,
    /// An interface with more items than anything real.
    ImportTooMany,
    /// The project that the component carries is not one.
    Project,
    /// The stamp of the tools could not be read.
    StampUnreadable,
    /// There was more to say.
    MoreFindings,
}

impl Code {
    /// The code as it stands in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::TooComplex => "too_complex",
            Self::Text => "text",
            Self::WatText => "wat_text",
            Self::NativeProgram => "native_program",
            Self::ZipArchive => "zip_archive",
            Self::Compressed => "compressed",
            Self::Precompiled => "precompiled",
            Self::NotWebassembly => "not_webassembly",
            Self::UnknownEncoding => "unknown_encoding",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::UnsupportedFeature => "unsupported_feature",
            Self::CoreModule => "core_module",
            Self::Preview1Module => "preview1_module",
            Self::UnfinishedModule => "unfinished_module",
            Self::WitPackage => "wit_package",
            Self::ExportMissing => "export_missing",
            Self::ExportKind => "export_kind",
            Self::ExportType => "export_type",
            Self::ExportExtra => "export_extra",
            Self::ImportNotInterface => "import_not_interface",
            Self::ImportUnknownInterface => "import_unknown_interface",
            Self::ImportVersion => "import_version",
            Self::ImportUnknownItem => "import_unknown_item",
            Self::ImportType => "import_type",
            Self::ImportTooMany => "import_too_many",
            Self::Project => "project",
            Self::StampUnreadable => "stamp_unreadable",
            Self::MoreFindings => "more_findings",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Whether it keeps the component from running.
    pub severity: Severity,
    /// Stable name.
    pub code: Code,
    /// The import, export or part it is about; empty when it is about the whole file.
    pub subject: String,
    /// What was found; reads on from the subject.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn error(code: Code, subject: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, subject: visible(subject), message: message.into(), hint: None }
    }

    pub(super) fn note(code: Code, subject: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, subject, message) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl std::fmt::Display for Finding {
    /// Subject and message in one line, without the hint.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.subject.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}` {}", self.subject, self.message)
        }
    }
}

/// The answer of [`check`](super::check).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the bytes are.
    pub kind: Kind,
    /// What was found, errors first.
    pub findings: Vec<Finding>,
    /// Names of the imports, sorted, at most [`MAX_NAMES`].
    pub imports: Vec<String>,
    /// Names of the exports, sorted, at most [`MAX_NAMES`].
    pub exports: Vec<String>,
    /// What the component says about the tools that made it. A claim, not a proof.
    pub stamp: Option<Stamp>,
}

impl Report {
    pub(super) fn refused(kind: Kind, finding: Finding) -> Self {
        Self { kind, findings: vec![finding], imports: Vec::new(), exports: Vec::new(), stamp: None }
    }

    /// Whether nothing keeps the component from running.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.kind == Kind::Component && self.errors().next().is_none()
    }

    /// The findings that keep it from running.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 6)?;
        fields.serialize_field("conforms", &self.conforms())?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("findings", &self.findings)?;
        fields.serialize_field("imports", &self.imports)?;
        fields.serialize_field("exports", &self.exports)?;
        fields.serialize_field("stamp", &self.stamp)?;
        fields.end()
    }
}

/// Collects findings up to the limit.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    dropped_error: bool,
    dropped: usize,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        if self.is_full() {
            self.dropped = self.dropped.saturating_add(1);
            self.dropped_error |= finding.severity == Severity::Error;
        } else {
            self.list.push(finding);
        }
    }

    /// Whether more findings would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() + 1 >= MAX_FINDINGS
    }

    /// All findings, errors first, otherwise in the order they were made.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        if self.dropped > 0 {
            let severity = if self.dropped_error { Severity::Error } else { Severity::Note };
            let more = Finding::note(Code::MoreFindings, "", format!("at least {} more findings", self.dropped));
            self.list.push(Finding { severity, ..more });
        }
        self.list.sort_by_key(|finding| finding.severity == Severity::Note);
        self.list
    }
}

/// Text from the component made safe to print: no control characters, not too long.
pub(super) fn visible(text: &str) -> String {
    terminal::visible(text, Lines::One, MAX_TEXT)
}
