//! Files of rows that are kept out.

use std::collections::HashSet;

use super::rules::Filter;
use crate::destination::{DestinationError, FilePart};

/// The numbers of files on their way of which nothing lands.
#[derive(Debug, Default)]
pub(super) struct LeftOut(HashSet<u64>);

impl LeftOut {
    /// Whether a part of a file may land; a file is judged once, when it begins.
    ///
    /// # Errors
    /// As [`Filter::admits_file`].
    pub(super) fn admits(
        &mut self,
        filter: &mut Filter,
        part: &FilePart,
        path_column: &str,
    ) -> Result<bool, DestinationError> {
        match part {
            FilePart::Begin { file, table, .. } => {
                let admitted = filter.admits_file(table, path_column)?;
                if !admitted {
                    self.0.insert(*file);
                }
                Ok(admitted)
            }
            FilePart::Bytes { file, .. } => Ok(!self.0.contains(file)),
            FilePart::Finish { file } | FilePart::Discard { file } => Ok(!self.0.remove(file)),
        }
    }
}
