//! The configuration: a file is refused with the key that is wrong, or it is shown as a
//! file that means the same.

use super::choice::text_of;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    thread,
};
use steward_registry::{
    cli::serve::ServeArgs,
    config::{Config, ConfigError, KEYS},
};

/// The input as a file, and each of its lines `key=value` as an environment variable.
pub fn check(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let path = scratch();
    let loaded = load(&path, text);
    if let Ok(config) = &loaded {
        let again = load(&path, &config.to_string()).expect("what is shown can be read");
        assert_eq!(values(&again), values(config), "{config}");
        assert!(config.insecure_no_auth() || config.listen().ip().is_loopback(), "open to other machines");
    }
    loaded.map(drop).unwrap_or_else(|error| named(&error));
    from_environment(text);
    fs::remove_file(&path).expect("the scratch file can be removed");
}

/// A file of this process and thread alone.
fn scratch() -> PathBuf {
    let owner = format!("steward-fuzz-{}-{:?}.toml", std::process::id(), thread::current().id());
    std::env::temp_dir().join(owner)
}

fn load(path: &Path, text: &str) -> Result<Config, ConfigError> {
    fs::write(path, text).expect("the scratch file can be written");
    Config::load(&ServeArgs { config: Some(path.to_owned()), ..ServeArgs::default() }, |_| None)
}

fn from_environment(text: &str) {
    let variables: HashMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (format!("STEWARD_{}", key.trim().to_uppercase()), value.trim().to_owned()))
        .filter(|(key, _)| key != "STEWARD_CONFIG")
        .collect();
    if let Err(error) = Config::load(&ServeArgs::default(), |name| variables.get(name).cloned()) {
        named(&error);
    }
}

/// What is shown without the comments, which say where a value came from.
fn values(config: &Config) -> Vec<String> {
    let shown = config.to_string();
    let table: toml::Table = shown.parse().expect("what is shown is TOML");
    assert_eq!(table.len(), KEYS.len(), "every key is shown once");
    table.into_iter().map(|(key, value)| format!("{key} = {value}")).collect()
}

/// An error says which key is wrong, or that the file is.
fn named(error: &ConfigError) {
    let sentence = error.to_string();
    let known = |key: &&str| sentence.contains(&format!("`{key}`"));
    let names = match error {
        ConfigError::File { path, .. } => sentence.contains(&path.display().to_string()),
        ConfigError::UnknownKey { key, .. } => sentence.contains(&format!("`{key}`")),
        ConfigError::Value { key, .. } => known(key),
        ConfigError::Exposed(_) => known(&"listen"),
    };
    assert!(names, "{sentence}");
}
