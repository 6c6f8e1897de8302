//! Frames of a worker, and what a compiler in a jail says: bytes of an enemy.

use std::time::Duration;

use futures_util::FutureExt;

use super::compile::Reason;
use super::frame::*;
use super::jail::Layers;
use super::message::*;
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run};
use crate::http::{Dial, RequestParts};
use crate::log::Level;
use crate::policy::limits::Limits;
use crate::rows::{Block, Column, OperationKind, TableDefinition, TableName, Texts, Value, Values};

/// The first byte says what the rest is: a worker's message in a frame, a whole stream of frames, the first message,
/// or the reason of a compiler.
fn attack(input: &[u8]) -> Seen {
    let Some((what, rest)) = input.split_first() else { return Seen::of(&0) };
    match what {
        b'm' => {
            let length = u32::try_from(rest.len()).unwrap();
            stream(&[&length.to_le_bytes(), rest].concat())
        }
        b's' => stream(rest),
        b'o' => {
            let opened = within(proportion(rest.len()), || read::<Opened>(rest, LONGEST_OPENED));
            Seen::of(&opened.map_err(|error| error.to_string()).map(|opened| matches!(opened, Opened::Refused(_))))
        }
        b'r' => {
            let reason = within(proportion(rest.len()), || postcard::from_bytes::<Reason>(rest));
            Seen::of(&reason.map_err(|error| error.to_string()).map(|reason| matches!(reason, Reason::Other(_))))
        }
        _ => Seen::of(&1),
    }
}

const LONGEST_OPENED: usize = 64 * 1024;

/// What a frame may cost of the heap: what comes before its bytes, and a value of many small ones.
fn proportion(bytes: usize) -> usize {
    (1 << 20) + 300 * bytes
}

fn stream(mut bytes: &[u8]) -> Seen {
    let longest = longest(&Limits::default());
    let mut seen = Seen::of(&2);
    for _ in 0..16 {
        let before = bytes.len();
        let next = within(proportion(before), || next::<FromWorker>(&mut bytes, longest).now_or_never());
        match next.expect("bytes are there or not") {
            Ok(Some((message, _))) => {
                seen = Seen::of(&(seen, again(&message)));
            }
            Ok(None) => return Seen::of(&(seen, "end")),
            Err(error) => return Seen::of(&(seen, Seen::text(&error.to_string()))),
        }
    }
    seen
}

/// A message is the same after its way, and knows its kind.
fn again(message: &FromWorker) -> (u8, Option<u8>) {
    let written = frame(message).unwrap();
    let read = next::<FromWorker>(&mut written.as_slice(), usize::MAX).now_or_never().unwrap();
    let (read, _) = read.unwrap().expect("what was written");
    assert_eq!(frame(&read).unwrap(), written);
    (written[4], matches!(message, FromWorker::Call { .. }).then(|| written.last().copied().unwrap_or(0) & 1))
}

fn table() -> TableName {
    TableName { schema: Some("s".to_owned()), name: "t".to_owned() }
}

fn columns() -> Vec<Column> {
    let all = [
        Values::Booleans(vec![true, false]),
        Values::Integers(vec![i64::MIN, 7]),
        Values::Floats(vec![0.5, f64::NAN]),
        Values::Texts(["a", "é"].into_iter().collect()),
        Values::Texts(Texts::joined("a\0b".to_owned())),
        Values::Json(["{}", "[]"].into_iter().collect()),
        Values::Blobs(vec![vec![], vec![1, 2]]),
        Values::Decimals(vec!["1.5".to_owned(), "2".to_owned()]),
        Values::Dates(vec![1, 2]),
        Values::Datetimes(vec![1, 2]),
        Values::Timestamps(vec![1, 2]),
        Values::Mixed(vec![Value::Null, Value::Text("x".to_owned())]),
    ];
    let columns = all.into_iter().enumerate();
    columns.map(|(at, values)| Column { name: format!("c{at}"), values, nulls: vec![1] }).collect()
}

