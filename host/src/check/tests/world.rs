//! Components of worlds that differ from the contract.

use super::*;

#[test]
fn exports_that_differ() {
    assert_lines(&wat("(component)"), &[MISSING_SCHEMA, MISSING_SYNC]);
    let schema = "export schema: func(configuration: string) -> result<list<table-definition>, failure>;";
    let sync = "export sync: func(configuration: string, state: string) -> result<_, failure>;";
    assert_lines(&component(&[(schema, "")]), &[MISSING_SCHEMA]);
    assert_lines(&component(&[(sync, "")]), &[MISSING_SYNC]);
    let signature = "but the contract says (configuration: string, state: string) -> result<_, failure>";
    for (other, found) in [
        ("func(configuration: string)", "(configuration: string)"),
        (
            "func(configuration: string, state: list<u8>) -> result<_, failure>",
            "(configuration: string, state: list<u8>) -> result<_, failure>",
        ),
        (
            "func(configuration: string, cursor: string) -> result<_, failure>",
            "(configuration: string, cursor: string) -> result<_, failure>",
        ),
        (
            "func(configuration: string, state: string) -> option<failure>",
            "(configuration: string, state: string) -> option<failure>",
        ),
    ] {
        let bytes = component(&[(sync, &format!("export sync: {other};"))]);
        assert_lines(&bytes, &[&format!("export_type: `sync` takes {found} {signature}")]);
    }
    let bytes = component(&[(sync, "export sync: func(configuration: string, state: string) -> result<_, string>;")]);
    assert_lines(
        &bytes,
        &["export_type: `sync` has another type: at `result.err` the contract says failure, the component string"],
    );
    let own = "record flop { kind: string, message: u32, traceback: string }\n  export sync: func(configuration: string, state: string) -> result<_, flop>;";
    assert_lines(
        &component(&[(sync, own)]),
        &[
            "import_not_interface: `flop` imports something that is not an interface of the contract",
            "export_type: `sync` has another type: at `result.err.message` the contract says string, the component u32",
        ],
    );
    let interface = component(&[(sync, "export sync: interface { now: func(); }")]);
    assert_lines(
        &interface,
        &[
            "export_kind: `sync` is exported, but not as the function (configuration: string, state: string) -> result<_, failure>",
        ],
    );
}

#[test]
fn a_form_may_be_exported_and_must_then_be_one() {
    assert_lines(&component_of("connector-with-setup", &[]), &[]);
    let form = "export form: func() -> result<setup-form, setup-failure>;";
    let bytes = component_of("connector-with-setup", &[(form, "export form: func() -> string;")]);
    assert_lines(
        &bytes,
        &["export_type: `form` takes () -> string but the contract says () -> result<setup-form, setup-failure>"],
    );
}

#[test]
fn an_extra_export_is_only_a_note() {
    let bytes = component(&[("world connector {", "world connector {\n  export version: func() -> string;")]);
    assert_lines(&bytes, &["export_extra: `version` is exported too; the host does not use it"]);
    assert!(check(&bytes, &CONTRACT).conforms());
}

#[test]
fn a_command_is_told_what_it_lacks() {
    let bytes = component(&[
        (
            "export schema: func(configuration: string) -> result<list<table-definition>, failure>;",
            "export wasi:cli/run@0.2.12;",
        ),
        ("export sync: func(configuration: string, state: string) -> result<_, failure>;", ""),
    ]);
    let report = check(&bytes, &CONTRACT);
    assert!(report.findings[0].hint.as_ref().unwrap().contains("command"), "{report:?}");
}

