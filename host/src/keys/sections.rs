//! The sections that several files have. A test of `fleet` holds them against what reads them.

use super::{Key, Kind, key};

const DELETES: Kind = Kind::Word(&["soft", "hard"]);

/// What [`crate::landing::Landing`] reads.
pub(crate) const DESTINATION: &[Key] = &[
    key("deletes", DELETES, "Whether a deleted row is kept and marked, or removed. Default: soft"),
    key(
        "on_type_mismatch",
        Kind::Word(&["fail", "widen", "null"]),
        "What becomes of a value that its column's declared or locked type cannot hold: its row is bad, the column \
         becomes wide enough, or NULL is stored and counted. Default: fail",
    ),
    key(
        "on_bad_row",
        Kind::Word(&["fail", "quarantine"]),
        "What becomes of a row that cannot land: the sync fails, or the row goes to a side table with the reason. \
         Default: fail; but a row that lacks a part of its primary key lands, identified by its values",
    ),
    key(
        "schema_changes",
        Kind::Word(&["allow-all", "allow-columns", "block-all"]),
        "What may come new after the first successful sync: tables and columns, columns of known tables, or nothing. \
         Default: allow-all",
    ),
    key(
        "naming",
        Kind::Word(&["standard", "source"]),
        "How tables and columns are called: in lower-case ASCII words, or as the source has them. Fixed at the first \
         sync. Default: standard",
    ),
    key(
        "system_columns",
        Kind::Word(&["sluice", "fivetran"]),
        "The prefix of the columns that Sluice adds: _sluice_ or _fivetran_. Fixed at the first sync. Default: sluice",
    ),
    key(
        "tables",
        Kind::ByName(TABLE),
        "Decisions about single tables, by their name in the source: users, sales.users",
    ),
];

/// What [`crate::landing::TableLanding`] reads.
const TABLE: &[Key] = &[
    key("block", Kind::Flag, "Nothing of the table lands. Default: false"),
    key("history", Kind::Flag, "Every version of a row is kept. Default: false"),
    key(
        "lock_types",
        Kind::Flag,
        "Types of columns stay as they are; a value that does not fit is converted, or else as on_type_mismatch says. \
         Default: false",
    ),
    key("deletes", DELETES, "As above, for this table. Default: what the connection says"),
    key("block_columns", Kind::Texts, "Columns that never land, by their name in the source"),
    key("hash_columns", Kind::Texts, "Columns of which only a keyed hash lands, by their name in the source"),
];

const PLACES: Key = key(
    "in",
    Kind::Words(&["header", "query", "body"]),
    "In which parts of a request it may stand. Default: [\"header\"]",
);

/// What [`crate::policy::held::SecretRule`] reads.
pub(crate) const SECRET: &[Key] = &[
    key(
        "hosts",
        Kind::Texts,
        "Where it may be sent, such as https://api.example.com; the connector then sees a placeholder. Default: none, \
         and the connector has the value itself",
    ),
    PLACES,
];

/// What [`crate::policy::held::OauthRule`] reads.
pub(crate) const OAUTH: &[Key] = &[
    key("token_url", Kind::Text, "Where tokens are given out; the host alone goes there, unless it is granted too")
        .needed(),
    key(
        "flow",
        Kind::Word(&["client-credentials", "refresh-token"]),
        "How a token is fetched: RFC 6749, section 4.4 or section 6",
    )
    .needed(),
    key("client_id", Kind::Text, "Name of the configuration value with the client's id").needed(),
    key(
        "client_secret",
        Kind::Text,
        "Name of the secret with the client's secret; needed for client-credentials, and a public client has none",
    ),
    key("refresh_token", Kind::Text, "Name of the secret with the refresh token; needed for refresh-token"),
    key("scope", Kind::Text, "Scopes to ask for, divided by spaces"),
    key(
        "client_authentication",
        Kind::Word(&["basic", "body"]),
        "How the client says who it is: Authorization: Basic, or client_id and client_secret in the body. \
         Default: basic",
    ),
    key("hosts", Kind::Texts, "Where the token may be sent").needed(),
    PLACES,
];
