//! Budgets of hosts, alone and shared by several syncs.

use std::time::Instant;

use super::support::*;
use super::*;
use crate::http::{Oversight, Upstreams};
use crate::policy::limits::Limits;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";

/// A client of one sync of a batch.
fn of_batch(server: &Server, limits: &Limits, upstreams: &Upstreams) -> Client {
    let oversight = Oversight { upstreams: upstreams.clone(), ..Oversight::default() };
    Client::overseen(server.grants(), limits, Names::new(&[]), Trust::nobody(), oversight)
}

#[test]
fn syncs_of_a_batch_share_a_hosts_requests_and_its_end_is_sticky() {
    let (server, other) = (Server::always(OK), Server::always(OK));
    let mut limits = quick();
    limits.host_requests = 3;
    let upstreams = Upstreams::default();
    let (first, second) = (of_batch(&server, &limits, &upstreams), of_batch(&server, &limits, &upstreams));
    let alone = of_batch(&server, &limits, &Upstreams::default());
    run(async {
        let url = server.url("127.0.0.1", "/");
        for client in [&first, &second, &first] {
            fetch(client, &get(&url)).await.unwrap();
        }
        for client in [&second, &first, &second] {
            let error = fetch(client, &get(&url)).await.unwrap_err();
            assert!(matches!(&error, HttpError::Limit { sticky: true, .. }), "{error:?}");
            assert!(error.to_string().contains("3 requests to one host"), "{error}");
        }
        let error = fetch(&second, &get(&other.url("127.0.0.1", "/"))).await.unwrap_err();
        assert!(error.sticky(), "another host is no way on: {error:?}");
        fetch(&alone, &get(&url)).await.unwrap();
    });
}

#[test]
fn a_hosts_bytes_end() {
    let server = Server::always(OK);
    let mut limits = quick();
    limits.host_bytes = 10;
    let client = of_batch(&server, &limits, &Upstreams::default());
    run(async {
        let url = server.url("127.0.0.1", "/");
        fetch(&client, &get(&url)).await.unwrap();
        let upload = RequestParts { method: "POST".to_owned(), body_len: Some(4), ..get(&url) };
        let body = RequestBody::Bytes(Bytes::from_static(b"four"));
        let mut response = client.send(client.admit(&upload).unwrap(), body).await.unwrap();
        let error = response.body.next().await.unwrap_err();
        assert!(error.sticky() && error.to_string().contains("10 bytes to and from one host"), "{error:?}");
        assert!(client.admit(&get(&url)).unwrap_err().sticky());
    });
}

#[test]
fn a_hosts_rate_makes_requests_wait() {
    let server = Server::always(OK);
    let mut limits = quick();
    limits.requests_per_second = 4;
    let upstreams = Upstreams::default();
    let clients = [of_batch(&server, &limits, &upstreams), of_batch(&server, &limits, &upstreams)];
    run(async {
        let started = Instant::now();
        for turn in 0..6 {
            fetch(&clients[turn % 2], &get(&server.url("127.0.0.1", "/"))).await.unwrap();
        }
        // Four at once; each of the other two a quarter of a second later, less what passed meanwhile.
        assert!(started.elapsed() >= Duration::from_millis(450), "{:?}", started.elapsed());
    });
}
