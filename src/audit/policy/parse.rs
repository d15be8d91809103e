//! The text of a policy (C2SP tlog-policy, "Policy file syntax and structure"). Other than
//! the specification, which takes names as octets, it has to be UTF-8.

use super::{Group, Member, Party, Policy};
use crate::audit::key::{KeyError, SignatureType, VerifierKey};
use std::{collections::BTreeMap, str::FromStr};

/// Most logs, witnesses and groups of each kind.
const MOST: usize = 256;

/// The name of the quorum that asks for no cosignature.
const NONE: &str = "none";

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTextError {
    /// A line is wrong.
    #[error("line {number} of the policy: {error}")]
    Line {
        /// Which line, counted from 1.
        number: usize,
        /// What is wrong with it.
        error: PolicyLineError,
    },
    /// There is no quorum.
    #[error(
        "the policy has no quorum: add a line \"quorum NAME\", or \"quorum none\" to ask for no cosignature"
    )]
    NoQuorum,
}

/// Why a line does not belong in a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLineError {
    /// Control characters do not show.
    #[error("it has a control character other than a tab")]
    Control,
    /// It says something else.
    #[error(
        "it must be \"log KEY [URL]\", \"witness NAME KEY [URL]\", \"group NAME all|any|NUMBER NAME…\" or \"quorum NAME\""
    )]
    Form,
    /// It has a key that is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A log signs notes, a witness cosigns them.
    #[error("a log's key must be of signature type 0x01, a witness's of 0x04")]
    KeyType,
    /// Two lines have the same public key.
    #[error("another line has the same public key")]
    SameKey,
    /// Two lines have the same name.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// It uses a name that no line above it has defined.
    #[error("no line above defines a witness or group {0}")]
    UnknownName(String),
    /// A witness would count twice.
    #[error("{0} is in a group already")]
    UsedTwice(String),
    /// A group could always or never be reached.
    #[error("the threshold must be all, any or a number from 1 to that of the members, {members}")]
    Threshold {
        /// Members of the group.
        members: usize,
    },
    /// There are two quorums.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// There is too much of it.
    #[error("it is one more than the {MOST} logs, witnesses or groups that a policy can have")]
    TooMany,
}

/// A policy as far as it is read.
#[derive(Default)]
struct Reading {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    /// Where names stand, and whether a group has them.
    names: BTreeMap<String, (Member, bool)>,
}

impl FromStr for Policy {
    type Err = PolicyTextError;

    fn from_str(text: &str) -> Result<Self, PolicyTextError> {
        let mut reading = Reading::default();
        for (n, line) in text.split('\n').enumerate() {
            reading.line(line).map_err(|error| PolicyTextError::Line { number: n + 1, error })?;
        }
        let Reading { logs, witnesses, groups, quorum, .. } = reading;
        Ok(Self { logs, witnesses, groups, quorum: quorum.ok_or(PolicyTextError::NoQuorum)? })
    }
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), PolicyLineError> {
        if line.chars().any(|character| character.is_ascii_control() && character != '\t') {
            return Err(PolicyLineError::Control);
        }
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, threshold, ref members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            _ => Err(PolicyLineError::Form),
        }
    }

    fn log(&mut self, key: &str, url: Option<&str>) -> Result<(), PolicyLineError> {
        let key: VerifierKey = key.parse()?;
        let name = key.name().to_string();
        add_party(&mut self.logs, SignatureType::Ed25519, Party { name, key, url: url.map(Into::into) })
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), PolicyLineError> {
        let witness = Party { name: name.into(), key: key.parse()?, url: url.map(Into::into) };
        self.define(name, Member::Witness(self.witnesses.len()))?;
        add_party(&mut self.witnesses, SignatureType::Cosignature, witness)
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), PolicyLineError> {
        let count = members.len();
        let threshold = match threshold {
            "all" => count,
            "any" => 1,
            number => number.parse().unwrap_or(0),
        };
        if !(1..=count).contains(&threshold) {
            return Err(PolicyLineError::Threshold { members: count });
        }
        let members = members.iter().map(|member| self.take(member)).collect::<Result<_, _>>()?;
        if self.groups.len() == MOST {
            return Err(PolicyLineError::TooMany);
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name: name.into(), threshold, members });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), PolicyLineError> {
        if self.quorum.is_some() {
            return Err(PolicyLineError::SecondQuorum);
        }
        let known = self.names.get(name).map(|(member, _)| Some(*member));
        let quorum = if name == NONE { Some(None) } else { known };
        self.quorum = Some(quorum.ok_or_else(|| PolicyLineError::UnknownName(name.into()))?);
        Ok(())
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), PolicyLineError> {
        let taken = name == NONE || self.names.insert(name.into(), (member, false)).is_some();
        if taken { Err(PolicyLineError::NameTaken(name.into())) } else { Ok(()) }
    }

    /// Finds a member of a group, which can be in no second one.
    fn take(&mut self, name: &str) -> Result<Member, PolicyLineError> {
        let known = self.names.get_mut(name);
        let (member, used) = known.ok_or_else(|| PolicyLineError::UnknownName(name.into()))?;
        if std::mem::replace(used, true) { Err(PolicyLineError::UsedTwice(name.into())) } else { Ok(*member) }
    }
}

fn add_party(parties: &mut Vec<Party>, kind: SignatureType, party: Party) -> Result<(), PolicyLineError> {
    if party.key.kind() != kind {
        return Err(PolicyLineError::KeyType);
    }
    if parties.iter().any(|other| other.key.public_key() == party.key.public_key()) {
        return Err(PolicyLineError::SameKey);
    }
    if parties.len() == MOST {
        return Err(PolicyLineError::TooMany);
    }
    parties.push(party);
    Ok(())
}
