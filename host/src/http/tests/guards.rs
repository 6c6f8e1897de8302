//! The last guards before a connection: they hold although something before them has a hole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream;
use reqwest::dns::Resolve as _;
use tokio::time::Instant;
use tower_layer::Layer as _;
use tower_service::Service;

use super::super::connect::{BoxError, Exchange, ExchangeLayer, within};
use super::super::resolve::{GuardedResolver, admitted};
use super::super::{Held, Source};
use super::support::*;
use super::*;
use crate::policy::egress::{Destination, Permit};
use crate::policy::held::{Binding, Bindings, Place, placeholder};
use crate::policy::limits::ADDRESSES_PER_NAME;
use crate::policy::secrets::Secret;

fn permit() -> Permit {
    let to = Destination::parse("http://api.test/").unwrap().0;
    grants(&["http://api.test"], &[]).permit(&to).unwrap()
}

fn exchange() -> Arc<Exchange> {
    Exchange::new(permit(), Instant::now() + Duration::from_secs(5), Arc::default())
}

#[test]
fn a_name_that_was_not_judged_is_not_looked_up() {
    let names = Names::new(&[&["93.184.215.14"]]);
    let resolver = GuardedResolver(names.clone());
    let ask = |name: &str| resolver.resolve(name.parse().unwrap());
    run(async {
        assert!(ask("api.test").await.is_err(), "outside an exchange");
        assert!(within(exchange(), async { ask("evil.test").await }).await.is_err());
        assert_eq!(names.asked(), 0);
        assert_eq!(within(exchange(), async { ask("api.test").await }).await.unwrap().count(), 1);
    });
    assert_eq!(names.asked(), 1);
}

/// Stands for what dials.
#[derive(Clone, Default)]
struct Dials;

impl Service<()> for Dials {
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[test]
fn nothing_is_dialled_outside_an_exchange() {
    let mut guarded = ExchangeLayer.layer(Dials);
    run(async {
        let refused = guarded.call(()).await.unwrap_err();
        assert!(refused.to_string().contains("no exchange"), "{refused}");
        within(exchange(), async { guarded.call(()).await }).await.unwrap();
    });
}

#[test]
fn a_flood_of_addresses_is_cut() {
    let many = (0..=255).map(|last| format!("1.1.1.{last}").parse().unwrap()).collect();
    assert_eq!(admitted(&permit(), many).unwrap().len(), ADDRESSES_PER_NAME);
}

/// A secret of the host may stand in headers alone, and a body comes in pieces that divide its placeholder.
#[test]
fn no_placeholder_leaves_in_a_streamed_body() {
    let (sent, bodies) = mpsc::channel();
    let server = Server::new(move |mut stream, _| {
        use std::io::Read;
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(size @ 1..) = stream.read(&mut piece) {
            seen.extend_from_slice(&piece[..size]);
        }
        sent.send(String::from_utf8_lossy(&seen).into_owned()).unwrap();
    });
    let mark = placeholder([7; 16]);
    let binding = Binding {
        name: "key".to_owned(),
        placeholder: mark.clone(),
        hosts: server.grants().iter().cloned().collect(),
        places: [Place::Header].into(),
    };
    let value = Source::Value(Secret::new("the-value-itself".to_owned()));
    let held = Held::new(Bindings::new(vec![binding]), vec![value]);
    let client = client(server.grants(), &quick()).holding(Some(Arc::new(held)));
    let parts = RequestParts { method: "POST".to_owned(), ..get(&server.url("127.0.0.1", "/")) };
    run(async {
        let pieces: Vec<_> = mark.as_bytes().chunks(9).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = RequestBody::Stream(Box::pin(stream::iter(pieces)));
        let error = client.send(client.admit(&parts).unwrap(), body).await.unwrap_err();
        assert!(!matches!(error, HttpError::ReadTimeout(_)), "{error:?}");
    });
    drop(client);
    let arrived = bodies.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(!arrived.replace("\r\n", "").contains(&mark[30..]) && !arrived.contains("the-value"), "{arrived}");
}
