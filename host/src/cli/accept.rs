//! Whether a connector may run on a connection: it is the one that was accepted, or it is accepted now.

use std::path::Path;

use super::failure::Failure;
use super::subject::Subject;
use crate::destination::sqlite::{Acceptance, Warehouse};
use crate::display::output::Output;
use crate::policy::capabilities::{Accepted, Changed};
use crate::stamp::AskedLimits;

/// Holds a connector against what the connection accepted. Answers what the sync has to note before it runs, if
/// anything: so a database is opened once, and nothing is accepted by a sync that never began.
///
/// # Errors
/// When it changed, or asks for more, and the operator did not accept that.
pub(super) fn accept(
    subject: &Subject,
    digest: &str,
    warehouse: &Path,
    connection: &str,
    accepts: bool,
    output: &Output,
) -> Result<Option<Acceptance>, Failure> {
    let comes = as_it_comes(subject, digest);
    let known = Warehouse::new(warehouse).accepted(connection)?;
    // What cannot be read is nobody's: it is refused like any other.
    let accepted: Option<Accepted> = known.as_ref().map(|text| serde_json::from_str(text).unwrap_or_default());
    if let Some(accepted) = &accepted {
        match accepted.admit(&comes) {
            Ok(()) => {}
            Err(changed) if accepts => output.line(&format!("note: accepted: {}", in_words(&changed))),
            Err(changed) => return Err(refused(connection, &changed)),
        }
    }
    if accepted.as_ref() == Some(&comes) {
        return Ok(None);
    }
    let connector = serde_json::to_string(&comes).map_err(|error| Failure::host(error.to_string()))?;
    Ok(Some(Acceptance { known, connector }))
}

fn as_it_comes(subject: &Subject, digest: &str) -> Accepted {
    let (network, limits) = match &subject.stamp {
        None => (Vec::new(), AskedLimits::default()),
        Some(stamp) => (stamp.network.clone(), stamp.limits),
    };
    let asked = [
        ("memory_mib", limits.memory_mib),
        ("cpu_seconds", limits.cpu_seconds),
        ("wall_seconds", limits.wall_seconds),
        ("rows", limits.rows),
        ("requests", limits.requests),
    ];
    Accepted {
        connector: subject.name().to_owned(),
        version: subject.version().map(ToOwned::to_owned),
        component: digest.to_owned(),
        own_project: subject.project.is_some(),
        network,
        limits: asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
    }
}

fn refused(connection: &str, changed: &Changed) -> Failure {
    Failure::denied(format!("connection {connection} runs another connector than it accepted: {}", in_words(changed)))
        .hint("look at what changed (`sluice check` shows what a component asks for), then run it once with --accept")
}

fn in_words(changed: &Changed) -> String {
    let mut text = match &changed.is {
        Some(is) => format!("{} became {is}", changed.was),
        None => format!("{} changed", changed.was),
    };
    let mut list = |what: &str, items: &[String]| {
        if !items.is_empty() {
            text += &format!("; {what} {}", items.join(", "));
        }
    };
    list("it asks for more:", &changed.more);
    list("it no longer asks for:", &changed.less);
    text
}
