//! Bodies: large ones, and those that come in pieces.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::json;

use super::{against, fetch, respond};
use crate::support::server::Server;

#[test]
fn compressed_bodies_are_inflated_in_the_guest() {
    // gzip of "squeezed words\n"
    const SQUEEZED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x2e\x2c\x4d\x4d\xad\x4a\x4d\x51\x28\xcf\
                              \x2f\x4a\x29\xe6\x02\x00\xb6\x5c\xd2\x8a\x0f\x00\x00\x00";
    let server = Server::start(|request, stream| {
        assert!(request.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip")));
        respond(stream, "200 OK", "Content-Encoding: gzip\r\n", SQUEEZED)
    });
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/")}]));
    assert_eq!(rows[0]["text"], "squeezed words\n");
}

#[test]
fn a_hundred_megabytes_in_flat_memory() {
    const BYTES: usize = 100 * 1024 * 1024;
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n")?;
        let piece = vec![b'x'; 256 * 1024];
        for _ in 0..BYTES / piece.len() {
            stream.write_all(&piece)?;
        }
        Ok(true)
    });
    let connector = against(&server, "streaming", "/");
    // the first sync of a component compiles it, which takes more memory than any body
    connector.succeed();
    let sync = connector.succeed();
    assert_eq!(connector.database().value("SELECT bytes FROM streams"), json!(BYTES));
    let (guest, host) = (sync.report()["peak_memory_bytes"].as_u64().unwrap() >> 20, sync.peak_kib >> 10);
    eprintln!("100 MiB streamed in {:.2} s; peak memory: guest {guest} MiB, host {host} MiB", sync.took.as_secs_f64());
    assert!(guest < 48, "the guest held {guest} MiB");
    assert!(host < 256, "the host held {host} MiB");
}

#[test]
fn many_uploads_in_flat_memory() {
    let server = Server::fixed("200 OK", &[], "");
    let connector = against(&server, "uploading", "/").with("count", 200);
    let sync = connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM uploads WHERE status = 200"), json!(200));
    let guest = sync.report()["peak_memory_bytes"].as_u64().unwrap() >> 20;
    assert!(guest < 64, "200 uploads of 1 MiB took {guest} MiB of the guest's memory");
}

#[test]
fn pieces_arrive_as_they_are_sent() {
    const PIECES: usize = 5;
    let seen = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let server = Server::start(move |request, stream| {
        let (count, changed) = &*seen;
        if request.path != "/stream" {
            *count.lock().unwrap() += 1;
            changed.notify_all();
            return respond(stream, "200 OK", "", b"");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for number in 0..PIECES {
            let line = format!("piece {number}\n");
            write!(stream, "{:x}\r\n{line}\r\n", line.len())?;
            // The next piece leaves only after the guest has answered this one.
            drop(changed.wait_while(count.lock().unwrap(), |count| *count <= number));
        }
        stream.write_all(b"0\r\n\r\n")?;
        Ok(true)
    });
    let connector = against(&server, "piece_by_piece", "/");
    connector.succeed();
    let lines = connector.database().query("SELECT group_concat(line) FROM pieces");
    assert_eq!(lines, [[json!("piece 0,piece 1,piece 2,piece 3,piece 4")]]);
}
