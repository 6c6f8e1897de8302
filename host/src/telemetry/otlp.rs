//! Posting spans and numbers, on a thread of its own: no sync waits for a receiver.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::runtime::{Builder, Runtime};

use super::layer::{self, Span, SpanLayer, Value};
use super::protobuf::Message;
use super::{Settings, metrics};
use crate::error::with_causes;
use crate::http::plain_client;

/// Spans of one request.
const AT_ONCE: usize = 512;
/// How often the thread looks whether something is to be sent.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);
const INTERNAL: u64 = 1;
const CLIENT: u64 = 3;
const STATUS_ERROR: u64 = 2;

/// Sends telemetry until it is finished.
#[derive(Debug)]
pub struct Exporter {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Starts to send; answers the layer that takes the spans.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(settings: Settings) -> std::io::Result<(Self, SpanLayer)> {
        let (layer, spans) = SpanLayer::new();
        let (stop, stopped) = channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let sending = Sending {
            start: layer::now(),
            client: None,
            runtime,
            resource: resource(&settings),
            settings,
            warned: false,
        };
        let thread = std::thread::Builder::new().name("telemetry".to_owned());
        let thread = thread.spawn(move || sending.run(&spans, &stopped))?;
        Ok((Self { stop, thread: Some(thread) }, layer))
    }

    /// Sends what is left, for as long as one request may take each.
    pub fn finish(mut self) {
        // A thread that ended already has nothing left to send.
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The `Resource`.
fn resource(settings: &Settings) -> Vec<u8> {
    let mut instance = [0; 8];
    let _ = SystemRandom::new().fill(&mut instance);
    let mut resource = Message::default();
    for (key, value) in &settings.resource {
        resource.attribute(1, key, value);
    }
    // Numbers of several processes must not be taken for one's.
    resource.attribute(1, "service.instance.id", &format!("{:016x}", u64::from_be_bytes(instance)));
    resource.into_bytes()
}

struct Sending {
    settings: Settings,
    resource: Vec<u8>,
    start: u64,
    client: Option<reqwest::Client>,
    runtime: Runtime,
    warned: bool,
}

impl Sending {
    fn run(mut self, spans: &Receiver<Span>, stopped: &Receiver<()>) {
        let (mut waiting, mut spans_sent, mut metrics_sent) = (Vec::new(), Instant::now(), Instant::now());
        loop {
            let stop = !matches!(stopped.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
            while waiting.len() < AT_ONCE {
                let Ok(span) = spans.try_recv() else { break };
                waiting.push(span);
            }
            let full = waiting.len() >= AT_ONCE;
            if !waiting.is_empty() && (full || stop || spans_sent.elapsed() >= self.settings.spans_every) {
                let body = traces(&self.resource, &std::mem::take(&mut waiting));
                self.post(self.settings.traces.clone(), body);
                spans_sent = Instant::now();
            }
            if full && stop && !self.warned {
                self.stop_now(spans);
            }
            if stop || metrics_sent.elapsed() >= self.settings.metrics_every {
                let body = numbers(&self.resource, self.start);
                self.post(self.settings.metrics.clone(), body);
                metrics_sent = Instant::now();
            }
            if stop {
                return;
            }
        }
    }

    /// More spans than one request holds, at the end.
    fn stop_now(&mut self, spans: &Receiver<Span>) {
        loop {
            let some: Vec<Span> = spans.try_iter().take(AT_ONCE).collect();
            if some.is_empty() || self.warned {
                return;
            }
            let body = traces(&self.resource, &some);
            self.post(self.settings.traces.clone(), body);
        }
    }

    fn post(&mut self, to: Option<String>, body: Vec<u8>) {
        let Some(to) = to else { return };
        if self.client.is_none() {
            self.client = plain_client(to.starts_with("https://")).ok();
        }
        let Some(client) = &self.client else { return self.warn("no TLS settings can be made") };
        let mut request = client.post(&to).timeout(self.settings.timeout).body(body);
        request = request.header("content-type", "application/x-protobuf");
        for (name, value) in &self.settings.headers {
            request = request.header(name, value);
        }
        let sent = self.runtime.block_on(async { request.send().await });
        match sent {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.warn(&format!("the receiver answered {}", answer.status().as_u16())),
            // Its address may hold a secret.
            Err(error) => self.warn(&with_causes(&error.without_url())),
        }
    }

    fn warn(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!("telemetry was not taken, and is lost while that is so: {reason}");
        }
    }
}

fn scope(message: &mut Message) {
    message.message(1, |scope| {
        scope.text(1, "sluice").text(2, env!("CARGO_PKG_VERSION"));
    });
}

/// An `ExportTraceServiceRequest`.
fn traces(resource: &[u8], spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |all| {
        all.bytes(1, resource).message(2, |scoped| {
            scope(scoped);
            for span in spans {
                scoped.message(2, |message| write_span(message, span));
            }
        });
    });
    request.into_bytes()
}

fn write_span(message: &mut Message, span: &Span) {
    message.bytes(1, &span.trace).bytes(2, &span.id);
    if let Some(parent) = &span.parent {
        message.bytes(4, parent);
    }
    message.text(5, span.name).number(6, if span.name == "request" { CLIENT } else { INTERNAL });
    message.fixed(7, span.start).fixed(8, span.end);
    let mut failed = false;
    for (key, value) in &span.attributes {
        failed |= *key == "error.type";
        match value {
            Value::Text(text) => message.attribute(9, key, text),
            Value::Number(number) => message.attribute_number(9, key, *number),
        };
    }
    if failed {
        message.message(15, |status| {
            status.number(3, STATUS_ERROR);
        });
    }
}

/// An `ExportMetricsServiceRequest`.
fn numbers(resource: &[u8], start: u64) -> Vec<u8> {
    let dropped = layer::dropped();
    if dropped > 0 {
        tracing::warn!(dropped, "spans found no room and are lost");
    }
    let mut request = Message::default();
    request.message(1, |all| {
        all.bytes(1, resource).message(2, |scoped| {
            scope(scoped);
            metrics().write(scoped, start, layer::now());
        });
    });
    request.into_bytes()
}
