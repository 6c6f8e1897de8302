//! Asking a connector what it wants to know, and trying the answers: what `sluice configure` does
//! in the sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::confidential::{Confidential, redacted};
use crate::counters::Counters;
use crate::error::SyncError;
use crate::http::{Client, Oversight, SystemResolver, Trust, Web};
use crate::incidents::Incidents;
use crate::log::{ConnectorLog, LogSink};
use crate::ops::Operations;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::queue;
use crate::sandbox::{self, Capabilities, Loaded, MemoryUse, SandboxEngine};
use crate::sync::{block_on, block_on_worker, with_denial};
use crate::worker::{self, Done, Taker, Task, Worker};

/// What a connector asks a person for; see `setup-form` in `wit/connector.wit`. The texts are the
/// connector's: they may hold control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Form {
    /// The fields in order, no name twice.
    pub fields: Vec<Field>,
    /// The tests in order, no name twice.
    pub tests: Vec<FormTest>,
}

/// One field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Field {
    /// Name of the configuration value.
    pub name: String,
    /// What people see instead of it.
    pub label: String,
    /// An explanation; may be empty.
    pub description: String,
    /// What an empty field shows; may be empty.
    pub placeholder: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// What it asks for.
    pub kind: FieldKind,
}

/// What a field asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum FieldKind {
    /// A line of text.
    #[default]
    Text,
    /// A line of text that is not shown.
    Password,
    /// One of several values.
    Dropdown(Vec<Choice>),
    /// `true` or `false`.
    Toggle,
}

/// One choice of a dropdown.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Choice {
    /// What the configuration gets.
    pub value: String,
    /// What people see instead of it.
    pub label: String,
    /// An explanation; may be empty.
    pub description: String,
}

/// One test of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FormTest {
    /// Its name.
    pub name: String,
    /// What people see.
    pub label: String,
}

/// How a test went.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// The configuration works.
    Success,
    /// It does not; why, made safe to show and without secrets.
    Failure(String),
}

impl Form {
    /// Every text of the form that people see or a configuration gets.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().flat_map(|field| {
            let choices = match &field.kind {
                FieldKind::Dropdown(choices) => choices.as_slice(),
                _ => &[],
            };
            let choices = choices.iter().flat_map(|choice| [&choice.value, &choice.label, &choice.description]);
            [&field.label, &field.description, &field.placeholder].into_iter().chain(choices)
        });
        fields.chain(self.tests.iter().flat_map(|test| [&test.name, &test.label])).map(String::as_str)
    }
}

/// What a call outside a sync may use. Whatever is not granted here is denied.
#[derive(Clone)]
pub struct SetupRequest {
    /// The configuration to try; secrets in it stay out of messages.
    pub configuration: BTreeMap<String, String>,
    /// What of it is secret.
    pub confidential: Confidential,
    /// Where the connector may connect to.
    pub grants: NetworkGrants,
    /// Which certificate authorities are trusted.
    pub trust: Trust,
    /// Budgets that it shares with others, and the audit log.
    pub oversight: Oversight,
    /// The limits, for each call.
    pub limits: Limits,
    /// Where the connector's log goes.
    pub log: Arc<dyn LogSink>,
}

/// Asks the connector for its form; `None` when it has none.
///
/// # Errors
/// How the connector failed, what it was denied, or the limit that it reached.
pub fn form(engine: &SandboxEngine, component: &Loaded, request: &SetupRequest) -> Result<Option<Form>, SyncError> {
    let (capabilities, incidents) = capabilities(request);
    let asked = block_on(sandbox::form(engine, component, capabilities)).and_then(|asked| asked);
    with_denial(asked, &incidents).map_err(|error| clean(error, request))
}

/// As [`form`], in a worker that was opened with the limits of the request.
///
/// # Errors
/// As [`form`].
pub fn form_in(worker: Worker, request: &SetupRequest) -> Result<Option<Form>, SyncError> {
    let (capabilities, incidents) = capabilities(request);
    let asked = block_on_worker(worker::run(worker, capabilities, Task::Form)).and_then(|asked| match asked.done {
        Done::Form(form) => form,
        Done::Sync(_) | Done::Test(_) | Done::Work(_) => Err(another_task()),
    });
    with_denial(asked, &incidents).map_err(|error| clean(error, request))
}

