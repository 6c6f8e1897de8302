#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::contents::{Contents, PAGE};
use super::tree::{Id, Kind, ROOT, Tree};
use super::*;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

fn tree() -> Tree {
    Tree::new(
        &Limits { local_file_bytes: 16 * PAGE as u64, local_files: 40, local_file_depth: 6, ..Limits::default() },
        None,
    )
}

fn file(tree: &mut Tree, path: &str) -> Result<Id, ErrorCode> {
    let place = tree.place(ROOT, path)?;
    tree.create(&place, Kind::File(Contents::default()))
}

fn folder(tree: &mut Tree, path: &str) -> Result<Id, ErrorCode> {
    let place = tree.place(ROOT, path)?;
    tree.create(&place, Kind::Folder(BTreeMap::new()))
}

#[test]
fn paths_never_leave_the_tree() {
    let mut tree = tree();
    let inner = folder(&mut tree, "a").unwrap();
    file(&mut tree, "a/x").unwrap();
    for path in ["../../../../a/x", "a/../a/./x", "a//x", "./a/x", "a/../../../../a/x"] {
        assert!(tree.find(ROOT, path).is_ok(), "{path}");
    }
    assert_eq!(tree.find(inner, "../../.."), Ok(ROOT));
    assert_eq!(tree.find(ROOT, "/a/x"), Err(ErrorCode::NotPermitted));
    assert_eq!(tree.find(ROOT, ""), Err(ErrorCode::NoEntry));
    assert_eq!(tree.find(ROOT, "a/x/"), Err(ErrorCode::NotDirectory));
    assert_eq!(tree.find(ROOT, "a/x/.."), Err(ErrorCode::NotDirectory));
    assert_eq!(tree.find(ROOT, "b/../a"), Err(ErrorCode::NoEntry));
    assert_eq!(tree.find(ROOT, "a\0"), Err(ErrorCode::Invalid));
    assert_eq!(tree.find(ROOT, &"x".repeat(256)), Err(ErrorCode::NameTooLong));
    assert_eq!(tree.find(ROOT, &"x/".repeat(3000)), Err(ErrorCode::NameTooLong));
}

#[test]
fn what_is_lent_can_only_be_read() {
    let mut tree = tree();
    let archive = crate::parcel::Archive::pack(&[], true);
    let lent = tree.lend([("project", &archive)]);
    let id = tree.find(lent, "project").unwrap();
    assert_eq!(tree.len(id).unwrap(), archive.bytes().len() as u64);
    assert_eq!(tree.read(id, 1, 4).unwrap(), archive.bytes()[1..5]);
    assert_eq!(tree.read(id, u64::MAX, 4).unwrap(), b"");
    assert_eq!(tree.write(id, 0, b"x"), Err(ErrorCode::ReadOnly));
    assert_eq!(tree.resize(id, 0), Err(ErrorCode::ReadOnly));
    assert_eq!(tree.may_grow(id, 0), Err(ErrorCode::ReadOnly));
    assert_eq!(tree.remove(lent, "project", false), Err(ErrorCode::ReadOnly));
    assert_eq!(tree.rename(lent, "project", ROOT, "mine"), Err(ErrorCode::ReadOnly));
    file(&mut tree, "mine").unwrap();
    assert!(tree.rename(ROOT, "mine", lent, "project").is_err());
    let place = tree.place(lent, "new").unwrap();
    assert!(tree.create(&place, Kind::File(Contents::default())).is_err());
    assert_eq!(tree.find(ROOT, "project").ok(), None);
    assert!(tree.find(lent, "..").is_err() && tree.find(id, "..").is_err());
    assert!(tree.find(lent, "project").is_ok());
}

#[test]
fn bytes_are_counted_before_they_are_made() {
    let mut tree = tree();
    let id = file(&mut tree, "x").unwrap();
    tree.write(id, 0, &[1; 16 * PAGE]).unwrap();
    assert_eq!(tree.write(id, 16 * PAGE as u64, &[1]), Err(ErrorCode::InsufficientSpace));
    assert_eq!(tree.resize(id, 1 << 50), Err(ErrorCode::InsufficientSpace));
    assert_eq!(tree.resize(id, u64::MAX), Err(ErrorCode::InsufficientSpace));
    assert_eq!(tree.write(id, u64::MAX, &[1]), Err(ErrorCode::FileTooLarge));
    let other = file(&mut tree, "y").unwrap();
    assert_eq!(tree.write(other, 1 << 40, &[1]), Err(ErrorCode::InsufficientSpace));
    tree.resize(id, 15 * PAGE as u64).unwrap();
    tree.write(other, PAGE as u64 - 1, &[1]).unwrap();
    assert!(tree.is_sound());
}

