//! What commands print with `--json` when they are done, and what its fields are.

/// What a command prints.
#[derive(Clone, Copy, Debug)]
pub struct Printed {
    /// The command, without `sluice`, with what makes it print this.
    pub command: &'static str,
    /// What it is.
    pub is: &'static str,
    /// Its fields: the way to each, and what it is. A field whose own fields are not listed holds what it says as a
    /// whole.
    pub fields: &'static [(&'static str, &'static str)],
}

/// All of it.
pub const PRINTED: &[Printed] = &[
    Printed {
        command: "build",
        is: "one object, after the events of its steps",
        fields: &[
            ("component", "path of the component that was written"),
            ("name", "of the connector"),
            ("version", "of the connector"),
            ("digest", "of the component: SHA-256 in hex"),
            ("source", "SHA-256 of everything that it was built from, in hex"),
            ("bytes", "size of the component"),
            ("fresh", "false when it had been built before"),
        ],
    },
    Printed {
        command: "check",
        is: "one object",
        fields: &[
            ("conforms", "whether it fits the contract; the command exits with 1 otherwise"),
            ("kind", "what the bytes are, `component` if all is well"),
            ("findings[].severity", "`error` or `note`"),
            ("findings[].code", "a stable name of what was found"),
            ("findings[].subject", "the import, export or part it is about; empty for the file"),
            ("findings[].message", "what was found"),
            ("findings[].hint", "what to do, or null"),
            ("imports", "names of what it imports, sorted"),
            ("exports", "names of what it exports, sorted"),
            ("stamp", "what it says of itself, which proves nothing, or null; its fields are absent then"),
            ("stamp.name", "of the connector; absent without a stamp"),
            ("stamp.version", "of the connector; absent without a stamp"),
            ("stamp.sdk", "version of the Python SDK; absent in a component of another language"),
            ("stamp.contract", "version of the contract; absent without a stamp"),
            ("stamp.source", "SHA-256 of what it was built from, in hex; absent without a stamp"),
            ("stamp.network", "destinations that it asks for; absent without a stamp"),
            ("stamp.limits", "limits that it asks for, by name; absent without a stamp"),
            ("stamp.dependencies", "what was compiled in, each `name` and `version`; absent without a stamp"),
        ],
    },
    Printed {
        command: "validate",
        is: "one object",
        fields: &[
            ("file", "the fleet's file"),
            ("connections", "how many it has; 0 when the file cannot be read as one"),
            ("problems[].line", "line of the file, from 1; 0 when it is of no line"),
            ("problems[].key", "the key, such as `connections.shop.allow`; empty for the file"),
            ("problems[].message", "what is wrong"),
            ("problems[].hint", "what to do; absent when there is nothing to say"),
            ("notes", "what is not wrong and should be known, as `problems`"),
        ],
    },
    Printed {
        command: "test",
        is: "one object",
        fields: &[
            ("connector", "its name"),
            ("digest", "of its component: SHA-256 in hex"),
            ("seed", "what chance began with, for `--seed`"),
            ("strict", "whether warnings and undecided checks count as failures"),
            ("cases[].name", "what the case is called"),
            ("cases[].recorded", "entries of the cassette that was written, or null"),
            ("cases[].checks[].check", "the check, as `--list` names it"),
            ("cases[].checks[].verdict", "`passed`, `warned`, `skipped`, `undecided` or `failed`"),
            ("cases[].checks[].note", "what was done"),
            ("cases[].checks[].findings", "what was found, each `text` and `hint` (or null)"),
            ("cases[].checks[].seconds", "how long it took"),
        ],
    },
    Printed {
        command: "configure",
        is: "one object, after the events of its steps",
        fields: &[
            ("configuration", "path of the configuration"),
            ("written", "whether it was written"),
            ("stored", "names of the secrets that were stored"),
            ("tests[].name", "of the form's test"),
            ("tests[].label", "what the form calls it"),
            ("tests[].success", "whether it went well"),
            ("tests[].message", "what went wrong, or null"),
        ],
    },
    Printed { command: "tables", is: "one array", fields: TABLES },
    Printed {
        command: "peek",
        is: "one object",
        fields: &[
            ("table", "the table, as `tables` describes it"),
            ("rows", "an object for each row: columns by their names in the database, values as texts or null"),
        ],
    },
    Printed {
        command: "migrate",
        is: "one object",
        fields: &[
            ("connection", "the connection"),
            ("table", "as it is called in the database"),
            ("from", "columns of the former key, in order; none without one"),
            ("to", "columns of the new key, in order; none without one"),
            ("rows", "that the table has now"),
            ("dropped", "deleted or equal rows that the new key does not tell apart"),
        ],
    },
    Printed {
        command: "resync",
        is: "one object",
        fields: &[
            ("connection", "the connection"),
            ("begun", "re-syncs that began, each `table` (null: all) and `began`, in UTC"),
            ("cancelled", "pending re-syncs that were cancelled, in the same form"),
        ],
    },
    Printed { command: "runs", is: "one array, the newest run first", fields: RUNS },
    Printed {
        command: "runs --months",
        is: "one array",
        fields: &[
            ("[].month", "in UTC, such as `2026-11`"),
            ("[].connection", "the connection"),
            ("[].table", "as it is called in the database"),
            ("[].active_rows", "rows that were active in the month"),
        ],
    },
    Printed { command: "runs show", is: "one object", fields: RUN },
    Printed { command: "secrets list", is: "one array of names", fields: &[("[]", "name of a stored secret")] },
];

