//! The sections of a connection that a settings file has too: one problem for each of their entries, not one for all.

use super::connection::ConnectionSettings;
use super::problem::meant;
use super::values::{Entry, Reader};
use crate::landing::settings::{LimitSettings, Settings};
use crate::policy::limits;

/// Reads `[limits]`, `[destination]`, `[secrets]` or `[oauth]` over what is there.
pub(super) fn read<'t>(settings: &mut ConnectionSettings, reader: &mut Reader<'t>, entry: Entry<'t>) {
    let section = entry.name().to_owned();
    let Some((place, table)) = reader.table(entry) else { return };
    for entry in reader.entries(table, &place) {
        match section.as_str() {
            "limits" => limit(settings, reader, entry),
            "destination" if entry.name() == "tables" => {
                let Some((place, tables)) = reader.table(entry) else { continue };
                for table in reader.entries(tables, &place) {
                    add(settings, reader.typed(table, &["tables", "destination"]));
                }
            }
            "destination" => add(settings, reader.typed(entry, &["destination"])),
            "secrets" => add(settings, reader.typed(entry, &["secrets"])),
            _ => add(settings, reader.typed(entry, &["oauth"])),
        }
    }
}

fn limit<'t>(settings: &mut ConnectionSettings, reader: &mut Reader<'t>, entry: Entry<'t>) {
    let name = entry.name().to_owned();
    let before = reader.problems.len();
    if let Some(limit) = reader.typed::<LimitSettings>(entry, &[]) {
        settings.limits.extend(limit);
    }
    if limits::Row::find(&name).is_none()
        && let Some(problem) = reader.problems.get_mut(before)
    {
        let known = meant(&name, limits::ROWS.iter().map(|row| row.name));
        problem.hint = known.map(|known| format!("did you mean `{known}`?"));
    }
}

fn add(settings: &mut ConnectionSettings, one: Option<Settings>) {
    let Some(Settings { landing, secrets, oauth, .. }) = one else { return };
    settings.destination = std::mem::take(&mut settings.destination).overridden_by(landing);
    settings.secrets.oauth.retain(|name, _| !secrets.contains_key(name));
    settings.secrets.secrets.retain(|name, _| !oauth.contains_key(name));
    settings.secrets.secrets.extend(secrets);
    settings.secrets.oauth.extend(oauth);
}
