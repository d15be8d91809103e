//! Names of people, which are their pseudonyms.

use super::{NameError, NamespaceId, segments, shown};
use crate::domain::person::Pseudonym;
use std::{fmt, str::FromStr};

/// `namespaces/{namespace}/persons/{person}`, where the last part is the 32 digits of
/// a pseudonym.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName {
    /// The tenant.
    pub namespace: NamespaceId,
    /// The person.
    pub person: Pseudonym,
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespaces/{}/persons/{}", self.namespace, self.person.digits())
    }
}

impl FromStr for PersonName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, person] = segments(text, ["namespaces", "persons"])?;
        let wrong = |()| {
            NameError(format!(
                "{} is no person: use the 32 lower-case hexadecimal digits of a pseudonym, which stand behind \
                 `person:`",
                shown(&person)
            ))
        };
        Ok(Self { namespace: NamespaceId::new(&namespace)?, person: person.parse().map_err(wrong)? })
    }
}
