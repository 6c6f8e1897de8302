//! `sluice runs`: the history of runs, and monthly active rows.

use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::cli::args::{ListArguments, RunsArguments, RunsCommand};
use crate::cli::failure::Failure;
use crate::cli::print;
use crate::destination::sqlite::Warehouse;
use crate::display::{runs as shown, units};
use crate::error::with_causes;
use crate::history::{Filter, History, HistoryError};

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        Self::host(with_causes(&error))
    }
}

/// Lists runs, shows one, or forgets old ones.
pub(in crate::cli) fn runs(arguments: &RunsArguments) -> Result<u8, Failure> {
    match &arguments.command {
        None if arguments.list.months => months(&arguments.list),
        None => list(&arguments.list),
        Some(RunsCommand::Show { run, warehouse, json }) => show(&warehouse.warehouse, *run, *json),
        Some(RunsCommand::Prune { warehouse, older_than, keep, always }) => {
            prune(&warehouse.warehouse, older_than.as_deref(), *keep, *always)
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::host(error.to_string()))?;
    Ok(format!("{text}\n"))
}

fn list(arguments: &ListArguments) -> Result<u8, Failure> {
    let since = arguments.since.as_deref().map(|text| moment(text, Timestamp::now())).transpose()?;
    let filter =
        Filter { connection: arguments.connection.clone(), failed: arguments.failed, since, limit: arguments.limit };
    let history = History::find(&arguments.warehouse.warehouse)?;
    let runs = history.map_or(Ok(Vec::new()), |history| history.runs(&filter))?;
    let text = match (arguments.json, runs.is_empty()) {
        (true, _) => json(&runs)?,
        (false, true) => "no such runs\n".to_owned(),
        (false, false) => shown::list(&runs),
    };
    print(&text)?;
    Ok(0)
}

fn show(warehouse: &Path, id: u64, as_json: bool) -> Result<u8, Failure> {
    let history = History::find(warehouse)?;
    let run = history.map_or(Ok(None), |history| history.run(id))?;
    let Some(run) = run else {
        return Err(Failure::refused(format!("there is no run {id} in {}", warehouse.display()))
            .hint("`sluice runs` lists them; name their folder with --warehouse"));
    };
    print(&if as_json { json(&run)? } else { shown::one(&run) })?;
    Ok(0)
}

fn months(arguments: &ListArguments) -> Result<u8, Failure> {
    let warehouse = Warehouse::new(&arguments.warehouse.warehouse);
    let connections = match &arguments.connection {
        Some(connection) => vec![connection.clone()],
        None => warehouse.connections()?,
    };
    let mut all = Vec::new();
    for connection in connections {
        for rows in warehouse.active_rows(&connection)? {
            all.push(shown::MonthRow {
                month: rows.month,
                connection: connection.clone(),
                table: rows.table,
                active_rows: rows.rows,
            });
        }
    }
    // The latest month first, and in it what is largest.
    all.sort_by(|a, b| b.month.cmp(&a.month).then(b.active_rows.cmp(&a.active_rows)));
    let text = match (arguments.json, all.is_empty()) {
        (true, _) => json(&all)?,
        (false, true) => "no rows were active yet\n".to_owned(),
        (false, false) => shown::months(&all),
    };
    print(&text)?;
    Ok(0)
}

fn prune(warehouse: &Path, older_than: Option<&str>, keep: Option<u64>, always: bool) -> Result<u8, Failure> {
    let age = older_than.map(time).transpose()?;
    let Some(history) = History::find(warehouse)? else {
        return Err(Failure::refused(format!("there is no history of runs in {}", warehouse.display()))
            .hint("name the folder with --warehouse, as in `sluice run`"));
    };
    let mut retention = history.retention()?;
    retention.age = age.unwrap_or(retention.age);
    retention.runs = keep.unwrap_or(retention.runs);
    if always {
        history.set_retention(retention)?;
    }
    let pruned = history.prune(retention)?;
    let (kept, runs) = (units::duration(retention.age), units::count(retention.runs));
    let mut text = format!("forgot {}\n", units::counted(pruned, "run"));
    if always {
        text += &format!("from now on every sync forgets what is older than {kept} or beyond {runs} runs\n");
    }
    print(&text)?;
    Ok(0)
}

/// A length of time: a number and `m`, `h`, `d` or `w`.
fn time(text: &str) -> Result<Duration, Failure> {
    let refused =
        || Failure::refused(format!("{} is no length of time", text.escape_debug())).hint("write 90m, 24h, 30d or 8w");
    let unit = text.chars().next_back().ok_or_else(refused)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(refused()),
    };
    let number: u64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(refused)?;
    Ok(Duration::from_secs(number.checked_mul(seconds).ok_or_else(refused)?))
}

/// A moment: a time, a day in UTC, or how long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Some(day) = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok()) {
        return Ok(day.timestamp());
    }
    let ago = time(text).map_err(|_| {
        Failure::refused(format!("--since {}: that is no time", text.escape_debug()))
            .hint("write 24h, 7d, 2025-01-31 or 2025-01-31T12:00:00Z")
    })?;
    let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
    Ok(now.checked_sub(ago).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_days_and_how_long_ago() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("24h", "2026-11-21T12:00:00Z"),
            ("90m", "2026-11-22T10:30:00Z"),
            ("2w", "2026-11-08T12:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "d", "1", "-1d", "1.5h", "yesterday", "99999999999999999999d", "2026-13-01"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
        assert_eq!(moment("9999999999d", now).unwrap(), Timestamp::MIN);
    }
}
