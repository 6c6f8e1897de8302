//! JSON Schemas of files, for editors.

use serde_json::{Map, Value, json};

use super::{ANY, Key, Kind};
use crate::policy::limits;

const DURATION: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
const CONNECTION_NAME: &str = "^[a-z_][a-z0-9_-]*$";

/// The JSON Schema (2020-12) of a file with these keys.
pub(crate) fn schema(title: &str, keys: &[Key]) -> Value {
    let mut schema = object(keys);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!(title));
    }
    schema
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
    let needed: Vec<_> = keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    if let Some(object) = object.as_object_mut()
        && !needed.is_empty()
    {
        object.insert("required".to_owned(), json!(needed));
    }
    object
}

fn described(key: &Key) -> Value {
    with_description(of(key.kind), key.doc)
}

fn with_description(mut value: Value, description: &str) -> Value {
    if let Some(value) = value.as_object_mut() {
        value.insert("description".to_owned(), json!(description));
    }
    value
}

fn of(kind: Kind) -> Value {
    let by_name = json!({"type": "object", "additionalProperties": {"type": "string"}});
    match kind {
        Kind::Path => json!({"type": "string", "minLength": 1}),
        Kind::Text => json!({"type": "string"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::TextsByName => by_name,
        Kind::Configuration => json!({"anyOf": [{"type": "string", "minLength": 1}, by_name]}),
        Kind::Duration => json!({"type": "string", "minLength": 2, "pattern": DURATION}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count(least, ANY) => json!({"type": "integer", "minimum": least}),
        Kind::Count(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Word(words) => json!({"enum": words}),
        Kind::Words(words) => json!({"type": "array", "items": {"enum": words}}),
        Kind::Table(keys) => object(keys),
        Kind::ByName(keys) => json!({"type": "object", "additionalProperties": object(keys)}),
        Kind::Connections(keys) => json!({
            "type": "object", "propertyNames": {"pattern": CONNECTION_NAME}, "additionalProperties": object(keys)
        }),
        Kind::Limits => limits(),
    }
}

fn limits() -> Value {
    let limit = json!({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]});
    let described = |row: &limits::Row| (row.name.to_owned(), with_description(limit.clone(), &row.says()));
    let properties: Map<String, Value> = limits::ROWS.iter().map(described).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}
