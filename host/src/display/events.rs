//! Every event of `--json`, and what its fields are.

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct EventKind {
    /// Its name, the field `event`.
    pub name: &'static str,
    /// The commands that print it.
    pub by: &'static str,
    /// When.
    pub when: &'static str,
    /// Its fields beside `event` and `time`: the way to each, and what it is. A field whose own fields are not listed
    /// holds what it says as a whole.
    pub fields: &'static [(&'static str, &'static str)],
}

/// What a finished sync says, also in reports of batches.
const SUMMARY: &[(&str, &str)] = &[
    ("connector", "`name`, `version` (or null) and `digest` of its component"),
    ("connection", "the connection"),
    ("database", "path of the database that the rows are in"),
    ("outcome.class", "`success`, `connector`, `limit`, `denied` or `host`"),
    ("outcome.message", "what happened; null after a success"),
    ("outcome.traceback", "where, as the connector's language prints it, or null"),
    ("outcome.hint", "what to do next, or null"),
    ("outcome.frames", "of Python's traceback, each `file`, `line`, `function`, `source`, `owner`; absent without one"),
    ("outcome.last_log_lines", "the last lines of the connector's log; absent after a success"),
    ("outcome.crash_report", "where a crash report lies; absent when none was written"),
    ("tables[].table", "the table as it is called in the database; tables are in the order of first use"),
    ("tables[].upserts", "rows inserted or replaced"),
    ("tables[].updates", "rows changed"),
    ("tables[].deletes", "rows marked as deleted one by one"),
    ("tables[].truncates", "calls that marked all rows as deleted"),
    ("tables[].swept", "rows that a re-sync found gone from the source"),
    ("tables[].nulled", "values that did not fit and became NULL"),
    ("tables[].keyless", "rows that lack a part of the primary key; counted among the others too"),
    ("tables[].quarantined", "rows kept aside because they cannot land"),
    ("tables[].active_rows", "rows that were active for the first time in their month"),
    ("pending_resyncs", "re-syncs that wait for a sync that ends well, each `table` (null: all) and `began`"),
    ("withheld", "what was kept out, each `table`, `columns` (empty: the table) and `reason`, `blocked` or `new`"),
    ("cassette", "`recorded` or `replayed`, and how many entries; absent without a cassette"),
    ("checkpoints", "durable checkpoints"),
    ("files", "files that the connector finished"),
    ("file_bytes", "their size"),
    ("rows", "rows received"),
    ("bytes", "bytes of the rows received"),
    ("rows_per_second", "rows received a second of wall time, or null"),
    ("hosts[].host", "scheme, host and port; the busiest first"),
    ("hosts[].requests", "requests that left"),
    ("hosts[].connections", "TCP connections that were made"),
    (
        "hosts[].bytes_sent",
        "bytes of request bodies, and those written to TCP connections; a request's head, its URL included, is not counted",
    ),
    ("hosts[].bytes_received", "bytes of response bodies, and those read from TCP connections"),
    ("hosts[].denied", "requests and connections that were refused because the host is not granted"),
    ("peak_memory_bytes", "largest memory of the connector"),
    ("log_messages_dropped", "messages dropped because the log was full"),
    ("wall_seconds", "time from start to end"),
    ("cpu_seconds", "time the connector computed"),
];

const SYNCS: &str = "run, dev, batch, serve";

