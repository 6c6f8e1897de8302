//! A project in a fleet is looked at and built once, however many connections it has, until it changes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Fleet;
use crate::support::text;

const CONNECTOR: &str = "from fivetran_connector_sdk import Connector, Operations as op

def update(configuration, state):
    op.upsert(\"items\", {\"id\": 1})

connector = Connector(update=update)
";

#[test]
fn a_project_is_built_once_for_all_its_connections() {
    let names = ["one", "two", "three"];
    let sections: String = names.map(|name| format!("[connections.{name}]\ncomponent = \"shop\"\n")).concat();
    let fleet = Fleet::new(&format!("concurrency = 1\n{sections}"));
    let project = fleet.path("shop");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("connector.py"), CONNECTOR).unwrap();
    fs::write(project.join("requirements.txt"), "fivetran-connector-sdk\n").unwrap();
    let batch = || {
        let ended = fleet.command("batch").output().unwrap();
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{said}");
        // What every look at it says.
        said.matches("is provided by the SDK and is not installed").count()
    };
    batch();
    // Files that were written a moment ago are read again, since they could be written once more.
    while SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() <= changed(&project) + 2 {
        std::thread::yield_now();
    }
    assert_eq!(batch(), 1);
    for name in names {
        assert_eq!(fleet.database(name).value("SELECT count(*) FROM items"), 1);
    }
}

/// When any file of a folder was changed last, in seconds.
fn changed(folder: &std::path::Path) -> u64 {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    files.map(|file| u64::try_from(file.ctime()).unwrap()).max().unwrap()
}
