//! What a connector may do: every promise the host makes, in one folder.
//!
//! Nothing here does I/O, reads the environment, is asynchronous or knows WebAssembly, HTTP
//! or SQLite types. The rest of the host asks, and acts on the answer. Deny is the default of every
//! type, and no value means "allow everything".
//!
//! | promise | enforced by | proved by |
//! |---|---|---|
//! | no byte and no name query leaves for a destination that was not granted | [`egress::NetworkGrants::permit`]; a request cannot be sent without its [`egress::Permit`] | `http/tests/mod.rs::denied_host_causes_no_query_and_no_connection` |
//! | one spelling of a destination: what was judged is what is dialled | [`egress::Destination::parse`] | `policy/egress_tests.rs::refuses_every_disguise`, `policy/egress_tests.rs::destination_prints_back` |
//! | a granted name does not reach the operator's own network | [`addresses::judge`], [`egress::Permit::admits`] | `policy/addresses.rs::both_edges_of_every_range`, `http/tests/mod.rs::rebinding_reaches_nothing` |
//! | a connector's own project file cannot open non-public addresses | [`egress::NetworkGrants::from_project`] | `policy/egress_tests.rs::a_project_cannot_grant_loopback` |
//! | a redirect is a new request, judged anew | `http::Client` follows none | `http/tests/mod.rs::redirect_is_returned` |
//! | memory has a ceiling | [`limits::Limits::memory_bytes`] | `tests/hostile.rs::memory_bomb` |
//! | a busy loop ends | [`limits::Limits::cpu`] | `tests/hostile.rs::cpu_loop` |
//! | waiting ends | [`limits::Limits::wall`] | `tests/hostile.rs::sleeper` |
//! | deep recursion is an exception, or a clean end | [`limits::WASM_STACK_BYTES`] | `tests/hostile.rs::recursion` |
//! | one call cannot make the host copy without bound | [`limits::Limits::hostcall_bytes`] | `tests/hostile.rs::huge_argument` |
//! | handles have a ceiling | [`limits::Limits::handles`] | `tests/hostile.rs::handle_flood` |
//! | rows, batches and the whole sync have ceilings | [`limits::Limits::row_bytes`], `batch_bytes`, `rows`, `row_bytes_total`, `uncommitted_bytes` | `tests/hostile.rs::endless_rows` |
//! | state and checkpoints have ceilings | [`limits::Limits::state_bytes`], `checkpoints` | `tests/hostile.rs::huge_state` |
//! | the log has a ceiling | [`limits::Limits::log_line_bytes`], `log_bytes` | `tests/hostile.rs::log_flood` |
//! | a response cannot fill memory or last for ever | [`limits::Limits::response_bytes`], `first_byte`, `between_bytes`, `exchange_total` | `http/tests/hostile.rs::endless_body_is_capped`, `slowloris_ends_at_the_total`, `informational_flood_times_out` |
//! | requests, hosts and connections have ceilings | [`limits::Limits::requests`], `hosts`, `concurrent_requests` | `http/tests/mod.rs::request_budget_is_sticky`, `hosts_are_counted`, `concurrency_is_bounded` |
//! | names cannot reach the host's own tables or break a statement | [`identifiers::check_source`], [`identifiers::check_destination`], [`names`] | `policy/identifiers.rs`, `policy/names.rs` |
//! | secrets stay out of logs and errors | [`secrets::Secret`], [`secrets::Redactor`] | `policy/secrets.rs::every_form_is_redacted` |
//! | text of a connector cannot drive a terminal or forge a log line | [`terminal::visible`] | `policy/terminal.rs::controls_are_visible` |

pub mod addresses;
mod destination;
pub mod egress;
mod grant;
pub mod identifiers;
pub mod limits;
pub mod names;
pub mod secrets;
pub mod terminal;