#[test]
fn types_of_imports_that_differ() {
    for (edit, expected) in [
        (
            ("traceback: string,", "traceback: option<string>,"),
            "`sluice:connector/types@0.1.0` has another type: at `failure.traceback` the contract says string, the component option<string>",
        ),
        (
            ("    traceback: string,\n", ""),
            "`sluice:connector/types@0.1.0` has another type: at `failure.traceback` the contract says a field, the component nothing",
        ),
        (
            ("kind: string,\n", "kind: string, cause: string,\n"),
            "`sluice:connector/types@0.1.0` has another type: at `failure.cause` the contract says nothing, the component a field",
        ),
        (
            (
                "    /// Values of several types in one column. Slower than the typed lists.\n    mixed(list<value>),",
                "mixed(list<value>), other,",
            ),
            "`sluice:connector/types@0.1.0` has another type: at `values.other` the contract says nothing, the component a case",
        ),
        (
            ("booleans(list<bool>)", "booleans(list<u8>)"),
            "`sluice:connector/types@0.1.0` has another type: at `values.booleans.[]` the contract says bool, the component u8",
        ),
        (
            ("option<tuple<u8, u8>>", "option<tuple<u8, u16>>"),
            "`sluice:connector/types@0.1.0` has another type: at `data-type.decimal.some.1` the contract says u8, the component u16",
        ),
        (
            ("    severe,", ""),
            "`sluice:connector/logging@0.1.0` has another type: at `level.severe` the contract says a case, the component nothing",
        ),
        (
            (
                "    schema: option<string>,\n    /// The table.\n    name: string,",
                "name: string, schema: option<string>,",
            ),
            "`sluice:connector/types@0.1.0` has another type: at `table-name.field 1` the contract says `schema`, the component `name`",
        ),
        (
            ("checkpoint: func(state: string) -> result<_, refusal>;", "checkpoint: func(state: string);"),
            "`sluice:connector/operations@0.1.0` has `checkpoint` as (state: string) but the contract says (state: string) -> result<_, refusal>",
        ),
        (
            ("read: func(max: u32)", "read: func(max: u64)"),
            "`sluice:connector/http@0.1.0` has `[method]exchange.read` as (self: borrow<exchange>, max: u64) -> result<list<u8>, error> but the contract says (self: borrow<exchange>, max: u32) -> result<list<u8>, error>",
        ),
        (
            (
                "subscribe: func() -> pollable;\n  }\n\n  /// Start",
                "subscribe: func() -> borrow-me;\n  }\n resource borrow-me;\n /// Start",
            ),
            "`sluice:connector/http@0.1.0` has `[method]exchange.subscribe` as (self: borrow<exchange>) -> borrow-me but the contract says (self: borrow<exchange>) -> pollable",
        ),
    ] {
        let found = lines(&component(&[edit]));
        assert!(found.contains(&format!("import_type: {expected}")), "{edit:?}: {found:#?}");
    }
}

#[test]
fn one_wrong_type_is_said_once() {
    let bytes = component(&[("rows: u32,", "rows: u64,")]);
    assert_lines(
        &bytes,
        &[
            "import_type: `sluice:connector/types@0.1.0` has another type: at `batch.rows` the contract says u32, the component u64",
        ],
    );
}

#[test]
fn imports_outside_the_contract() {
    let keyvalue = (
        "deps/keyvalue/package.wit",
        "package wasi:keyvalue@0.2.0;\ninterface store { get: func(key: string) -> option<string>; }",
    );
    let bytes = component_with(&[("  import http;", "import http;\n  import wasi:keyvalue/store@0.2.0;")], &[keyvalue]);
    assert_lines(
        &bytes,
        &[
            "import_unknown_interface: `wasi:keyvalue/store@0.2.0` imports an interface that the contract does not have, and no grant can give it",
        ],
    );

    let bytes = component(&[("  import http;", "import http;\n import wasi:http/incoming-handler@0.2.12;")]);
    assert!(lines(&bytes)[0].starts_with("import_unknown_interface: `wasi:http/incoming-handler@0.2.12`"));

    let bytes = component(&[("  import http;", "import http;\n  import peek: func() -> string;")]);
    assert_lines(&bytes, &["import_not_interface: `peek` imports something that is not an interface of the contract"]);

    let bytes = component(&[("send: func(request", "receive: func() -> u32;\n  send: func(request")]);
    assert_lines(
        &bytes,
        &[
            "import_unknown_item: `sluice:connector/http@0.1.0` is imported with the function `receive`, which the contract does not have there",
        ],
    );

    let bytes = component(&[("  resource exchange {", "resource tunnel { constructor(); }\n  resource exchange {")]);
    let found = lines(&bytes);
    assert!(
        found[0]
            .starts_with("import_unknown_item: `sluice:connector/http@0.1.0` is imported with the resource `tunnel`"),
        "{found:?}"
    );
}

