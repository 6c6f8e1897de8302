//! How rows land: what the operator decides about tables and columns, and what names become.
//!
//! Pure, as [`policy`](crate::policy) is: no I/O, no environment, no types of a database. Apart from it, because
//! it says how the rows of a connector look that may run, and not what the connector may do.

pub mod baseline;
mod decisions;
pub mod names;
pub mod protection;
pub mod references;
pub mod settings;

pub use decisions::{BadRow, Deletes, Landing, Naming, SchemaChanges, SystemColumns, TableLanding, TypeMismatch};