#[test]
fn a_removed_file_stays_while_it_is_open() {
    let limits = Limits { local_file_bytes: PAGE as u64, ..Limits::default() };
    let files = Files::new(&limits, None, None);
    let id = file(&mut files.tree(), "tmp/x").unwrap();
    let (open, again) = (files.open(id), files.open(id));
    files.tree().write(id, 0, b"kept").unwrap();
    files.tree().remove(ROOT, "tmp/x", false).unwrap();
    assert_eq!(files.tree().read(open.id(), 0, 10).unwrap(), b"kept");
    let next = file(&mut files.tree(), "tmp/x").unwrap();
    assert_eq!(files.tree().write(next, 0, b"x"), Err(ErrorCode::InsufficientSpace), "its bytes still count");
    drop(open);
    drop(again);
    files.tree().write(next, 0, b"x").unwrap();
    assert_eq!(files.tree().read(id, 0, 10), Err(ErrorCode::BadDescriptor));
}

#[test]
fn numbers_and_depth_end() {
    let mut tree = tree();
    let mut path = String::from("a");
    for _ in 0..6 {
        folder(&mut tree, &path).unwrap();
        path.push_str("/a");
    }
    assert_eq!(folder(&mut tree, &path), Err(ErrorCode::InsufficientSpace));
    folder(&mut tree, "b").unwrap();
    assert_eq!(tree.rename(ROOT, "a", ROOT, "b/a"), Err(ErrorCode::InsufficientSpace), "deeper by moving");
    for number in 0.. {
        match file(&mut tree, &format!("f{number}")) {
            Ok(_) => assert!(number < 40),
            Err(error) => {
                assert_eq!((error, number), (ErrorCode::InsufficientSpace, 33));
                break;
            }
        }
    }
    assert!(tree.is_sound());
}

#[test]
fn a_folder_cannot_be_moved_into_itself() {
    let mut tree = tree();
    folder(&mut tree, "a").unwrap();
    folder(&mut tree, "a/b").unwrap();
    file(&mut tree, "x").unwrap();
    assert_eq!(tree.rename(ROOT, "a", ROOT, "a/b/c"), Err(ErrorCode::Invalid));
    assert_eq!(tree.rename(ROOT, "a", ROOT, "a/b"), Err(ErrorCode::Invalid));
    assert_eq!(tree.rename(ROOT, "a", ROOT, "a"), Ok(()));
    assert_eq!(tree.rename(ROOT, "a", ROOT, "x"), Err(ErrorCode::NotDirectory));
    assert_eq!(tree.rename(ROOT, "x", ROOT, "a"), Err(ErrorCode::IsDirectory));
    assert_eq!(tree.rename(ROOT, ".", ROOT, "y"), Err(ErrorCode::Busy));
    assert_eq!(tree.rename(ROOT, "a/..", ROOT, "y"), Err(ErrorCode::Busy));
    assert_eq!(tree.remove(ROOT, "a", true), Err(ErrorCode::NotEmpty));
    assert_eq!(tree.remove(ROOT, "a", false), Err(ErrorCode::IsDirectory));
    assert_eq!(tree.remove(ROOT, ".", true), Err(ErrorCode::Invalid));
    assert!(tree.is_sound());
}

#[test]
fn nothing_can_be_put_into_a_removed_folder() {
    let files = Files::new(&Limits::default(), None, None);
    let id = folder(&mut files.tree(), "a").unwrap();
    let open = files.open(id);
    files.tree().remove(ROOT, "a", true).unwrap();
    let mut tree = files.tree();
    let place = tree.place(open.id(), "x").unwrap();
    assert_eq!(tree.create(&place, Kind::File(Contents::default())), Err(ErrorCode::NoEntry));
    assert_eq!(tree.find(open.id(), ".."), Err(ErrorCode::NoEntry));
    assert!(tree.is_sound());
}

proptest! {
    /// Whatever a guest does, what is left is counted and hangs together.
    #[test]
    fn any_sequence_leaves_a_sound_tree(steps in prop::collection::vec((0..6u8, "[ab./]{1,7}", "[ab./]{1,7}", 0..90_000u64), 1..120)) {
        let mut tree = tree();
        for (what, one, other, number) in steps {
            let _ = match what {
                0 => file(&mut tree, &one).map(|_| ()),
                1 => folder(&mut tree, &one).map(|_| ()),
                2 => tree.remove(ROOT, &one, number % 2 == 0),
                3 => tree.rename(ROOT, &one, ROOT, &other),
                4 => tree.find(ROOT, &one).and_then(|id| tree.write(id, number, other.as_bytes())),
                _ => tree.find(ROOT, &one).and_then(|id| tree.resize(id, number)),
            };
            prop_assert!(tree.is_sound());
        }
    }
}
