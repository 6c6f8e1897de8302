//! What a connector may do: every promise the host makes, in one folder.
//!
//! Nothing here does I/O, reads the environment, is asynchronous or knows WebAssembly, HTTP
//! or SQLite types. The rest of the host asks, and acts on the answer. Deny is the default of every
//! type, and no value means "allow everything". `tests/all/promises.rs` holds the folder to that.
//!
//! `docs/security.md` has the table of promises: for each the constant or function that enforces it, most of them here,
//! and the test that attacks it.
//!
//! | file | decides |
//! |---|---|
//! | `destination`, `grant`, `egress` | which destinations may be reached; [`egress::Permit`], without which nothing is dialled |
//! | [`addresses`] | which addresses may be dialled for a name |
//! | [`requests`] | methods and header fields of a request |
//! | [`imports`] | what a component may import |
//! | [`capabilities`] | whether a connector still is what was accepted |
//! | [`limits`], `limit_values`, [`budgets`] | how much of everything |
//! | [`identifiers`], [`paths`] | names of tables and columns, paths of files |
//! | [`upgrades`] | what may be written in the clear before TLS |
//! | `secret_rules`, [`held`] | where held secrets may go |
//! | [`secrets`], [`terminal`] | what of a connector's text people see |

pub mod addresses;
pub(crate) mod base64;
pub mod budgets;
pub mod capabilities;
mod destination;
pub mod egress;
mod grant;
pub mod held;
pub mod identifiers;
pub mod imports;
mod limit_values;
pub mod limits;
pub mod paths;
pub mod requests;
mod secret_rules;
pub mod secrets;
pub mod terminal;
pub mod upgrades;
