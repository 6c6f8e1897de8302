//! Runs whose process died.

use super::alive::is_alive;
use super::store::{History, HistoryError};
use super::write::settle_with;
use super::{Ending, Outcome, RunTable, Totals};
use crate::destination::sqlite::{Kept, Warehouse};

/// A run that is not settled.
struct Open {
    id: u64,
    sync: String,
    connection: String,
    process: String,
}

/// Settles every run that cannot be under way any more.
pub(super) fn settle(history: &History) -> Result<(), HistoryError> {
    let warehouse = Warehouse::new(&history.warehouse);
    let over: Vec<_> = open(history)?.into_iter().filter(|run| is_over(run, &warehouse)).collect();
    settle_all(history, &warehouse, over)
}

/// Settles the runs of a connection that another sync has now, before that one commits anything: what a process
/// had committed that died meanwhile could not be told any more.
pub(super) fn settle_before(history: &History, connection: &str) -> Result<(), HistoryError> {
    // A process that is alive has let go of the connection, and settles its run in a moment.
    let is_over = |run: &Open| run.connection == connection && is_alive(&run.process) != Some(true);
    let over: Vec<_> = open(history)?.into_iter().filter(is_over).collect();
    settle_all(history, &Warehouse::new(&history.warehouse), over)
}

fn settle_all(history: &History, warehouse: &Warehouse, over: Vec<Open>) -> Result<(), HistoryError> {
    for run in over {
        let kept = warehouse.last_kept(&run.connection).ok().flatten().filter(|kept| kept.sync == run.sync);
        let ending = ending(kept.unwrap_or_default());
        // Another look may have been first, or the run ended after all.
        settle_with(&mut history.database(), run.id, &ending, true).map_err(history.failed("settling a run"))?;
    }
    Ok(())
}

fn open(history: &History) -> Result<Vec<Open>, HistoryError> {
    let database = history.database();
    let doing = history.failed("looking for interrupted runs");
    let mut statement = database
        .prepare_cached(
            "SELECT \"id\", \"sync\", \"connection\", \"process\" FROM \"runs\" WHERE \"outcome\" = 'running' LIMIT 10000",
        )
        .map_err(&doing)?;
    let rows = statement.query_map([], |row| {
        Ok(Open {
            id: row.get::<_, i64>(0)?.unsigned_abs(),
            sync: row.get(1)?,
            connection: row.get(2)?,
            process: row.get(3)?,
        })
    });
    rows.and_then(Iterator::collect).map_err(&doing)
}

/// Where the process cannot be seen, such as from another container, the connection's lock tells. It is looked at
/// only then: looking takes it for a moment.
fn is_over(run: &Open, warehouse: &Warehouse) -> bool {
    match is_alive(&run.process) {
        Some(alive) => !alive,
        None => matches!(warehouse.is_in_use(&run.connection), Ok(false)),
    }
}

fn ending(kept: Kept) -> Ending {
    let totals =
        Totals { rows: kept.rows, checkpoints: kept.checkpoints, active_rows: kept.active, ..Totals::default() };
    let tables = kept.tables.into_iter().map(|table| RunTable {
        table: table.table,
        upserts: table.upserts,
        updates: table.updates,
        deletes: table.deletes,
        truncates: table.truncates,
        active_rows: table.active,
        ..RunTable::default()
    });
    let message = Some("its process ended before the sync did; what it had checkpointed is kept".to_owned());
    Ending { totals, tables: tables.collect(), ..Ending::of(Outcome::Interrupted, message) }
}
