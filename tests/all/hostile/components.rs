//! Components that no Python made: what is not to be run is refused before it runs, and
//! what runs is held by the same limits.

use std::time::Duration;

use super::{End, MARGIN, connector, end, ends, limit, of, stored, success};
use crate::support::component::{
    calling_from_realloc, component, component_with, dummy, idle, types_only, with_core_module,
};
use crate::support::server::Server;
use crate::support::{Connector, Sync, many};

const LOG: &str = r#"(import "sluice:connector/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
/// At 64: one column of 65,536 booleans, named by the four bytes at 16.
const FLAG: &str = r#"(data (i32.const 64) "\10\00\00\00\04\00\00\00\00\00\00\00\00\08\00\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")"#;
pub(super) const OPERATIONS: &str = r#"
    (import "sluice:connector/operations@0.1.0" "upsert"
        (func $upsert (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "sluice:connector/operations@0.1.0" "checkpoint" (func $checkpoint (param i32 i32 i32)))"#;

/// A component that is admitted and ends so.
#[track_caller]
pub(super) fn runs(bytes: &[u8], arguments: &[&str], end: &End) {
    let (_folder, path) = stored(bytes);
    ends(of(&path).arguments(arguments), end, |_, _| {});
}

/// Refused before anything ran: exit code 2, a message, no database.
#[track_caller]
pub(super) fn refused(bytes: &[u8], says: &[&str]) -> Sync {
    let (_folder, path) = stored(bytes);
    let connector = of(&path);
    let sync = connector.sync();
    assert_eq!(sync.code, Some(2), "{}", sync.everything());
    for expected in says {
        assert!(sync.stderr.contains(expected), "{expected:?} is not in {}", sync.stderr);
    }
    assert!(!sync.stderr.contains("panicked"), "{}", sync.stderr);
    assert!(!connector.database_path().exists(), "a refused component has no database");
    super::assert_bounded(&sync, Duration::ZERO);
    sync
}

#[test]
fn a_component_of_any_language_runs() {
    // One row {id: 7} of table `t`, then a checkpoint.
    let data = r#"
        (data (i32.const 16) "t") (data (i32.const 20) "id") (data (i32.const 24) "\07\00\00\00\00\00\00\00")
        (data (i32.const 64) "\14\00\00\00\02\00\00\00\01\00\00\00\18\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
        (data (i32.const 32) "{\"count\":41}")"#;
    let body = "
        (call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 1)
            (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 2048))
        (if (i32.load8_u (i32.const 2048)) (then unreachable))
        (call $checkpoint (i32.const 32) (i32.const 12) (i32.const 2048))
        (if (i32.load8_u (i32.const 2048)) (then unreachable))";
    let (_folder, path) = stored(&component(OPERATIONS, data, body));
    ends(of(&path), &success(), |_, it| {
        assert_eq!(it.database().value("SELECT id FROM t"), serde_json::json!(7));
        assert_eq!(it.state(), serde_json::json!({"count": 41}));
    });
}

#[test]
fn an_import_beyond_the_contract_is_refused_by_name() {
    let store = "package wasi:keyvalue@0.2.0;\ninterface store { get: func(key: string) -> string; }";
    let bytes = dummy(
        &[("world connector {", "world connector {\n  import wasi:keyvalue/store@0.2.0;")],
        &[("deps/keyvalue/package.wit", store)],
    );
    // The words of who looks at names, before anything is compiled; the engine would have others.
    refused(&bytes, &["wasi:keyvalue/store@0.2.0", "imports an interface that the contract does not have", "hint"]);
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    refused(&module, &["core module"]);
    refused(b"(component)", &["is not a component"]);
    refused(b"print('hello')\n", &["is not a component"]);
    refused(b"\x7fELF\x02\x01\x01\0\0\0\0\0", &["is not a component"]);
    refused(b"", &["is not a component"]);
    refused(&wat::parse_str("(component)").unwrap(), &["schema", "sync"]);
}

#[test]
fn a_truncated_component_is_refused() {
    let whole = std::fs::read(many()).unwrap();
    for length in [whole.len() / 2, whole.len() - 100_000, 4096, 12] {
        refused(&whole[..length], &["cut off"]);
    }
}

#[test]
fn a_component_of_nothing_but_types_is_refused_before_it_is_compiled() {
    refused(&types_only(12_000_000), &["bytes of declarations"]);
}

#[test]
fn flipped_bits_never_break_the_host() {
    const SEED: u64 = 0x5eed_0001;
    const FLIPS: usize = 60;
    eprintln!("seed {SEED:#x}");
    let whole = idle();
    let mut random = SEED;
    let mut refusals = 0;
    for _ in 0..FLIPS {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let at = usize::try_from(random >> 8).unwrap() % whole.len();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (random & 7);
        let (_folder, path) = stored(&bytes);
        let sync = of(&path).arguments(&["--cpu-time", "2", "--wall-time", "5"]).sync();
        let what = format!("byte {at}, seed {SEED:#x}: {}", sync.everything());
        assert!(matches!(sync.code, Some(0..=3)), "{what}");
        assert!(!sync.stderr.contains("panicked"), "{what}");
        assert!(sync.took < Duration::from_secs(5) + MARGIN, "{what}");
        refusals += usize::from(sync.code == Some(2));
    }
    assert!(refusals > FLIPS / 4, "only {refusals} of {FLIPS} were refused: the flips miss what matters");
}

#[test]
fn a_loop_in_instantiation_is_stopped() {
    let bytes = with_core_module(idle(), "(module (func $f (loop $l (br $l))) (start $f))", 1);
    runs(&bytes, &["--cpu-time", "1"], &limit(&["cpu time limit reached (1s)"]).within(1));
}

#[test]
fn many_memories_do_not_multiply_the_limit() {
    let bytes = with_core_module(idle(), "(module (memory 100))", 5);
    runs(&bytes, &[], &limit(&["memories", "limit reached (2)"]));
}

#[test]
fn one_memory_over_the_limit_is_refused() {
    let bytes = with_core_module(idle(), "(module (memory 65536))", 1);
    runs(&bytes, &[], &limit(&["memory limit reached (256 MiB)"]));
}

#[test]
fn many_instances_are_refused() {
    let bytes = with_core_module(idle(), "(module)", 100);
    runs(&bytes, &[], &limit(&["instances", "limit reached (32)"]));
}

#[test]
fn many_tables_are_refused() {
    let bytes = with_core_module(idle(), "(module (table 1 funcref))", 20);
    runs(&bytes, &[], &limit(&["tables", "limit reached (8)"]));
}

#[test]
fn a_huge_table_is_refused() {
    let bytes = with_core_module(idle(), "(module (table 10000000 funcref))", 1);
    runs(&bytes, &[], &limit(&["table elements limit reached (20000)"]));
}

#[test]
fn growth_beyond_the_limits_fails_as_webassembly_says() {
    let body = "
        (if (i32.ne (table.grow $t (ref.null func) (i32.const 10000000)) (i32.const -1)) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))";
    runs(&component("", "(table $t 1 funcref)", body), &[], &success());
}

#[test]
fn recursion_that_calls_the_host_at_every_depth_is_a_stack_limit() {
    let items = "(func $down (call $log (i32.const 2) (i32.const 0) (i32.const 4)) (call $down))";
    runs(&component(LOG, items, "(call $down)"), &["--log", "16"], &limit(&["stack limit reached (64 MiB)"]));
}

#[test]
fn long_bulk_operations_are_interrupted() {
    let body = "
        (drop (memory.grow (i32.const 3000)))
        (loop $l (memory.fill (i32.const 65536) (i32.const 1) (i32.const 196000000)) (br $l))";
    runs(&component("", "", body), &["--cpu-time", "1"], &limit(&["cpu time limit reached (1s)"]).within(1));
}

#[test]
fn text_that_is_not_utf8_or_not_there_is_a_crash_of_the_connector() {
    let items = r#"(data (i32.const 0) "\ff\fe\fd\fc")"#;
    let crash = connector(&["the component crashed"]);
    let body = "(call $log (i32.const 2) (i32.const 0) (i32.const 4))";
    runs(&component(LOG, items, body), &[], &crash);
    let body = "(call $log (i32.const 2) (i32.const 0) (i32.const -1))";
    runs(&component(LOG, items, body), &[], &end(1, "connector", &["crashed"]));
    let body = "(call $log (i32.const 99) (i32.const 0) (i32.const 0))";
    runs(&component(LOG, items, body), &[], &crash);
}

#[test]
fn one_call_cannot_hand_over_more_than_its_limit() {
    // A million columns in the same bytes, each named by the same megabyte of text.
    let items = "(func $fill (param $at i32)
        (loop $l
            (i32.store (local.get $at) (i32.const 8)) (i32.store offset=4 (local.get $at) (i32.const 900000))
            (local.set $at (i32.add (local.get $at) (i32.const 28)))
            (br_if $l (i32.lt_u (local.get $at) (i32.const 40000000)))))";
    let body = "
        (drop (memory.grow (i32.const 1000)))
        (call $fill (i32.const 1048576))
        (call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 1)
            (i32.const 1) (i32.const 1048576) (i32.const 1000000) (i32.const 2048))";
    runs(&component(OPERATIONS, items, body), &[], &limit(&["host transfer limit reached (32 MiB per call)"]));
}

