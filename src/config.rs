//! The configuration: flags over environment over file over defaults. Every
//! value knows where it came from, and every error names its key.

mod key;

pub use key::{KEYS, Key};

use crate::{
    audit::policy::{Party, Policy},
    cli::serve::{EngineKind, LogFormat, ServeArgs},
    outbound::webhook::Rules,
};
use key::Value;
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A key that does not exist.
    #[error("{origin}: there is no key `{key}`; the keys are {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The keys that exist.
        known: String,
    },
    /// A value that is not allowed.
    #[error("{origin}: `{key}` {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// Where the value stands.
        origin: Origin,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// Values that are not allowed together.
    #[error(
        "`listen` is {0}, which other machines can reach, but nobody has to log in yet: use a loopback address such \
         as 127.0.0.1:7400, or give `insecure_no_auth` (--insecure-no-auth) if everybody who reaches the port may \
         read and change everything"
    )]
    Exposed(SocketAddr),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    values: BTreeMap<&'static str, (Value, Origin)>,
    witnesses: Option<Policy>,
}

impl Config {
    /// Reads the layers and checks them. `environment` gives the value of a
    /// variable.
    pub fn load(
        flags: &ServeArgs,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            values.insert(key.name, (key.default_value(), Origin::Default));
        }
        let file = flags.config.clone().or_else(|| environment("STEWARD_CONFIG").map(PathBuf::from));
        if let Some(path) = file {
            values.extend(read_file(&path)?);
        }
        for key in KEYS {
            let name = format!("STEWARD_{}", key.name.to_uppercase());
            if let Some(text) = environment(&name) {
                values.insert(key.name, key.read_text(&text, Origin::Environment(name))?);
            }
        }
        for (name, text) in flag_texts(flags) {
            if let Some(key) = KEYS.iter().find(|key| key.name == name) {
                let flag = format!("--{}", name.replace('_', "-"));
                values.insert(key.name, key.read_text(&text, Origin::Flag(flag))?);
            }
        }
        let mut config = Config { values, witnesses: None };
        config.require_closed()?;
        config.witnesses = config.read_witnesses()?;
        Ok(config)
    }

    /// Until there is access control, only this machine may connect, unless the
    /// operator says otherwise.
    fn require_closed(&self) -> Result<(), ConfigError> {
        let listen = self.listen();
        match listen.ip().is_loopback() || self.insecure_no_auth() {
            true => Ok(()),
            false => Err(ConfigError::Exposed(listen)),
        }
    }

    /// The policy in the file that `witness_policy` names.
    fn read_witnesses(&self) -> Result<Option<Policy>, ConfigError> {
        let (key, path) = ("witness_policy", self.text("witness_policy"));
        if path.is_empty() {
            return Ok(None);
        }
        let origin = self.values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone());
        let wrong = |problem: String| ConfigError::Value { key, origin: origin.clone(), problem };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| wrong(format!("is {path}, which cannot be read: {error}")))?;
        let policy: Policy = text.parse().map_err(|error| wrong(format!("is {path}; {error}")))?;
        let is_reachable = |witness: &&Party| {
            let uri = witness.url.as_deref().and_then(|url| url.parse::<http::Uri>().ok());
            uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        };
        match policy.witnesses().iter().find(|witness| !is_reachable(witness)) {
            Some(Party { name, .. }) => Err(wrong(format!(
                "is {path}; the witness {name} needs a URL behind its key, such as https://witness.example"
            ))),
            None => Ok(Some(policy)),
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|(value, _)| value)
    }

    fn count(&self, key: &str) -> usize {
        match self.value(key) {
            Some(Value::Count(count)) => usize::try_from(*count).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    fn text(&self, key: &str) -> &str {
        match self.value(key) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// Address and port to listen on.
    pub fn listen(&self) -> SocketAddr {
        match self.value("listen") {
            Some(Value::Address(address)) => *address,
            _ => SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }

    /// Directory that holds the data.
    pub fn data_dir(&self) -> PathBuf {
        PathBuf::from(self.text("data_dir"))
    }

    /// Directory that holds the watermark.
    pub fn watermark_dir(&self) -> PathBuf {
        match self.text("watermark_dir") {
            "" => self.data_dir(),
            dir => PathBuf::from(dir),
        }
    }

    /// Directory that holds the keys that sign checkpoints.
    pub fn key_dir(&self) -> PathBuf {
        match self.text("key_dir") {
            "" => self.data_dir().join("keys"),
            dir => PathBuf::from(dir),
        }
    }

    /// Who has to cosign checkpoints.
    pub fn witnesses(&self) -> Option<&Policy> {
        self.witnesses.as_ref()
    }

    /// How long a log that grows waits before it is taken to its witnesses again.
    pub fn witness_period(&self) -> Duration {
        Duration::from_secs(self.count("witness_seconds") as u64)
    }

    /// How the data is kept.
    pub fn engine(&self) -> EngineKind {
        match self.text("engine") {
            "memory" => EngineKind::Memory,
            _ => EngineKind::Sled,
        }
    }

    /// Whether this process makes events of what the clock does.
    pub fn scheduler(&self) -> bool {
        matches!(self.value("scheduler"), Some(Value::Flag(true)))
    }

    /// Whether other machines may connect although nobody has to log in.
    pub fn insecure_no_auth(&self) -> bool {
        matches!(self.value("insecure_no_auth"), Some(Value::Flag(true)))
    }

    /// How log lines are written.
    pub fn log_format(&self) -> LogFormat {
        match self.text("log_format") {
            "json" => LogFormat::Json,
            _ => LogFormat::Text,
        }
    }

    /// What is logged.
    pub fn log_filter(&self) -> &str {
        self.text("log_filter")
    }

    /// Bytes of the store's cache.
    pub fn cache_bytes(&self) -> u64 {
        (self.count("cache_mib") as u64) << 20
    }

    /// Most open connections.
    pub fn max_connections(&self) -> usize {
        self.count("max_connections")
    }

    /// Most calls in progress.
    pub fn max_concurrent_requests(&self) -> usize {
        self.count("max_concurrent_requests")
    }

    /// Most streams.
    pub fn max_streams(&self) -> usize {
        self.count("max_streams")
    }

    /// Longest that a call may take.
    pub fn max_deadline(&self) -> Duration {
        Duration::from_secs(self.count("max_deadline_seconds") as u64)
    }

    /// How long a shutdown may take.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.count("drain_seconds") as u64)
    }

    /// Origins whose pages may call.
    pub fn cors_origins(&self) -> Vec<String> {
        match self.value("cors_origins") {
            Some(Value::Texts(origins)) => origins.clone(),
            _ => Vec::new(),
        }
    }

    /// To whom webhooks may be sent.
    pub fn webhook_rules(&self) -> Rules {
        Rules {
            allow_http: matches!(self.value("webhook_allow_http"), Some(Value::Flag(true))),
            allow_private: matches!(self.value("webhook_allow_private"), Some(Value::Flag(true))),
            timeout: Duration::from_secs(self.count("webhook_timeout_seconds") as u64),
        }
    }

    /// File that gets the address once the server is ready.
    pub fn port_file(&self) -> Option<PathBuf> {
        Some(self.text("port_file")).filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

impl fmt::Display for Config {
    /// As a TOML file that would give the same, with the origin of each value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in KEYS {
            if let Some((value, origin)) = self.values.get(key.name) {
                writeln!(f, "# {}\n{} = {value}  # {origin}\n", key.help, key.name)?;
            }
        }
        Ok(())
    }
}

type Layer = BTreeMap<&'static str, (Value, Origin)>;

fn read_file(path: &Path) -> Result<Layer, ConfigError> {
    let unreadable = |cause: String| ConfigError::File { path: path.to_owned(), cause };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| unreadable(error.to_string()))?;
    let mut layer = Layer::new();
    for (name, value) in table {
        let origin = Origin::File(path.to_owned());
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let known = KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
            return Err(ConfigError::UnknownKey { key: name, origin, known });
        };
        layer.insert(key.name, key.read_toml(&value, origin)?);
    }
    Ok(layer)
}

/// The flags that were given, as texts, by key.
fn flag_texts(flags: &ServeArgs) -> Vec<(&'static str, String)> {
    use clap::ValueEnum;
    let ServeArgs {
        config: _,
        listen,
        data_dir,
        engine,
        insecure_no_auth,
        scheduler,
        log_format,
        log_filter,
        cache_mib,
        port_file,
    } = flags;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let word = |value: Option<clap::builder::PossibleValue>| value.map(|v| v.get_name().to_owned());
    let texts = [
        ("listen", listen.map(|address| address.to_string())),
        ("data_dir", data_dir.as_ref().map(path)),
        ("engine", engine.and_then(|engine| word(engine.to_possible_value()))),
        ("insecure_no_auth", insecure_no_auth.map(|flag| flag.to_string())),
        ("scheduler", scheduler.map(|flag| flag.to_string())),
        ("log_format", log_format.and_then(|format| word(format.to_possible_value()))),
        ("log_filter", log_filter.clone()),
        ("cache_mib", cache_mib.map(|mib| mib.to_string())),
        ("port_file", port_file.as_ref().map(path)),
    ];
    texts.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
}

#[cfg(test)]
mod tests;
