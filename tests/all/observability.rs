//! Logs, traces and numbers: what `docs/observability.md` promises.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, repository, text};

/// Something that stands for a secret, in a path, a query and a configuration.
const CANARY: &str = "canary-77aa";
const PROTO: &str = "opentelemetry-proto==1.37.0\n";

/// A receiver, and the path, headers and body of what it was sent.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<Posted>>>);

type Posted = (String, Vec<(String, String)>, Vec<u8>);

impl Received {
    fn server(&self) -> Server {
        let received = self.clone();
        Server::start(move |request, stream| {
            let entry = (request.path.clone(), request.headers.clone(), request.body.clone());
            received.0.lock().unwrap().push(entry);
            std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
            Ok(true)
        })
    }

    /// The requests to a path, as OpenTelemetry's own messages read them.
    fn read(&self, path: &str, kind: &str) -> Vec<Value> {
        let python = crate::sdk::environment("otlp", PROTO).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let all = self.0.lock().unwrap();
        let files = all.iter().filter(|(to, ..)| to == path).enumerate().map(|(number, (.., body))| {
            let file = folder.path().join(format!("{number}.{kind}"));
            fs::write(&file, body).unwrap();
            file
        });
        let script = repository().join("tests/all/support/otlp.py");
        let output = Command::new(python).arg(script).args(files).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn attributes(of: &Value) -> Value {
    let pairs = of["attributes"].as_array().into_iter().flatten();
    let value = |pair: &Value| pair["value"].as_object().unwrap().values().next().unwrap().clone();
    pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), value(pair))).collect::<serde_json::Map<_, _>>().into()
}

/// All entries of lists in lists.
fn all<'a>(requests: &'a [Value], levels: &[&str]) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = requests.iter().collect();
    for level in levels {
        found = found.into_iter().flat_map(|one| one[*level].as_array().into_iter().flatten()).collect();
    }
    found
}

#[test]
fn spans_and_numbers_reach_a_receiver_and_hold_no_secret() {
    let (source, received) = (Server::fixed("200 OK", &[], "x"), Received::default());
    let receiver = received.server();
    let connector = Connector::mode("get")
        .with("url", source.url(&format!("/{CANARY}?token={CANARY}")))
        .with("api_key", CANARY)
        .arguments(&["--allow", &source.origin()]);
    let output = connector
        .command()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.origin())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b")
        .env("OTEL_RESOURCE_ATTRIBUTES", "team=data")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    let traces = received.read("/v1/traces", "traces");
    let resource = attributes(&traces[0]["resourceSpans"][0]["resource"]);
    assert_eq!((&resource["service.name"], &resource["team"]), (&json!("sluice"), &json!("data")));
    let spans = all(&traces, &["resourceSpans", "scopeSpans", "spans"]);
    let named =
        |name: &str| *spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name}: {spans:#?}"));
    let (sync, request) = (named("sync"), named("request"));
    let of_sync = attributes(sync);
    assert_eq!((&of_sync["connection"], &of_sync["outcome"]), (&json!("tested"), &json!("success")));
    assert_eq!(of_sync["component"].as_str().unwrap().len(), 64);
    assert_eq!((&request["parentSpanId"], &request["traceId"]), (&sync["spanId"], &sync["traceId"]));
    assert_eq!(request["kind"], "SPAN_KIND_CLIENT");
    let of_request = attributes(request);
    assert_eq!(
        of_request,
        json!({
            "http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1",
            "server.port": source.port().to_string(), "http.response.status_code": "200",
        })
    );

    let metrics = received.read("/v1/metrics", "metrics");
    let metrics = all(&metrics, &["resourceMetrics", "scopeMetrics", "metrics"]);
    let metric = |name: &str| *metrics.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}"));
    let syncs = &metric("sluice.syncs")["sum"];
    assert_eq!(syncs["aggregationTemporality"], "AGGREGATION_TEMPORALITY_CUMULATIVE");
    assert_eq!(attributes(&syncs["dataPoints"][0]), json!({"connection": "tested", "outcome": "success"}));
    assert_eq!(syncs["dataPoints"][0]["asInt"], "1");
    let requests = &metric("sluice.requests")["sum"]["dataPoints"][0];
    assert_eq!((&requests["asInt"], &attributes(requests)["server.address"]), (&json!("1"), &json!("127.0.0.1")));
    let duration = &metric("sluice.sync.duration")["histogram"]["dataPoints"][0];
    assert_eq!(duration["count"], "1");
    assert_eq!(
        duration["bucketCounts"].as_array().unwrap().len(),
        duration["explicitBounds"].as_array().unwrap().len() + 1
    );

    for (path, headers, body) in received.0.lock().unwrap().iter() {
        assert!(headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("x-tenant") && value == "a b"));
        assert!(!text(body).contains(CANARY), "{path}");
    }
}

#[test]
fn checkpoints_are_spans_and_failures_have_a_status() {
    let received = Received::default();
    let receiver = received.server();
    let schema = json!([{"table": "items", "primary_key": ["id"]}]);
    let operations = json!([["upsert", "items", {"id": 1}], ["checkpoint", {}], ["raise", "ValueError", CANARY]]);
    let connector = Connector::mode("program").with("schema", schema).with("operations", operations);
    let output = connector.command().env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.origin()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let traces = received.read("/v1/traces", "traces");
    let spans = all(&traces, &["resourceSpans", "scopeSpans", "spans"]);
    let sync = spans.iter().find(|span| span["name"] == "sync").unwrap();
    let checkpoint = spans.iter().find(|span| span["name"] == "checkpoint").unwrap();
    assert_eq!(checkpoint["parentSpanId"], sync["spanId"]);
    assert_eq!(
        (&sync["status"]["code"], &attributes(sync)["error.type"]),
        (&json!("STATUS_CODE_ERROR"), &json!("connector"))
    );
    for (.., body) in received.0.lock().unwrap().iter() {
        assert!(!text(body).contains(CANARY));
    }
}

#[test]
fn a_receiver_that_is_not_there_costs_a_warning() {
    let connector = Connector::mode("cursor");
    let output = connector
        .command()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={CANARY}"))
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("telemetry was not taken") && !said.contains(CANARY), "{said}");
    let grpc = connector
        .command()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .output()
        .unwrap();
    assert!(text(&grpc.stderr).contains("sluice speaks http/protobuf only"));
}

#[test]
fn with_json_lines_nothing_else_stands_on_standard_error() {
    let connector = Connector::mode("program")
        .with("schema", json!([{"table": "items", "primary_key": ["id"]}]))
        .with("operations", json!([["upsert", "items", {"id": 1}], ["upsert", "items", ["no row"]]]));
    let mut command = crate::support::sluice();
    let configured = connector.command();
    let arguments = configured.get_args().filter(|argument| *argument != "--json");
    let output = command.args(arguments).args(["--log-format", "json"]).output().unwrap();
    let said = text(&output.stderr);
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let of_connector: Vec<_> = lines.iter().filter(|line| line["target"] == "sluicegate::connector").collect();
    assert!(!of_connector.is_empty(), "{said}");
    assert_eq!((&of_connector[0]["connection"], &of_connector[0]["level"]), (&json!("tested"), &json!("WARN")));
    assert!(text(&output.stdout).starts_with("sync of tested succeeded"), "{}", text(&output.stdout));
}
