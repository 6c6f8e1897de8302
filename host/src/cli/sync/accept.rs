//! Whether a connector may run on a connection: it is the one that was accepted, or it is accepted now.

use std::path::Path;

use crate::cli::connector::subject::Subject;
use crate::cli::failure::Failure;
use crate::destination::sqlite::{Acceptance, Looked, Warehouse};
use crate::display::output::Output;
use crate::policy::capabilities::{Accepted, Changed};
use crate::stamp::AskedLimits;

/// What a connection accepted, for judging the connector that comes.
pub(super) struct Judge<'a> {
    subject: &'a Subject,
    connection: &'a str,
    /// As the database has it.
    looked: Looked,
    accepted: Option<Accepted>,
    /// Whether the operator accepts whatever comes.
    accepts: bool,
}

impl<'a> Judge<'a> {
    /// What the connection accepted.
    ///
    /// # Errors
    /// When the connection's database cannot be read.
    pub(super) fn of(
        subject: &'a Subject,
        warehouse: &Path,
        connection: &'a str,
        accepts: bool,
    ) -> Result<Self, Failure> {
        let looked = Warehouse::new(warehouse).look(connection)?;
        // What cannot be read is nobody's: it is refused like any other.
        let accepted = looked.accepted().map(|text| serde_json::from_str(text).unwrap_or_default());
        Ok(Self { subject, connection, looked, accepted, accepts })
    }

    /// Holds the connector that comes against it. Nothing is noted.
    ///
    /// # Errors
    /// When it changed, or asks for more, and the operator did not accept that.
    pub(super) fn judge(&self, digest: &str) -> Result<(), Failure> {
        match self.changed(&as_it_comes(self.subject, digest)) {
            Some(changed) if !self.accepts => Err(refused(self.connection, &changed)),
            _ => Ok(()),
        }
    }

    /// What the sync of a connector that was judged has to note before it runs, if anything, and the database as it was
    /// looked at. Left to the sync, so that the database is opened once and nothing is accepted by a sync that never
    /// began.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn note(self, digest: &str, output: &Output) -> Result<(Option<Acceptance>, Looked), Failure> {
        let comes = as_it_comes(self.subject, digest);
        if let Some(changed) = self.changed(&comes) {
            output.line(&format!("note: accepted: {}", in_words(&changed)));
        }
        if self.accepted.as_ref() == Some(&comes) {
            return Ok((None, self.looked));
        }
        let connector = serde_json::to_string(&comes).map_err(|error| Failure::host(error.to_string()))?;
        let known = self.looked.accepted().map(str::to_owned);
        Ok((Some(Acceptance { known, connector }), self.looked))
    }

    fn changed(&self, comes: &Accepted) -> Option<Changed> {
        self.accepted.as_ref().and_then(|accepted| accepted.admit(comes).err())
    }
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
