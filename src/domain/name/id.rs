//! Ids: texts that passed the rule of their kind.

use super::{NameError, shown};
use serde::{Serialize, Serializer};
use std::{fmt, sync::Arc};

/// Defines an id: a shared text that passed its rule.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an id, not percent-encoded.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let rule: fn(&str) -> bool = $rule;
                if rule(text) {
                    Ok(Self(text.into()))
                } else if text.is_empty() {
                    Err(NameError(format!("is required: {}", $allowed)))
                } else {
                    Err(NameError(format!("{} is not allowed: {}", shown(text), $allowed)))
                }
            }

            /// The id as it is.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

fn slug(text: &str, max: usize, extra: &str, letter_first: bool) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c);
    (1..=max).contains(&text.len())
        && text.chars().all(fits)
        && (!letter_first || text.starts_with(|c: char| c.is_ascii_lowercase()))
        && !matches!(text, "." | "..")
}

/// Other registries' names must fit in, so a model id is wide.
fn wide(text: &str, max: usize) -> bool {
    let fits = |c: char| c.is_alphanumeric() || " ._-+:@()".contains(c);
    (1..=max).contains(&text.chars().count())
        && text.chars().all(fits)
        && text.trim() == text
        && !matches!(text, "." | "..")
}

id!(
    /// A tenant, such as `default`.
    NamespaceId,
    |t| slug(t, 63, "-", true),
    "use 1-63 lower-case ASCII letters, digits and `-`, beginning with a letter"
);
id!(
    /// A model, such as `donor chatbot (EU)`.
    ModelId,
    |t| wide(t, 250),
    "use 1-250 Unicode letters and digits, spaces inside, and `._-+:@()`"
);
id!(
    /// A pointer to a version, such as `production`.
    AliasId,
    |t| slug(t, 63, "-_.", true),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`, beginning with a letter"
);
id!(
    /// An evaluation, a UUID unless the caller chose another.
    EvaluationId,
    |t| slug(t, 63, "-_.", false),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`"
);
id!(
    /// A program that uses models.
    ConsumerId,
    |t| wide(t, 250),
    "use 1-250 Unicode letters and digits, spaces inside, and `._-+:@()`"
);
id!(
    /// A version's own name; never only digits, so that it cannot be taken for a number.
    VersionLabel,
    |t| wide(t, 128) && !t.chars().all(|c| c.is_ascii_digit()),
    "use 1-128 Unicode letters and digits, spaces inside, and `._-+:@()`, not only digits"
);
id!(
    /// A policy, such as `standard`.
    PolicyId,
    |t| slug(t, 63, "-_.", true),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`, beginning with a letter"
);
id!(
    /// A durable subscription, such as `retraining`.
    SubscriptionId,
    |t| slug(t, 63, "-_.", true),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`, beginning with a letter"
);
id!(
    /// A proposal, a UUID unless the caller chose another.
    ProposalId,
    |t| slug(t, 63, "-_.", false),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`"
);
id!(
    /// A retraining: the subscription and the position that triggered it, or what its author
    /// chose. Both have to fit in.
    RetrainingId,
    |t| slug(t, 84, "-_.", false),
    "use 1-84 lower-case ASCII letters, digits, `-`, `_` and `.`"
);
id!(
    /// A monitor: 16 hexadecimal digits that follow from its series.
    MonitorId,
    |t| slug(t, 63, "-_.", false),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`"
);
id!(
    /// An incident, such as `inc-2026-014`.
    IncidentId,
    |t| slug(t, 63, "-_.", false),
    "use 1-63 lower-case ASCII letters, digits, `-`, `_` and `.`"
);