/// Sends batches of column names and nearly no values behind batches that keep the writer
/// busy: by its values alone such a batch is 170 times smaller than it is.
#[test]
fn batches_that_are_all_names_do_not_fill_the_hosts_memory() {
    let items = FLAG.to_owned()
        + r#"
        (data (i32.const 16) "busy") (data (i32.const 24) "wide")
        (func $fill (local $i i32) (local $at i32) (local $random i32)
            (local.set $random (i32.const 12345)) (local.set $at (i32.const 100000))
            (loop $l
                (local.set $random (i32.add (i32.mul (local.get $random) (i32.const 1103515245)) (i32.const 12345)))
                (i32.store8 (i32.add (i32.const 200000) (local.get $i))
                    (i32.add (i32.const 97) (i32.rem_u (i32.shr_u (local.get $random) (i32.const 16)) (i32.const 26))))
                (i32.store (local.get $at) (i32.add (i32.const 200000) (local.get $i)))
                (i32.store offset=4 (local.get $at) (i32.const 250))
                (i32.store offset=12 (local.get $at) (i32.const 600000)) (i32.store offset=16 (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (i32.const 28)))
                (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2200)))))
        (func $send (param $name i32) (param $rows i32) (param $columns i32) (param $count i32)
            (call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (local.get $name) (i32.const 4)
                (local.get $rows) (local.get $columns) (local.get $count) (i32.const 2048))
            (if (i32.load8_u (i32.const 2048)) (then unreachable)))"#;
    let body = "
        (local $i i32)
        (call $fill)
        (loop $busy
            (call $send (i32.const 16) (i32.const 65536) (i32.const 64) (i32.const 1))
            (br_if $busy (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
        (loop $wide (call $send (i32.const 24) (i32.const 1) (i32.const 100000) (i32.const 990)) (br $wide))";
    let end = limit(&["wall time limit reached (8s)"]).within(8);
    runs(&component(OPERATIONS, &items, body), &["--wall-time", "8"], &end);
}

/// A full queue of the lightest rows is half a minute of writing, which must not come on top
/// of the limit.
#[test]
fn what_is_queued_does_not_outlive_the_limit() {
    let items = format!(r#"(data (i32.const 16) "busy") {FLAG}"#);
    let body = "
        (loop $l
            (call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 4)
                (i32.const 65536) (i32.const 64) (i32.const 1) (i32.const 2048))
            (br $l))";
    let (_folder, path) = stored(&component(OPERATIONS, &items, body));
    let end = limit(&["wall time limit reached (3s)"]).within(3);
    ends(of(&path).arguments(&["--wall-time", "3"]), &end, |sync, _| {
        assert!(sync.took < Duration::from_secs(15), "{:?}", sync.took);
    });
}

/// Large requests to a server that does not answer, none of them waited for.
#[test]
fn request_bodies_that_pile_up_do_not_fill_the_hosts_memory() {
    let server = Server::start(|_, _| {
        std::thread::park();
        Ok(false)
    });
    let import = r#"(import "sluice:connector/http@0.1.0" "send"
        (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let url = server.url("/");
    let items = format!(r#"(data (i32.const 16) "POST") (data (i32.const 32) "{url}")"#);
    let body = format!(
        "(local $i i32)
        (drop (memory.grow (i32.const 300)))
        (loop $l
            (call $send (i32.const 16) (i32.const 4) (i32.const 32) (i32.const {}) (i32.const 0) (i32.const 0)
                (i32.const 1) (i32.const 1048576) (i32.const 15000000)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
        (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 2052)) (i32.const 10)) (then unreachable))",
        url.len()
    );
    runs(&component(import, &items, &body), &["--allow", &server.origin()], &success());
}

#[test]
fn a_hand_written_component_cannot_end_its_process_well() {
    let exit = r#"(import "wasi:cli/exit@0.2.12" "exit" (func $exit (param i32)))"#;
    let edit = ("world connector {", "world connector {\n  import wasi:cli/exit@0.2.12;");
    let bytes = component_with(&[edit], exit, "", "(call $exit (i32.const 0))");
    runs(&bytes, &[], &connector(&["exit", "code 0"]));
}

#[test]
fn the_cached_component_runs_without_another_check() {
    let (_folder, path) = stored(&idle());
    let first: Connector = of(&path);
    first.succeed();
    let again = first.succeed();
    assert!(again.took < MARGIN, "{:?}", again.took);
}

/// A world that imports one more interface of WASI.
fn importing(line: &str) -> [(&'static str, &str); 1] {
    [("world connector {", line)]
}

#[test]
fn polling_what_is_ready_for_ever_is_stopped() {
    let imports = r#"
        (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $soon (param i64) (result i32)))
        (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))"#;
    let edit = "world connector {\n  import wasi:io/poll@0.2.12;";
    let body =
        "(local $at i32) (local.set $at (call $soon (i64.const 0))) (loop $l (call $block (local.get $at)) (br $l))";
    let bytes = component_with(&importing(edit), imports, "", body);
    // Time in the host's functions is the wall's; both limits end it, and other tasks got their turn.
    runs(&bytes, &["--wall-time", "3"], &limit(&["wall time limit reached (3s)"]).within(3));
}

#[test]
fn random_bytes_without_end_are_refused() {
    let import = r#"(import "wasi:random/random@0.2.12" "get-random-bytes" (func $random (param i64 i32)))"#;
    let edit = "world connector {\n  import wasi:random/random@0.2.12;";
    let asking = |bytes: u64| {
        let body = format!("(drop (memory.grow (i32.const 64))) (call $random (i64.const {bytes}) (i32.const 2048))");
        component_with(&importing(edit), import, "", &body)
    };
    runs(&asking(1 << 20), &[], &success());
    runs(&asking((1 << 20) + 1), &[], &connector(&["the component crashed"]));
    runs(&asking(1 << 62), &[], &connector(&["the component crashed"]));
}

#[test]
fn zeroes_without_end_are_refused() {
    let imports = r#"
        (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
        (import "wasi:io/streams@0.2.12" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))"#;
    let edit = "world connector {\n  import wasi:cli/stdout@0.2.12;\n  import wasi:io/streams@0.2.12;";
    let bytes = component_with(
        &importing(edit),
        imports,
        "",
        "(call $zeroes (call $stdout) (i64.const 1099511627776) (i32.const 2048))",
    );
    runs(&bytes, &[], &connector(&["the component crashed"]));
}

#[test]
fn a_trap_with_huge_names_stays_small() {
    let name = "x".repeat(4 << 20);
    let items = format!("(func ${name} unreachable)");
    runs(&component("", &items, &format!("(call ${name})")), &[], &connector(&["the component crashed"]));
}

#[test]
fn a_call_of_the_host_from_realloc_is_a_crash() {
    let bytes = calling_from_realloc(LOG, "(call $log (i32.const 2) (i32.const 0) (i32.const 4))");
    runs(&bytes, &[], &connector(&["the component crashed"]));
}

#[test]
fn features_that_are_off_are_refused() {
    for module in [
        "(module (memory 1 1 shared))",
        "(module (memory i64 1))",
        "(module (memory 1) (memory 1))",
        "(module (func $f (return_call $f)))",
        "(module (tag $t) (func (throw $t)))",
        "(module (type (struct (field i32))))",
        "(module (func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
    ] {
        let sync = refused(&with_core_module(idle(), module, 1), &[]);
        assert!(!sync.stderr.is_empty(), "{module}");
    }
}

/// A state of nothing but brackets, which a reader that recurses would not survive.
#[test]
fn a_deeply_nested_state_is_refused() {
    let items = r#"(data (i32.const 65536) "{\"a\":")"#;
    let body = "
        (memory.fill (i32.const 65541) (i32.const 91) (i32.const 250000))
        (memory.fill (i32.const 315541) (i32.const 93) (i32.const 250000))
        (i32.store8 (i32.const 565541) (i32.const 125))
        (call $checkpoint (i32.const 65536) (i32.const 500006) (i32.const 2048))
        (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 2052)) (i32.const 0)) (then unreachable))";
    runs(&component(OPERATIONS, items, body), &[], &success());
}
