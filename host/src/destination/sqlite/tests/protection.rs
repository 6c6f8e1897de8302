//! Blocked and hashed columns, and what is kept out because it is new, on real files.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::*;
use crate::destination::filter::{Reason, Withheld};
use crate::landing::settings;

/// The same connection under other settings.
fn under(place: &Place, text: &str) -> Warehouse {
    let landing = Arc::new(settings::read(text).unwrap().landing);
    let options = SqliteOptions { landing, ..SqliteOptions::default() };
    Warehouse::with_options(place.folder.path().join("warehouse"), options)
}

/// One sync under these settings.
fn sync(place: &Place, settings: &str, declared: &[TableDefinition], operations: &[Operation]) -> Vec<Withheld> {
    let mut destination = under(place, settings).open("shop", identity("one")).unwrap();
    destination.declare(declared).unwrap();
    for operation in operations {
        destination.write(operation).unwrap();
    }
    destination.finish().unwrap();
    destination.withheld().to_vec()
}

/// Whether a text stands anywhere in the files of the warehouse, whatever they are called.
fn in_files(place: &Place, text: &str) -> bool {
    std::fs::read_dir(place.folder.path().join("warehouse")).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    })
}

fn key(place: &Place) -> std::path::PathBuf {
    place.folder.path().join("warehouse/shop.key")
}

fn withheld(table: &str, column: Option<&str>, reason: Reason) -> Withheld {
    Withheld { table: name(table), column: column.map(str::to_owned), reason }
}

const BLOCKED: &str =
    "[destination.tables.users]\nblock_columns = ['password']\n[destination.tables.audit]\nblock = true";
const HASHED: &str =
    "[destination.tables.users]\nhash_columns = ['email']\n[destination.tables.orders]\nhash_columns = ['buyer']";
const PLAIN: &str = "";

#[test]
fn blocked_values_are_nowhere_in_the_files() {
    let place = place();
    let declarations = [
        declared("users", &["id"], &[("password", Some(DataType::Text)), ("Pass_Word", None)]),
        declared("audit", &["id"], &[("what", None)]),
    ];
    let secret = "hunter2-in-plain";
    let mut destination = under(&place, BLOCKED).open("shop", identity("one")).unwrap();
    destination.declare(&declarations).unwrap();
    for operation in [
        upsert("users", &[("id", int(1)), ("password", text(secret)), ("name", text("a"))]),
        upsert("users", &[("id", int(2)), ("Pass-Word", text(secret)), ("PASSWORD", text(secret))]),
        update("users", &[("id", int(1)), ("passWord", text(secret)), ("name", text("b"))]),
        delete("users", &[("id", int(2)), ("pass word", text(secret))]),
        upsert("audit", &[("id", int(1)), ("what", text(secret))]),
        upsert("Audit", &[("id", int(1)), ("what", text(secret))]),
        update("audit", &[("id", int(1)), ("what", text(secret))]),
        truncate("audit"),
    ] {
        destination.write(&operation).unwrap();
        assert!(!in_files(&place, secret), "{operation:?}");
    }
    destination.checkpoint("{}").unwrap();
    assert!(!in_files(&place, secret));
    destination.finish().unwrap();
    assert!(!in_files(&place, secret));
    let found = destination.withheld().to_vec();
    assert_eq!(found[0], withheld("users", Some("password"), Reason::Blocked));
    assert!(found.contains(&withheld("audit", None, Reason::Blocked)));
    assert!(found.contains(&withheld("users", Some("Pass-Word"), Reason::Blocked)));
    drop(destination);
    assert_eq!(
        place.query("SELECT id, name, _sluice_deleted FROM users ORDER BY id"),
        [
            vec![Stored::Integer(1), stored("b"), Stored::Integer(0)],
            vec![Stored::Integer(2), Stored::Null, Stored::Integer(1)]
        ]
    );
    let columns =
        place.query("SELECT name FROM pragma_table_info('users') WHERE name NOT LIKE '\\_sluice%' ESCAPE '\\'");
    assert_eq!(columns, [[stored("id")], [stored("name")]]);
    assert!(place.query("SELECT 1 FROM sqlite_schema WHERE tbl_name = 'audit'").is_empty());
}

