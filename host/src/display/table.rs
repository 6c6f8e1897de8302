//! Tables in columns, with spaces instead of lines.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, presets};

use crate::policy::terminal::{self, Lines};

/// Longest cell in bytes; longer ones end with a mark.
const MAX_CELL_BYTES: usize = 4_096;
/// Spaces between two columns.
const GAP: u16 = 2;

/// The head of a column and how its cells are aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    title: String,
    right: bool,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub fn left(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: false }
    }

    /// A column of numbers.
    #[must_use]
    pub fn right(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: true }
    }
}

/// A table under construction. Cells are made safe for a terminal, and wide characters count
/// as two.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    table: comfy_table::Table,
}

impl Table {
    /// A table with a head and no rows.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|column| cell(&column.title, column.right)));
        Self { columns, table }
    }

    /// Adds a row. Cells beyond the columns are left out, missing ones are empty.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut cells = cells.into_iter();
        let row: Vec<_> = self
            .columns
            .iter()
            .map(|column| cell(cells.next().as_ref().map_or("", AsRef::as_ref), column.right))
            .collect();
        self.table.add_row(row);
    }

    /// Writes the table, every line after `indent` and without spaces at its end.
    ///
    /// # Errors
    ///
    /// What `out` returns.
    pub fn write(&mut self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        for (index, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 { 0 } else { GAP }, 0));
        }
        for line in self.table.lines() {
            writeln!(out, "{}", format!("{indent}{line}").trim_end())?;
        }
        Ok(())
    }
}

fn cell(text: &str, right: bool) -> Cell {
    // the width of a tab depends on where it stands
    let text = terminal::visible(text, Lines::One, MAX_CELL_BYTES).replace('\t', "\\t");
    Cell::new(text).set_alignment(if right { CellAlignment::Right } else { CellAlignment::Left })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn text(table: &mut Table, indent: &str) -> String {
        let mut out = Vec::new();
        table.write(&mut out, indent).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_right_aligned_and_lines_end_without_spaces() {
        let mut table = Table::new(vec![Column::left("table"), Column::right("upserts"), Column::left("note")]);
        table.row(["orders", "1,200", ""]);
        table.row(["order_lines", "7", "new"]);
        insta::assert_snapshot!(text(&mut table, ""), @r"
        table        upserts  note
        orders         1,200
        order_lines        7  new
        ");
    }

    #[test]
    fn wide_characters_keep_the_columns() {
        let mut table = Table::new(vec![Column::left("name"), Column::right("rows")]);
        table.row(["日本語", "1"]);
        table.row(["abcdef", "10"]);
        insta::assert_snapshot!(text(&mut table, "  "), @r"
        name    rows
        日本語     1
        abcdef    10
        ");
    }

    #[test]
    fn cells_cannot_break_the_table() {
        let mut table = Table::new(vec![Column::left("a"), Column::left("b")]);
        table.row(["x\ny\tz\u{1b}[2J", "1", "too many"]);
        table.row(["few"]);
        insta::assert_snapshot!(text(&mut table, ""), @r"
        a               b
        x\ny\tz\x1b[2J  1
        few
        ");
    }
}
