//! Every number that bounds a sync, in one place.
//!
//! All limits are finite by default. An operator may set them lower or higher, up to the
//! ceilings that [`Limits::check`] knows.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: u64 = 1024 * MIB as u64;

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

/// What one sync may use. [`Default`] is safe for a connector nobody has reviewed, on a machine
/// with 1 GiB to spare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Memory of the connector, summed over all its memories. CPython alone takes 21 to 33 MiB.
    pub memory_bytes: usize,
    /// Table elements, summed; a componentize-py component takes 5,670.
    pub table_elements: usize,
    /// Tables; a componentize-py component has 2, native extensions add some.
    pub tables: usize,
    /// Core instances; a componentize-py component has 14, native extensions add some.
    pub instances: usize,
    /// Memories; a componentize-py component has 1.
    pub memories: usize,
    /// CPU time inside the connector. A first sync of a million rows takes about 10 s; five
    /// minutes leaves room for slow parsing and still ends a loop.
    pub cpu: Duration,
    /// Time from start to end, waiting included.
    pub wall: Duration,
    /// Bytes one call may hand to the host: [`batch_bytes`](Self::batch_bytes) and as much again
    /// for names, nulls and alignment.
    pub hostcall_bytes: usize,
    /// Handles alive at a time (responses, pollables, streams).
    pub handles: usize,
    /// One row, all its values. Larger cells belong into object storage.
    pub row_bytes: usize,
    /// One batch in memory.
    pub batch_bytes: usize,
    /// Rows of one batch.
    pub batch_rows: usize,
    /// A table or column name as the source writes it; what common databases take at most.
    pub identifier_bytes: usize,
    /// Columns of one table. SQLite takes 2,000, those of the host included.
    pub columns_per_table: usize,
    /// Tables one sync may name.
    pub tables_per_sync: usize,
    /// Rows of a whole sync.
    pub rows: u64,
    /// Calls of the operations interface in a whole sync; each costs the host some microseconds
    /// even when it carries nothing.
    pub operation_calls: u64,
    /// Bytes of all rows of a whole sync, [`ROW_OVERHEAD_BYTES`] for each row included; bounds the
    /// growth of the destination.
    pub row_bytes_total: u64,
    /// Bytes of rows since the last checkpoint; bounds the transaction that is open.
    pub uncommitted_bytes: u64,
    /// The state as JSON text.
    pub state_bytes: usize,
    /// Checkpoints of a whole sync; each waits for the disk.
    pub checkpoints: u64,
    /// One file.
    pub file_bytes: u64,
    /// All files of a whole sync, those that were discarded included.
    pub file_bytes_total: u64,
    /// Files of a whole sync.
    pub files: u64,
    /// One log message; the rest is cut off with a mark.
    pub log_line_bytes: usize,
    /// All log messages of a sync; further ones are counted and dropped.
    pub log_bytes: usize,
    /// Name lookup, connecting and the TLS handshake together, and before them the wait for a
    /// free place among [`concurrent_requests`](Self::concurrent_requests).
    pub connect: Duration,
    /// From the end of the request to the head of the response.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub between_bytes: Duration,
    /// All waiting for one exchange, from its start to the end of its body. Time that the
    /// connector spends between two reads does not count; `wall` bounds that.
    pub exchange_total: Duration,
    /// One response body. It streams, so this is not memory.
    pub response_bytes: u64,
    /// One request body.
    pub request_bytes: u64,
    /// URL and header fields of a request; header fields of a response.
    pub header_bytes: usize,
    /// Exchanges under way at a time.
    pub concurrent_requests: usize,
    /// Requests of a whole sync.
    pub requests: u64,
    /// Distinct host names of a whole sync. A wildcard grant lets a connector choose names, and
    /// each name query can carry data.
    pub hosts: usize,
    /// TCP connections open at a time, each a socket and some buffers of the host.
    pub connections: usize,
    /// Bytes read from and written to all TCP connections of a sync. They stream, so this is not
    /// memory.
    pub stream_bytes: u64,
    /// One wait for a TCP connection to give or take bytes. A database may think about a query
    /// for minutes.
    pub stream_silence: Duration,
    /// Bytes of the files a connector has, those of its project included, each rounded up to 4 KiB.
    /// They lie in the host's memory. A project has at most 16 MiB.
    pub local_file_bytes: u64,
    /// Files and folders a connector has. A project has at most 2,000; each costs the host up to
    /// about 700 bytes beside its content.
    pub local_files: usize,
    /// Folders inside each other.
    pub local_file_depth: usize,
    /// Instances beside the first that work at a time, if the machine has as many processors. They
    /// share memory, CPU time and everything else of the sync.
    pub workers: usize,
    /// The component file.
    pub component_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 * MIB,
            table_elements: 20_000,
            tables: 8,
            instances: 32,
            memories: 2,
            cpu: Duration::from_secs(5 * 60),
            wall: Duration::from_secs(15 * 60),
            hostcall_bytes: 32 * MIB,
            handles: 4096,
            row_bytes: MIB,
            batch_bytes: 16 * MIB,
            batch_rows: 65_536,
            identifier_bytes: 255,
            columns_per_table: 1_500,
            tables_per_sync: 10_000,
            rows: 2_000_000_000,
            operation_calls: 50_000_000,
            row_bytes_total: 20 * GIB,
            uncommitted_bytes: 8 * GIB,
            state_bytes: MIB,
            checkpoints: 100_000,
            file_bytes: GIB,
            file_bytes_total: 10 * GIB,
            files: 100_000,
            log_line_bytes: 8 * KIB,
            log_bytes: 4 * MIB,
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            between_bytes: Duration::from_secs(30),
            exchange_total: Duration::from_secs(5 * 60),
            response_bytes: 256 * MIB as u64,
            request_bytes: 16 * MIB as u64,
            header_bytes: 64 * KIB,
            concurrent_requests: 32,
            requests: 100_000,
            hosts: 256,
            connections: 32,
            stream_bytes: 20 * GIB,
            stream_silence: Duration::from_secs(5 * 60),
            local_file_bytes: 64 * MIB as u64,
            local_files: 16_384,
            local_file_depth: 64,
            workers: 4,
            component_bytes: 128 * MIB as u64,
        }
    }
}