#[test]
fn a_key_column_cannot_be_blocked() {
    let place = place();
    let blocked = "[destination.tables.users]\nblock_columns = ['ID']";
    let users = declared("users", &["id"], &[]);
    let mut destination = under(&place, blocked).open("shop", identity("one")).unwrap();
    assert_refused(destination.declare(std::slice::from_ref(&users)), &["users", "id", "primary key", "hash it"]);
    drop(destination);
    // nor one that an earlier sync declared
    sync(&place, PLAIN, &[users], &[upsert("users", &[("id", int(1))])]);
    let mut destination = under(&place, blocked).open("shop", identity("one")).unwrap();
    assert_refused(destination.declare(&[]), &["users", "id", "primary key"]);
}

#[test]
fn the_id_of_a_row_without_a_key_is_made_of_what_lands() {
    let place = place();
    sync(
        &place,
        BLOCKED,
        &[],
        &[
            upsert("users", &[("name", text("a")), ("password", text("one"))]),
            upsert("users", &[("name", text("a")), ("password", text("two"))]),
            upsert("users", &[("name", text("a"))]),
        ],
    );
    assert_eq!(place.query("SELECT name FROM users"), [[stored("a")]]);
}

#[test]
fn hashes_are_equal_where_texts_are_and_tables_can_be_joined() {
    let place = place();
    sync(&place, HASHED, &[declared("users", &["id"], &[("email", Some(DataType::Json))])], &[
        upsert("users", &[("id", int(1)), ("email", text("7"))]),
        upsert("users", &[("id", int(2)), ("Email", Value::Null)]),
        upsert("orders", &[("buyer", int(7))]),
        upsert("orders", &[("buyer", Value::Null), ("n", int(1))]),
    ]
    .into_iter()
    .filter(|operation| !matches!(operation, Operation::Rows { batch, .. } if batch.columns.iter().any(|c| c.name == "Email")))
    .collect::<Vec<_>>());
    let joined =
        place.query("SELECT id, length(buyer), buyer GLOB '*[^0-9a-f]*' FROM users JOIN orders ON buyer = email");
    assert_eq!(joined, [[Stored::Integer(1), Stored::Integer(64), Stored::Integer(0)]]);
    assert_eq!(place.query("SELECT count(*) FROM orders WHERE buyer IS NULL"), [[Stored::Integer(1)]]);
    assert_eq!(place.type_of("users", "email").as_deref(), Some("STRING"));
    assert_eq!(std::fs::metadata(key(&place)).unwrap().permissions().mode() & 0o777, 0o600);
    // the key is not in the database, nor is any other connection's hash the same
    let hash = place.query("SELECT email FROM users").remove(0);
    let other = place_with(SqliteOptions::default());
    sync(&other, HASHED, &[], &[upsert("users", &[("email", text("7"))])]);
    assert_ne!(other.query("SELECT email FROM users").remove(0), hash);
    let digits = std::fs::read_to_string(key(&place)).unwrap();
    std::fs::remove_file(key(&place)).unwrap();
    assert!(!in_files(&place, digits.trim_end()));
}

/// Two connections have the same rows, and nothing shows that they do.
#[test]
fn hashes_are_those_of_a_key_of_the_connection() {
    let hashes = || {
        let place = place();
        sync(&place, "[destination.tables.t]\nhash_columns = ['a']", &[], &[upsert("t", &[("a", text("same"))])]);
        place.query("SELECT a FROM t").remove(0)
    };
    assert_ne!(hashes(), hashes());
}

