//! Ids and resource names: one canonical form, and no text that names two things.

use super::choice::text_of;
use std::{fmt::Debug, fmt::Display, str::FromStr};
use steward_registry::{
    cli,
    domain::{
        name::{
            AliasName, ConsumerId, EvaluationName, ModelId, ModelName, NameError, NamespaceId, NamespaceName,
            VersionLabel, VersionName,
        },
        resource::ResourceName,
    },
};

/// Longest canonical name: 250 letters of four bytes, percent-encoded, and what is around them.
const LONGEST: usize = 3_300;
/// An error quotes 60 characters at most, each of them escaped as `\u{10ffff}`.
const LONGEST_ERROR: usize = 1_200;

/// The text as each kind of id and name.
pub fn check(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let kinds = [
        name::<NamespaceName>(text),
        name::<ModelName>(text),
        name::<VersionName>(text),
        name::<AliasName>(text),
        name::<EvaluationName>(text),
    ];
    assert!(kinds.iter().filter(|accepted| **accepted).count() <= 1, "{text:?} names two kinds");
    if let Ok(any) = ResourceName::parse_any(text) {
        assert_eq!(ResourceName::parse(any.kind(), &any.to_string()), Ok(any));
    }
    ids(text);
}

/// Whether the text is such a name.
fn name<N>(text: &str) -> bool
where
    N: FromStr<Err = NameError> + Display + Debug + PartialEq + Clone + Into<ResourceName>,
    N: serde::Serialize + serde::de::DeserializeOwned,
{
    let name = match text.parse::<N>() {
        Ok(name) => name,
        Err(error) => {
            assert!(!error.0.is_empty() && error.0.len() < LONGEST_ERROR, "{} bytes of error", error.0.len());
            return false;
        }
    };
    let canonical = name.to_string();
    assert!(canonical.is_ascii() && canonical.len() <= LONGEST, "{canonical}");
    assert_eq!(canonical.parse::<N>().as_ref(), Ok(&name), "{text:?} reads back as another name");
    let json = serde_json::to_string(&name).unwrap();
    assert_eq!(serde_json::from_str::<N>(&json).unwrap(), name);
    assert_eq!(ResourceName::parse_any(&canonical), Ok(name.into()));
    true
}

fn ids(text: &str) {
    if let Ok(model) = ModelId::new(text) {
        let namespace = NamespaceId::new("default").unwrap();
        let name = ModelName { namespace, model: model.clone() };
        assert_eq!(name.to_string().parse(), Ok(name.clone()), "{text:?} is an id that no name can carry");
        // The command line writes and shows names without the server's help.
        let typed = cli::name::model("namespaces/default", text).ok();
        assert_eq!(typed.as_deref(), Some(name.to_string().as_str()));
        assert_eq!(cli::name::id(&name.to_string()), text);
        assert!(ConsumerId::new(text).is_ok());
    }
    if let Ok(label) = VersionLabel::new(text) {
        assert!(!label.as_str().bytes().all(|byte| byte.is_ascii_digit()), "{text:?} could be a number");
    }
}
