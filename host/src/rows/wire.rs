//! How columns look between processes: numbers and texts as blocks of bytes, so that a batch is copied, not
//! walked through value by value.
//!
//! What is read may come from a hostile process. Reading checks only what these types promise of themselves; every
//! other check is that of a connector's own batches.

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Texts;

/// Bytes as a block.
#[derive(Debug)]
pub(crate) struct Block(pub(crate) Vec<u8>);

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

struct BlockRef<'a>(&'a [u8]);

impl Serialize for BlockRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct BlockVisitor;

impl Visitor<'_> for BlockVisitor {
    type Value = Block;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Block, E> {
        Ok(Block(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Block, E> {
        Ok(Block(bytes))
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BlockVisitor)
    }
}

/// Words of `N` bytes each, little-endian.
fn words<'de, D: Deserializer<'de>, T, const N: usize>(
    deserializer: D,
    read: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, D::Error> {
    let Block(bytes) = Block::deserialize(deserializer)?;
    let (words, rest) = bytes.as_chunks::<N>();
    match rest.is_empty() {
        true => Ok(words.iter().copied().map(read).collect()),
        false => Err(D::Error::custom("a block of numbers is cut short")),
    }
}

macro_rules! words_module {
    ($name:ident, $number:ty, $bytes:literal) => {
        pub(crate) mod $name {
            use super::{Block, Deserializer, Serialize, Serializer};

            pub(crate) fn serialize<S: Serializer>(values: &[$number], serializer: S) -> Result<S::Ok, S::Error> {
                let mut bytes = Vec::with_capacity(values.len() * $bytes);
                for value in values {
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                Block(bytes).serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$number>, D::Error> {
                super::words(deserializer, <$number>::from_le_bytes)
            }
        }
    };
}

words_module!(integers, i64, 8);
words_module!(floats, f64, 8);

pub(crate) mod booleans {
    use super::{Block, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(values: &[bool], serializer: S) -> Result<S::Ok, S::Error> {
        Block(values.iter().map(|value| u8::from(*value)).collect()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<bool>, D::Error> {
        Ok(Block::deserialize(deserializer)?.0.into_iter().map(|byte| byte != 0).collect())
    }
}

pub(crate) mod blob {
    use super::{Block, BlockRef, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        BlockRef(bytes).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Block::deserialize(deserializer).map(|block| block.0)
    }
}

pub(crate) mod blobs {
    use super::{Block, BlockRef, Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(blobs: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(blobs.iter().map(|blob| BlockRef(blob)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<Block>::deserialize(deserializer)?.into_iter().map(|block| block.0).collect())
    }
}

/// Texts: joined ones as they came, others with the places where each ends.
#[derive(Deserialize)]
enum Read {
    Joined(String),
    Cut(String, #[serde(with = "integers")] Vec<i64>),
}

#[derive(Serialize)]
enum Written<'a> {
    Joined(&'a str),
    Cut(&'a str, #[serde(with = "integers")] Vec<i64>),
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self.gap {
            1 => Written::Joined(&self.text),
            _ => Written::Cut(&self.text, self.ends().iter().map(|end| *end as i64).collect()),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, places) = match Read::deserialize(deserializer)? {
            Read::Joined(text) => return Ok(Self::joined(text)),
            Read::Cut(text, places) => (text, places),
        };
        let ends: Option<Vec<usize>> = places.into_iter().map(|end| usize::try_from(end).ok()).collect();
        let in_order = |ends: &Vec<usize>| {
            ends.is_sorted()
                && ends.iter().all(|end| text.is_char_boundary(*end))
                && ends.last().copied().unwrap_or(0) == text.len()
        };
        match ends.filter(in_order) {
            Some(ends) => Ok(Self::cut(text, ends)),
            None => Err(D::Error::custom("texts do not end where they say")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::rows::{Column, Texts, Value, Values};

    fn round(values: Values) {
        let column = Column { name: "c".to_owned(), values, nulls: vec![1] };
        let bytes = postcard::to_stdvec(&column).unwrap();
        assert_eq!(postcard::from_bytes::<Column>(&bytes).unwrap(), column);
    }

    #[test]
    fn columns_arrive_as_they_were() {
        round(Values::Booleans(vec![true, false]));
        round(Values::Integers(vec![i64::MIN, 0, i64::MAX]));
        round(Values::Floats(vec![-0.0, f64::INFINITY]));
        round(Values::Texts(["", "é", "b"].into_iter().collect()));
        round(Values::Texts(Texts::joined("a\0\0é".to_owned())));
        round(Values::Texts(Texts::default()));
        round(Values::Json(["{}"].into_iter().collect()));
        round(Values::Blobs(vec![vec![], vec![0, 255]]));
        round(Values::Decimals(vec!["1.50".to_owned()]));
        round(Values::Dates(vec![-1, 20_000]));
        round(Values::Mixed(vec![Value::Null, Value::Blob(vec![1]), Value::Text("x".to_owned())]));
    }

    #[test]
    fn texts_that_lie_about_their_ends_are_refused() {
        for ends in [vec![-1], vec![2, 1], vec![1], vec![9], vec![1, 3]] {
            let bytes = postcard::to_stdvec(&super::Written::Cut("éb", ends.clone())).unwrap();
            let read = postcard::from_bytes::<Texts>(&bytes);
            assert!(read.is_err(), "{ends:?} was read as {read:?}");
        }
        let cut_short = postcard::to_stdvec(&(1_u8, super::Block(vec![0; 9]))).unwrap();
        assert!(postcard::from_bytes::<Values>(&cut_short).is_err());
    }
}
