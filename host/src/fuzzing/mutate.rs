//! Small changes to an input, of bytes and of text.

use fastrand::Rng;

/// Numbers at which something begins or ends.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "00",
    "127",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "1e400",
];
/// Characters that are more than they look like.
const CHARACTERS: [&str; 16] = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "ı",
    "\u{1f600}",
];

/// Changes the input once; `other` is another input of the same target.
pub(super) fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut Rng) {
    let at = random.usize(0..=input.len());
    match random.u8(0..16) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.u8(0..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = *random.choice(&[0, 1, 0x20, 0x7f, 0x80, 0xfe, 0xff, b'/', b'.', b'"']).unwrap();
            }
        }
        2 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = byte.wrapping_add(random.u8(0..32)).wrapping_sub(16);
            }
        }
        3 => insert(input, at, &[random.u8(..)]),
        4 => {
            let bytes: Vec<u8> = (0..random.usize(1..=8)).map(|_| random.u8(..)).collect();
            insert(input, at, &bytes);
        }
        5 => drop(input.drain(part(at, input.len(), 16, random))),
        6 => drop(input.drain(part(at, input.len(), usize::MAX, random))),
        7 => {
            let piece = input[part(at, input.len(), 64, random)].to_vec();
            insert(input, random.usize(0..=input.len()), &piece);
        }
        8 => {
            // What is small once may not be small a thousand times.
            let piece = input[part(at, input.len(), 16, random)].to_vec();
            insert(input, at, &piece.repeat(1 << random.u32(1..12)));
        }
        9 | 10 => insert(input, at, random.choice(words).unwrap_or(&"").as_bytes()),
        11 => {
            let end = (at + random.usize(0..16)).min(input.len());
            input.splice(at..end, random.choice(words).unwrap_or(&"").bytes());
        }
        12 => number(input, at, random),
        13 => insert(input, at, random.choice(CHARACTERS).unwrap().as_bytes()),
        14 => {
            let piece = &other[part(random.usize(0..=other.len()), other.len(), usize::MAX, random)];
            insert(input, at, piece);
        }
        _ => {
            input.truncate(at);
            input.extend_from_slice(&other[random.usize(0..=other.len())..]);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

/// A part of at most so many bytes that begins there.
fn part(at: usize, length: usize, most: usize, random: &mut Rng) -> std::ops::Range<usize> {
    at..at + random.usize(0..=(length - at).min(most))
}

/// Puts another number in the place of the next one.
fn number(input: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = input[at..].iter().position(digit).map(|found| at + found) else { return };
    let end = input[start..].iter().position(|byte| !digit(byte)).map_or(input.len(), |length| start + length);
    input.splice(start..end, random.choice(NUMBERS).unwrap().bytes());
}
