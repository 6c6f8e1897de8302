//! Every number that bounds a sync, in one place.
//!
//! All limits are finite by default. An operator may set them lower or higher, up to the
//! ceilings that [`Limits::check`] knows.

use std::time::Duration;

pub use super::limit_values::LimitsError;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: u64 = 1024 * MIB as u64;
const TIB: u64 = 1024 * GIB;

/// WebAssembly stack. Below about 48 MiB, deep recursion in C code (nested JSON of a hostile
/// API) traps instead of raising `RecursionError`. Virtual memory, touched on use.
pub const WASM_STACK_BYTES: usize = 64 * MIB;

/// Stack of the fiber a sync runs on; the 2 MiB above [`WASM_STACK_BYTES`] are for the host
/// functions a connector calls at the very end of its stack.
pub const ASYNC_STACK_BYTES: usize = 66 * MIB;

/// How often a running connector is interrupted to count its CPU time and to let other tasks
/// run. Longer makes limits coarse, shorter costs throughput.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// What a row costs beside its values: its header, its key's place in an index, and the columns
/// of the host.
pub const ROW_OVERHEAD_BYTES: u64 = 64;

/// The most random bytes one call gives; libc asks for 256 at a time.
pub const RANDOM_BYTES_PER_CALL: u64 = 1024 * 1024;

/// The message of a connector's failure; the rest is cut off with a mark.
pub const FAILURE_MESSAGE_BYTES: usize = 4 * KIB;

/// The traceback of a connector's failure.
pub const FAILURE_TRACEBACK_BYTES: usize = 32 * KIB;

/// The largest memory of a sync: what 32-bit WebAssembly can address.
pub const MEMORY_BYTES_CEILING: usize = 4 * 1024 * MIB;

/// The smallest memory in which CPython starts and imports a usual connector.
pub const MEMORY_BYTES_FLOOR: usize = 64 * MIB;

/// The longest any time limit may be: long enough for the largest first sync, short enough that
/// a forgotten one ends.
pub const TIME_CEILING: Duration = Duration::from_secs(7 * 24 * 3600);

/// Addresses of one name that are considered; more is not a service but a flood.
pub const ADDRESSES_PER_NAME: usize = 32;

/// The slowest upload that is waited for; a request body adds its size over this to
/// [`Limits::first_byte`], within [`Limits::exchange_total`].
pub const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 64 * KIB as u64;

/// Bytes of a streamed request body that is held in memory because a secret may stand in it.
pub const HELD_BODY_BYTES: usize = 8 << 20;

/// Requests for one token in a sync; a connector causes them.
pub const TOKEN_REQUESTS: u64 = 100;

/// Bytes of what a token endpoint answers.
pub const TOKEN_BYTES: u64 = 64 << 10;

/// Bytes of requests that a sync's guest started and that were not answered yet, their bodies
/// and header fields: four of the largest. They wait in the host's memory, and a connector may
/// start many.
pub const WAITING_REQUEST_BYTES: u64 = 64 * MIB as u64;

/// The longest name of a connector's file or folder, as on common file systems.
pub const FILE_NAME_BYTES: usize = 255;

/// The longest path of a connector's file.
pub const FILE_PATH_BYTES: usize = 4 * KIB;

/// Bytes that one read from or write to a TCP connection carries at most.
pub const STREAM_CHUNK_BYTES: usize = MIB;

/// What is read of an answer's body before the connector asks for it, and waits in its worker. Every exchange that may
/// be under way at a time has that much; it starts small and grows while the connector reads. With less, a process that
/// waits for its processor soon stops the other one too.
pub const BODY_WINDOW_BYTES: usize = 2 * MIB;

/// Idle connections kept per destination, and for how long.
pub const IDLE_CONNECTIONS: (usize, Duration) = (8, Duration::from_secs(30));

/// Hosts that usage is counted for one by one; further ones are counted together. Refused names are
/// the connector's to choose, so their number must end.
pub const HOSTS_IN_USAGE: usize = 512;

/// Files a connector may have on their way at a time; each is an open file of the host.
pub const OPEN_FILES: usize = 16;

/// Bytes of a file handed over in one call.
pub const FILE_CHUNK_BYTES: usize = 4 * MIB;

