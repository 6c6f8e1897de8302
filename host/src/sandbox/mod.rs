//! The sandbox: one wasmtime engine, components admitted to it, and one store a sync.
//!
//! Everything that knows wasmtime lives in this folder.
//!
//! | module | what it does |
//! |---|---|
//! | `engine` | the engine with all unneeded features off, and its clock |
//! | `component` | from bytes to an admitted, compiled component |
//! | `cache` | machine code, authenticated; the only `unsafe` code beside the system calls of `worker` |
//! | `dear` | components that were too dear to compile, remembered |
//! | `bytecode` | byte code that guests made of packages, authenticated |
//! | `instance` | one sync in one store; how a guest's end becomes one class of error |
//! | `setup` | the form of a connector and its tests |
//! | `state` | what a store holds |
//! | `siblings` | other instances of the component that work for a sync |
//! | `limiter` | memory summed over all instances of a sync |
//! | `processor` | the time that guests use the processor |
//! | `wasi` | WASI with nothing in it but the variables of the environment it is given |
//! | `local_files` | the files of one sync, in memory |
//! | `still` | clocks, waiting and chance of a replay |
//! | `header_names` | header names in the case that servers write them in |
//! | `operations`, `files`, `http`, `tcp`, `wasi_http`, `workers` | the contract's imports, converted at once |

mod bindings;
mod bytecode;
mod cache;
mod clock;
mod component;
mod dear;
mod engine;
mod files;
mod handed;
mod header_names;
mod http;
mod instance;
mod limiter;
mod local_files;
mod operations;
mod processor;
mod setup;
mod siblings;
mod state;
mod still;
mod tcp;
mod turn;
mod wasi;
mod wasi_http;
mod workers;

pub use bytecode::BytecodeCache;
pub use cache::{CacheError, CodeCache};
pub use component::{AdmissionError, Loaded};
pub use engine::{EngineError, SandboxEngine};
pub use limiter::MemoryUse;

pub(crate) use component::admit_bytes;
pub(crate) use http::{remember, request_room};
pub(crate) use instance::run;
#[cfg(test)]
pub(crate) use operations::unpack;
pub(crate) use setup::{checked, form, test, work};
pub(crate) use state::Capabilities;
pub(crate) use still::Still;
pub(crate) use tcp::not_recorded;
