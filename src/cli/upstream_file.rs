//! Files in which others keep the ends of rented models, and the records that
//! their entries mean. docs/upstream.md tells the same in words.

use std::collections::BTreeMap;

use clap::ValueEnum;
use prost_types::Timestamp;
use serde_json::{Map, Value};

use super::{argument::parse_time, error::Failure};
use crate::proto::v1::{Upstream, UpstreamReference};

/// How a file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// LiteLLM's model_prices_and_context_window.json
    Litellm,
    /// The answer of GET /v1/models
    Openai,
}

/// An entry that became no record of its own, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What the file calls it.
    pub entry: String,
    /// Why, in words.
    pub why: String,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Announced {
    /// Entries in the file.
    pub read: usize,
    /// Entries whose date became that of a record.
    pub mapped: usize,
    /// The records, each once, by their four parts.
    pub records: Vec<Upstream>,
    /// Entries with a date that could not be used.
    pub skipped: Vec<Skipped>,
    /// Entries that mean the same record as another and name a later date.
    pub outdone: Vec<Skipped>,
}

/// Collects records while a file is read.
#[derive(Default)]
struct Collected {
    announced: Announced,
    /// By provider, channel, region and model id; with the entry it came from.
    records: BTreeMap<[String; 4], (String, Upstream)>,
}

/// Years beyond these are no dates of models but other numbers.
const YEARS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

impl Collected {
    fn skip(&mut self, entry: &str, why: impl Into<String>) {
        self.announced.skipped.push(Skipped { entry: entry.to_owned(), why: why.into() });
    }

    /// Takes an entry with a date in. Of two that mean one record, the earlier
    /// date counts: what is planned by it is safe either way.
    fn take(&mut self, entry: &str, key: UpstreamReference, shutdown: Timestamp, source: &str) {
        if let Some(why) = unfit(&key) {
            return self.skip(entry, why);
        }
        self.announced.mapped += 1;
        let UpstreamReference { provider, model_id, channel, region } = key;
        let parts = [provider.clone(), channel.clone(), region.clone(), model_id.clone()];
        let record = Upstream {
            provider,
            model_id,
            channel,
            region,
            shutdown_time: Some(shutdown),
            source_uri: source.to_owned(),
            ..Upstream::default()
        };
        let rank = |record: &Upstream| {
            (record.shutdown_time.map_or(i64::MAX, |time| time.seconds), record.source_uri.is_empty())
        };
        let Some((first, other)) = self.records.get_mut(&parts) else {
            self.records.insert(parts, (entry.to_owned(), record));
            return;
        };
        let (earlier, later) = if rank(&record) < rank(other) {
            let later = (std::mem::replace(first, entry.to_owned()), std::mem::replace(other, record));
            (first.clone(), later)
        } else {
            (first.clone(), (entry.to_owned(), record))
        };
        if later.1.shutdown_time != other.shutdown_time {
            let why = format!("means the same model as {earlier}, which names an earlier date");
            self.announced.outdone.push(Skipped { entry: later.0, why });
        }
    }

    fn finish(self) -> Announced {
        let records = self.records.into_values().map(|(_, record)| record).collect();
        Announced { records, ..self.announced }
    }
}

/// Reads a file. Parts that it does not tell are taken from `place`.
pub fn read(format: FileFormat, text: &str, place: &UpstreamReference) -> Result<Announced, Failure> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Failure::Input(format!("This is not JSON: {error}.")))?;
    match (format, value) {
        (FileFormat::Litellm, Value::Object(entries)) => Ok(read_litellm(&entries)),
        (FileFormat::Openai, Value::Array(models)) => Ok(read_openai(&models, place)),
        (FileFormat::Openai, Value::Object(mut list)) => match list.remove("data") {
            Some(Value::Array(models)) => Ok(read_openai(&models, place)),
            _ => Err(wrong("an object whose `data` is a list of models")),
        },
        (FileFormat::Litellm, _) => Err(wrong("an object with an entry for each model")),
        (FileFormat::Openai, _) => Err(wrong("a list of models")),
    }
}

fn wrong(expected: &str) -> Failure {
    Failure::Input(format!("The file is not of this format: {expected} is expected."))
}

fn read_litellm(entries: &Map<String, Value>) -> Announced {
    let mut collected = Collected::default();
    for (entry, said) in entries {
        collected.announced.read += 1;
        let text = |field: &str| said.get(field).and_then(Value::as_str).unwrap_or_default();
        let date = match said.get("deprecation_date") {
            None | Some(Value::Null) => continue,
            Some(date) => date,
        };
        match (date.as_str().map(first_moment), text("litellm_provider")) {
            (None | Some(Err(_)), _) => {
                collected.skip(entry, format!("{date} is not a date such as 2026-03-01"))
            }
            (_, "") => collected.skip(entry, "has no litellm_provider"),
            (Some(Ok(shutdown)), provider) => {
                let source = Some(text("source")).filter(|source| is_web_address(source)).unwrap_or_default();
                collected.take(entry, litellm_model(provider, entry), shutdown, source);
            }
        }
    }
    collected.finish()
}