#[test]
fn every_type_is_hashed_by_its_text() {
    let place = place();
    let settings = "[destination.tables.t]\nhash_columns = ['a']";
    let values = [
        (Value::Boolean(true), "true"),
        (int(-5), "-5"),
        (Value::Float(0.1), "0.1"),
        (Value::Float(f64::NAN), "NaN"),
        (Value::Blob(vec![1, 255]), "01ff"),
        (Value::Json("[1]".to_owned()), "[1]"),
        (Value::Decimal("1.50".to_owned()), "1.50"),
        (Value::Date(0), "1970-01-01"),
        (Value::Datetime(1), "1970-01-01T00:00:00.000001"),
        (Value::Timestamp(1), "1970-01-01T00:00:00.000001Z"),
        (text(""), ""),
    ];
    for (index, (value, form)) in values.into_iter().enumerate() {
        let id = int(i64::try_from(index).unwrap());
        let keyed = [declared("t", &["id"], &[]), declared("u", &["id"], &[])];
        sync(&place, settings, &keyed, &[upsert("t", &[("id", id.clone()), ("a", value)])]);
        let before = place.query("SELECT a FROM t ORDER BY id DESC LIMIT 1").remove(0);
        sync(&place, settings, &keyed, &[upsert("t", &[("id", id), ("a", text(form))])]);
        assert_eq!(place.query("SELECT a FROM t ORDER BY id DESC LIMIT 1").remove(0), before, "{form}");
    }
}

#[test]
fn a_hashed_key_finds_its_row() {
    let place = place();
    let users = [declared("users", &["email"], &[])];
    let row = |name: &str| [("email", text("a@example.com")), ("name", text(name))];
    sync(&place, HASHED, &users, &[upsert("users", &row("one")), upsert("users", &row("two"))]);
    assert_eq!(place.query("SELECT name FROM users"), [[stored("two")]]);
    sync(&place, HASHED, &users, &[update("users", &row("three"))]);
    assert_eq!(place.query("SELECT name FROM users"), [[stored("three")]]);
    sync(&place, HASHED, &users, &[delete("users", &[("email", text("a@example.com"))])]);
    assert_eq!(place.query("SELECT _sluice_deleted FROM users"), [[Stored::Integer(1)]]);
    assert!(!in_files(&place, "a@example.com"));
}

#[test]
fn hashing_that_is_turned_on_leaves_nothing_in_plain() {
    let place = place();
    let many = |table: &str, column: &str| -> Vec<Operation> {
        (0..2_000)
            .map(|n| {
                let long = "x".repeat(usize::try_from(n % 50 * 40).unwrap());
                upsert(table, &[("id", int(n)), (column, text(&format!("plain-{n:05}-{long}")))])
            })
            .collect()
    };
    let keyed = [declared("users", &["email"], &[("email", Some(DataType::Text))]), declared("numbers", &["n"], &[])];
    sync(&place, PLAIN, &keyed, &many("users", "email"));
    sync(&place, PLAIN, &keyed, &many("orders", "buyer"));
    sync(&place, PLAIN, &keyed, &[upsert("numbers", &[("n", int(7_654_321))])]);
    place.outside().execute("CREATE INDEX by_email ON users (email)", []).unwrap();
    assert!(in_files(&place, "plain-01999"));
    let ids = place.query("SELECT _sluice_id FROM orders");

    let settings = format!("{HASHED}\n[destination.tables.numbers]\nhash_columns = ['n']");
    // although the sync does nothing and does not even end well
    let destination = under(&place, &settings).open("shop", identity("one")).unwrap();
    assert!(!in_files(&place, "plain-"));
    drop(destination);
    assert!(!in_files(&place, "plain-"));
    for (table, column) in [("users", "email"), ("orders", "buyer"), ("numbers", "n")] {
        let bad = place
            .query(&format!("SELECT count(*) FROM {table} WHERE length({column}) != 64 OR typeof({column}) != 'text'"));
        assert_eq!(bad, [[Stored::Integer(0)]], "{table}");
        assert_eq!(place.type_of(table, column).as_deref(), Some("STRING"));
    }
    assert_eq!(place.query("SELECT count(*) FROM users"), [[Stored::Integer(2_000)]]);
    assert_eq!(place.query("PRAGMA integrity_check"), [[stored("ok")]]);
    assert_eq!(place.query("SELECT count(*) FROM sqlite_schema WHERE name = 'by_email'"), [[Stored::Integer(1)]]);
    // the ids of rows without a key were made of plain values, and the new ones are those of the rows as they come now
    assert!(place.query("SELECT _sluice_id FROM orders").iter().all(|id| !ids.contains(id)));
    sync(&place, &settings, &keyed, &many("orders", "buyer"));
    assert_eq!(place.query("SELECT count(*) FROM orders"), [[Stored::Integer(2_000)]]);
    // and the number finds its row
    sync(&place, &settings, &keyed, &[upsert("numbers", &[("n", int(7_654_321))])]);
    assert_eq!(place.query("SELECT count(*) FROM numbers"), [[Stored::Integer(1)]]);
}

