use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::parcel::{Archive, Entry, Parcel};

/// Both ends, and what the worker says.
struct Ends {
    shelf: Arc<Shelf>,
    view: Arc<View>,
    outgoing: UnboundedSender<Vec<u8>>,
    said: UnboundedReceiver<Vec<u8>>,
}

fn ends() -> Ends {
    let (parent, worker) = UnixStream::pair().unwrap();
    let shelf = Shelf::share(&parent, None).unwrap().unwrap();
    let view = Handed::receive(&worker).unwrap().view.unwrap();
    let (outgoing, said) = unbounded_channel();
    Ends { shelf, view, outgoing, said }
}

fn filled(shelf: &Arc<Shelf>, bytes: &[u8]) -> Filled {
    let mut filled = shelf.take().expect("a free slot");
    filled.append(bytes);
    filled
}

#[test]
fn pieces_arrive_and_places_come_back_with_another_message_or_four_at_a_time() {
    let Ends { shelf, view, outgoing, mut said } = ends();
    let mut pieces = Vec::new();
    for number in 0..6_u8 {
        let mut filled = filled(&shelf, &[number; 1000]);
        filled.append(&vec![number; PIECE_BYTES]);
        let place = filled.place();
        assert_eq!(place, Place { slot: number, bytes: PIECE_BYTES as u32 }, "no more than a slot holds");
        filled.lend();
        pieces.push(view.piece(place, &outgoing));
    }
    for (number, piece) in (0..6_u8).zip(&pieces) {
        assert_eq!(piece.len(), PIECE_BYTES);
        assert!(piece.iter().all(|byte| *byte == number));
    }
    drop(pieces.remove(2));
    drop(pieces.remove(0));
    assert!(said.try_recv().is_err(), "two places are not worth a message");
    let Some(FromWorker::Read { slots }) = view.returning() else { panic!("there are places to give back") };
    assert_eq!(slots, [2, 0]);
    assert!(view.returning().is_none(), "they are given back once");
    shelf.returned(&slots).unwrap();
    assert_eq!(shelf.take().unwrap().place().slot, 0);
    drop(pieces);
    assert_eq!(said.try_recv().unwrap(), frame(&FromWorker::Read { slots: vec![1, 3, 4, 5] }).unwrap());
}

#[test]
fn there_is_room_for_so_many_and_whoever_is_not_told_holds_none() {
    let Ends { shelf, .. } = ends();
    let mut all: Vec<_> = (0..SLOTS).map(|_| filled(&shelf, b"x")).collect();
    assert!(shelf.take().is_none());
    drop(all.pop());
    filled(&shelf, b"y").lend();
    assert!(shelf.take().is_none(), "the worker has not given it back");
}

#[test]
fn only_what_was_lent_is_taken_back() {
    let Ends { shelf, .. } = ends();
    let held = filled(&shelf, b"x");
    for slots in [vec![0], vec![1], vec![255], vec![u8::try_from(SLOTS).unwrap()]] {
        assert!(shelf.returned(&slots).is_err(), "{slots:?}");
    }
    held.lend();
    assert!(shelf.returned(&[0, 0]).is_err(), "twice");
}

#[test]
fn a_place_that_there_cannot_be_holds_nothing() {
    let Ends { view, outgoing, .. } = ends();
    assert!(view.piece(Place { slot: 255, bytes: 1 }, &outgoing).is_empty());
    assert!(view.piece(Place { slot: 0, bytes: u32::MAX }, &outgoing).is_empty());
}

#[test]
fn a_worker_cannot_write_resize_or_unseal_the_memory() {
    let (parent, worker) = UnixStream::pair().unwrap();
    let _shelf = Shelf::share(&parent, None).unwrap().unwrap();
    let [Some(file), None] = system::take_over(&worker).unwrap() else { panic!("there is one") };
    cannot_change(&file, BYTES);
}

#[test]
fn nobody_can_change_what_is_given_and_all_have_the_same() {
    let archive = |text: &str| Archive::pack(&[Entry { path: "x", contents: text.as_bytes(), code: None }], true);
    for parcel in [
        Parcel::of_component(archive("a"), "digest".to_owned()),
        Parcel::new("runner", archive(&"a".repeat(10_000)), archive("site"), "digest"),
    ] {
        let lent = lend(parcel.clone());
        let (parent, worker) = UnixStream::pair().unwrap();
        Shelf::share(&parent, lent.file()).unwrap();
        let Handed { view: Some(_), given: Some(file) } = Handed::receive(&worker).unwrap() else {
            panic!("both are there")
        };
        let bytes = usize::try_from(parcel.bytes()).unwrap();
        cannot_change(&file, bytes);
        cannot_change(lent.file().unwrap(), bytes);
        let mapped = map_given(lent.outline(), &file).unwrap();
        for other in [&lent, &mapped] {
            assert_eq!(other.digest(), parcel.digest());
            let row =
                |parcel: &Parcel| parcel.archives().map(|(_, archive)| archive.bytes().clone()).collect::<Vec<_>>();
            assert_eq!(row(other), row(&parcel));
        }
        assert!(mapped.file().is_none());
    }
}

fn cannot_change(file: &OwnedFd, bytes: usize) {
    assert!(rustix::io::pwrite(file.as_fd(), b"x", 0).is_err());
    assert!(ftruncate(file, 0).is_err());
    assert!(ftruncate(file, 2 * bytes as u64).is_err());
    assert!(fcntl_add_seals(file, SealFlags::WRITE).is_err());
    assert!(fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 4096).is_err());
    assert!(Memory::writable(file, bytes).is_err());
    assert!(Memory::read_only(file, bytes).is_ok());
}

#[test]
fn a_worker_whose_parent_has_no_such_memory_has_none() {
    let (parent, worker) = UnixStream::pair().unwrap();
    system::hand_over(&parent, [None, None]).unwrap();
    let Handed { view: None, given: None } = Handed::receive(&worker).unwrap() else { panic!("there is none") };
    drop(parent);
    assert!(Handed::receive(&worker).is_err());
}