/// Limits that contradict each other, or that no machine can keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A limit is below what anything can run with.
    #[error("limit {name} is {value}, at least {least} is needed")]
    TooLow {
        /// The limit.
        name: &'static str,
        /// What was asked.
        value: u128,
        /// The floor.
        least: u128,
    },
    /// A limit is above its ceiling.
    #[error("limit {name} is {value}, at most {most} is possible")]
    TooHigh {
        /// The limit.
        name: &'static str,
        /// What was asked.
        value: u128,
        /// The ceiling.
        most: u128,
    },
}

impl Limits {
    /// Whether these limits can be kept.
    ///
    /// # Errors
    ///
    /// Names the first limit that is zero, out of its range, or larger than one that contains it.
    pub fn check(&self) -> Result<(), LimitsError> {
        let bytes = |value: usize| value as u128;
        let millis = |value: Duration| value.as_millis();
        let tick = EPOCH_TICK.as_millis();
        let longest = TIME_CEILING.as_millis();
        let rows: &[(&'static str, u128, u128, u128)] = &[
            ("memory_bytes", bytes(self.memory_bytes), bytes(MEMORY_BYTES_FLOOR), bytes(MEMORY_BYTES_CEILING)),
            ("table_elements", bytes(self.table_elements), 1, 10_000_000),
            ("tables", bytes(self.tables), 1, 1_000),
            ("instances", bytes(self.instances), 1, 1_000),
            ("memories", bytes(self.memories), 1, 100),
            ("cpu (ms)", millis(self.cpu), tick, longest),
            ("wall (ms)", millis(self.wall), tick, longest),
            ("hostcall_bytes", bytes(self.hostcall_bytes), bytes(self.batch_bytes), bytes(1024 * MIB)),
            ("handles", bytes(self.handles), 64, 1_000_000),
            ("row_bytes", bytes(self.row_bytes), 1, bytes(self.batch_bytes)),
            ("batch_bytes", bytes(self.batch_bytes), bytes(64 * KIB), bytes(512 * MIB)),
            ("batch_rows", bytes(self.batch_rows), 1, 16 * 1024 * 1024),
            ("identifier_bytes", bytes(self.identifier_bytes), 1, 1024),
            // SQLite takes 2,000, of which the host needs a few
            ("columns_per_table", bytes(self.columns_per_table), 1, 1_990),
            ("tables_per_sync", bytes(self.tables_per_sync), 1, 1_000_000),
            ("rows", self.rows.into(), 1, u64::MAX.into()),
            ("operation_calls", self.operation_calls.into(), 1, u64::MAX.into()),
            ("row_bytes_total", self.row_bytes_total.into(), 1, u64::MAX.into()),
            ("uncommitted_bytes", self.uncommitted_bytes.into(), 1, u64::MAX.into()),
            ("state_bytes", bytes(self.state_bytes), 2, bytes(64 * MIB)),
            ("checkpoints", self.checkpoints.into(), 1, u64::MAX.into()),
            ("file_bytes", self.file_bytes.into(), 0, u64::MAX.into()),
            ("file_bytes_total", self.file_bytes_total.into(), 0, u64::MAX.into()),
            ("files", self.files.into(), 0, u64::MAX.into()),
            ("log_line_bytes", bytes(self.log_line_bytes), 64, bytes(MIB)),
            ("log_bytes", bytes(self.log_bytes), 0, bytes(1024 * MIB)),
            ("connect (ms)", millis(self.connect), 1, longest),
            ("first_byte (ms)", millis(self.first_byte), 1, longest),
            ("between_bytes (ms)", millis(self.between_bytes), 1, longest),
            ("exchange_total (ms)", millis(self.exchange_total), 1, longest),
            ("response_bytes", self.response_bytes.into(), 0, u64::MAX.into()),
            ("request_bytes", self.request_bytes.into(), 0, u64::MAX.into()),
            ("header_bytes", bytes(self.header_bytes), bytes(KIB), bytes(256 * KIB)),
            ("concurrent_requests", bytes(self.concurrent_requests), 1, 1_000),
            ("requests", self.requests.into(), 0, u64::MAX.into()),
            ("hosts", bytes(self.hosts), 1, 100_000),
            ("connections", bytes(self.connections), 0, 1_000),
            ("stream_bytes", self.stream_bytes.into(), 0, u64::MAX.into()),
            ("stream_silence (ms)", millis(self.stream_silence), 1, longest),
            ("local_file_bytes", self.local_file_bytes.into(), 0, bytes(MEMORY_BYTES_CEILING)),
            ("local_files", bytes(self.local_files), 16, 1_000_000),
            ("local_file_depth", bytes(self.local_file_depth), 4, 1_000),
            ("workers", bytes(self.workers), 1, 64),
            ("component_bytes", self.component_bytes.into(), 1, u128::from(2 * GIB)),
        ];
        for &(name, value, least, most) in rows {
            if value < least {
                return Err(LimitsError::TooLow { name, value, least });
            }
            if value > most {
                return Err(LimitsError::TooHigh { name, value, most });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_can_be_kept() {
        assert_eq!(Limits::default().check(), Ok(()));
        const { assert!(ASYNC_STACK_BYTES >= WASM_STACK_BYTES + 2 * MIB) };
    }

    #[test]
    fn contradictions_are_named() {
        let zero = Limits { cpu: Duration::ZERO, ..Limits::default() };
        assert!(matches!(zero.check(), Err(LimitsError::TooLow { name: "cpu (ms)", .. })));
        let row_over_batch = Limits { row_bytes: 32 * MIB, ..Limits::default() };
        assert!(matches!(row_over_batch.check(), Err(LimitsError::TooHigh { name: "row_bytes", .. })));
        let forever = Limits { wall: Duration::MAX, ..Limits::default() };
        assert!(matches!(forever.check(), Err(LimitsError::TooHigh { name: "wall (ms)", .. })));
    }
}