/// All of them.
pub const EVENTS: &[EventKind] = &[
    EventKind {
        name: "step_started",
        by: "build, and whatever has to build first",
        when: "a step of a longer work begins, such as compiling",
        fields: &[("step", "what is done")],
    },
    EventKind {
        name: "step_finished",
        by: "build, and whatever has to build first",
        when: "it is over",
        fields: &[
            ("step", "as in `step_started`"),
            ("ok", "whether it went well"),
            ("detail", "what came of it, or null"),
            ("seconds", "how long it took"),
        ],
    },
    EventKind {
        name: "started",
        by: SYNCS,
        when: "a sync begins",
        fields: &[
            ("connector", "its name"),
            ("version", "its version, or null"),
            ("digest", "of its component"),
            ("connection", "the connection that is synced"),
        ],
    },
    EventKind {
        name: "log",
        by: SYNCS,
        when: "a connector wrote a message",
        fields: &[
            ("level", "`DEBUG`, `FINE`, `INFO`, `WARNING`, `ERROR`, `SEVERE` or `CRITICAL`"),
            ("message", "without secrets and control characters"),
        ],
    },
    EventKind {
        name: "checkpoint",
        by: SYNCS,
        when: "rows and state became durable; several within a tenth of a second are one event",
        fields: &[
            ("checkpoints", "so far"),
            ("rows", "received so far"),
            ("bytes", "of these rows"),
            ("requests", "that left so far"),
            ("elapsed_seconds", "since the start"),
        ],
    },
    EventKind { name: "finished", by: SYNCS, when: "a sync is over", fields: SUMMARY },
    EventKind {
        name: "batch_started",
        by: "batch",
        when: "first of all",
        fields: &[("connections", "the names of those that are synced"), ("concurrency", "most syncs at a time")],
    },
    EventKind {
        name: "retry",
        by: "batch, serve",
        when: "a connection is to be tried again",
        fields: &[
            ("attempt", "the number of the attempt to come"),
            ("message", "why the last one failed"),
            ("wait_seconds", "how long it waits before the next"),
        ],
    },
    EventKind {
        name: "ended",
        by: "batch, serve",
        when: "a connection is done",
        fields: &[
            ("outcome", "its class, see [batches](../batch.md#what-a-batch-does)"),
            ("attempts", "how often it was tried"),
        ],
    },
    EventKind {
        name: "batch_finished",
        by: "batch",
        when: "last of all",
        fields: &[
            ("version", "1; changes when a key goes away or changes its meaning"),
            ("file", "the fleet's file"),
            ("started", "when the batch began, UTC"),
            ("wall_seconds", "how long it took"),
            ("stopped_by", "the signal or timeout that stopped it, or null"),
            ("succeeded", "`all`, `some` or `none`"),
            ("connections[].connection", "its name; in the order of the file"),
            ("connections[].outcome", "its class"),
            ("connections[].message", "what happened; null after a success"),
            ("connections[].hint", "what to do, or null"),
            ("connections[].attempts", "how often it was tried"),
            ("connections[].rows", "rows received, in all attempts"),
            ("connections[].checkpoints", "durable checkpoints, of all attempts"),
            ("connections[].wall_seconds", "from the start of the first attempt to the end of the last"),
            ("connections[].last_sync", "what `finished` said of the last attempt that began, or null"),
        ],
    },
    EventKind {
        name: "serving",
        by: "serve",
        when: "it is ready",
        fields: &[
            ("scheduled", "connections that have a schedule"),
            ("metrics", "the address of the numbers for Prometheus, or null"),
        ],
    },
    EventKind { name: "reloaded", by: "serve", when: "the fleet's file was read anew", fields: &[] },
    EventKind {
        name: "reload_failed",
        by: "serve",
        when: "the fleet's file is not right; the former one still counts",
        fields: &[("message", "what is wrong")],
    },
    EventKind { name: "stopping", by: "serve", when: "it was told to end", fields: &[("message", "the signal")] },
    EventKind {
        name: "watching",
        by: "dev",
        when: "there is nothing to do until a file is saved",
        fields: &[("project", "the folder")],
    },
    EventKind {
        name: "saved",
        by: "dev",
        when: "files were saved, and the next sync begins",
        fields: &[("files", "paths in the project")],
    },
    EventKind {
        name: "refused",
        by: "dev",
        when: "a file cannot be used, and nothing ran",
        fields: &[("message", "why")],
    },
];
