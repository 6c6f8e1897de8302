//! Looks for secrets in the state of a checkpoint.
//!
//! A state is kept in plain beside the rows, printed by `sluice state show`, and copied around. A secret that
//! somebody marked as one is refused in it; one that only has a secret-looking name is warned of, because a name can
//! mislead.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::log::{ConnectorLog, Level};
use crate::policy::secrets::Redactor;
use crate::policy::terminal::{Lines, visible};

/// Longest key in a message, in bytes.
const KEY_BYTES: usize = 100;
/// Deepest nesting that is looked at; the reader of the state allows no deeper one.
const DEPTH: usize = 128;

/// What must not be in a state.
pub(crate) struct StateGuard {
    said: Redactor,
    guessed: Redactor,
    log: Arc<ConnectorLog>,
    warned: BTreeSet<String>,
}

impl StateGuard {
    /// `said` is refused, `guessed` is warned of.
    pub(crate) fn new(said: Redactor, guessed: Redactor, log: Arc<ConnectorLog>) -> Self {
        Self { said, guessed, log, warned: BTreeSet::new() }
    }

    /// Whether the state may be kept.
    ///
    /// # Errors
    /// A message that names the key.
    pub(crate) fn check(&mut self, state: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in state {
            if holds(key, value, &self.said) {
                return Err(format!(
                    "the state of a checkpoint holds a secret of the configuration under `{}`; keep cursors in the \
                     state, and read secrets from the configuration",
                    self.shown(key)
                ));
            }
            if holds(key, value, &self.guessed) && self.warned.len() < 100 && self.warned.insert(key.clone()) {
                let text = format!(
                    "the state holds a value of the configuration whose name looks secret, under `{}`: it is stored \
                     in plain",
                    self.shown(key)
                );
                self.log.message(Level::Warning, &text);
            }
        }
        Ok(())
    }

    fn shown(&self, key: &str) -> String {
        visible(&self.guessed.redact(&self.said.redact(key)), Lines::One, KEY_BYTES)
    }
}

fn holds(key: &str, value: &Value, secrets: &Redactor) -> bool {
    !secrets.is_empty() && (secrets.finds(key) || within(value, secrets, DEPTH))
}

fn within(value: &Value, secrets: &Redactor, depth: usize) -> bool {
    match value {
        Value::String(text) => secrets.finds(text),
        Value::Number(number) => secrets.finds(&number.to_string()),
        Value::Array(items) => depth > 0 && items.iter().any(|item| within(item, secrets, depth - 1)),
        Value::Object(members) => {
            depth > 0 && members.iter().any(|(key, value)| secrets.finds(key) || within(value, secrets, depth - 1))
        }
        Value::Null | Value::Bool(_) => false,
    }
}
