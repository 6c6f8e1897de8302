#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("keys/secrets.key")
    }

    fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    fn store(&self) -> SecretStore {
        SecretStore::new(&self.warehouse(), Keys::open(&self.key()).unwrap())
    }

    fn set(&self, connection: &str, values: &[(&str, &str)]) {
        self.store().set(connection, &secrets(values)).unwrap();
    }

    fn shown(&self, connection: &str) -> Vec<(String, String)> {
        let all = self.store().all(connection).unwrap();
        all.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
    }
}

fn secrets(values: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    values.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned()))).collect()
}

#[test]
fn what_is_set_is_there_and_nothing_of_it_in_the_file() {
    let place = Place::new();
    place.set("shop", &[("api_key", "hunter2hunter2"), ("other", "ü\n")]);
    place.set("shop", &[("other", "second")]);
    place.set("bank", &[("api_key", "third-value")]);
    assert_eq!(place.shown("shop"), [("api_key".into(), "hunter2hunter2".into()), ("other".into(), "second".into())]);
    assert_eq!(place.store().names("shop").unwrap(), ["api_key", "other"]);
    for path in [place.warehouse().join("shop.secrets"), place.warehouse().join("bank.secrets"), place.key()] {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMmh1bnRlcj") && !text.contains("third"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(place.store().remove("shop", "other").unwrap());
    assert!(!place.store().remove("shop", "other").unwrap());
    assert_eq!(place.shown("shop").len(), 1);
    assert!(place.shown("nobody").is_empty());
}

#[test]
fn a_value_is_bound_to_its_name_and_connection() {
    let place = Place::new();
    place.set("shop", &[("one", "value-1"), ("two", "value-2")]);
    let path = place.warehouse().join("shop.secrets");
    let text = fs::read_to_string(&path).unwrap();
    fs::copy(&path, place.warehouse().join("bank.secrets")).unwrap();
    assert!(matches!(place.store().all("bank"), Err(SecretsError::Changed { .. })));
    fs::write(&path, text.replace("\"one\"", "\"three\"")).unwrap();
    let error = place.store().all("shop").unwrap_err().to_string();
    assert_eq!(error, "the secret `three` of connection shop was changed since it was set; set it anew");
}

#[test]
fn another_key_is_said_clearly_and_former_keys_are_kept_until_forgotten() {
    let place = Place::new();
    place.set("shop", &[("one", "value-1")]);
    let before = fs::read_to_string(place.warehouse().join("shop.secrets")).unwrap();
    assert_eq!(place.store().rekey(false).unwrap(), 1);
    let after = fs::read_to_string(place.warehouse().join("shop.secrets")).unwrap();
    assert_ne!(before, after);
    assert_eq!((place.shown("shop").len(), place.store().keys().former()), (1, 1));
    fs::write(place.warehouse().join("shop.secrets"), &before).unwrap();
    assert_eq!(place.shown("shop").len(), 1, "the former key still opens it");
    assert_eq!(place.store().rekey(true).unwrap(), 1);
    assert_eq!(place.store().keys().former(), 0);
    assert_eq!(place.shown("shop"), [("one".into(), "value-1".into())]);
    fs::write(place.warehouse().join("shop.secrets"), &before).unwrap();
    let error = place.store().all("shop").unwrap_err().to_string();
    assert!(error.contains("`one` was sealed with the key") && error.contains("SLUICE_SECRETS_KEY_FILE"), "{error}");
}

#[test]
fn files_that_others_reach_are_refused() {
    let place = Place::new();
    place.set("shop", &[("one", "value-1")]);
    let path = place.warehouse().join("shop.secrets");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(place.store().all("shop"), Err(SecretsError::NotPrivate { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&path, place.warehouse().join("elsewhere")).unwrap();
    symlink(place.warehouse().join("elsewhere"), &path).unwrap();
    assert!(matches!(place.store().all("shop"), Err(SecretsError::Io { .. })));
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o604)).unwrap();
    assert!(matches!(Keys::open(&place.key()), Err(SecretsError::NotPrivate { .. })));
    fs::set_permissions(place.warehouse(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(place.store().remove("shop", "x"), Err(SecretsError::NotPrivate { .. })));
}

#[test]
fn what_is_no_secret_is_refused() {
    let place = Place::new();
    let long = "x".repeat(SECRET_BYTES + 1);
    for (name, value) in [("", "value"), ("a\0b", "value"), ("name", ""), ("name", long.as_str())] {
        let refused = place.store().set("shop", &secrets(&[(name, value)]));
        assert!(matches!(refused, Err(SecretsError::Refused(_))));
    }
    fs::create_dir_all(place.key().parent().unwrap()).unwrap();
    fs::write(place.key(), "not a key\n").unwrap();
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Keys::open(&place.key()), Err(SecretsError::Damaged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_damage_gives_another_value(position in 0usize..400, byte: u8) {
        let place = Place::new();
        place.set("shop", &[("one", "value-1")]);
        let path = place.warehouse().join("shop.secrets");
        let mut bytes = fs::read(&path).unwrap();
        let position = position % bytes.len();
        bytes[position] = byte;
        fs::write(&path, bytes).unwrap();
        if let Ok(all) = place.store().all("shop") {
            let unchanged = all.get("one").is_none_or(|value| value.expose() == "value-1");
            prop_assert!(unchanged && all.len() <= 1);
        }
    }
}
