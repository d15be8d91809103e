//! Use cases of people: whose pseudonym it is, and forgetting it.

pub mod copy;
pub mod directory;
pub mod mask;

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    leaf::AuditEvent,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    projection,
    view::View,
};
use crate::{
    domain::{
        event::{Event, EventFilter, EventType},
        lifecycle::Decision,
        name::{NamespaceId, PersonName},
        person::{Person, Personal, Pseudonym, SALT},
        refusal::{Reason, Refusal},
        time::Timestamp,
    },
    store::{engine::Write, keys, record::PersonEntry},
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;

/// What is forgotten when a person is erased.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// What the person is called.
    pub text: String,
    /// What the pseudonym was made with.
    pub salt: [u8; SALT],
}

/// A person, as far as the registry still knows them.
#[derive(Clone, PartialEq)]
pub struct KnownPerson {
    /// The name.
    pub name: PersonName,
    /// What is known; none once the person is erased.
    pub known: Option<Known>,
    /// Who had them erased, when and why.
    pub erasure: Option<Decision>,
}

impl Personal for KnownPerson {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.erasure.visit(see);
    }
}

impl KnownPerson {
    fn of_entry(name: PersonName, entry: PersonEntry) -> Stored<Self> {
        let PersonEntry { position, salt, text } = entry;
        let value = KnownPerson { name, known: Some(Known { text, salt }), erasure: None };
        Stored { value, position: Some(position) }
    }

    fn erased(person: Stored<Person>) -> Stored<Self> {
        let Person { name, erasure } = person.value;
        let value = KnownPerson { name, known: None, erasure: Some(erasure) };
        Stored { value, position: person.position }
    }
}

#[derive(Serialize)]
struct ErasePerson {
    name: PersonName,
}

impl ErasePerson {
    async fn entry(&self, view: &mut View<'_>) -> Result<Option<PersonEntry>, Error> {
        let key = keys::person(&self.name.namespace, &self.name.person);
        Ok(view.directory(&key).await?.map(|entry| PersonEntry::decode(&entry)).transpose()?)
    }
}

#[async_trait]
impl Mutation for ErasePerson {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if let Some(erased) = view.find::<Person>(&self.name).await? {
            let sentence = format!("it was erased on {}; nothing of it is left", erased.value.erasure.time);
            return Err(Error::Refused(vec![Refusal::new(Reason::PersonErased, &self.name, sentence)]));
        }
        let entry = self.entry(view).await?.ok_or_else(|| Error::not_found(self.name.clone()))?;
        KnownPerson::of_entry(self.name.clone(), entry).require_etag(&call.etag, self.name.clone())?;
        let erasure = Decision::new(&call.caller.actor, &call.reason, now);
        Ok(vec![Event::set(EventType::PersonErased, Person { name: self.name.clone(), erasure })])
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, _: Timestamp) -> Result<Vec<Write>, Error> {
        let (entry, secret) = (self.entry(view).await?, view.secret().await?);
        let (Some(entry), Some(secret)) = (entry, secret) else { return Ok(Vec::new()) };
        let namespace = &self.name.namespace;
        let by_text = mask::by_text(namespace, &secret, &entry.text);
        Ok(projection::forget(namespace, &self.name.person, by_text))
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// Whom to list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListPersons {
    /// Only who is called exactly so; empty means everybody.
    pub text: String,
}

impl Registry {
    /// Reads what is known of a person.
    pub async fn get_person(&self, name: &PersonName) -> Result<Stored<KnownPerson>, Error> {
        self.log(&name.namespace).await?;
        let key = keys::person(&name.namespace, &name.person);
        if let Some(entry) = self.0.store.directory(&name.namespace, &[key]).await?.pop().flatten() {
            return Ok(KnownPerson::of_entry(name.clone(), PersonEntry::decode(&entry)?));
        }
        self.get::<Person>(name, super::read::ReadAt::Present).await.map(KnownPerson::erased)
    }

    /// Lists everybody who is known, by pseudonym.
    pub async fn list_persons(
        &self,
        namespace: &NamespaceId,
        query: &ListPersons,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<KnownPerson>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("persons", namespace, query))?;
        self.log(namespace).await?;
        if !query.text.is_empty() {
            let found = self.pseudonym_of(namespace, &query.text).await?;
            let name = found.map(|person| PersonName { namespace: namespace.clone(), person });
            let mut found = Vec::new();
            if let Some(name) = name {
                found.push(self.get_person(&name).await?);
            }
            return Ok(request.part(found));
        }
        let read = |key: &[u8], entry: &Bytes| {
            let lost = || Error::Damaged("a person has a broken key".to_owned());
            let person = keys::pseudonym_of(key).ok_or_else(lost)?;
            let name = PersonName { namespace: namespace.clone(), person };
            Ok(Some(KnownPerson::of_entry(name, PersonEntry::decode(entry)?)))
        };
        let range = keys::persons(namespace);
        self.page(namespace, Listing { range, reverse: false, follow: None, read: &read }, &request).await
    }

    /// Forgets a person: name and salt are deleted with the event that says so.
    pub async fn erase_person(&self, name: PersonName, call: Call) -> Result<Stored<KnownPerson>, Error> {
        call.require_reason()?;
        let namespace = name.namespace.clone();
        let committed = self.mutate(&namespace, "ErasePerson", ErasePerson { name }, call).await?;
        committed.resource().map(KnownPerson::erased)
    }

    /// What digests of a namespace are keyed with, for whoever keeps a copy of the directory.
    pub async fn secret(&self, namespace: &NamespaceId) -> Result<Option<[u8; SALT]>, Error> {
        let log = self.log(namespace).await?;
        View::outside(&self.0.store, &log.namespace).secret().await
    }

    /// The pseudonym that a text has, if it names anybody.
    pub(super) async fn pseudonym_of(
        &self,
        namespace: &NamespaceId,
        text: &str,
    ) -> Result<Option<Pseudonym>, Error> {
        let mut view = View::outside(&self.0.store, namespace);
        let Some(secret) = view.secret().await? else { return Ok(None) };
        let found = view.directory(&mask::by_text(namespace, &secret, text)).await?;
        Ok(found.and_then(|bytes| Pseudonym::from_bytes(&bytes)))
    }

    /// The same filter with the present pseudonyms of those whom it names, which is what
    /// events hold. Asked again for each page: whoever is named may act for the first time.
    pub(super) async fn translated<'a>(
        &self,
        namespace: &NamespaceId,
        filter: &'a EventFilter,
    ) -> Result<Cow<'a, EventFilter>, Error> {
        if filter.actors().is_empty() {
            return Ok(Cow::Borrowed(filter));
        }
        let mut pseudonyms = Vec::new();
        for actor in filter.actors() {
            let found = self.pseudonym_of(namespace, actor).await?;
            pseudonyms.extend(found.map(|pseudonym| pseudonym.to_string()));
        }
        Ok(Cow::Owned(filter.with_actors(pseudonyms)))
    }

    /// Who made each of these events, by the names that are known.
    pub async fn actors(
        &self,
        namespace: &NamespaceId,
        events: impl Iterator<Item = &AuditEvent>,
    ) -> Result<Vec<String>, Error> {
        let actors: Vec<String> = events.map(|event| event.actor.clone()).collect();
        self.named(namespace, actors).await
    }
}