/// As [`test()`], in a worker that was opened with the limits of the request.
///
/// # Errors
/// As [`form`].
pub fn test_in(worker: Worker, request: &SetupRequest, name: &str) -> Result<Option<Outcome>, SyncError> {
    let (capabilities, incidents) = capabilities(request);
    let configuration = serde_json::to_string(&request.configuration).unwrap_or_else(|_| "{}".to_owned());
    let task = Task::Test { name: name.to_owned(), configuration };
    let tested = block_on_worker(worker::run(worker, capabilities, task)).and_then(|tested| match tested.done {
        Done::Test(outcome) => outcome,
        Done::Sync(_) | Done::Form(_) | Done::Work(_) => Err(another_task()),
    });
    with_denial(tested, &incidents).map_err(|error| clean(error, request))
}

/// Lets a worker do a task of the host, under the limits that it was opened with and without a grant; `None` when its
/// component does none.
///
/// # Errors
/// How the component failed, or the limit that it reached.
pub fn work_in(worker: Worker, request: &SetupRequest, task: String) -> Result<Option<String>, SyncError> {
    let (capabilities, _) = capabilities(request);
    match block_on_worker(worker::run(worker, capabilities, Task::Work(task)))?.done {
        Done::Work(answer) => answer,
        Done::Sync(_) | Done::Form(_) | Done::Test(_) => Err(another_task()),
    }
}

/// As [`work_in`], in this process.
///
/// # Errors
/// As [`work_in`].
pub fn work(
    engine: &SandboxEngine,
    component: &Loaded,
    request: &SetupRequest,
    task: &str,
) -> Result<Option<String>, SyncError> {
    let (capabilities, _) = capabilities(request);
    block_on(sandbox::work(engine, component, capabilities, task)).and_then(|worked| worked)
}

fn another_task() -> SyncError {
    SyncError::Host("the worker did another task".to_owned())
}

/// Runs one test of the configuration; `None` when the connector has none.
///
/// # Errors
/// As [`form`].
pub fn test(
    engine: &SandboxEngine,
    component: &Loaded,
    request: &SetupRequest,
    name: &str,
) -> Result<Option<Outcome>, SyncError> {
    let (capabilities, incidents) = capabilities(request);
    let configuration = serde_json::to_string(&request.configuration).unwrap_or_else(|_| "{}".to_owned());
    let tested = block_on(sandbox::test(engine, component, capabilities, name, &configuration));
    with_denial(tested.and_then(|tested| tested), &incidents).map_err(|error| clean(error, request))
}

fn clean(error: SyncError, request: &SetupRequest) -> SyncError {
    redacted(error, &request.confidential.redactor(&request.configuration))
}

/// The network and the log; operations are refused because no sync opens the way for them.
fn capabilities(request: &SetupRequest) -> (Capabilities, Incidents) {
    let incidents = Incidents::default();
    let counters = Arc::new(Counters::default());
    let log = ConnectorLog::new(
        Arc::clone(&request.log),
        request.confidential.redactor(&request.configuration),
        &request.limits,
    );
    // Nothing ever passes: the writer's end is gone before the first operation could.
    let (sender, _) = queue::queue(Arc::clone(&counters));
    let resolver = Arc::new(SystemResolver);
    let capabilities = Capabilities {
        environment: std::collections::BTreeMap::new(),
        operations: Taker::Here(Operations::new(
            request.limits.clone(),
            Arc::default(),
            sender,
            incidents.clone(),
            Arc::clone(&counters),
        )),
        http: Web::Network(
            Client::overseen(
                request.grants.clone(),
                &request.limits,
                resolver,
                request.trust.clone(),
                request.oversight.clone(),
            )
            .holding(request.confidential.held.clone()),
        ),
        still: None,
        log: Arc::new(log),
        incidents: incidents.clone(),
        counters,
        memory: Arc::new(MemoryUse::default()),
        limits: request.limits.clone(),
    };
    (capabilities, incidents)
}