/// A task that one instance of a sync gives to another, and the answer. Each waits in the host's
/// memory, one of either for each of [`Limits::workers`].
pub const TASK_BYTES: usize = 16 * MIB;

/// Fields of a setup form, and as many tests; a configuration has at most as many values elsewhere.
pub const FORM_FIELDS: usize = 100;

/// A text of a setup form that people read.
pub const FORM_TEXT_BYTES: usize = 4 * KIB;

/// All texts of a setup form.
pub const FORM_BYTES: usize = MIB;

/// Memory for compiling one component. CPython with a few packages takes about 1 GiB.
pub const COMPILE_MEMORY_BYTES: u64 = 6 * GIB;

/// Processor time for compiling one component, of all processors together. CPython takes about 20 s.
pub const COMPILE_CPU: Duration = Duration::from_secs(10 * 60);

/// Processor time of one tool of a build. componentize-py takes about 15 s.
pub const BUILD_CPU: Duration = Duration::from_secs(15 * 60);

/// The machine code of one component, and any file of its build. That of CPython with a few packages has about 100 MiB.
pub const COMPILE_FILE_BYTES: u64 = 2 * GIB;

/// What the value of a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; written `1048576`, `1024KiB`, `1MiB`.
    Bytes,
    /// Milliseconds; written in seconds, `1.5`, or `1500ms`, `90s`, `5m`, `2h`.
    Time,
    /// Things; a whole number.
    Count,
}

/// What happens to a connector that wants more. Whatever it catches, what was refused stays refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The sync ends, and every later call of the host fails. What the connector makes of it changes nothing.
    Ends,
    /// The one thing (this row, this request, this page of memory) is refused. The sync may go on without it.
    Refused,
    /// The component is refused before any of it runs.
    NotAdmitted,
    /// It waits.
    Waits,
    /// The rest is cut off or dropped, with a mark.
    Cut,
}

/// A limit as operators see it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name in `--limit`, in the section `[limits]` of a settings file, and in messages.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The least it may be.
    pub least: u128,
    /// The most it may be, whoever asks.
    pub most: u128,
    /// What happens at it.
    pub breach: Breach,
    doc: &'static [&'static str],
    get: fn(&Limits) -> u128,
    pub(super) set: fn(&mut Limits, u128),
}

/// A type that a limit has.
trait Value: Copy {
    fn number(self) -> u128;
    fn from_number(number: u128) -> Self;
}

impl Value for usize {
    fn number(self) -> u128 {
        self as u128
    }
    fn from_number(number: u128) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
}

impl Value for u64 {
    fn number(self) -> u128 {
        self.into()
    }
    fn from_number(number: u128) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
}

impl Value for Duration {
    fn number(self) -> u128 {
        self.as_millis()
    }
    fn from_number(number: u128) -> Self {
        Self::from_millis(number.try_into().unwrap_or(u64::MAX))
    }
}

const TICK: u128 = EPOCH_TICK.as_millis();
const LONGEST: u128 = TIME_CEILING.as_millis();

/// Each line: name, type, default, unit, floor, ceiling, what happens.
macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:expr, $unit:ident, $least:expr, $most:expr, $breach:ident;)*) => {
        /// What one sync may use. [`Default`] is safe for a connector nobody has reviewed, on a machine
        /// with 1 GiB to spare.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[doc = $doc])* pub $name: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// All limits, in order.
        pub const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            unit: Unit::$unit,
            least: $least as u128,
            most: $most as u128,
            breach: Breach::$breach,
            doc: &[$($doc),*],
            get: |limits| Value::number(limits.$name),
            set: |limits, number| limits.$name = Value::from_number(number),
        },)*];
    };
}

