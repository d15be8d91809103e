//! Layers, origins, and errors that name their key.
#![allow(clippy::unwrap_used)]

use super::*;

fn load(flags: ServeArgs, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(&flags, |name| {
        environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn file(text: &str) -> (tempfile::TempDir, ServeArgs) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("steward.toml");
    std::fs::write(&path, text).unwrap();
    (dir, ServeArgs { config: Some(path), ..ServeArgs::default() })
}

#[test]
fn the_defaults_are_values_of_their_keys() {
    for key in KEYS {
        assert!(
            key.read_text(&key.default_value().to_string().replace(['"', '[', ']'], ""), Origin::Default)
                .is_ok()
        );
    }
    let config = load(ServeArgs::default(), &[]).unwrap();
    assert_eq!(config.listen().to_string(), "127.0.0.1:7400");
    assert_eq!((config.engine(), config.log_format()), (EngineKind::Sled, LogFormat::Text));
    assert_eq!(config.port_file(), None);
    assert_eq!(config.watermark_dir(), config.data_dir());
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let (_dir, mut flags) = file("cache_mib = 100\nmax_streams = 100\ndrain_seconds = 100\n");
    flags.cache_mib = Some(300);
    let environment = [("STEWARD_CACHE_MIB", "200"), ("STEWARD_MAX_STREAMS", "200")];
    let config = load(flags, &environment).unwrap();
    assert_eq!(config.cache_bytes(), 300 << 20);
    assert_eq!(config.max_streams(), 200);
    assert_eq!(config.drain_timeout().as_secs(), 100);
    let shown = config.to_string();
    assert!(shown.contains("cache_mib = 300  # flag --cache-mib"), "{shown}");
    assert!(shown.contains("max_streams = 200  # environment STEWARD_MAX_STREAMS"), "{shown}");
    assert!(shown.contains("drain_seconds = 100  # file "), "{shown}");
}

#[test]
fn an_error_names_the_key_and_where_it_stands() {
    for (text, expected) in [
        ("cache_mb = 1", "there is no key `cache_mb`"),
        ("cache_mib = 1", "`cache_mib` is \"1\"; use a whole number from 8"),
        ("cache_mib = \"much\"", "`cache_mib` is \"much\"; use a whole number"),
        ("engine = \"paper\"", "`engine` is \"paper\"; use one of sled, memory"),
        ("listen = \"everywhere\"", "`listen` is \"everywhere\"; use an address with a port"),
        ("cors_origins = [1]", "`cors_origins` is [1]; use a list of texts"),
        ("listen = ", "cannot be read"),
    ] {
        let (_dir, flags) = file(text);
        let error = load(flags, &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.contains("steward.toml"), "{text}: {error}");
    }
    let error = load(ServeArgs::default(), &[("STEWARD_LOG_FORMAT", "xml")]).unwrap_err().to_string();
    assert_eq!(error, "environment STEWARD_LOG_FORMAT: `log_format` is \"xml\"; use one of text, json");
}

#[test]
fn other_machines_are_let_in_only_when_the_operator_says_so() {
    let open = [("STEWARD_LISTEN", "0.0.0.0:7400")];
    assert!(load(ServeArgs::default(), &open).unwrap_err().to_string().contains("insecure_no_auth"));
    let said = [("STEWARD_LISTEN", "0.0.0.0:7400"), ("STEWARD_INSECURE_NO_AUTH", "true")];
    assert!(load(ServeArgs::default(), &said).is_ok());
    assert!(load(ServeArgs::default(), &[("STEWARD_LISTEN", "[::1]:7400")]).is_ok());
}

#[test]
fn a_witness_policy_is_read_with_the_configuration_and_says_what_is_wrong_with_it() {
    const KEY: &str = "north.example/witness+ddac601a+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    assert_eq!(load(ServeArgs::default(), &[]).unwrap().witnesses(), None);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witnesses.policy");
    let name = path.to_str().unwrap();
    let environment = [("STEWARD_WITNESS_POLICY", name), ("STEWARD_WITNESS_SECONDS", "0")];
    for (text, expected) in [
        (None, "cannot be read"),
        (Some(format!("witness north {KEY} https://north.example")), "the policy has no quorum"),
        (Some(format!("witness north {KEY}\nquorum north\n")), "the witness north needs a URL"),
        (
            Some(format!("witness north {KEY} ftp://north.example\nquorum north\n")),
            "the witness north needs a URL",
        ),
    ] {
        text.iter().for_each(|text| std::fs::write(&path, text).unwrap());
        let error = load(ServeArgs::default(), &environment).unwrap_err().to_string();
        let place = format!("environment STEWARD_WITNESS_POLICY: `witness_policy` is {name}");
        assert!(error.starts_with(&place) && error.contains(expected), "{error}");
    }
    std::fs::write(&path, format!("witness north {KEY} https://north.example/w\nquorum north\n")).unwrap();
    let config = load(ServeArgs::default(), &environment).unwrap();
    assert_eq!(config.witnesses().unwrap().witnesses().len(), 1);
    assert_eq!(config.witness_period(), Duration::ZERO);
}