fn read_openai(models: &[Value], place: &UpstreamReference) -> Announced {
    let mut collected = Collected::default();
    for (index, model) in models.iter().enumerate() {
        collected.announced.read += 1;
        let id = model.get("id").and_then(Value::as_str).unwrap_or_default();
        let entry = if id.is_empty() { format!("data[{index}]") } else { id.to_owned() };
        let date = match model.get("shutdown_date") {
            None | Some(Value::Null) => continue,
            Some(date) => date,
        };
        let seconds = date.as_i64().filter(|seconds| YEARS.contains(seconds));
        let shutdown = match date.as_str() {
            Some(text) => parse_time(text).ok(),
            None => seconds.map(|seconds| Timestamp { seconds, nanos: 0 }),
        };
        match shutdown {
            _ if id.is_empty() => collected.skip(&entry, "has no id"),
            None => collected
                .skip(&entry, format!("{date} is neither a date such as 2026-03-01 nor seconds since 1970")),
            Some(shutdown) => {
                let key = UpstreamReference { model_id: id.to_owned(), ..place.clone() };
                collected.take(&entry, key, shutdown, "");
            }
        }
    }
    collected.finish()
}

/// The first moment of a day in UTC.
fn first_moment(date: &str) -> Result<Timestamp, String> {
    date.parse::<jiff::civil::Date>().map_err(|error| error.to_string())?;
    parse_time(date)
}

fn is_web_address(text: &str) -> bool {
    let behind = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    behind.is_some_and(|rest| !rest.is_empty())
        && text.chars().count() <= 2_048
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Why a server would not take these parts.
fn unfit(key: &UpstreamReference) -> Option<String> {
    let parts = [
        ("provider", &key.provider, 1, 128),
        ("model id", &key.model_id, 1, 250),
        ("channel", &key.channel, 0, 128),
        ("region", &key.region, 0, 128),
    ];
    let wrong = |(name, text, least, most): (&str, &String, usize, usize)| {
        let fits = (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        (!fits).then(|| format!("its {name} does not have {least}-{most} characters"))
    };
    parts.into_iter().find_map(wrong)
}

/// Where Azure runs a model, as LiteLLM writes it.
const AZURE_PLACES: [&str; 6] = ["us", "eu", "apac", "global", "global-standard", "us-gov"];

/// The model that an entry of LiteLLM means. Its keys mix the platform, the place,
/// the price class and the model's id; `provider` is its `litellm_provider`.
fn litellm_model(provider: &str, entry: &str) -> UpstreamReference {
    let platform = platform(provider);
    let is_platform = |segment: &&str| *segment != provider && *segment != platform;
    let mut segments: Vec<&str> = entry.split('/').collect();
    let id = segments.pop().unwrap_or_default();
    // What is left of the key once the platform and the price class are known.
    let mut path: Vec<&str> =
        segments.into_iter().filter(|segment| !is_price_class(segment)).filter(is_platform).collect();
    let has_region = match platform {
        "azure" => path.first().is_some_and(|segment| AZURE_PLACES.contains(segment)),
        "bedrock" => path.first().is_some_and(|segment| is_aws_region(segment)),
        _ => false,
    };
    let region = if has_region { path.remove(0) } else { "" };
    path.push(id);
    let (seller, channel) = seller(provider, platform, &path);
    UpstreamReference {
        provider: seller.to_owned(),
        model_id: path.join("/"),
        channel: channel.to_owned(),
        region: region.to_owned(),
    }
}

/// Several names of LiteLLM are one place to buy at.
fn platform(provider: &str) -> &str {
    match provider {
        "bedrock_converse" => "bedrock",
        "text-completion-openai" => "openai",
        _ if provider.starts_with("vertex_ai-") => "vertex_ai",
        _ => provider,
    }
}

/// Provider and channel. Where the platform sells the models of others and the
/// file tells whose, these are two; otherwise the platform is the provider.
fn seller<'a>(provider: &'a str, platform: &'a str, path: &[&'a str]) -> (&'a str, &'a str) {
    let maker = match platform {
        "azure" => Some("openai"),
        "gemini" => Some("google"),
        "vertex_ai" => {
            match provider.strip_prefix("vertex_ai-").and_then(|kind| kind.strip_suffix("_models")) {
                Some("llama") => Some("meta"),
                Some(maker) => Some(maker),
                // Google's own, unless a publisher stands before the id.
                None => (path.len() == 1).then_some("google"),
            }
        }
        "bedrock" | "bedrock_mantle" => path.first().and_then(|id| bedrock_maker(id)),
        _ => None,
    };
    maker.map_or((platform, ""), |maker| (maker, platform))
}

/// `anthropic` of `eu.anthropic.claude-…`: the word before the model, behind the
/// word for a profile over several regions.
fn bedrock_maker(id: &str) -> Option<&str> {
    const PROFILES: [&str; 7] = ["us", "us-gov", "eu", "apac", "au", "jp", "global"];
    let mut words = id.split('.');
    let first = words.next()?;
    let maker = if PROFILES.contains(&first) { words.next()? } else { first };
    let is_word = maker.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (words.next().is_some() && is_word && !maker.is_empty()).then_some(maker)
}

/// Quality, size or steps of an image: another price of the same model.
fn is_price_class(segment: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_size = segment
        .split_once("-x-")
        .is_some_and(|(w, h)| [w, h].into_iter().all(|side| is_number(side) || side == "max"));
    let is_steps = segment.strip_suffix("-steps").is_some_and(|steps| is_number(steps) || steps == "max");
    is_size || is_steps || ["low", "medium", "high", "standard", "hd"].contains(&segment)
}

/// Such as `eu-west-1` and `us-gov-east-1`.
fn is_aws_region(segment: &str) -> bool {
    let words: Vec<&str> = segment.split('-').collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    match words.split_last() {
        Some((number, words)) if words.len() >= 2 => {
            words.iter().all(is_word) && words[0].len() == 2 && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