#[test]
fn hashing_off_and_on_again_hashes_each_value_once() {
    let place = place();
    let users = [declared("users", &["id"], &[])];
    let row = |id: i64| upsert("users", &[("id", int(id)), ("email", text("a@example.com"))]);
    sync(&place, HASHED, &users, &[row(1)]);
    sync(&place, PLAIN, &users, &[row(2)]);
    assert_eq!(
        place.query("SELECT count(DISTINCT email), sum(email LIKE 'a@%') FROM users"),
        [[Stored::Integer(2), Stored::Integer(1)]]
    );
    assert_eq!(place.type_of("users", "email").as_deref(), Some("STRING"));
    sync(&place, HASHED, &users, &[row(3)]);
    assert_eq!(
        place.query("SELECT count(DISTINCT email), count(*) FROM users"),
        [[Stored::Integer(1), Stored::Integer(3)]]
    );
    assert!(!in_files(&place, "a@example.com"));
}

#[test]
fn versions_are_hashed_too() {
    let place = place();
    let history = "[destination.tables.users]\nhistory = true";
    let users = [declared("users", &["id"], &[])];
    let row = |email: &str| upsert("users", &[("id", int(1)), ("email", text(email))]);
    sync(&place, history, &users, &[row("a@example.com"), row("b@example.com")]);
    let hashed = format!("{history}\nhash_columns = ['email']");
    sync(&place, &hashed, &users, &[row("b@example.com")]);
    // the version that holds was hashed, so the same value confirms it
    let versions =
        place.query("SELECT count(*), count(DISTINCT email), sum(length(email)), sum(_sluice_active) FROM users");
    assert_eq!(versions, [[2, 2, 128, 1].map(Stored::Integer)]);
    assert!(!in_files(&place, "@example.com"));
}

#[test]
fn what_is_hashed_and_blocked_is_hashed_where_it_lies() {
    let place = place();
    let users = [declared("users", &["id"], &[])];
    sync(&place, PLAIN, &users, &[upsert("users", &[("id", int(1)), ("email", text("a@example.com"))])]);
    let both = format!("{HASHED}\n[destination.tables.Users]\nblock_columns = ['email']");
    drop(under(&place, &both).open("shop", identity("one")).unwrap());
    assert!(!in_files(&place, "a@example.com"));
}

#[test]
fn a_key_that_is_not_right_is_refused() {
    let place = place();
    sync(&place, HASHED, &[], &[upsert("users", &[("email", text("a"))])]);
    let digits = std::fs::read_to_string(key(&place)).unwrap();
    let refused = |part: &str| {
        let error = under(&place, HASHED).open("shop", identity("one")).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("shop.key"), "{error}");
        assert!(!error.contains(digits.trim_end()));
    };
    std::fs::set_permissions(key(&place), PermissionsExt::from_mode(0o640)).unwrap();
    refused("read by others");
    std::fs::remove_file(key(&place)).unwrap();
    refused("sluice reset shop");
    std::fs::write(key(&place), "0".repeat(64)).unwrap();
    std::fs::set_permissions(key(&place), PermissionsExt::from_mode(0o600)).unwrap();
    refused("sluice reset shop");
    std::fs::write(key(&place), "nonsense").unwrap();
    refused("is not a key");
    // without hashing nobody asks for it, and a reset makes everything new
    drop(under(&place, PLAIN).open("shop", identity("one")).unwrap());
    place.warehouse.reset("shop").unwrap();
    assert!(!key(&place).exists());
    sync(&place, HASHED, &[], &[upsert("users", &[("email", text("a"))])]);
}

