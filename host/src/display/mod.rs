//! What people and programs see: tables, the summary of a sync, live progress, previews.
//!
//! Everything is written through handles that are passed in, so that a test can read it.
//! Text for people may change in any version; the JSON form keeps its keys.

pub mod batch;
pub mod cassette;
pub mod events;
pub mod junit;
pub mod kit;
pub mod output;
pub mod overall;
pub mod preview;
pub mod printed;
pub mod progress;
pub mod runs;
pub mod steps;
pub mod summary;
pub mod table;
pub mod traceback;
pub mod units;
pub mod withheld;
