//! Ids and resource names. A name that exists is well formed.

mod id;
mod person;
mod retraining;
mod subscription;
mod upstream;

pub use self::{
    id::{
        AliasId, ConsumerId, EvaluationId, IncidentId, ModelId, MonitorId, NamespaceId, PolicyId, ProposalId,
        RetrainingId, SubscriptionId, VersionLabel,
    },
    person::PersonName,
    retraining::RetrainingName,
    subscription::SubscriptionName,
    upstream::UpstreamName,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// Everything but RFC 3986's unreserved characters is encoded in a name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a text is not an id or a name; a sentence that says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(pub String);

/// A long text is cut in an error.
fn shown(text: &str) -> String {
    let head: String = text.chars().take(60).collect();
    if head.len() < text.len() { format!("{head:?}…") } else { format!("{head:?}") }
}

/// The number of a version: 1, 2, 3 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(u32);

impl VersionNumber {
    /// A number from 1 to 4,294,967,295.
    pub fn new(number: i64) -> Result<Self, NameError> {
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(NameError(format!("{number} is not a version number: use 1 to {}", u32::MAX))),
        }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn singular(collection: &str) -> String {
    match collection {
        "aliases" => "alias".to_owned(),
        "policies" => "policy".to_owned(),
        other => other.strip_suffix('s').unwrap_or(other).to_owned(),
    }
}

/// Splits `collection/id/collection/id/…` and decodes the ids.
fn segments<'t, const N: usize>(
    text: &'t str,
    collections: [&str; N],
) -> Result<[Cow<'t, str>; N], NameError> {
    let pattern = || {
        let parts: Vec<String> = collections.iter().map(|c| format!("{c}/{{{}}}", singular(c))).collect();
        NameError(format!("{} is not a name of the form {}", shown(text), parts.join("/")))
    };
    let parts: Vec<&str> = text.split('/').collect();
    if parts.len() != 2 * N {
        return Err(pattern());
    }
    let mut ids = [const { Cow::Borrowed("") }; N];
    for (index, collection) in collections.iter().enumerate() {
        if parts[2 * index] != *collection {
            return Err(pattern());
        }
        ids[index] = decode(parts[2 * index + 1])?;
    }
    Ok(ids)
}

/// Decodes one segment. Characters that a name encodes may also stand as they
/// are, but a broken escape is refused rather than guessed at.
fn decode(segment: &str) -> Result<Cow<'_, str>, NameError> {
    let broken = || NameError(format!("{} is not percent-encoded UTF-8", shown(segment)));
    let bytes = segment.as_bytes();
    for (index, _) in segment.match_indices('%') {
        let digits = bytes.get(index + 1..index + 3).ok_or_else(broken)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(broken());
        }
    }
    percent_decode_str(segment).decode_utf8().map_err(|_| broken())
}

/// Gives a name its text form, parser and serde through that text.
macro_rules! name {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// `namespaces/{namespace}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceName(pub NamespaceId);

/// `namespaces/{namespace}/models/{model}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    /// The tenant.
    pub namespace: NamespaceId,
    /// The model.
    pub model: ModelId,
}

/// `namespaces/{namespace}/models/{model}/versions/{version}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionName {
    /// The model.
    pub model: ModelName,
    /// The number.
    pub number: VersionNumber,
}

/// `namespaces/{namespace}/models/{model}/aliases/{alias}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName {
    /// The model.
    pub model: ModelName,
    /// The alias.
    pub alias: AliasId,
}

/// `namespaces/{namespace}/models/{model}/versions/{version}/evaluations/{evaluation}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvaluationName {
    /// The version.
    pub version: VersionName,
    /// The evaluation.
    pub evaluation: EvaluationId,
}

/// `namespaces/{namespace}/policies/{policy}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// The tenant.
    pub namespace: NamespaceId,
    /// The policy.
    pub policy: PolicyId,
}

/// `namespaces/{namespace}/models/{model}/versions/{version}/proposals/{proposal}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalName {
    /// The version.
    pub version: VersionName,
    /// The proposal.
    pub proposal: ProposalId,
}

/// `namespaces/{namespace}/models/{model}/versions/{version}/monitors/{monitor}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorName {
    /// The version.
    pub version: VersionName,
    /// The monitor.
    pub monitor: MonitorId,
}

