//! A proposed step as the contract writes it: one field, named after the step.

use crate::domain::{
    lifecycle::{Successor, transition::Verb},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

/// What can be proposed, in the shape of the contract.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Approve {
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        gates_overridden: bool,
    },
    Deprecate {
        sunset_time: Timestamp,
        #[serde(flatten)]
        successor: Successor,
    },
    ExtendSunsetTime(Timestamp),
    ShortenSunsetTime(Timestamp),
    EmergencyRetire {
        #[serde(flatten)]
        successor: Successor,
    },
    RestoreUntilTime(Timestamp),
    Release {},
    Reinstate {},
}

/// Writes a step; other verbs take one person and are never proposed.
pub fn serialize<S: Serializer>(verb: &Verb, serializer: S) -> Result<S::Ok, S::Error> {
    let step = match verb.clone() {
        Verb::Approve { gates_overridden } => Step::Approve { gates_overridden },
        Verb::Deprecate { sunset_time, successor } => Step::Deprecate { sunset_time, successor },
        Verb::ExtendSunset { sunset_time } => Step::ExtendSunsetTime(sunset_time),
        Verb::ShortenSunset { sunset_time } => Step::ShortenSunsetTime(sunset_time),
        Verb::EmergencyRetire { successor } => Step::EmergencyRetire { successor },
        Verb::Restore { until_time } => Step::RestoreUntilTime(until_time),
        Verb::Release => Step::Release {},
        Verb::Reinstate => Step::Reinstate {},
        Verb::Submit | Verb::Reject | Verb::Retire | Verb::Archive | Verb::Hold => {
            return Err(S::Error::custom(format!("nobody proposes to {} a version", verb.word())));
        }
    };
    step.serialize(serializer)
}

/// Reads a step.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verb, D::Error> {
    Ok(match Step::deserialize(deserializer)? {
        Step::Approve { gates_overridden } => Verb::Approve { gates_overridden },
        Step::Deprecate { sunset_time, successor } => Verb::Deprecate { sunset_time, successor },
        Step::ExtendSunsetTime(sunset_time) => Verb::ExtendSunset { sunset_time },
        Step::ShortenSunsetTime(sunset_time) => Verb::ShortenSunset { sunset_time },
        Step::EmergencyRetire { successor } => Verb::EmergencyRetire { successor },
        Step::RestoreUntilTime(until_time) => Verb::Restore { until_time },
        Step::Release {} => Verb::Release,
        Step::Reinstate {} => Verb::Reinstate,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::proposal::ProposalContent;

    #[test]
    fn every_step_is_one_field_of_the_contract_and_reads_back() {
        let time = Timestamp::from_micros(0).unwrap();
        let two: crate::domain::name::VersionName = "namespaces/d/models/m/versions/2".parse().unwrap();
        let replaced = || Successor::Replacement(two.clone());
        let none = || Successor::NoReplacementReason("the service ends".to_owned());
        let then = "\"1970-01-01T00:00:00Z\"";
        let steps = [
            (Verb::Approve { gates_overridden: false }, r#""approve":{}"#.to_owned()),
            (Verb::Approve { gates_overridden: true }, r#""approve":{"gates_overridden":true}"#.to_owned()),
            (
                Verb::Deprecate { sunset_time: time, successor: replaced() },
                format!(r#""deprecate":{{"sunset_time":{then},"replacement":"{two}"}}"#),
            ),
            (Verb::ExtendSunset { sunset_time: time }, format!(r#""extend_sunset_time":{then}"#)),
            (Verb::ShortenSunset { sunset_time: time }, format!(r#""shorten_sunset_time":{then}"#)),
            (
                Verb::EmergencyRetire { successor: none() },
                r#""emergency_retire":{"no_replacement_reason":"the service ends"}"#.to_owned(),
            ),
            (Verb::Restore { until_time: time }, format!(r#""restore_until_time":{then}"#)),
            (Verb::Release, r#""release":{}"#.to_owned()),
            (Verb::Reinstate, r#""reinstate":{}"#.to_owned()),
        ];
        for (verb, json) in steps {
            let content = ProposalContent { verb, reason: "r".to_owned(), incident: None };
            let text = serde_json::to_string(&content).unwrap();
            assert_eq!(text, format!(r#"{{{json},"reason":"r"}}"#));
            assert_eq!(serde_json::from_str::<ProposalContent>(&text).unwrap(), content);
        }
    }

    #[test]
    fn what_takes_one_person_is_never_written_as_a_proposal() {
        for verb in [Verb::Submit, Verb::Reject, Verb::Retire, Verb::Archive, Verb::Hold] {
            let content = ProposalContent { verb, reason: "r".to_owned(), incident: None };
            assert!(serde_json::to_string(&content).unwrap_err().to_string().contains("nobody proposes"));
        }
    }
}
