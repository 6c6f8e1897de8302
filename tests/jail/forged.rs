//! Frames that no honest worker sends, into the channel of a real parent.
//!
//! They are written by hand: an attacker knows the format as well as we do. Numbers are as the types in
//! `worker/message.rs` stand in order.

use std::io;

/// What a forger sends after an honest beginning.
pub struct Forgery {
    pub name: &'static str,
    pub frames: Vec<u8>,
    /// What the sync's failure says.
    pub says: &'static str,
}

fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [number(text.len() as u64), text.as_bytes().to_vec()].concat()
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_le_bytes(), message].concat()
}

fn call(id: u64, call: &[u8]) -> Vec<u8> {
    frame(&[&[0], number(id).as_slice(), call].concat())
}

const DECLARE: [u8; 2] = [0, 0];

/// One upsert of one integer into the column `id` of a table without a schema.
fn row(table: &str, value: i64) -> Vec<u8> {
    let column = [text("id"), vec![1], number(8), value.to_le_bytes().to_vec(), vec![0]].concat();
    [vec![1, 0], text(table), vec![0, 1, 0, 1], column].concat()
}

fn checkpoint(state: &str) -> Vec<u8> {
    [vec![5], text(state)].concat()
}

/// "It is over, and all is well"; zeroes are the times and sizes.
fn claim() -> Vec<u8> {
    frame(&[5, 0, 0, 0, 0, 0, 0])
}

/// A declaration, a row and a checkpoint, as an honest worker sends them.
fn begin_honestly() {
    for (bytes, id) in [DECLARE.to_vec(), row("kept", 1), checkpoint("{\"at\":1}")].iter().zip(1..) {
        write(&call(id, bytes)).unwrap();
        read();
    }
}

pub fn all() -> Vec<Forgery> {
    let untrue = "reported what did not happen";
    let senseless = "makes no sense";
    let mut nothing = vec![0, 9, 1, 0];
    // A column of sixty million nulls: a byte each in the frame, and much more outside of it.
    let nulls = 60_000_000;
    nothing.extend([text("t"), vec![0, 1, 0, 1], text("c"), vec![10], number(nulls)].concat());
    nothing.resize(nothing.len() + usize::try_from(nulls).unwrap(), 0);
    let unknown = |what: &[u8]| [call(9, what), claim()].concat();
    let forgeries: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a length without end", vec![0xff; 4], senseless),
        ("a length over the limit", (200_u32 << 20).to_le_bytes().to_vec(), senseless),
        ("an unknown message", frame(&[77]), senseless),
        ("an unknown call", call(9, &[77]), senseless),
        ("a frame with more than its message", frame(&[1, 9, 0]), senseless),
        ("a frame cut short in its message", frame(&[0, 9, 1]), senseless),
        ("a small frame that is large in memory", frame(&nothing), senseless),
        ("text that is not UTF-8", call(9, &[5, 2, 0xff, 0xfe]), senseless),
        ("a piece given back that was not lent", frame(&[6, 1, 0]), senseless),
        ("a piece given back that there cannot be", frame(&[6, 1, 0xff]), senseless),
        ("the end in the middle", claim(), untrue),
        ("the end of another task", frame(&[5, 1, 0, 0, 0, 0, 0, 0]), untrue),
        ("a file that was not begun", unknown(&[8, 99, 1, 1]), untrue),
        ("an answer that is not there", [frame(&[3, 99, 1, 0]), claim()].concat(), untrue),
        ("a request that was not admitted", unknown(&[12, 99, 1]), untrue),
        ("a connection that is not there", unknown(&[15, 99, 0, 0, 1]), untrue),
        ("a table of the host", unknown(&row("_sluice_meta", 2)), untrue),
        ("a name of another connection", unknown(&row("other.kept\0", 2)), untrue),
        ("a state that is none", unknown(&checkpoint("[]")), untrue),
        ("another declaration", [call(9, &DECLARE), call(10, &checkpoint("{\"at\":2")), claim()].concat(), untrue),
    ];
    forgeries.into_iter().map(|(name, frames, says)| Forgery { name, frames, says }).collect()
}

/// A call that changes nothing, for ever, each under a number of its own, and no answer is read.
pub fn flood() -> ! {
    let ask = [vec![4, 0], text("t")].concat();
    for first in (1..).step_by(1000) {
        let frames: Vec<u8> = (first..first + 1000).flat_map(|id| call(id, &ask)).collect();
        if write(&frames).is_err() {
            break;
        }
    }
    wait()
}

/// Begins honestly, forges, and waits for its end.
pub fn forge(name: &str) -> ! {
    begin_honestly();
    let forgery = all().into_iter().find(|forgery| forgery.name == name).expect("a forgery of that name");
    let _ = write(&forgery.frames);
    wait()
}

fn wait() -> ! {
    loop {
        let mut byte = 0_u8;
        // SAFETY: one byte of this function's, from the channel.
        if unsafe { libc::read(0, (&raw mut byte).cast(), 1) } <= 0 {
            // SAFETY: ends this process.
            unsafe { libc::_exit(0) }
        }
    }
}

fn read() {
    let mut length = [0; 4];
    exactly(&mut length);
    exactly(&mut vec![0; u32::from_le_bytes(length) as usize]);
}

fn exactly(mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        // SAFETY: as many bytes as the buffer has, from the channel.
        let read = unsafe { libc::read(0, bytes.as_mut_ptr().cast(), bytes.len()) };
        bytes = &mut bytes[usize::try_from(read).expect("an answer")..];
    }
}

fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: bytes that live during the call, into the channel.
        let written = unsafe { libc::send(0, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
        bytes = &bytes[usize::try_from(written).map_err(|_| io::Error::last_os_error())?..];
    }
    Ok(())
}
