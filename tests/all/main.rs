//! Everything that drives the real `sluice`: real components, real servers, real databases,
//! killed processes. One test binary, because linking is slow and guests are shared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod streams;
mod support;

mod audit;
mod bases;
mod batch;
mod building;
mod capabilities;
mod cassettes;
mod check;
mod clients;
mod command_line;
mod concurrency;
mod configure;
mod connection;
mod connectors;
mod contents;
mod contract;
mod contract_kit;
mod crash;
mod cut_recordings;
mod databases;
mod dependencies;
mod dev;
mod differential;
mod documents;
mod environment;
mod examples;
mod fitting;
mod full_disk;
mod history;
mod hostile;
mod http_same;
mod languages;
mod local_files;
mod migrate;
mod mutations;
mod observability;
mod policies;
mod processes;
mod promises;
mod resync;
mod rows;
mod scale;
mod sdk;
mod secrets;
mod serve;
mod templates;
mod tracebacks;
mod tutorials;
mod uploads;
mod vectors;
mod web;