const TABLES: &[(&str, &str)] = &[
    ("[].table", "as it is called in the database"),
    ("[].source", "as it is called in the source"),
    ("[].rows", "that are not marked as deleted"),
    ("[].deleted", "rows that are"),
    ("[].history", "whether every version of a row is kept"),
    ("[].last_synced", "when rows came last, UTC, or null"),
    ("[].columns[].name", "as it is called in the database"),
    ("[].columns[].source", "as it is called in the source"),
    ("[].columns[].type", "its [type](../types.md)"),
    ("[].columns[].primary_key", "whether it is part of the primary key"),
];

/// Writes fields of a run once: as they are, and as those of an array's objects.
macro_rules! run {
    ($(($way:literal, $says:literal)),* $(,)?) => {
        const RUN: &[(&str, &str)] = &[
            $(($way, $says),)*
            ("tables", "what it did to each table: the counts of `finished` by `table`"),
            ("hosts", "what it exchanged with each host: the counts of `finished` by `host`"),
        ];
        const RUNS: &[(&str, &str)] = &[$((concat!("[].", $way), $says),)*];
    };
}

run! {
    ("id", "number of the run in this history"),
    ("sync", "what the audit log calls the same sync"),
    ("connection", "the connection"),
    ("connector", "its name"),
    ("version", "its version, or null"),
    ("component", "digest of its component: SHA-256 in hex; empty when it was refused before that was known"),
    ("user", "the operating system's user who ran it"),
    ("command", "`run`, `batch` or `serve`"),
    ("attempt", "which try of the same sync it was, from 1"),
    ("started", "when it began, UTC"),
    ("ended", "when it ended, UTC, or null while it is under way"),
    ("outcome", "how it stands or ended, see [runs](../runs.md#what-is-in-it)"),
    ("message", "what happened; null after a success"),
    ("rows", "rows received; of an interrupted run, those that are durable"),
    ("bytes", "of these rows"),
    ("checkpoints", "durable checkpoints"),
    ("files", "files that the connector finished"),
    ("file_bytes", "their size"),
    ("active_rows", "rows that were active for the first time in their month"),
    ("requests", "requests and TCP connections that were let out"),
    ("denied", "those that were denied"),
    ("wall_seconds", "time from start to end"),
    ("cpu_seconds", "time the connector computed"),
    ("peak_memory_bytes", "largest memory of the connector"),
    ("limits", "the limits in force by name: bytes, milliseconds and counts; absent for a run that had none yet"),
}