limits! {
    /// Memory of the connector, summed over all its memories. CPython alone takes 21 to 33 MiB.
    memory_bytes: usize = 256 * MIB, Bytes, MEMORY_BYTES_FLOOR, MEMORY_BYTES_CEILING, Refused;
    /// Table elements, summed; a componentize-py component takes 5,670.
    table_elements: usize = 20_000, Count, 1, 10_000_000, Refused;
    /// Tables; a componentize-py component has 2, native extensions add some.
    tables: usize = 8, Count, 1, 1_000, NotAdmitted;
    /// Core instances; a componentize-py component has 14, native extensions add some.
    instances: usize = 32, Count, 1, 1_000, NotAdmitted;
    /// Memories; a componentize-py component has 1.
    memories: usize = 2, Count, 1, 100, NotAdmitted;
    /// CPU time inside the connector. A first sync of a million rows takes about 10 s; five
    /// minutes leaves room for slow parsing and still ends a loop.
    cpu: Duration = Duration::from_secs(5 * 60), Time, TICK, LONGEST, Ends;
    /// Time from start to end, waiting included.
    wall: Duration = Duration::from_secs(15 * 60), Time, TICK, LONGEST, Ends;
    /// Bytes one call may hand to the host: batch_bytes and as much again for names, nulls and
    /// alignment.
    hostcall_bytes: usize = 32 * MIB, Bytes, 1, 1024 * MIB, Ends;
    /// Handles alive at a time (responses, pollables, streams).
    handles: usize = 4096, Count, 64, 1_000_000, Ends;
    /// One row, all its values. Larger cells belong into object storage.
    row_bytes: usize = MIB, Bytes, 1, 512 * MIB, Refused;
    /// One batch in memory.
    batch_bytes: usize = 16 * MIB, Bytes, 64 * KIB, 512 * MIB, Refused;
    /// Rows of one batch.
    batch_rows: usize = 65_536, Count, 1, 16 * 1024 * 1024, Refused;
    /// A table or column name as the source writes it; what common databases take at most.
    identifier_bytes: usize = 255, Bytes, 1, 1024, Refused;
    /// Columns of one table. SQLite takes 2,000, those of the host included.
    columns_per_table: usize = 1_500, Count, 1, 1_990, Ends;
    /// Tables one sync may name.
    tables_per_sync: usize = 10_000, Count, 1, 1_000_000, Ends;
    /// Rows of a whole sync.
    rows: u64 = 2_000_000_000, Count, 1, 1_000_000_000_000, Ends;
    /// Calls of the operations interface in a whole sync; each costs the host some microseconds
    /// even when it carries nothing.
    operation_calls: u64 = 50_000_000, Count, 1, 1_000_000_000_000, Ends;
    /// Bytes of all rows of a whole sync, 64 for each row included; bounds the
    /// growth of the destination.
    row_bytes_total: u64 = 20 * GIB, Bytes, 1, 16 * TIB, Ends;
    /// Bytes of rows since the last checkpoint; bounds the transaction that is open.
    uncommitted_bytes: u64 = 8 * GIB, Bytes, 1, TIB, Ends;
    /// The state as JSON text.
    state_bytes: usize = MIB, Bytes, 2, 64 * MIB, Refused;
    /// Checkpoints of a whole sync; each waits for the disk.
    checkpoints: u64 = 100_000, Count, 1, 1_000_000_000, Ends;
    /// Checkpoints a second, on average, and as many at once; each waits for the disk.
    checkpoints_per_second: u64 = 200, Count, 1, 1_000_000, Waits;
    /// One file.
    file_bytes: u64 = GIB, Bytes, 0, TIB, Ends;
    /// All files of a whole sync, those that were discarded included.
    file_bytes_total: u64 = 10 * GIB, Bytes, 0, 16 * TIB, Ends;
    /// Files of a whole sync.
    files: u64 = 100_000, Count, 0, 100_000_000, Ends;
    /// One log message; the rest is cut off with a mark.
    log_line_bytes: usize = 8 * KIB, Bytes, 64, MIB, Cut;
    /// All log messages of a sync; further ones are counted and dropped.
    log_bytes: usize = 4 * MIB, Bytes, 0, 1024 * MIB, Cut;
    /// Name lookup, connecting and the TLS handshake together, and before them the wait for a
    /// free place among concurrent_requests.
    connect: Duration = Duration::from_secs(10), Time, 1, LONGEST, Refused;
    /// From the end of the request to the head of the response.
    first_byte: Duration = Duration::from_secs(60), Time, 1, LONGEST, Refused;
    /// Between two pieces of a body.
    between_bytes: Duration = Duration::from_secs(30), Time, 1, LONGEST, Refused;
    /// All waiting for one exchange, from its start to the end of its body. Time that the
    /// connector spends between two reads does not count; wall bounds that.
    exchange_total: Duration = Duration::from_secs(5 * 60), Time, 1, LONGEST, Refused;
    /// One response body. It streams, so this is not memory.
    response_bytes: u64 = 256 * MIB as u64, Bytes, 0, TIB, Refused;
    /// One request body.
    request_bytes: u64 = 16 * MIB as u64, Bytes, 0, 16 * GIB, Refused;
    /// URL and header fields of a request; header fields of a response.
    header_bytes: usize = 64 * KIB, Bytes, KIB, 256 * KIB, Refused;
    /// Exchanges under way at a time.
    concurrent_requests: usize = 32, Count, 1, 1_000, Waits;
    /// Requests of a whole sync.
    requests: u64 = 100_000, Count, 0, 1_000_000_000, Ends;
    /// Distinct host names of a whole sync. A wildcard grant lets a connector choose names, and
    /// each name query can carry data.
    hosts: usize = 256, Count, 1, 100_000, Ends;
    /// Requests a second to one host, on average, and as many at once. Syncs of one batch share it.
    requests_per_second: u64 = 5_000, Count, 1, 1_000_000, Waits;
    /// Requests to one host. Syncs of one batch share it.
    host_requests: u64 = 1_000_000, Count, 0, 1_000_000_000, Ends;
    /// Bytes of request and response bodies to and from one host. Syncs of one batch share it.
    host_bytes: u64 = 100 * GIB, Bytes, 0, 16 * TIB, Ends;
    /// TCP connections open at a time, each a socket and some buffers of the host.
    connections: usize = 32, Count, 0, 1_000, Refused;
    /// Bytes read from and written to all TCP connections of a sync. They stream, so this is not
    /// memory.
    stream_bytes: u64 = 20 * GIB, Bytes, 0, 16 * TIB, Ends;
    /// One wait for a TCP connection to give or take bytes. A database may think about a query
    /// for minutes.
    stream_silence: Duration = Duration::from_secs(5 * 60), Time, 1, LONGEST, Refused;
    /// Bytes of the files a connector has, those of its project included, each rounded up to 4 KiB.
    /// They lie in the host's memory. A project has at most 16 MiB.
    local_file_bytes: u64 = 64 * MIB as u64, Bytes, 0, MEMORY_BYTES_CEILING, Refused;
    /// Files and folders a connector has. A project has at most 2,000; each costs the host up to
    /// about 700 bytes beside its content.
    local_files: usize = 16_384, Count, 16, 1_000_000, Refused;
    /// Folders inside each other.
    local_file_depth: usize = 64, Count, 4, 1_000, Refused;
    /// Instances beside the first that work at a time, if the machine has as many processors. They
    /// share memory, CPU time and everything else of the sync.
    workers: usize = 4, Count, 1, 64, Refused;
    /// The component file.
    component_bytes: u64 = 128 * MIB as u64, Bytes, 1, 256 * MIB, NotAdmitted;
}

impl Row {
    /// The limit of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// What it bounds, in plain words.
    #[must_use]
    pub fn says(&self) -> String {
        let lines = self.doc.iter().map(|line| line.trim());
        lines.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
    }

    /// Its value: bytes, milliseconds or a count.
    #[must_use]
    pub fn value(&self, limits: &Limits) -> u128 {
        (self.get)(limits)
    }
}

impl Limits {
    /// Whether these limits can be kept.
    ///
    /// # Errors
    ///
    /// Names the first limit that is out of its range, or larger than one that contains it.
    pub fn check(&self) -> Result<(), LimitsError> {
        let inside = |name, value, most| match value > most {
            true => Err(LimitsError::TooHigh { name, value, most }),
            false => Ok(()),
        };
        for row in ROWS {
            let (name, value, least) = (row.name, row.value(self), row.least);
            if value < least {
                return Err(LimitsError::TooLow { name, value, least });
            }
            inside(name, value, row.most)?;
        }
        inside("row_bytes", self.row_bytes as u128, self.batch_bytes as u128)?;
        inside("batch_bytes", self.batch_bytes as u128, self.hostcall_bytes as u128)
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
