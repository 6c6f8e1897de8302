//! Spans of `tracing` on their way out.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom as _, SystemRandom};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::TARGET;

/// Spans that wait; what comes beyond is dropped and counted, and no sync waits for a receiver.
const WAITING: usize = 4_096;

/// A span that has ended.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: &'static str,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

/// Takes the spans that are to go out.
#[derive(Debug)]
pub struct SpanLayer {
    spans: SyncSender<Span>,
    random: SystemRandom,
    dropped: &'static AtomicU64,
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

impl SpanLayer {
    /// A layer, and where its spans come out.
    pub(super) fn new() -> (Self, Receiver<Span>) {
        let (spans, receiver) = sync_channel(WAITING);
        (Self { spans, random: SystemRandom::new(), dropped: &DROPPED }, receiver)
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [1; N];
        // Without random numbers a span is still one; two may then look like one.
        let _ = self.random.fill(&mut bytes);
        bytes
    }
}

/// How many spans found no room.
pub(super) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Now, in nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_nanos()).unwrap_or_default();
    u64::try_from(now).unwrap_or(u64::MAX)
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|_| is_ours(attributes.metadata())) else { return };
        let parent = span.scope().skip(1).find_map(|parent| {
            let extensions = parent.extensions();
            extensions.get::<Span>().map(|parent| (parent.trace, parent.id))
        });
        let (trace, parent) = match parent {
            Some((trace, id)) => (trace, Some(id)),
            None => (self.random(), None),
        };
        let (name, start) = (attributes.metadata().name(), now());
        let mut made = Span { trace, id: self.random(), parent, name, start, end: 0, attributes: Vec::new() };
        attributes.record(&mut made);
        span.extensions_mut().insert(made);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(made) = span.extensions_mut().get_mut::<Span>() {
            values.record(made);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut made) = span.extensions_mut().remove::<Span>() else { return };
        made.end = now();
        if self.spans.try_send(made).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Visit for Span {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attributes.push((field.name(), Value::Number(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.attributes.push((field.name(), Value::Text(value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