#[test]
fn what_is_new_lands_as_the_operator_says() {
    let row = |column: &str| upsert("known", &[("id", int(1)), (column, int(1))]);
    let first = [declared("known", &["id"], &[("a", None)])];
    for (changes, new_table, new_column) in
        [("allow-all", true, true), ("allow-columns", false, true), ("block-all", false, false)]
    {
        let place = place();
        let settings = format!("[destination]\nschema_changes = '{changes}'");
        // a first sync lets everything in, though it comes in two checkpoints, and does not become the measure by failing
        let mut destination = under(&place, &settings).open("shop", identity("one")).unwrap();
        destination.declare(&first).unwrap();
        destination.write(&row("a")).unwrap();
        destination.checkpoint("{}").unwrap();
        drop(destination);
        assert!(sync(&place, &settings, &first, &[row("b")]).is_empty());
        let second = [declared("known", &["id"], &[("a", None), ("d", None)]), declared("other", &["id"], &[])];
        let kept_out = sync(
            &place,
            &settings,
            &second,
            &[row("a"), row("b"), row("c"), upsert("third", &[("x", int(1))]), truncate("fourth")],
        );
        let has = |table: &str, column: &str| {
            !place.query(&format!("SELECT 1 FROM pragma_table_info('{table}') WHERE name = '{column}'")).is_empty()
        };
        assert!(has("known", "a") && has("known", "b"), "{changes}");
        assert_eq!((has("known", "c"), has("known", "d")), (new_column, new_column), "{changes}");
        assert_eq!((has("other", "id"), has("third", "x")), (new_table, new_table), "{changes}");
        let mut expected = Vec::new();
        if !new_column {
            expected.extend([withheld("known", Some("d"), Reason::New)]);
        }
        if !new_table {
            expected.push(withheld("other", None, Reason::New));
        }
        if !new_column {
            expected.extend([withheld("known", Some("c"), Reason::New)]);
        }
        if !new_table {
            expected.extend([withheld("third", None, Reason::New), withheld("fourth", None, Reason::New)]);
        }
        assert_eq!(kept_out, expected, "{changes}");
        // once it is let in, it is known
        sync(&place, "[destination]\nschema_changes = 'allow-all'", &second, &[row("c")]);
        assert!(sync(&place, &settings, &second, &[row("c")]).is_empty(), "{changes}");
    }
}

#[test]
fn a_new_key_column_cannot_be_kept_out() {
    let place = place();
    let settings = "[destination]\nschema_changes = 'block-all'";
    sync(&place, settings, &[declared("t", &["id"], &[])], &[]);
    let mut destination = under(&place, settings).open("shop", identity("one")).unwrap();
    assert_refused(destination.declare(&[declared("t", &["id", "part"], &[])]), &["t", "part", "allow-all"]);
}

#[test]
fn decisions_that_protect_nothing_are_told() {
    let place = place();
    let settings = "[destination.tables.users]\nblock_columns = ['pasword', 'pin']\nhash_columns = ['email']\n\
                    [destination.tables.user]\nblock = true\n[destination.tables.orders]\nhash_columns = ['buyer']";
    let mut destination = under(&place, settings).open("shop", identity("one")).unwrap();
    destination.declare(&[declared("orders", &["id"], &[]), declared("users", &["id"], &[("e-mail", None)])]).unwrap();
    destination.write(&upsert("users", &[("id", int(1)), ("password", text("x")), ("Pin", int(1))])).unwrap();
    let told: Vec<_> = destination.unmatched().into_iter().map(|one| (one.table.to_string(), one.column)).collect();
    // nothing is known of `orders`, of which no row came
    assert_eq!(told, [("user".to_owned(), None), ("users".to_owned(), Some("pasword".to_owned()))]);
}

#[test]
fn without_decisions_there_is_no_filter() {
    let place = place();
    assert!(!key(&place).exists());
    let destination = under(&place, "[destination]\ndeletes = 'hard'").open("shop", identity("one")).unwrap();
    assert!(format!("{destination:?}").contains("filter: None"));
}
