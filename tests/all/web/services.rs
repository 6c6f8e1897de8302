//! A service that others wrote, paged through in every way it offers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::serve;
use crate::sdk::environment;
use crate::support::{Connector, events};

/// The body of a page, fetched by the test itself.
fn get(port: u16, path: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_rest_service_that_others_wrote() {
    let python = environment("playground", "fivetran-api-playground==1.1.9\n").unwrap();
    let (_server, port) = serve(&python, "playground_server.py", &[]);
    let origin = format!("http://127.0.0.1:{port}");
    let connector = Connector::mode("playground").with("url", &origin).arguments(&["--allow", &origin]);
    connector.succeed();

    let all = get(port, "/incremental/timestamp");
    let mut expected: Vec<Value> = all["data"].as_array().unwrap().clone();
    expected.sort_by_key(|user| user["id"].as_str().unwrap().to_owned());
    assert_eq!(expected.len(), 200);
    let fields = ["id", "name", "email", "address", "company", "job", "createdAt", "updatedAt"];
    let rows_of = |clean: bool| -> Vec<Vec<Value>> {
        // the export leaves line breaks and commas out
        let value = |text: &Value| match clean {
            true => json!(text.as_str().unwrap().replace(['\n', '\r', ','], "")),
            false => text.clone(),
        };
        expected.iter().map(|user| fields.iter().map(|field| value(&user[*field])).collect()).collect()
    };
    let database = connector.database();
    for table in ["by_link", "by_number", "by_offset", "by_key", "exported"] {
        let landed = database.query(&format!(
            "SELECT id, name, email, address, company, job, created_at, updated_at FROM {table} ORDER BY id"
        ));
        assert_eq!(landed, rows_of(table == "exported"), "{table}");
    }
    let newest = expected.iter().map(|user| user["updatedAt"].as_str().unwrap()).max().unwrap();
    assert_eq!(connector.state(), json!({"updated_since": newest}));

    // the service answers with what changed at that moment or later: the newest alone
    let again = connector.succeed();
    let newest_alone = expected.iter().filter(|user| user["updatedAt"] == newest).count();
    assert_eq!(again.report()["rows"], 4 * newest_alone);
    assert_eq!(again.report()["hosts"][0]["requests"], 4);
    again.events.iter().for_each(events::complete);
    assert_eq!(connector.database().value("SELECT count(*) FROM by_link"), json!(200));
}
