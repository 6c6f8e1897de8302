//! The keys of a HAR file as they are written. Everything that is not needed is skipped, whatever it is.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::ENTRIES;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawEntry {
    pub(super) started_date_time: Option<String>,
    pub(super) request: RawRequest,
    pub(super) response: Option<RawResponse>,
    #[serde(rename = "_sluice")]
    pub(super) note: Option<Note>,
}

#[derive(Deserialize)]
pub(super) struct RawRequest {
    pub(super) method: String,
    pub(super) url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawResponse {
    pub(super) status: Option<i64>,
    pub(super) status_text: Option<String>,
    pub(super) headers: Option<Vec<RawHeader>>,
    pub(super) content: Option<RawContent>,
}

#[derive(Deserialize)]
pub(super) struct RawHeader {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct RawContent {
    pub(super) size: Option<f64>,
    pub(super) text: Option<String>,
    pub(super) encoding: Option<String>,
}

/// What Sluice says of an exchange beyond HAR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Whether header fields and content are as the server sent them; those of browsers are decoded.
    #[serde(default)]
    pub(super) as_sent: bool,
    /// How the exchange ended, if not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<End>,
}

/// An exchange that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) kind: String,
    pub(super) text: String,
}

/// Reads the whole file, and counts entries for the one that is wrong.
pub(super) struct File<'a> {
    /// Entries that were read to their end.
    pub(super) read: &'a Cell<usize>,
    pub(super) in_entries: &'a Cell<bool>,
}

/// What is used of a file.
pub(super) struct RawFile {
    pub(super) version: Option<String>,
    pub(super) server: Option<String>,
    pub(super) entries: Vec<RawEntry>,
}

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = RawFile;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<RawFile, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = RawFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key `log`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFile, A::Error> {
        let mut log = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "log" {
                map.next_value::<IgnoredAny>()?;
            } else if log.is_some() {
                return Err(A::Error::duplicate_field("log"));
            } else {
                log = Some(map.next_value_seed(Log(&self))?);
            }
        }
        log.ok_or_else(|| A::Error::missing_field("log"))
    }
}

struct Log<'a>(&'a File<'a>);

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = RawFile;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<RawFile, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = RawFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFile, A::Error> {
        let (mut version, mut server, mut entries) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" if version.is_none() => version = Some(map.next_value::<Option<String>>()?),
                "_server" if server.is_none() => server = Some(map.next_value::<Option<String>>()?),
                "entries" if entries.is_none() => entries = Some(map.next_value_seed(Entries(self.0))?),
                "version" => return Err(A::Error::duplicate_field("version")),
                "_server" => return Err(A::Error::duplicate_field("_server")),
                "entries" => return Err(A::Error::duplicate_field("entries")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let entries = entries.ok_or_else(|| A::Error::missing_field("entries"))?;
        Ok(RawFile { version: version.flatten(), server: server.flatten(), entries })
    }
}

struct Entries<'a>(&'a File<'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Vec<RawEntry>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<RawEntry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        self.0.in_entries.set(true);
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
            self.0.read.set(entries.len());
            if entries.len() > ENTRIES {
                self.0.in_entries.set(false);
                return Err(A::Error::custom(format_args!("more than {ENTRIES} entries")));
            }
        }
        self.0.in_entries.set(false);
        Ok(entries)
    }
}
