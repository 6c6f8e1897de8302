//! What was kept out of the destination, in the summary.

use serde::Serialize;

/// Most names in the text form.
const SHOWN: usize = 12;

/// What was kept out of one table, for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WithheldSummary {
    /// The table as the source names it.
    pub table: String,
    /// The columns as the source names them; empty when the whole table was kept out.
    pub columns: Vec<String>,
    /// `blocked` or `new`.
    pub reason: String,
}

/// All of it on one line: `users.password (blocked), audit (blocked)`.
pub(super) fn text(withheld: &[WithheldSummary]) -> String {
    let names: Vec<String> = withheld.iter().flat_map(names).collect();
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn names(one: &WithheldSummary) -> Vec<String> {
    if one.columns.is_empty() {
        return vec![format!("{} ({})", one.table, one.reason)];
    }
    one.columns.iter().map(|column| format!("{}.{column} ({})", one.table, one.reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_named_and_many_counted() {
        let one = |table: &str, columns: &[&str], reason: &str| WithheldSummary {
            table: table.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            reason: reason.to_owned(),
        };
        let some = [one("users", &["password", "Pass-Word"], "blocked"), one("audit", &[], "new")];
        assert_eq!(text(&some), "users.password (blocked), users.Pass-Word (blocked), audit (new)");
        let columns: Vec<String> = (0..20).map(|n| format!("c{n}")).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        assert!(text(&[one("t", &columns, "new")]).ends_with("t.c11 (new) and 8 more"));
    }
}