#[test]
fn an_unstable_function_is_not_provided() {
    let bytes = component(&[
        ("@unstable(feature = network-error-code)", ""),
        ("  import http;", "import http;\n  import wasi:sockets/network@0.2.12;"),
    ]);
    let expected = "import_unknown_item: `wasi:sockets/network@0.2.12` is imported with the function `network-error-code`, which the contract does not have there";
    assert!(lines(&bytes).contains(&expected.to_owned()));
}

#[test]
fn names_decide_admission() {
    for name in [
        "sluice:connector/types@0.1.0",
        "wasi:io/poll@0.2.0",
        "wasi:io/poll@0.2.12",
        "wasi:http/outgoing-handler@0.2.6",
        "failure",
    ] {
        assert_eq!(admit_imports([name].into_iter()), Ok(()), "{name}");
    }
    for (name, code) in [
        ("sluice:connector/http@0.2.0", Code::ImportVersion),
        ("sluice:connector/http@0.1.1", Code::ImportVersion),
        ("sluice:connector/http@0.1.0-rc1", Code::ImportVersion),
        ("sluice:connector/http", Code::ImportVersion),
        ("wasi:http/types@0.3.0", Code::ImportVersion),
        ("wasi:cli/exit@0.2.99", Code::ImportVersion),
        ("wasi:cli/exit@0.2.13", Code::ImportVersion),
        ("wasi:cli/exit@0.2", Code::ImportVersion),
        ("wasi:cli/exit@0.2.1.0", Code::ImportVersion),
        ("wasi:cli/exit@0.2.+1", Code::ImportVersion),
        ("wasi:cli/exit@0.2.01", Code::ImportVersion),
        ("wasi:cli/exit@0.2.4294967298", Code::ImportVersion),
        ("wasi:cli/exit@0.2.0-rc-2023-11-10", Code::ImportVersion),
        ("wasi:cli/exit@0.2.0+x", Code::ImportVersion),
        ("wasi:cli/exit@", Code::ImportVersion),
        ("wasi:cli/run@0.2.0", Code::ImportUnknownInterface),
        ("wasi:clocks/timezone@0.2.0", Code::ImportUnknownInterface),
        ("wasi:keyvalue/store@0.2.0", Code::ImportUnknownInterface),
        ("wasi:http/incoming-handler@0.2.0", Code::ImportUnknownInterface),
        ("wasi:http/types/more@0.2.0", Code::ImportUnknownInterface),
        ("WASI:io/poll@0.2.0", Code::ImportUnknownInterface),
        ("evil:connector/types@0.1.0", Code::ImportUnknownInterface),
        ("env", Code::ImportNotInterface),
        ("", Code::ImportNotInterface),
        ("url=<https://example.com/x>", Code::ImportUnknownInterface),
    ] {
        let refused = admit_imports([name].into_iter()).unwrap_err();
        assert_eq!(refused.iter().map(|finding| finding.code).collect::<Vec<_>>(), [code], "{name}");
        assert!(refused[0].hint.is_some());
    }
    let many = std::iter::repeat_n("env", 10_000);
    assert_eq!(admit_imports(many).unwrap_err().len(), MAX_FINDINGS);
}

#[test]
fn component_model_async_is_refused() {
    let bytes = component(&[("export sync: func", "export sync: async func")]);
    let found = lines(&bytes);
    assert!(found[0].starts_with("unsupported_feature:"), "{found:?}");
}
