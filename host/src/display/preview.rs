//! The first rows of each table after a sync.

use std::io::{self, Write};

use super::table::{Column, Table};
use super::units;

/// Widest cell, in terminal columns.
const MAX_CELL_WIDTH: usize = 40;
/// Most columns shown of one table.
const MAX_COLUMNS: usize = 12;

/// Some rows of one table as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TablePreview {
    /// The table as it is called in the destination.
    pub table: String,
    /// All rows of the table, shown or not.
    pub total_rows: u64,
    /// Names of the columns, with numbers to the right.
    pub columns: Vec<PreviewColumn>,
    /// The rows to show; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column of a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviewColumn {
    /// Its name.
    pub name: String,
    /// Whether it holds numbers.
    pub numeric: bool,
    /// What stands below its name, such as its type.
    pub note: Option<String>,
}

/// Writes the previews one after the other. Long cells are cut with `…`, and columns beyond
/// the twelfth are only counted.
///
/// # Errors
///
/// What `out` returns.
pub fn write(previews: &[TablePreview], out: &mut dyn Write) -> io::Result<()> {
    for (index, preview) in previews.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_one(preview, out)?;
    }
    Ok(())
}

fn write_one(preview: &TablePreview, out: &mut dyn Write) -> io::Result<()> {
    let name = cut(&preview.table, 2 * MAX_CELL_WIDTH);
    writeln!(out, "{name} ({})", units::counted(preview.total_rows, "row"))?;
    if preview.columns.is_empty() || preview.rows.is_empty() {
        return Ok(());
    }
    let columns = preview.columns.iter().take(MAX_COLUMNS).map(|column| {
        let title = cut(&column.name, MAX_CELL_WIDTH);
        if column.numeric { Column::right(title) } else { Column::left(title) }
    });
    let mut table = Table::new(columns.collect());
    if preview.columns.iter().any(|column| column.note.is_some()) {
        table.row(preview.columns.iter().map(|column| cut(column.note.as_deref().unwrap_or_default(), MAX_CELL_WIDTH)));
    }
    for row in &preview.rows {
        table.row(row.iter().map(|cell| match cell {
            Some(text) => cut(text, MAX_CELL_WIDTH),
            None => "NULL".to_owned(),
        }));
    }
    table.write(out, "  ")?;
    let hidden = preview.columns.len().saturating_sub(MAX_COLUMNS);
    if hidden > 0 {
        writeln!(out, "  … and {}", units::counted(hidden as u64, "more column"))?;
    }
    Ok(())
}

/// The text, or as much of it as fits with `…` after it.
fn cut(text: &str, width: usize) -> String {
    let mut used = 0;
    let mut kept = 0;
    for (at, character) in text.char_indices() {
        used += columns_of(character);
        if used > width {
            return format!("{}…", text.get(..kept).unwrap_or_default());
        }
        if used < width {
            kept = at + character.len_utf8();
        }
    }
    text.to_owned()
}

// at least what a terminal takes: East Asian and emoji blocks start at U+1100
fn columns_of(character: char) -> usize {
    if character >= '\u{1100}' { 2 } else { 1 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn column(name: &str, numeric: bool) -> PreviewColumn {
        PreviewColumn { name: name.to_owned(), numeric, note: None }
    }

    #[test]
    fn a_preview_shows_nulls_and_cuts_long_cells() {
        let long = "a very long text that nobody wants to read in a preview of five rows";
        let orders = TablePreview {
            table: "orders".to_owned(),
            total_rows: 1_234,
            columns: vec![column("id", true), column("note", false)],
            rows: vec![
                vec![Some("1".to_owned()), Some(long.to_owned())],
                vec![Some("10".to_owned()), None],
                vec![Some("11".to_owned()), Some("two\nlines".to_owned())],
            ],
        };
        let empty = TablePreview { table: "customers".to_owned(), ..TablePreview::default() };
        let mut out = Vec::new();
        write(&[orders, empty], &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        orders (1,234 rows)
          id  note
           1  a very long text that nobody wants to r…
          10  NULL
          11  two\nlines

        customers (0 rows)
        ");
    }

    #[test]
    fn many_columns_are_counted() {
        let wide = TablePreview {
            table: "wide".to_owned(),
            total_rows: 1,
            columns: (0..15).map(|index| column(&format!("c{index}"), false)).collect(),
            rows: vec![vec![Some("x".to_owned()); 15]],
        };
        let mut out = Vec::new();
        write(&[wide], &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("  … and 3 more columns\n"));
    }

    #[test]
    fn cells_are_cut_between_characters() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("日本語日本語", 6), "日本…");
        assert_eq!(cut("", 6), "");
    }
}
