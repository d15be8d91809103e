//! Resource names: built from short ids, taken apart for display. A full name
//! (`namespaces/…`) is accepted wherever a short id is.

use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::Failure;

/// Everything but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A model on the command line.
#[derive(Args, Debug, Clone)]
pub struct ModelRef {
    /// The model: its id, or its full name (`namespaces/…/models/…`)
    #[arg(value_name = "MODEL")]
    pub model: String,
}

/// A version on the command line.
#[derive(Args, Debug, Clone)]
pub struct VersionRef {
    /// The model's id; or MODEL/NUMBER; or the full name of the version
    #[arg(value_name = "MODEL")]
    pub model: String,

    /// The number of the version: 1, 2, 3 …
    #[arg(value_name = "NUMBER")]
    pub number: Option<u64>,
}

/// An alias on the command line.
#[derive(Args, Debug, Clone)]
pub struct AliasRef {
    /// The model's id, or the full name of the alias
    #[arg(value_name = "MODEL")]
    pub model: String,

    /// The alias, such as `production`
    #[arg(value_name = "ALIAS")]
    pub alias: Option<String>,
}

/// The id as one segment of a resource name.
pub fn encode(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// The full name of a namespace from its id or full name.
pub fn namespace(given: &str) -> Result<String, Failure> {
    full(given, &["namespaces"]).unwrap_or_else(|| Ok(format!("namespaces/{}", encode(given))))
}

/// The full name of a model; `parent` is the full name of the namespace.
pub fn model(parent: &str, given: &str) -> Result<String, Failure> {
    full(given, &["namespaces", "models"]).unwrap_or_else(|| Ok(format!("{parent}/models/{}", encode(given))))
}

/// The full name of a version; `parent` is the full name of the namespace.
pub fn version(parent: &str, given: &VersionRef) -> Result<String, Failure> {
    match given.number {
        Some(number) => Ok(format!("{}/versions/{number}", model(parent, &given.model)?)),
        None => version_in_one(parent, &given.model),
    }
}

/// The full name of a version from `MODEL/NUMBER` or a full name.
pub fn version_in_one(parent: &str, given: &str) -> Result<String, Failure> {
    if let Some(full) = full(given, &["namespaces", "models", "versions"]) {
        return full;
    }
    match given.rsplit_once('/').map(|(model, number)| (model, number.parse::<u64>())) {
        Some((id, Ok(number))) => Ok(format!("{}/versions/{number}", model(parent, id)?)),
        _ => Err(Failure::Usage(format!(
            "Which version of {given} is meant? Add its number, as in `{given} 2` or `{given}/2`."
        ))),
    }
}

/// The full name of a version of `model` (a full name) from its number alone,
/// `MODEL/NUMBER` or a full name.
pub fn version_of(parent: &str, model: &str, given: &str) -> Result<String, Failure> {
    match given.parse::<u64>() {
        Ok(number) => Ok(format!("{model}/versions/{number}")),
        Err(_) => version_in_one(parent, given),
    }
}

/// The full name of an alias; `parent` is the full name of the namespace.
pub fn alias(parent: &str, given: &AliasRef) -> Result<String, Failure> {
    match &given.alias {
        Some(alias) => alias_of(parent, &given.model, alias),
        None => full(&given.model, &["namespaces", "models", "aliases"]).unwrap_or_else(|| {
            Err(Failure::Usage(format!(
                "Which alias of {0} is meant? Add it, as in `{0} production`.",
                given.model
            )))
        }),
    }
}

/// The full name of an alias of the model that `given` means.
pub fn alias_of(parent: &str, given: &str, alias: &str) -> Result<String, Failure> {
    Ok(format!("{}/aliases/{}", model(parent, given)?, encode(alias)))
}

/// The full name of a policy; `parent` is the full name of the namespace.
pub fn policy(parent: &str, given: &str) -> Result<String, Failure> {
    full(given, &["namespaces", "policies"])
        .unwrap_or_else(|| Ok(format!("{parent}/policies/{}", encode(given))))
}

/// The full name of a subscription; `parent` is the full name of the namespace.
pub fn subscription(parent: &str, given: &str) -> Result<String, Failure> {
    full(given, &["namespaces", "subscriptions"])
        .unwrap_or_else(|| Ok(format!("{parent}/subscriptions/{}", encode(given))))
}

/// The full name of what lives below a model: `id` in a collection of the model
/// that `given` means. Without an id, `given` is the full name itself.
pub fn below_model(
    parent: &str,
    collection: &'static str,
    given: &str,
    id: Option<&str>,
) -> Result<String, Failure> {
    match id {
        Some(id) => Ok(format!("{}/{collection}/{}", model(parent, given)?, encode(id))),
        None => full(given, &["namespaces", "models", collection]).unwrap_or_else(|| {
            let one = collection.trim_end_matches('s');
            Err(Failure::Usage(format!("Which {one} of {given} is meant? Add its id, as in `{given} ID`.")))
        }),
    }
}

/// The full name of what lives below a model, from its id alone or in full.
pub fn of_model(model: &str, collection: &'static str, given: &str) -> Result<String, Failure> {
    full(given, &["namespaces", "models", collection])
        .unwrap_or_else(|| Ok(format!("{model}/{collection}/{}", encode(given))))
}

/// The full name of a proposal.
pub fn proposal(parent: &str, given: &VersionRef, id: Option<&str>) -> Result<String, Failure> {
    below_version(parent, given, ("proposal", "proposals"), id)
}

/// The full name of a monitor of a version.
pub fn monitor(parent: &str, given: &VersionRef, id: Option<&str>) -> Result<String, Failure> {
    below_version(parent, given, ("monitor", "monitors"), id)
}

/// Whose monitors are meant: a version's, or those of all versions of a model or of all models.
pub fn monitors(parent: &str, given: Option<&str>, number: Option<u64>) -> Result<String, Failure> {
    let Some(given) = given else { return Ok(format!("{parent}/models/-/versions/-")) };
    if number.is_some() {
        return version(parent, &VersionRef { model: given.to_owned(), number });
    }
    version_in_one(parent, given).or_else(|_| Ok(format!("{}/versions/-", model(parent, given)?)))
}

fn below_version(
    parent: &str,
    given: &VersionRef,
    (singular, plural): (&str, &str),
    id: Option<&str>,
) -> Result<String, Failure> {
    match id {
        Some(id) => Ok(format!("{}/{plural}/{}", version(parent, given)?, encode(id))),
        None => full(&given.model, &["namespaces", "models", "versions", plural]).unwrap_or_else(|| {
            let ask =
                format!("Which {singular} is meant? Give MODEL, NUMBER and {}.", singular.to_uppercase());
            Err(Failure::Usage(ask))
        }),
    }
}

/// The full name of an evaluation, which has no short form in one word.
pub fn evaluation(given: &str) -> Result<String, Failure> {
    full(given, &["namespaces", "models", "versions", "evaluations"]).unwrap_or_else(|| {
        Err(Failure::Usage("Which evaluation is meant? Give MODEL, NUMBER and EVALUATION.".to_owned()))
    })
}

/// The given text as a full name, when it looks like one; an error when its
/// collections are not the wanted ones.
fn full(given: &str, collections: &[&str]) -> Option<Result<String, Failure>> {
    given.starts_with("namespaces/").then(|| {
        let segments: Vec<&str> = given.split('/').collect();
        let fits = segments.len() == collections.len() * 2
            && segments.iter().step_by(2).eq(collections)
            && segments.iter().all(|segment| !segment.is_empty());
        if fits {
            return Ok(given.to_owned());
        }
        let pattern: Vec<String> = collections.iter().map(|c| format!("{c}/…")).collect();
        Err(Failure::Usage(format!("{given} is not a full name of the form {}.", pattern.join("/"))))
    })
}

/// The last segment of a name, decoded for people.
pub fn id(name: &str) -> String {
    let segment = name.rsplit('/').next().unwrap_or(name);
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The name of the resource that this one lives below; empty at the top.
pub fn parent(name: &str) -> &str {
    name.rsplitn(3, '/').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NS: &str = "namespaces/default";

    fn version_ref(model: &str, number: Option<u64>) -> VersionRef {
        VersionRef { model: model.into(), number }
    }

    #[test]
    fn an_id_becomes_one_percent_encoded_segment() {
        assert_eq!(
            model(NS, "Spenden-Prüfer (v2)").unwrap(),
            format!("{NS}/models/Spenden-Pr%C3%BCfer%20%28v2%29")
        );
        assert_eq!(model(NS, "a/b").unwrap(), format!("{NS}/models/a%2Fb"));
        assert_eq!(model(NS, "a.b_c~d").unwrap(), format!("{NS}/models/a.b_c~d"));
    }

    #[test]
    fn a_full_name_is_taken_as_it_is_and_a_wrong_one_is_refused() {
        assert_eq!(model(NS, "namespaces/x/models/y").unwrap(), "namespaces/x/models/y");
        assert!(matches!(model(NS, "namespaces/x/models/y/versions/1"), Err(Failure::Usage(_))));
        assert!(matches!(model(NS, "namespaces/x/models/"), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_version_is_given_in_three_ways() {
        let wanted = format!("{NS}/models/m/versions/2");
        assert_eq!(version(NS, &version_ref("m", Some(2))).unwrap(), wanted);
        assert_eq!(version(NS, &version_ref("m/2", None)).unwrap(), wanted);
        assert_eq!(version(NS, &version_ref(&wanted, None)).unwrap(), wanted);
        let model_name = format!("{NS}/models/m");
        assert_eq!(version_of(NS, &model_name, "2").unwrap(), wanted);
    }

    #[test]
    fn a_version_without_a_number_asks_for_it() {
        let error = version(NS, &version_ref("m", None)).unwrap_err();
        assert!(error.text().contains("Add its number"), "{}", error.text());
    }

    #[test]
    fn monitors_are_those_of_a_version_a_model_or_all_models() {
        let of = |given, number| monitors(NS, given, number).unwrap();
        assert_eq!(of(None, None), format!("{NS}/models/-/versions/-"));
        assert_eq!(of(Some("m"), None), format!("{NS}/models/m/versions/-"));
        assert_eq!(of(Some("namespaces/x/models/y"), None), "namespaces/x/models/y/versions/-");
        for (given, number) in
            [("m", Some(2)), ("m/2", None), ("namespaces/default/models/m/versions/2", None)]
        {
            assert_eq!(of(Some(given), number), format!("{NS}/models/m/versions/2"));
        }
    }

    #[test]
    fn what_lives_below_a_model_is_named_by_its_id_or_in_full() {
        let outage = format!("{NS}/models/m/incidents/outage");
        assert_eq!(below_model(NS, "incidents", "m", Some("outage")).unwrap(), outage);
        assert_eq!(below_model(NS, "incidents", &outage, None).unwrap(), outage);
        assert_eq!(of_model(&format!("{NS}/models/m"), "incidents", "outage").unwrap(), outage);
        let error = below_model(NS, "incidents", "m", None).unwrap_err();
        assert!(error.text().contains("Which incident of m"), "{}", error.text());
    }

    #[test]
    fn a_proposal_needs_its_version() {
        let wanted = format!("{NS}/models/m/versions/2/proposals/p");
        assert_eq!(proposal(NS, &version_ref("m", Some(2)), Some("p")).unwrap(), wanted);
        assert_eq!(proposal(NS, &version_ref(&wanted, None), None).unwrap(), wanted);
        assert!(proposal(NS, &version_ref("m", Some(2)), None).is_err());
    }

    #[test]
    fn a_name_is_shown_by_its_decoded_id() {
        assert_eq!(id("namespaces/default/models/Pr%C3%BCfer"), "Prüfer");
        assert_eq!(parent("namespaces/n/models/m/versions/2"), "namespaces/n/models/m");
        assert_eq!(parent("namespaces/n"), "");
    }
}
