//! `sluice migrate`: another primary key for a table.

use serde_json::json;

use super::connection::warehouse;
use crate::cli::args::MigrateArguments;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::print;
use crate::destination::DestinationError;
use crate::destination::sqlite::KeyChange;
use crate::display::units;
use crate::policy::terminal::{Lines, visible};

/// Longest text that is shown of names, in bytes.
const NAMES_BYTES: usize = 1024;

/// Changes a primary key and says what became of the rows.
pub(in crate::cli) fn migrate(arguments: &MigrateArguments) -> Result<u8, Failure> {
    let connection = &arguments.connection.connection;
    let changed = warehouse(&arguments.connection)
        .migrate_key(connection, &arguments.table, &arguments.primary_key)
        .map_err(failure)?;
    let Some(change) = changed else {
        let text = format!("connection {connection} has no table {}", arguments.table);
        return Err(Failure::refused(text).hint("name the connection, its folder with --warehouse, and the table"));
    };
    let text = if arguments.json { as_json(connection, &change) } else { in_words(&change) };
    print(&format!("{text}\n"))?;
    Ok(0)
}

/// That a key does not fit is nobody's failure.
fn failure(error: DestinationError) -> Failure {
    match error {
        DestinationError::Refused { .. } => Failure::refused(with_causes(&error)),
        other => other.into(),
    }
}

fn as_json(connection: &str, change: &KeyChange) -> String {
    json!({
        "connection": connection,
        "table": change.table,
        "from": change.from,
        "to": change.to,
        "rows": change.rows,
        "dropped": change.dropped,
    })
    .to_string()
}

fn in_words(change: &KeyChange) -> String {
    let key = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => visible(&format!("({})", names.join(", ")), Lines::One, NAMES_BYTES),
    };
    let rows = units::counted(change.rows, "row");
    let dropped = match change.dropped {
        0 => String::new(),
        dropped => {
            format!("; {} dropped, which the key does not tell apart", units::counted(dropped, "deleted or equal row"))
        }
    };
    format!(
        "the primary key of table {} was {}, is {}: {rows}{dropped}",
        change.table,
        key(&change.from),
        key(&change.to)
    )
}
