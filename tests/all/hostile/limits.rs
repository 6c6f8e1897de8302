//! Time, memory, stack and numbers.

use serde_json::json;

use super::{connector, ends, limit, rows, success};
use crate::support::Connector;
use crate::support::server::Server;

/// Two seconds of processor time.
fn short_cpu(mode: &str) -> Connector {
    Connector::mode(mode).arguments(&["--cpu-time", "2"])
}

/// What came before the first checkpoint landed, and nothing after it.
fn only_begun(connector: &Connector) {
    assert_eq!(rows(connector, "begun"), 1);
    assert!(!connector.database().has_table("after"));
    assert_eq!(connector.state(), json!({"begun": true}));
}

#[test]
fn an_endless_loop_is_stopped() {
    ends(short_cpu("endless_loop"), &limit(&["cpu time limit reached (2s)"]).within(2), |_, it| only_begun(it));
}

#[test]
fn an_endless_loop_that_catches_everything_is_stopped() {
    let end = limit(&["cpu time limit reached (2s)"]).within(2);
    ends(short_cpu("endless_loop_that_catches"), &end, |_, it| only_begun(it));
}

#[test]
fn a_call_into_c_code_without_end_is_stopped() {
    ends(short_cpu("endless_c_code"), &limit(&["cpu time limit reached (2s)"]).within(2), |_, it| only_begun(it));
}

#[test]
fn colliding_keys_are_stopped() {
    ends(short_cpu("colliding_keys"), &limit(&["cpu time limit reached (2s)"]).within(2), |_, it| only_begun(it));
}

#[test]
fn sleep_without_end_is_stopped() {
    let connector = Connector::mode("endless_sleep").arguments(&["--wall-time", "3"]);
    ends(connector, &limit(&["wall time limit reached (3s)"]).within(3), |sync, it| {
        assert!(sync.report()["cpu_seconds"].as_f64().unwrap_or(0.0) < 2.0, "sleeping is not work");
        only_begun(it);
    });
}

#[test]
fn memory_without_end_is_refused() {
    ends(Connector::mode("memory_bomb"), &limit(&["memory limit reached (256 MiB)"]), |_, it| only_begun(it));
}

#[test]
fn a_lower_memory_limit_holds() {
    let connector = Connector::mode("memory_bomb").arguments(&["--memory", "96"]);
    ends(connector, &limit(&["memory limit reached (96 MiB)"]), |sync, it| {
        assert!(sync.report()["peak_memory_bytes"].as_u64() <= Some(96 << 20), "{}", sync.report());
        only_begun(it);
    });
}

#[test]
fn a_memory_refusal_can_be_survived() {
    ends(Connector::mode("memory_refusal_is_survived"), &success(), |_, it| assert_eq!(rows(it, "survived"), 1));
}

#[test]
fn a_gigabyte_of_text_is_refused() {
    ends(Connector::mode("huge_string"), &limit(&["memory limit reached (256 MiB)"]), |_, it| {
        assert_eq!(rows(it, "huge"), 0);
        only_begun(it);
    });
}

#[test]
fn a_value_over_the_row_limit_is_refused_by_name() {
    ends(Connector::mode("large_value"), &connector(&["large", "limit"]), |_, it| {
        assert_eq!(rows(it, "large"), 0);
        only_begun(it);
    });
}

#[test]
fn deep_recursion_is_an_exception() {
    ends(Connector::mode("deep_recursion"), &success(), |_, it| assert_eq!(rows(it, "survived"), 1));
}

#[test]
fn deep_recursion_in_every_shape_is_an_exception() {
    ends(Connector::mode("deep_shapes"), &success(), |_, it| {
        let shapes = it.database().query("SELECT name, outcome FROM shapes ORDER BY name");
        assert_eq!(shapes.len(), 7, "{shapes:?}");
        for shape in &shapes {
            assert!(shape[1].as_str().unwrap().ends_with("Error"), "{shape:?}");
        }
    });
}

#[test]
fn recursion_without_pythons_own_limit_ends_cleanly() {
    let end = limit(&["limit reached"]);
    ends(Connector::mode("bottomless_recursion"), &end, |_, it| only_begun(it));
}

#[test]
fn deeply_nested_json_is_an_exception() {
    ends(Connector::mode("nested_json"), &success(), |_, it| assert_eq!(rows(it, "survived"), 1));
}

#[test]
fn deeply_nested_json_of_a_hostile_api_is_an_exception() {
    let server = Server::fixed("200 OK", &[("Content-Type", "application/json")], "[".repeat(200_000));
    let connector =
        Connector::mode("nested_json_from_api").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    ends(connector, &success(), |_, it| assert_eq!(rows(it, "survived"), 1));
}

#[test]
fn rows_without_end_are_stopped() {
    let connector = Connector::mode("rows_for_ever").arguments(&["--row-data", "20"]);
    ends(connector, &limit(&["bytes of rows limit reached"]), |_, it| {
        assert_eq!(rows(it, "endless"), 0, "nothing of it was checkpointed");
    });
}

#[test]
fn tables_without_end_are_stopped() {
    ends(Connector::mode("tables_for_ever"), &limit(&["tables limit reached (10000)"]).within(60), |_, it| {
        only_begun(it);
        let tables = it.database().query("SELECT name FROM sqlite_master WHERE name LIKE 'table%'");
        assert_eq!(tables.len(), 0, "tables of a discarded transaction stayed");
    });
}

#[test]
fn columns_without_end_are_stopped() {
    let end = limit(&["wide", "limit"]).within(60);
    ends(Connector::mode("columns_for_ever"), &end, |_, it| only_begun(it));
}

#[test]
fn many_tiny_operations_are_stopped() {
    let connector = Connector::mode("tiny_operations").arguments(&["--cpu-time", "3", "--wall-time", "10"]);
    ends(connector, &limit(&["time limit reached"]).within(10), |_, it| only_begun(it));
}

#[test]
fn many_tiny_checkpoints_are_stopped() {
    let connector = Connector::mode("tiny_checkpoints").arguments(&["--wall-time", "5"]);
    ends(connector, &limit(&["wall time limit reached (5s)"]).within(5), |sync, it| {
        let durable = sync.events.iter().filter(|event| event["event"] == "checkpoint").count();
        assert!(durable > 0, "no checkpoint was reported");
        assert!(it.state()["count"].as_u64().unwrap() > 0);
    });
}

#[test]
fn a_state_over_its_limit_is_refused() {
    ends(Connector::mode("huge_state"), &connector(&["state", "limit"]), |_, it| only_begun(it));
}

#[test]
fn responses_that_pile_up_are_stopped() {
    let server = Server::fixed("200 OK", &[], "held");
    let connector = Connector::mode("handles").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    ends(connector, &limit(&["open handles limit reached (4096)"]), |_, _| {
        assert!(server.requests() <= 4096, "{}", server.requests());
    });
}

#[test]
fn a_swallowed_limit_stays_a_limit() {
    let server = Server::fixed("200 OK", &[], "ok");
    let connector = Connector::mode("swallowed_refusal").with("url", server.url("/")).arguments(&[
        "--allow",
        &server.origin(),
        "--requests",
        "5",
    ]);
    ends(connector, &limit(&["limit", "5 requests"]), |_, it| {
        assert_eq!(server.requests(), 5);
        only_begun(it);
    });
}
