//! The contract's `tcp` interface over the host's client.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::bindings::sluice::connector::tcp;
use super::http::remember;
use super::state::HostState;
use crate::http::{Connected, Dial, HttpError, Stream};
use crate::incidents::Incidents;
use crate::log::Level;

/// An open connection; the host's side of the `connection` resource.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Connection(Arc<Mutex<Connected>>);

/// Readiness of a connection. It owns its share, so that pollable and connection may be dropped
/// in any order.
struct Readiness(Arc<Mutex<Connected>>);

#[async_trait]
impl Pollable for Readiness {
    async fn ready(&mut self) {
        self.0.lock().await.readable(None).await;
    }
}

type Answer<T> = wasmtime::Result<Result<T, tcp::Error>>;

impl HostState {
    fn stream(&self, connection: &Resource<Connection>) -> wasmtime::Result<Arc<Mutex<Connected>>> {
        Ok(Arc::clone(&self.table.get(connection)?.0))
    }

    fn answer<T>(&self, result: Result<T, HttpError>) -> Answer<T> {
        Ok(result.map_err(|error| to_guest(error, &self.incidents)))
    }

    /// Why nothing is done any more.
    fn over(&self) -> Option<tcp::Error> {
        self.incidents.reached().map(|reached| tcp::Error::Limit(reached.to_string()))
    }
}

impl tcp::Host for HostState {
    async fn lookup(&mut self, host: String, port: u16) -> Answer<String> {
        let found = self.http.lookup(&host, port).await.map(|address| address.to_string());
        self.answer(found)
    }

    async fn connect(
        &mut self,
        host: String,
        port: u16,
        tls: bool,
        timeout: Option<u32>,
    ) -> Answer<Resource<Connection>> {
        if let Some(over) = self.over() {
            return Ok(Err(over));
        }
        let dial = Dial { host, port, tls, timeout: millis(timeout) };
        let web = self.http.clone();
        match web.connect(&dial).await {
            Ok(stream) => {
                if let (Connected::Here(stream), true) = (&stream, web.records()) {
                    self.log.message(Level::Warning, &not_recorded(stream));
                }
                Ok(Ok(self.table.push(Connection(Arc::new(Mutex::new(stream))))?))
            }
            Err(error) => self.answer(Err(error)),
        }
    }
}

impl tcp::HostConnection for HostState {
    async fn read(&mut self, connection: Resource<Connection>, max: u32, timeout: Option<u32>) -> Answer<Vec<u8>> {
        if let Some(over) = self.over() {
            return Ok(Err(over));
        }
        let stream = self.stream(&connection)?;
        let read = stream.lock().await.read(max as usize, millis(timeout)).await;
        self.answer(read)
    }

    async fn write(&mut self, connection: Resource<Connection>, bytes: Vec<u8>, timeout: Option<u32>) -> Answer<()> {
        if let Some(over) = self.over() {
            return Ok(Err(over));
        }
        let stream = self.stream(&connection)?;
        let written = stream.lock().await.write(&bytes, millis(timeout)).await;
        self.answer(written)
    }

    async fn begin_tls(&mut self, connection: Resource<Connection>, timeout: Option<u32>) -> Answer<()> {
        let stream = self.stream(&connection)?;
        let begun = stream.lock().await.begin_tls(millis(timeout)).await;
        self.answer(begun)
    }

    async fn tls(&mut self, connection: Resource<Connection>) -> wasmtime::Result<Option<tcp::TlsDetails>> {
        let stream = self.stream(&connection)?;
        let details = stream.lock().await.tls().await;
        Ok(details.map(|details| tcp::TlsDetails {
            version: details.version,
            cipher: details.cipher,
            certificate: details.certificate,
        }))
    }

    async fn finish(&mut self, connection: Resource<Connection>) -> Answer<()> {
        let stream = self.stream(&connection)?;
        let finished = stream.lock().await.finish().await;
        self.answer(finished)
    }

    async fn wait(&mut self, connection: Resource<Connection>, timeout: Option<u32>) -> wasmtime::Result<bool> {
        let stream = self.stream(&connection)?;
        let ready = stream.lock().await.readable(millis(timeout)).await;
        Ok(ready)
    }

    async fn subscribe(&mut self, connection: Resource<Connection>) -> wasmtime::Result<Resource<DynPollable>> {
        let readiness = self.table.push(Readiness(self.stream(&connection)?))?;
        subscribe(&mut self.table, readiness)
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

/// What an operator who records is told.
pub(crate) fn not_recorded(stream: &Stream) -> String {
    format!("{} is used over tcp, which is not recorded: it cannot be replayed", stream.to())
}

fn millis(value: Option<u32>) -> Option<Duration> {
    value.map(|value| Duration::from_millis(value.into()))
}

fn to_guest(error: HttpError, incidents: &Incidents) -> tcp::Error {
    remember(&error, incidents);
    match error {
        HttpError::Denied(denied) => tcp::Error::Denied(denied.to_string()),
        HttpError::SecretDenied(text) => tcp::Error::Denied(text),
        HttpError::DeniedElsewhere(text) => tcp::Error::Denied(text),
        HttpError::InvalidRequest(text) => tcp::Error::Invalid(text),
        HttpError::NameResolution(text) => tcp::Error::NameResolution(text),
        HttpError::Connect(text) => tcp::Error::Connect(text),
        HttpError::ConnectTimeout(text) | HttpError::ReadTimeout(text) => tcp::Error::Timeout(text),
        HttpError::Certificate(text) => tcp::Error::Certificate(text),
        HttpError::Tls(text) => tcp::Error::Tls(text),
        HttpError::ConnectionClosed(text) | HttpError::Protocol(text) => tcp::Error::Closed(text),
        HttpError::Limit { text, .. } => tcp::Error::Limit(text),
    }
}
