//! A connector's form and its tests: each call in a store of its own, under the limits of a sync.

use std::collections::HashSet;

use super::bindings::sluice::connector::types;
use super::component::Loaded;
use super::engine::SandboxEngine;
use super::instance::Guest;
use super::state::Capabilities;
use crate::error::{ConnectorFailure, SyncError};
use crate::landing::names::Kind;
use crate::policy::identifiers::check_source;
use crate::policy::limits::{FORM_BYTES, FORM_FIELDS, FORM_TEXT_BYTES};
use crate::setup::{Choice, Field, FieldKind, Form, FormTest, Outcome};

/// The connector's form; `None` when the component has none.
pub(crate) async fn form(
    engine: &SandboxEngine,
    component: &Loaded,
    capabilities: Capabilities,
) -> Result<Option<Form>, SyncError> {
    let names = capabilities.limits.identifier_bytes;
    let form = Guest::call_optional::<_, types::SetupForm>(engine, component, capabilities, "form", ()).await?;
    form.map(|form| checked(form.into(), names)).transpose()
}

/// Tries a configuration, a JSON object of strings, with one test; `None` when the component has none.
pub(crate) async fn test(
    engine: &SandboxEngine,
    component: &Loaded,
    capabilities: Capabilities,
    name: &str,
    configuration: &str,
) -> Result<Option<Outcome>, SyncError> {
    let log = std::sync::Arc::clone(&capabilities.log);
    let parameters = (name, configuration);
    let outcome =
        Guest::call_optional::<_, types::TestOutcome>(engine, component, capabilities, "test", parameters).await?;
    Ok(outcome.map(|outcome| match outcome {
        types::TestOutcome::Success => Outcome::Success,
        types::TestOutcome::Failure(text) => Outcome::Failure(log.clean_block(&text, FORM_TEXT_BYTES)),
    }))
}

/// Does a task with the export `work`, which is the host's own when it is a JSON object; `None` when the component has
/// none.
pub(crate) async fn work(
    engine: &SandboxEngine,
    component: &Loaded,
    capabilities: Capabilities,
    task: &str,
) -> Result<Option<String>, SyncError> {
    Guest::call_optional::<_, String>(engine, component, capabilities, "work", (task,)).await
}

/// A form that keeps the contract.
pub(crate) fn checked(form: Form, name_bytes: usize) -> Result<Form, SyncError> {
    check(&form, name_bytes).map(|()| form).map_err(|message| {
        SyncError::Connector(ConnectorFailure { kind: "form".into(), message, traceback: String::new() })
    })
}

fn check(form: &Form, name_bytes: usize) -> Result<(), String> {
    if form.fields.len() > FORM_FIELDS || form.tests.len() > FORM_FIELDS {
        return Err(format!("its form has more than {FORM_FIELDS} fields or tests"));
    }
    let mut names = HashSet::new();
    for field in &form.fields {
        // Columns of a table and values of a configuration follow one rule, which has no name for the latter.
        check_source(Kind::Column, &field.name, name_bytes)
            .map_err(|error| error.to_string().replacen("column", "field", 1))?;
        if !names.insert(&field.name) {
            return Err(format!("its form has two fields named {}", field.name));
        }
        if matches!(&field.kind, FieldKind::Dropdown(choices) if choices.is_empty()) {
            return Err(format!("the field {} has no choices", field.name));
        }
    }
    let mut tests = HashSet::new();
    if form.tests.iter().any(|test| test.name.is_empty() || !tests.insert(&test.name)) {
        return Err("its form has a test without a name, or two of one name".to_owned());
    }
    let lengths: Vec<usize> = form.texts().map(str::len).collect();
    if lengths.iter().any(|length| *length > FORM_TEXT_BYTES) || lengths.iter().sum::<usize>() > FORM_BYTES {
        return Err(format!("a text of its form has more than {FORM_TEXT_BYTES} bytes, or all more than {FORM_BYTES}"));
    }
    Ok(())
}

impl From<types::SetupForm> for Form {
    fn from(form: types::SetupForm) -> Self {
        let tests = form.tests.into_iter().map(|test| FormTest { name: test.name, label: test.label });
        Self { fields: form.fields.into_iter().map(Into::into).collect(), tests: tests.collect() }
    }
}

impl From<types::FormField> for Field {
    fn from(field: types::FormField) -> Self {
        let kind = match field.kind {
            types::FieldKind::Text => FieldKind::Text,
            types::FieldKind::Password => FieldKind::Password,
            types::FieldKind::Toggle => FieldKind::Toggle,
            types::FieldKind::Dropdown(choices) => FieldKind::Dropdown(
                choices
                    .into_iter()
                    .map(|choice| Choice { value: choice.value, label: choice.label, description: choice.description })
                    .collect(),
            ),
        };
        Self {
            name: field.name,
            label: field.label,
            description: field.description.unwrap_or_default(),
            placeholder: field.placeholder.unwrap_or_default(),
            required: field.required,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Field {
        Field { name: name.to_owned(), label: "Label".to_owned(), ..Field::default() }
    }

    fn form(fields: Vec<Field>) -> Form {
        Form { fields, tests: Vec::new() }
    }

    #[test]
    fn forms_within_the_contract() {
        assert_eq!(check(&Form::default(), 255), Ok(()));
        assert_eq!(check(&form(vec![field("host"), field("API key")]), 255), Ok(()));
    }

    #[test]
    fn forms_that_break_the_contract() {
        let test = |name: &str| FormTest { name: name.to_owned(), label: String::new() };
        let long = Field { description: "x".repeat(FORM_TEXT_BYTES + 1), ..field("a") };
        let heavy = |index: usize| Field { description: "x".repeat(FORM_TEXT_BYTES), ..field(&index.to_string()) };
        let choice = Choice { value: "x".repeat(FORM_TEXT_BYTES), ..Choice::default() };
        for (form, says) in [
            (form(vec![field("a"), field("a")]), "two fields named a"),
            (form(vec![field(" ")]), "a field name is empty"),
            (form(vec![field("a\u{1b}[2J")]), "control character"),
            (form(vec![Field { kind: FieldKind::Dropdown(Vec::new()), ..field("a") }]), "no choices"),
            (form(vec![long]), "a text of its form"),
            (form(vec![Field { kind: FieldKind::Dropdown(vec![choice; 300]), ..field("a") }]), "a text of its form"),
            (form((0..=FORM_FIELDS).map(|index| field(&index.to_string())).collect()), "more than 100 fields"),
            (Form { fields: Vec::new(), tests: vec![test("a"), test("a")] }, "two of one name"),
        ] {
            let error = check(&form, 255).err().unwrap_or_default();
            assert!(error.contains(says), "{error} does not say {says}");
        }
        assert_eq!(check(&form((0..FORM_FIELDS).map(heavy).collect()), 255), Ok(()));
    }
}
