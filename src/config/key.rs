//! The keys of the configuration: what each is for, its type, its default.

use super::{ConfigError, Origin};
use std::{fmt, net::SocketAddr};

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As in the file; in capitals behind `STEWARD_` in the environment.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    kind: Kind,
    default: &'static str,
}

#[derive(Debug)]
enum Kind {
    Address,
    Text,
    Texts,
    Flag,
    Word(&'static [&'static str]),
    Count(u64, u64),
}

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, help, kind, default }
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("listen", Kind::Address, "127.0.0.1:7400", "Address and port to listen on."),
    key("data_dir", Kind::Text, "steward-data", "Directory that holds the data."),
    key(
        "watermark_dir",
        Kind::Text,
        "",
        "Directory that holds watermark.json and the newest signed checkpoint of each log: best on another disk \
         than the data; empty means with the data.",
    ),
    key(
        "key_dir",
        Kind::Text,
        "",
        "Directory that holds the secret keys that sign checkpoints; empty means `keys` in that of the data.",
    ),
    key(
        "witness_policy",
        Kind::Text,
        "",
        "File with the witnesses that have to cosign checkpoints (C2SP tlog-policy); empty means none.",
    ),
    key(
        "witness_seconds",
        Kind::Count(0, 3_600),
        "10",
        "How long a log that grows waits before it is taken to its witnesses again.",
    ),
    key("engine", Kind::Word(&["sled", "memory"]), "sled", "How the data is kept: sled (on disk) or memory."),
    key("cache_mib", Kind::Count(8, 1 << 20), "256", "Memory for the store's cache in MiB."),
    key("insecure_no_auth", Kind::Flag, "false", "Listen beyond this machine although nobody has to log in."),
    key(
        "scheduler",
        Kind::Flag,
        "true",
        "Whether this process makes events of what the clock does; without, sunsets hold all the same.",
    ),
    key("max_connections", Kind::Count(1, 1 << 20), "10000", "Most open connections; more wait."),
    key(
        "max_concurrent_requests",
        Kind::Count(1, 1 << 20),
        "1024",
        "Most calls in progress; more are refused.",
    ),
    key("max_streams", Kind::Count(1, 1 << 20), "4096", "Most streams in progress; more are refused."),
    key(
        "max_deadline_seconds",
        Kind::Count(1, 3_600),
        "30",
        "Longest that a call may take, streams not counted.",
    ),
    key("drain_seconds", Kind::Count(0, 3_600), "30", "How long a shutdown waits for calls in progress."),
    key(
        "cors_origins",
        Kind::Texts,
        "",
        "Origins of web pages that may call, such as https://console.example.org.",
    ),
    key("webhook_allow_http", Kind::Flag, "false", "Whether webhooks may be sent without TLS."),
    key(
        "webhook_allow_private",
        Kind::Flag,
        "false",
        "Whether webhooks may be sent to addresses that are not public: this machine, its network, metadata of a cloud.",
    ),
    key(
        "webhook_timeout_seconds",
        Kind::Count(1, 60),
        "20",
        "How long the receiver of a webhook may take to answer.",
    ),
    key("log_format", Kind::Word(&["text", "json"]), "text", "How log lines are written: text or json."),
    key("log_filter", Kind::Text, "info", "What is logged, such as info or steward_registry=debug."),
    key("port_file", Kind::Text, "", "File that gets the address and port once the server is ready."),
];

/// A value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An address with a port.
    Address(SocketAddr),
    /// A text.
    Text(String),
    /// Some texts.
    Texts(Vec<String>),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Count(u64),
}

impl fmt::Display for Value {
    /// As in a TOML file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Address(address) => write!(f, "\"{address}\""),
            Value::Text(text) => toml::Value::from(text.as_str()).fmt(f),
            Value::Texts(texts) => toml::Value::from(texts.clone()).fmt(f),
            Value::Flag(flag) => flag.fmt(f),
            Value::Count(count) => count.fmt(f),
        }
    }
}

impl Key {
    /// The value when nobody sets it. The tests read every default.
    pub(super) fn default_value(&self) -> Value {
        self.read(self.default).unwrap_or_else(|_| Value::Text(self.default.to_owned()))
    }

    /// A value from a flag or an environment variable; texts are joined by commas.
    pub(super) fn read_text(&self, text: &str, origin: Origin) -> Result<(Value, Origin), ConfigError> {
        match self.read(text) {
            Ok(value) => Ok((value, origin)),
            Err(problem) => Err(ConfigError::Value { key: self.name, origin, problem }),
        }
    }

    /// A value from a file, which has types of its own.
    pub(super) fn read_toml(
        &self,
        value: &toml::Value,
        origin: Origin,
    ) -> Result<(Value, Origin), ConfigError> {
        let text = match (value, &self.kind) {
            (toml::Value::String(text), Kind::Address | Kind::Text | Kind::Word(_)) => Some(text.clone()),
            (toml::Value::Integer(number), Kind::Count(..)) => Some(number.to_string()),
            (toml::Value::Boolean(flag), Kind::Flag) => Some(flag.to_string()),
            (toml::Value::Array(texts), Kind::Texts) => {
                let texts: Option<Vec<&str>> = texts.iter().map(toml::Value::as_str).collect();
                texts.map(|texts| texts.join(","))
            }
            _ => None,
        };
        match text {
            Some(text) => self.read_text(&text, origin),
            None => {
                let problem = format!("is {value}; {}", self.allowed());
                Err(ConfigError::Value { key: self.name, origin, problem })
            }
        }
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        let value = match &self.kind {
            Kind::Address => text.parse().ok().map(Value::Address),
            Kind::Text => Some(Value::Text(text.to_owned())),
            Kind::Texts => {
                let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
                Some(Value::Texts(texts.map(str::to_owned).collect()))
            }
            Kind::Flag => text.parse().ok().map(Value::Flag),
            Kind::Word(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Kind::Count(min, max) => text.parse().ok().filter(|n| (min..=max).contains(&n)).map(Value::Count),
        };
        value.ok_or_else(|| format!("is {text:?}; {}", self.allowed()))
    }

    fn allowed(&self) -> String {
        match &self.kind {
            Kind::Address => "use an address with a port, such as 127.0.0.1:7400".to_owned(),
            Kind::Text => "use a text".to_owned(),
            Kind::Texts => "use a list of texts".to_owned(),
            Kind::Flag => "use true or false".to_owned(),
            Kind::Word(words) => format!("use one of {}", words.join(", ")),
            Kind::Count(min, max) => format!("use a whole number from {min} to {max}"),
        }
    }
}
