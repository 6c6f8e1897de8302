//! The JSON Schema of the file, for editors.

use serde_json::{Map, Value, json};

use super::keys::{CONNECTION, FILE, Key, Kind};
use crate::policy::limits;

const DURATION: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
const NAME: &str = "^[a-z_][a-z0-9_-]*$";

/// The JSON Schema (2020-12) of a fleet's file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(FILE);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!("sluice.toml: connections of a fleet"));
    }
    schema
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn described(key: &Key) -> Value {
    let mut value = of(key.kind);
    if let Some(value) = value.as_object_mut() {
        value.insert("description".to_owned(), json!(key.doc));
    }
    value
}

fn of(kind: Kind) -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let by_name = json!({"type": "object", "additionalProperties": {"type": "string"}});
    match kind {
        Kind::Path => json!({"type": "string", "minLength": 1}),
        Kind::Text => json!({"type": "string"}),
        Kind::Texts => texts,
        Kind::TextsByName => by_name,
        Kind::Configuration => json!({"anyOf": [{"type": "string", "minLength": 1}, by_name]}),
        Kind::Duration => json!({"type": "string", "minLength": 2, "pattern": DURATION}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Table(keys) => object(keys),
        Kind::Connections => {
            let mut connection = object(CONNECTION);
            if let Some(connection) = connection.as_object_mut() {
                connection.insert("required".to_owned(), json!(["component"]));
            }
            json!({"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": connection})
        }
        Kind::Destination => destination(),
        Kind::Limits => limits(),
        Kind::Secrets => json!({"type": "object", "additionalProperties": {
            "type": "object", "additionalProperties": false, "properties": bound()
        }}),
        Kind::Oauth => oauth(),
    }
}

/// What [`crate::landing::Landing`] reads.
fn destination() -> Value {
    let words = |words: &[&str]| json!({"enum": words});
    let flag = || json!({"type": "boolean"});
    let columns = || json!({"type": "array", "items": {"type": "string"}});
    let deletes = words(&["soft", "hard"]);
    let table = json!({"type": "object", "additionalProperties": false, "properties": {
        "block": flag(), "history": flag(), "lock_types": flag(), "deletes": deletes,
        "block_columns": columns(), "hash_columns": columns(),
    }});
    json!({"type": "object", "additionalProperties": false, "properties": {
        "deletes": deletes,
        "on_type_mismatch": words(&["fail", "widen", "null"]),
        "on_bad_row": words(&["fail", "quarantine"]),
        "schema_changes": words(&["allow-all", "allow-columns", "block-all"]),
        "naming": words(&["standard", "source"]),
        "system_columns": words(&["sluice", "fivetran"]),
        "tables": {"type": "object", "additionalProperties": table},
    }})
}

fn limits() -> Value {
    let limit = json!({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]});
    let properties: Map<String, Value> = limits::ROWS.iter().map(|row| (row.name.to_owned(), limit.clone())).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn bound() -> Value {
    let hosts = json!({"type": "array", "items": {"type": "string"}});
    json!({"hosts": hosts, "in": {"type": "array", "items": {"enum": ["header", "query", "body"]}}})
}

/// What [`crate::policy::held::OauthRule`] reads.
fn oauth() -> Value {
    let mut properties = bound();
    if let Some(properties) = properties.as_object_mut() {
        for name in ["token_url", "client_id", "client_secret", "refresh_token", "scope"] {
            properties.insert(name.to_owned(), json!({"type": "string"}));
        }
        properties.insert("flow".to_owned(), json!({"enum": ["client-credentials", "refresh-token"]}));
        properties.insert("client_authentication".to_owned(), json!({"enum": ["basic", "body"]}));
    }
    json!({"type": "object", "additionalProperties": {
        "type": "object", "additionalProperties": false,
        "required": ["token_url", "flow", "client_id", "hosts"], "properties": properties
    }})
}
