//! What Python never asks for: resources of the component's own, WASI's sockets by their own names, and names that the SDK
//! would have refused.

use super::components::{OPERATIONS, runs};
use super::{connector, limit, success};
use crate::support::component::{component, component_with};

/// A world with these lines more.
fn world(lines: &str) -> [(&'static str, &str); 1] {
    [("world connector {", lines)]
}

/// The component keeps every handle of a resource that it defines itself.
#[test]
fn its_own_resources_without_end_are_stopped() {
    let edit = "world connector {\n  export things: interface { resource thing { constructor(); } }";
    let imports = r#"(import "[export]things" "[resource-new]thing" (func $new (param i32) (result i32)))"#;
    let items = r#"(func (export "things#[constructor]thing") (result i32) (call $new (i32.const 1)))"#;
    let some = "(local $i i32)
        (loop $l
            (drop (call $new (local.get $i)))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const COUNT))))";
    let of = |count: &str| component_with(&world(edit), imports, items, &some.replace("COUNT", count));
    runs(&of("4000"), &[], &success());
    runs(&of("5000000"), &[], &limit(&["open handles limit reached (4096)"]));
    runs(&of("5000000"), &["--limit", "handles=100"], &limit(&["open handles limit reached (100)"]));
}

/// Each way is refused with an error, which a component may catch; it is no trap.
#[test]
fn wasis_own_sockets_are_refused() {
    let edit = "world connector {
        import wasi:sockets/tcp-create-socket@0.2.12;
        import wasi:sockets/udp-create-socket@0.2.12;
        import wasi:sockets/instance-network@0.2.12;
        import wasi:sockets/ip-name-lookup@0.2.12;";
    let imports = r#"
        (import "wasi:sockets/tcp-create-socket@0.2.12" "create-tcp-socket" (func $tcp (param i32 i32)))
        (import "wasi:sockets/udp-create-socket@0.2.12" "create-udp-socket" (func $udp (param i32 i32)))
        (import "wasi:sockets/instance-network@0.2.12" "instance-network" (func $network (result i32)))
        (import "wasi:sockets/ip-name-lookup@0.2.12" "resolve-addresses" (func $look (param i32 i32 i32 i32)))"#;
    let items = r#"(data (i32.const 16) "localhost")
        (func $refused (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable)))"#;
    for attempt in [
        "(call $tcp (i32.const 0) (i32.const 2048))",
        "(call $tcp (i32.const 1) (i32.const 2048))",
        "(call $udp (i32.const 0) (i32.const 2048))",
        "(call $udp (i32.const 1) (i32.const 2048))",
        "(call $look (call $network) (i32.const 16) (i32.const 9) (i32.const 2048))",
    ] {
        let body = format!("{attempt} (call $refused)");
        let bytes = component_with(&world(edit), imports, items, &body);
        runs(&bytes, &[], &success());
        // Without the second wall, which would refuse them too.
        runs(&bytes, &["--no-jail"], &success());
    }
    // The check itself can fail.
    let nothing = "(i32.store8 (i32.const 2048) (i32.const 0)) (call $refused)";
    runs(&component_with(&world(edit), imports, items, nothing), &[], &connector(&["the component crashed"]));
}

/// The SDK says so earlier, and better; a component need not have it.
#[test]
fn a_table_without_a_name_is_refused_by_the_host() {
    // One row {id: 7}, of a table whose name is two blanks.
    let items = |name: &str| {
        format!(
            r#"(data (i32.const 16) "{name}") (data (i32.const 20) "id") (data (i32.const 24) "\07\00\00\00\00\00\00\00")
            (data (i32.const 64) "\14\00\00\00\02\00\00\00\01\00\00\00\18\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")"#
        )
    };
    let body = "(call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 2)
        (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 2048))";
    runs(&component(OPERATIONS, &items("ab"), body), &[], &success());
    runs(&component(OPERATIONS, &items("  "), body), &[], &connector(&["a table name is empty or blank"]));
}
