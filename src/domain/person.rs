//! People: who acts, and who is named as a contact. The log never names them. In it
//! stands a pseudonym, and beside it a directory that says whose it is; so a person
//! can be forgotten without a byte of the log being touched.
//!
//! Rules decide over the names themselves. They are hidden where a change is encoded
//! and put back where a state is read, both by going through [`Personal`].

use super::{
    alias::Alias,
    consumer::Consumer,
    evaluation::Evaluation,
    event::Change,
    incident::Incident,
    lifecycle::{Decision, Deprecation, clock::STEWARD},
    model::{Contact, Model},
    monitor::Monitor,
    name::PersonName,
    namespace::Namespace,
    policy::Policy,
    proposal::Proposal,
    resource::Resource,
    retraining::Retraining,
    subscription::Subscription,
    upstream::Upstream,
    version::Version,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// The actor of a call that names none.
pub const ANONYMOUS: &str = "anonymous";

/// Before the digits of a pseudonym.
const PREFIX: &str = "person:";
/// Bytes of a pseudonym, of a salt and of a secret, and of a block of SHA-256.
const PSEUDONYM: usize = 16;
/// Random bytes beside a text, or of a namespace.
pub const SALT: usize = 32;
const BLOCK: usize = 64;

/// What stands for a person in the log: the beginning of SHA-256 over a salt and the
/// text. Whoever has both can check it; whoever lacks the salt cannot try guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym([u8; PSEUDONYM]);

impl Pseudonym {
    /// That of a text with a salt.
    pub fn of(salt: &[u8; SALT], text: &str) -> Self {
        let hash = Sha256::new().chain_update(salt).chain_update(text.as_bytes()).finalize();
        let mut bytes = [0; PSEUDONYM];
        bytes.copy_from_slice(&hash[..PSEUDONYM]);
        Pseudonym(bytes)
    }

    /// That which a text is: `person:` and 32 digits.
    pub fn read(text: &str) -> Option<Self> {
        text.strip_prefix(PREFIX)?.parse().ok()
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; PSEUDONYM] {
        &self.0
    }

    /// That of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Pseudonym(bytes.try_into().ok()?))
    }

    /// Its 32 digits, without what stands before them.
    pub fn digits(&self) -> String {
        hex::encode(self.0)
    }
}

impl FromStr for Pseudonym {
    type Err = ();

    /// Reads the digits, which are written in one way only.
    fn from_str(digits: &str) -> Result<Self, ()> {
        let mut bytes = [0; PSEUDONYM];
        hex::decode_to_slice(digits, &mut bytes).map_err(drop)?;
        if digits.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(()) } else { Ok(Pseudonym(bytes)) }
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

/// Whether a text is to be hidden: Steward itself, nobody in particular, and what is
/// hidden already are no persons.
pub fn is_personal(text: &str) -> bool {
    !text.is_empty() && text != STEWARD && text != ANONYMOUS && Pseudonym::read(text).is_none()
}

/// HMAC-SHA256 (RFC 2104) with the secret of a log: what tells whether two things are
/// the same to those who keep the secret, and nothing to others.
pub fn keyed(secret: &[u8; SALT], bytes: &[u8]) -> [u8; 32] {
    let mut key = [0; BLOCK];
    key[..SALT].copy_from_slice(secret);
    let pass = |pad: u8, bytes: &[u8]| {
        let pads = key.map(|byte| byte ^ pad);
        Sha256::new().chain_update(pads).chain_update(bytes).finalize()
    };
    pass(0x5c, &pass(0x36, bytes)).into()
}

/// What holds texts that name people. The one list of them: a text that is not gone
/// through here stands in the log as it is.
pub trait Personal {
    /// Goes through them; each may be replaced.
    fn visit(&mut self, see: &mut dyn FnMut(&mut String));
}

/// What the log says of a person: that they were erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The name, which is a pseudonym.
    pub name: PersonName,
    /// Who had it done, when and why.
    pub erasure: Decision,
}

macro_rules! nobody_in {
    ($($type:ty),+) => {
        $(impl Personal for $type {
            fn visit(&mut self, _: &mut dyn FnMut(&mut String)) {}
        })+
    };
}

nobody_in!(Namespace, Policy, Upstream);

impl Personal for String {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(self);
    }
}

impl<T: Personal> Personal for Vec<T> {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(|one| one.visit(see));
    }
}

impl<T: Personal> Personal for Option<T> {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        if let Some(one) = self {
            one.visit(see);
        }
    }
}

impl Personal for Decision {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.actor);
        self.approvals.iter_mut().for_each(|approval| see(&mut approval.actor));
    }
}

impl Personal for Contact {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.display_name);
        see(&mut self.address);
    }
}

impl Personal for Model {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.content.contacts.visit(see);
        self.content.card.backup_contact.visit(see);
    }
}

impl Personal for Deprecation {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.decision.visit(see);
        self.moves.iter_mut().for_each(|moved| moved.decision.visit(see));
    }
}

impl Personal for Version {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        let decisions = [
            &mut self.submission,
            &mut self.review,
            &mut self.reinstatement,
            &mut self.release,
            &mut self.archival,
        ];
        decisions.into_iter().for_each(|decision| decision.visit(see));
        self.deprecation.visit(see);
        let others = [
            self.retirement.as_mut().map(|one| &mut one.decision),
            self.restoration.as_mut().map(|one| &mut one.decision),
            self.hold.as_mut().map(|one| &mut one.decision),
        ];
        others.into_iter().flatten().for_each(|decision| decision.visit(see));
    }
}

impl Personal for Alias {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        if let Some(drill) = &mut self.drill {
            see(&mut drill.actor);
        }
    }
}

impl Personal for Evaluation {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.recorder);
    }
}

impl Personal for Proposal {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.author);
        self.acts.iter_mut().for_each(|act| see(&mut act.actor));
    }
}

impl Personal for Subscription {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.content.filter.visit(see);
    }
}

impl Personal for Retraining {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.request.visit(see);
        self.acknowledgement.visit(see);
        self.ending.visit(see);
    }
}

impl Personal for Incident {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.opening.visit(see);
        self.closing.visit(see);
    }
}

impl Personal for Consumer {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.registrar);
        self.content.contact.visit(see);
        self.acknowledgements.iter_mut().for_each(|one| one.decision.visit(see));
        self.exemptions.iter_mut().for_each(|one| one.decision.visit(see));
    }
}

impl Personal for Monitor {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.acknowledgement.visit(see);
        self.resolution.visit(see);
        if let Some(snooze) = &mut self.snooze {
            snooze.decision.visit(see);
        }
    }
}

impl Personal for Person {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.erasure.visit(see);
    }
}

impl Personal for Resource {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        match self {
            Resource::Namespace(state) => state.visit(see),
            Resource::Model(state) => state.visit(see),
            Resource::Version(state) => state.visit(see),
            Resource::Alias(state) => state.visit(see),
            Resource::Evaluation(state) => state.visit(see),
            Resource::Policy(state) => state.visit(see),
            Resource::Proposal(state) => state.visit(see),
            Resource::Incident(state) => state.visit(see),
            Resource::Consumer(state) => state.visit(see),
            Resource::Monitor(state) => state.visit(see),
            Resource::Upstream(state) => state.visit(see),
            Resource::Person(state) => state.visit(see),
            Resource::Retraining(state) => state.visit(see),
            Resource::Subscription(state) => state.visit(see),
        }
    }
}

impl Personal for Change {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        if let Change::Set(resource) = self {
            resource.visit(see);
        }
    }
}

#[cfg(test)]
mod tests;