fn calls() -> Vec<Call> {
    let kind = OperationKind::Upsert;
    let mut calls: Vec<Call> = columns()
        .into_iter()
        .map(|column| Call::Rows { table: table(), kind, rows: 2, columns: Ok(vec![column]) })
        .collect();
    calls.extend([
        Call::Declare(vec![TableDefinition { name: table(), primary_key: vec!["a".to_owned()], columns: vec![] }]),
        Call::Rows { table: table(), kind, rows: 2, columns: Ok(columns()) },
        Call::Reject { table: table(), kind, rows: 1, columns: Err("no".to_owned()), reason: "no".to_owned() },
        Call::Truncate(table()),
        Call::Tolerance(table()),
        Call::Checkpoint("{}".to_owned()),
        Call::Finish,
        Call::BeginFile { table: table(), path: "a/b".to_owned(), expected: Some(3) },
        Call::FileBytes { file: 1, bytes: Block(vec![1, 2, 3]) },
        Call::FinishFile(1),
        Call::DropFile(1),
        Call::Fetch {
            parts: RequestParts {
                method: "GET".to_owned(),
                url: "https://a.example/".to_owned(),
                ..Default::default()
            },
            body: Body::Bytes(Block(vec![1])),
        },
        Call::Fetch { parts: RequestParts::default(), body: Body::Stream },
        Call::Piece { request: 1, piece: Piece::Bytes(Block(vec![1])) },
        Call::Piece { request: 1, piece: Piece::End },
        Call::Lookup { host: "a.example".to_owned(), port: 5432 },
        Call::Connect(Dial {
            host: "a.example".to_owned(),
            port: 5432,
            tls: true,
            timeout: Some(Duration::from_secs(1)),
        }),
        Call::Stream { stream: 1, wish: None, what: StreamCall::Read(4096) },
        Call::Stream { stream: 1, wish: Some(Duration::from_secs(1)), what: StreamCall::Write(Block(vec![1])) },
    ]);
    calls
}

fn seeds() -> Vec<Vec<u8>> {
    let ended = |done| {
        FromWorker::Ended(Box::new(Ended { done, cpu: Duration::from_secs(1), peak_bytes: 1, dropped_messages: 0 }))
    };
    let mut messages: Vec<FromWorker> = calls().into_iter().map(|call| FromWorker::Call { id: 7, call }).collect();
    messages.extend([
        FromWorker::Cancel { id: 7 },
        FromWorker::Drop { id: 1 },
        FromWorker::Window { id: 7, window: Window { until: 1 << 20, waits_at: Some(1 << 16) } },
        FromWorker::Read { slots: vec![0, 15] },
        FromWorker::Log { level: Level::Info, text: "hello".to_owned() },
        ended(Done::Sync(Ok(()))),
        ended(Done::Sync(Err(crate::error::SyncError::Host("x".to_owned())))),
        ended(Done::Form(Ok(None))),
        ended(Done::Test(Ok(Some(crate::setup::Outcome::Failure("no".to_owned()))))),
    ]);
    let frames: Vec<Vec<u8>> = messages.iter().map(|message| frame(message).unwrap()).collect();
    let mut seeds: Vec<Vec<u8>> = frames.iter().map(|frame| [b"m", &frame[4..]].concat()).collect();
    seeds.push([b"s".to_vec(), frames.concat()].concat());
    let opened = Opened::Ready { version: VERSION, layers: Layers::default() };
    seeds.push([b"o".to_vec(), frame(&opened).unwrap()].concat());
    seeds.push([b"o".to_vec(), frame(&Opened::Refused("no".to_owned())).unwrap()].concat());
    seeds.push([b"r".to_vec(), postcard::to_stdvec(&Reason::Other("no".to_owned())).unwrap()].concat());
    seeds
}

#[test]
fn fuzz_frames() {
    run(&Target {
        name: "frames",
        words: &["\0", "\u{1}", "\u{7f}"],
        longest: 32 * 1024,
        brief: 10_000,
        seeds,
        attack,
    });
}
