//! What a connector may do: every promise the host makes, in one folder.
//!
//! Nothing here does I/O, reads the environment, is asynchronous or knows WebAssembly, HTTP
//! or SQLite types. The rest of the host asks, and acts on the answer. Deny is the default of every
//! type, and no value means "allow everything".
//!
//! Tests without a path are those of `tests/all/`.
//!
//! | promise | enforced by | proved by |
//! |---|---|---|
//! | no byte and no name query leaves for a destination that was not granted | [`egress::NetworkGrants::permit`]; a request cannot be sent without its [`egress::Permit`] | `http/tests/mod.rs::denied_host_causes_no_query_and_no_connection` |
//! | one spelling of a destination: what was judged is what is dialled | [`egress::Destination::parse`] | `policy/egress_tests.rs::refuses_every_disguise`, `policy/egress_tests.rs::destination_prints_back` |
//! | a granted name does not reach the operator's own network | [`addresses::judge`], [`egress::Permit::admits`] | `policy/addresses.rs::both_edges_of_every_range`, `http/tests/mod.rs::rebinding_reaches_nothing` |
//! | a connector's own project file cannot open non-public addresses | [`egress::NetworkGrants::from_project`] | `policy/egress_tests.rs::a_project_cannot_grant_loopback` |
//! | a redirect is a new request, judged anew | `http::Client` follows none | `http/tests/mod.rs::redirect_is_returned` |
//! | memory has a ceiling | [`limits::Limits::memory_bytes`] | `hostile::limits::memory_without_end_is_refused`, `hostile::components::many_memories_do_not_multiply_the_limit` |
//! | a busy loop ends | [`limits::Limits::cpu`] | `hostile::limits::an_endless_loop_that_catches_everything_is_stopped`, `hostile::components::a_loop_in_instantiation_is_stopped` |
//! | waiting ends | [`limits::Limits::wall`] | `hostile::limits::sleep_without_end_is_stopped` |
//! | deep recursion is an exception, or a clean end | [`limits::WASM_STACK_BYTES`] | `hostile::limits::deep_recursion_in_every_shape_is_an_exception`, `hostile::components::recursion_that_calls_the_host_at_every_depth_is_a_stack_limit` |
//! | one call cannot make the host copy without bound | [`limits::Limits::hostcall_bytes`] | `hostile::components::one_call_cannot_hand_over_more_than_its_limit` |
//! | files are the sync's own and have ceilings | [`limits::Limits::local_file_bytes`], `local_files`, `local_file_depth`; WASI's file system is not linked | `hostile::local_files::no_path_leads_to_the_host`, `bytes_end`, `numbers_depth_and_names_end` |
//! | handles have a ceiling | [`limits::Limits::handles`] | `hostile::limits::responses_that_pile_up_are_stopped` |
//! | rows, batches and the whole sync have ceilings | [`limits::Limits::row_bytes`], `batch_bytes`, `rows`, `row_bytes_total`, `uncommitted_bytes` | `hostile::limits::rows_without_end_are_stopped`, `a_value_over_the_row_limit_is_refused_by_name` |
//! | state and checkpoints have ceilings | [`limits::Limits::state_bytes`], `checkpoints` | `hostile::limits::a_state_over_its_limit_is_refused`, `many_tiny_checkpoints_are_stopped` |
//! | files stay below their folder, whatever a connector calls them | [`paths::FilePath`]; opened without following links | `policy/paths.rs::every_way_out_is_refused`, `destination/sqlite/tests/uploads.rs::links_are_not_followed` |
//! | files have ceilings | [`limits::Limits::file_bytes`], `file_bytes_total`, `files`, [`limits::OPEN_FILES`] | `ops/files.rs::limits_are_sticky` |
//! | the log has a ceiling | [`limits::Limits::log_line_bytes`], `log_bytes` | `hostile::output::a_flood_of_messages_is_bounded`, `a_flood_on_standard_error_is_bounded` |
//! | a response cannot fill memory or last for ever | [`limits::Limits::response_bytes`], `first_byte`, `between_bytes`, `exchange_total` | `http/tests/hostile.rs::endless_body_is_capped`, `slowloris_ends_at_the_total`, `informational_flood_times_out` |
//! | requests, hosts and connections have ceilings | [`limits::Limits::requests`], `hosts`, `concurrent_requests` | `http/tests/mod.rs::request_budget_is_sticky`, `hosts_are_counted`, `concurrency_is_bounded` |
//! | TCP follows the same grants and addresses as HTTP, and a name query costs a grant too | [`egress::NetworkGrants::permit_stream`], [`egress::Destination::stream`] | `http/tests/streams.rs::what_is_not_granted_is_neither_asked_about_nor_dialled`, `a_name_does_not_lead_to_private_addresses` |
//! | under a grant for `tls` nothing goes out in the clear but the request to begin TLS | [`upgrades::is_request`], [`egress::Permit::admits_in_the_clear`] | `policy/upgrades.rs`, `http/tests/streams.rs::under_a_grant_for_tls_nothing_else_goes_out_in_the_clear`, `databases::under_a_grant_for_tls_passwords_do_not_go_out_in_the_clear` |
//! | connections, their bytes and their silence have ceilings | [`limits::Limits::connections`], `stream_bytes`, `stream_silence` | `http/tests/streams.rs::connections_end_at_their_number_and_are_free_again`, `bytes_end_for_the_whole_sync`, `waiting_ends` |
//! | names cannot reach the host's own tables or break a statement | [`identifiers::check_source`], [`identifiers::check_destination`], [`names`] | `policy/identifiers.rs`, `policy/names.rs` |
//! | secrets stay out of logs and errors | [`secrets::Secret`], [`secrets::Redactor`] | `policy/secrets.rs::every_form_is_redacted`, `hostile::output::secrets_are_redacted_wherever_people_read` |
//! | a blocked table or column does not land, however the connector spells it | [`protection::Protection`] | `policy/protection.rs::no_spelling_reaches_what_a_blocked_name_becomes`, `policies::what_is_blocked_is_nowhere_in_the_files` |
//! | of a hashed column only keyed hashes land; what landed before is hashed when that is turned on | [`protection::TableProtection::treatment`] | `policies::what_is_hashed_is_nowhere_in_the_files`, `policies::hashing_that_is_turned_on_leaves_nothing_in_plain` |
//! | new tables and columns land only where the operator lets them | [`baseline::Baseline::admits`] | `policy/baseline.rs::the_table_of_rules`, `policies::new_tables_and_columns_stay_out` |
//! | text of a connector cannot drive a terminal or forge a log line | [`terminal::visible`] | `policy/terminal.rs::controls_are_visible`, `hostile::output::escapes_in_messages_names_and_rows_are_inert` |

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
pub mod limits;
pub mod paths;
pub mod requests;
pub mod secrets;
pub mod substitution;
pub mod terminal;
pub mod upgrades;