/// `namespaces/{namespace}/models/{model}/incidents/{incident}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentName {
    /// The model.
    pub model: ModelName,
    /// The incident.
    pub incident: IncidentId,
}

/// `namespaces/{namespace}/models/{model}/consumers/{consumer}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName {
    /// The model.
    pub model: ModelName,
    /// The program.
    pub consumer: ConsumerId,
}

name!(PolicyName);
name!(ProposalName);
name!(MonitorName);
name!(IncidentName);
name!(ConsumerName);
name!(RetrainingName);
name!(SubscriptionName);
name!(UpstreamName);
name!(PersonName);
name!(NamespaceName);
name!(ModelName);
name!(VersionName);
name!(AliasName);
name!(EvaluationName);

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespaces/{}", self.0)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = utf8_percent_encode(self.model.as_str(), ENCODED);
        write!(f, "namespaces/{}/models/{model}", self.namespace)
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/versions/{}", self.model, self.number)
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/aliases/{}", self.model, self.alias)
    }
}

impl fmt::Display for EvaluationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/evaluations/{}", self.version, self.evaluation)
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespaces/{}/policies/{}", self.namespace, self.policy)
    }
}

impl fmt::Display for ProposalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/proposals/{}", self.version, self.proposal)
    }
}

impl fmt::Display for MonitorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/monitors/{}", self.version, self.monitor)
    }
}

impl fmt::Display for IncidentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/incidents/{}", self.model, self.incident)
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/consumers/{}", self.model, utf8_percent_encode(self.consumer.as_str(), ENCODED))
    }
}

impl FromStr for NamespaceName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace] = segments(text, ["namespaces"])?;
        Ok(Self(NamespaceId::new(&namespace)?))
    }
}

impl FromStr for ModelName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model] = segments(text, ["namespaces", "models"])?;
        model_name(&namespace, &model)
    }
}

impl FromStr for VersionName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, version] = segments(text, ["namespaces", "models", "versions"])?;
        version_name(&namespace, &model, &version)
    }
}

impl FromStr for AliasName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, alias] = segments(text, ["namespaces", "models", "aliases"])?;
        Ok(Self { model: model_name(&namespace, &model)?, alias: AliasId::new(&alias)? })
    }
}

impl FromStr for PolicyName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, policy] = segments(text, ["namespaces", "policies"])?;
        Ok(Self { namespace: NamespaceId::new(&namespace)?, policy: PolicyId::new(&policy)? })
    }
}

impl FromStr for ProposalName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, version, proposal] =
            segments(text, ["namespaces", "models", "versions", "proposals"])?;
        let version = version_name(&namespace, &model, &version)?;
        Ok(Self { version, proposal: ProposalId::new(&proposal)? })
    }
}

impl FromStr for MonitorName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, version, monitor] =
            segments(text, ["namespaces", "models", "versions", "monitors"])?;
        let version = version_name(&namespace, &model, &version)?;
        Ok(Self { version, monitor: MonitorId::new(&monitor)? })
    }
}

impl FromStr for IncidentName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, incident] = segments(text, ["namespaces", "models", "incidents"])?;
        Ok(Self { model: model_name(&namespace, &model)?, incident: IncidentId::new(&incident)? })
    }
}

impl FromStr for ConsumerName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, consumer] = segments(text, ["namespaces", "models", "consumers"])?;
        Ok(Self { model: model_name(&namespace, &model)?, consumer: ConsumerId::new(&consumer)? })
    }
}

impl FromStr for EvaluationName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, version, evaluation] =
            segments(text, ["namespaces", "models", "versions", "evaluations"])?;
        let version = version_name(&namespace, &model, &version)?;
        Ok(Self { version, evaluation: EvaluationId::new(&evaluation)? })
    }
}

/// The number is written in one way only, so that a version has one name.
fn version_name(namespace: &str, model: &str, version: &str) -> Result<VersionName, NameError> {
    let digits = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
    let number = version.parse().ok().filter(|_| digits).ok_or_else(|| {
        NameError(format!("{} is not a version number: use 1, 2, 3 … without leading zeros", shown(version)))
    })?;
    Ok(VersionName { model: model_name(namespace, model)?, number: VersionNumber::new(number)? })
}

fn model_name(namespace: &str, model: &str) -> Result<ModelName, NameError> {
    Ok(ModelName { namespace: NamespaceId::new(namespace)?, model: ModelId::new(model)? })
}

#[cfg(test)]
mod tests;
