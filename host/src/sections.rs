//! Custom sections at the top level of a component, which may be anybody's bytes.
//!
//! Only the headers of top-level sections are looked at: nested modules and components are stepped over, so a section
//! inside of one is never taken for one of ours.

use std::borrow::Cow;
use std::ops::Range;

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::BinaryReader;

/// Most sections that are walked over; componentize-py makes about 600.
const MAX_SECTIONS: usize = 100_000;
const COMPONENT_HEADER: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
const CUSTOM_SECTION_ID: u8 = 0;

/// The sections cannot be walked over, or there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// One custom section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Custom<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// What is in it.
    pub(crate) contents: &'a [u8],
    /// Where all of it lies in the component, header included.
    pub(crate) place: Range<usize>,
}

/// The custom sections of these names, in the order in which they stand.
pub(crate) fn named<'a>(component: &'a [u8], names: &[&str]) -> Result<Vec<Custom<'a>>, Unreadable> {
    let sections = component.strip_prefix(&COMPONENT_HEADER).ok_or(Unreadable)?;
    let mut reader = BinaryReader::new(sections, COMPONENT_HEADER.len());
    let mut found = Vec::new();
    for _ in 0..MAX_SECTIONS {
        if reader.eof() {
            return Ok(found);
        }
        let start = reader.original_position();
        let (id, section) = section(&mut reader).ok_or(Unreadable)?;
        if id == CUSTOM_SECTION_ID
            && let Some((name, contents)) = parts(section)
            && names.contains(&name)
        {
            found.push(Custom { name, contents, place: start..reader.original_position() });
        }
    }
    Err(Unreadable)
}

/// Appends a custom section to a component.
pub(crate) fn append(component: &mut Vec<u8>, name: &str, contents: &[u8]) {
    CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(contents) }.append_to_component(component);
}

fn section<'a>(reader: &mut BinaryReader<'a>) -> Option<(u8, &'a [u8])> {
    let id = reader.read_u8().ok()?;
    let size = usize::try_from(reader.read_var_u32().ok()?).ok()?;
    Some((id, reader.read_bytes(size).ok()?))
}

fn parts(section: &[u8]) -> Option<(&str, &[u8])> {
    let mut reader = BinaryReader::new(section, 0);
    let length = usize::try_from(reader.read_var_u32().ok()?).ok()?;
    let name = std::str::from_utf8(reader.read_bytes(length).ok()?).ok()?;
    Some((name, reader.read_bytes(reader.bytes_remaining()).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use wasm_encoder::RawSection;

    use super::*;

    #[test]
    fn sections_are_found_with_their_places_and_nested_ones_are_not() {
        let mut inner = COMPONENT_HEADER.to_vec();
        append(&mut inner, "ours", b"nested");
        let mut component = COMPONENT_HEADER.to_vec();
        append(&mut component, "other", b"x");
        RawSection { id: 4, data: &inner }.append_to_component(&mut component);
        let start = component.len();
        append(&mut component, "ours", b"contents");
        append(&mut component, "ours", b"");
        let found = named(&component, &["ours"]).unwrap();
        assert_eq!(found.iter().map(|one| one.contents).collect::<Vec<_>>(), [b"contents".as_slice(), b""]);
        assert_eq!(found[0].place.start, start);
        assert_eq!(found[0].place.end, found[1].place.start);
        assert_eq!(found[1].place.end, component.len());
    }
}
