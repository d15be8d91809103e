//! The use case of looking ahead.

use super::{
    Registry,
    consumer::{Affected, affected},
    error::Error,
    facts,
    page::{Page, PageRequest},
    proposal::missing,
    rollback::{self, WayBack},
    view::View,
};
use crate::{
    domain::{
        alias::Alias,
        calendar::{Calendar, Entry, Subject, simulate},
        event::EventType,
        model::Model,
        name::{ModelName, NamespaceId},
        policy::Policy,
        proposal::{LIFE_DAYS, Proposal},
        refusal::Refusal,
        resource::ResourceName,
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use std::collections::{HashMap, HashSet};

/// Things that time does something to that one look ahead follows.
const MOST_SUBJECTS: usize = 100_000;
/// Proposals that are listed.
const MOST_PROPOSALS: usize = 1_000;

/// A look ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct LookAhead {
    /// What comes.
    pub entries: Page<Coming>,
    /// Proposals that wait for somebody, and what is missing.
    pub waiting: Vec<(Proposal, Vec<Refusal>)>,
}

/// Something that comes.
#[derive(Clone, Debug, PartialEq)]
pub struct Coming {
    /// What.
    pub entry: Entry,
    /// Who breaks.
    pub affected: Vec<Affected>,
}

/// What a look ahead follows, as loaded.
enum Followed {
    Version(Box<Version>),
    Model(Box<Model>),
    Proposal(Box<Proposal>),
    Alias(Box<Alias>, Box<WayBack>),
}

impl Registry {
    /// What time will do in a span, as the server would do it.
    pub async fn simulate_calendar(
        &self,
        namespace: &NamespaceId,
        start: Option<Timestamp>,
        end: Timestamp,
        page_size: i32,
        page_token: &str,
    ) -> Result<LookAhead, Error> {
        let request = PageRequest::new(page_size, page_token, &("calendar", namespace, start, end))?;
        let now = self.0.environment.clock.now();
        let start = start.unwrap_or(now).max(now);
        if end <= start {
            let sentence =
                format!("{end} is not after the start, {start}; what is past stands in the audit log");
            return Err(Error::field("end_time", sentence));
        }
        self.record_uses().await?;
        let log = self.log(namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let followed = followed(&mut view, end).await?;
        let policies = policies(&mut view, &followed).await?;
        let subjects = followed.iter().filter_map(|one| subject(one, &policies)).collect();
        let Calendar { entries, .. } = simulate(subjects, now, start..end, request.wanted());
        let page = request.part(entries);
        let mut coming = Vec::with_capacity(page.items.len());
        for entry in page.items {
            coming.push(Coming { affected: breaks(&mut view, &entry).await?, entry });
        }
        let waiting = match page_token {
            "" => waiting(&mut view, now).await?,
            _ => Vec::new(),
        };
        Ok(LookAhead { entries: Page { items: coming, next_page_token: page.next_page_token }, waiting })
    }
}

/// Everything that has something due before a time, and the versions that send their
/// callers to such a version.
async fn followed(view: &mut View<'_>, end: Timestamp) -> Result<Vec<Followed>, Error> {
    let names = due(view, end.plus_micros(-1)).await?;
    let known: HashSet<ResourceName> = names.iter().cloned().collect();
    let mut followed = Vec::with_capacity(names.len());
    for name in names {
        let one = match name {
            ResourceName::Version(name) => {
                let senders = facts::replaced_by(view, &name).await?.into_iter();
                let senders = senders.filter(|sender| !known.contains(&sender.name.clone().into()));
                followed.extend(senders.map(|sender| Followed::Version(Box::new(sender))));
                Followed::Version(Box::new(view.get(&name).await?.value))
            }
            ResourceName::Model(name) => Followed::Model(Box::new(view.get(&name).await?.value)),
            ResourceName::Proposal(name) => Followed::Proposal(Box::new(view.get(&name).await?.value)),
            ResourceName::Alias(name) => {
                let alias = view.get::<Alias>(&name).await?.value;
                let way = rollback::way_back(view, &alias).await?;
                Followed::Alias(Box::new(alias), Box::new(way))
            }
            _ => continue,
        };
        followed.push(one);
    }
    Ok(followed)
}

async fn due(view: &mut View<'_>, until: Timestamp) -> Result<Vec<ResourceName>, Error> {
    let namespace = view.namespace().clone();
    let pairs = view.scan(keys::due_until(&namespace, until), MOST_SUBJECTS + 1).await?;
    if pairs.len() > MOST_SUBJECTS {
        let sentence = format!("more than {MOST_SUBJECTS} things are due by then; ask for a shorter span");
        return Err(Error::field("end_time", sentence));
    }
    let read = |key: &[u8]| keys::read_due(&namespace, key).map(|(_, name)| name);
    let names: Option<Vec<_>> = pairs.iter().map(|(key, _)| read(key)).collect();
    names.ok_or_else(|| Error::Damaged("the index over what is due cannot be read".to_owned()))
}

/// The policies that bind the models of the versions.
async fn policies(view: &mut View<'_>, followed: &[Followed]) -> Result<HashMap<ModelName, Policy>, Error> {
    let mut policies = HashMap::new();
    for one in followed {
        if let Followed::Version(version) = one
            && !policies.contains_key(&version.name.model)
        {
            let model = view.get::<Model>(&version.name.model).await?.value;
            policies.insert(version.name.model.clone(), facts::policy(view, &model).await?);
        }
    }
    Ok(policies)
}

fn subject<'a>(followed: &'a Followed, policies: &'a HashMap<ModelName, Policy>) -> Option<Subject<'a>> {
    Some(match followed {
        Followed::Version(version) => Subject::Version(version.clone(), policies.get(&version.name.model)?),
        Followed::Model(model) => Subject::Model(model.clone()),
        Followed::Proposal(proposal) => Subject::Proposal(proposal.clone()),
        Followed::Alias(alias, way) => Subject::Alias(alias.clone(), way.candidates(), &way.policy),
    })
}

/// Who breaks: who uses the version, and in a brownout is not spared it.
async fn breaks(view: &mut View<'_>, entry: &Entry) -> Result<Vec<Affected>, Error> {
    let ResourceName::Version(version) = &entry.resource else { return Ok(Vec::new()) };
    let is_final = match entry.kind {
        EventType::VersionRetired => true,
        EventType::VersionBrownoutBegan => false,
        _ => return Ok(Vec::new()),
    };
    let sunset = view.get::<Version>(version).await?.value.effective_sunset().unwrap_or(entry.time);
    let mut users = affected(view, version, sunset).await?;
    users.retain(|user| is_final || !user.consumer.value.is_exempt(version.number));
    Ok(users)
}

/// The open proposals, and what stands against each.
async fn waiting(view: &mut View<'_>, now: Timestamp) -> Result<Vec<(Proposal, Vec<Refusal>)>, Error> {
    let mut waiting = Vec::new();
    for name in due(view, now.plus_days(LIFE_DAYS)).await? {
        let ResourceName::Proposal(name) = name else { continue };
        let proposal = view.get::<Proposal>(&name).await?.value;
        if proposal.expire_time > now && waiting.len() < MOST_PROPOSALS {
            let missing = missing(view, &proposal, now).await?;
            waiting.push((proposal, missing));
        }
    }
    Ok(waiting)
}
