//! `steward person`: who stands behind the pseudonyms of the audit log.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    decision_view::decision_lines,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags},
    name,
    table::{Facts, Table},
};
use crate::proto::v1::{
    ErasePersonRequest, GetPersonRequest, ListPersonsRequest, ListPersonsResponse, Person,
};

/// Before the digits of a pseudonym.
const PREFIX: &str = "person:";

/// What to do with persons.
#[derive(Subcommand, Debug)]
pub enum PersonCommand {
    /// List who is known, or find somebody by name
    #[command(after_help = "\
Examples:
  steward person list --all
  steward person list --text marta@charity.example")]
    List(ListArgs),

    /// Show who a pseudonym stands for
    #[command(after_help = "Example:\n  steward person show person:1f0c8a2be4d95f6a7b3c2d1e0f9a8b7c")]
    Show(ShowArgs),

    /// Forget a person: from then on only the pseudonym is shown, also in the past
    #[command(after_help = "\
There is no way back. The audit log stays as it is, and verifies as before. Give no name in the reason: it stays.
What else to do, and what is left on the disk for how long, stands in docs/audit-log.md, section Erasure.

Example:
  steward person erase person:1f0c8a2be4d95f6a7b3c2d1e0f9a8b7c --reason \"Request 2026-14 under Art. 17 GDPR\"")]
    Erase(EraseArgs),
}

/// Arguments of `steward person list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only who is called exactly so
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,

    #[command(flatten)]
    page: PageFlags,
}

/// A person on the command line.
#[derive(Args, Debug)]
pub struct PersonRef {
    /// The pseudonym, with or without `person:`, or the full name
    #[arg(value_name = "PSEUDONYM")]
    person: String,
}

impl PersonRef {
    fn name(&self, session: &Session) -> String {
        match self.person.strip_prefix(PREFIX).unwrap_or(&self.person) {
            full if full.contains('/') => full.to_owned(),
            digits => format!("{}/persons/{digits}", session.namespace()),
        }
    }
}

/// Arguments of `steward person show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    person: PersonRef,
}

/// Arguments of `steward person erase`.
#[derive(Args, Debug)]
pub struct EraseArgs {
    #[command(flatten)]
    person: PersonRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: PersonCommand) -> Result<(), Failure> {
    match command {
        PersonCommand::List(args) => list(session, args).await,
        PersonCommand::Show(args) => show(session, args).await,
        PersonCommand::Erase(args) => erase(session, args).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let (parent, text) = (session.namespace().to_owned(), args.text.clone());
        let request = ListPersonsRequest { parent, text, show_secrets: false, page_size, page_token };
        let answer = session.call(request, async |r| session.persons().list_persons(r).await).await?;
        Ok((answer.persons, answer.next_page_token))
    };
    let (persons, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListPersonsResponse { persons, next_page_token, secret: Vec::new() };
    let mut table = Table::new(["PSEUDONYM", "CALLED", "FIRST NAMED"]);
    for person in &answer.persons {
        table.row([person.pseudonym.clone(), person.text.clone(), format!("#{}", person.audit_position)]);
    }
    session.output().list(&answer, &table, "Nobody is known.", &answer.next_page_token)
}

async fn show(session: &Session, args: ShowArgs) -> Result<(), Failure> {
    let request = GetPersonRequest { name: args.person.name(session) };
    let person = session.call(request, async |r| session.persons().get_person(r).await).await?;
    session.output().resource(&person, &facts(&person))
}

async fn erase(session: &Session, args: EraseArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = ErasePersonRequest {
        name: args.person.name(session),
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.persons().erase_person(r).await;
    let person = session.change(&request_id, request, send).await?;
    let sentence = format!(
        "{} is erased (audit position {}): nobody can tell any more whom it stands for. Discard older copies \
         of the persons and of the data directory.",
        person.pseudonym, person.audit_position
    );
    session.output().changed(args.change.dry_run, &person, &sentence, &facts(&person))
}

fn facts(person: &Person) -> Facts {
    let called = if person.erasure.is_some() { "nobody knows any more" } else { &person.text };
    Facts::new()
        .add("Person", &person.pseudonym)
        .add("Called", called)
        .add("First named", first_named(person))
        .add_lines("Erased", decision_lines(person.erasure.as_ref()))
        .add("Etag", &person.etag)
        .add("Full name", &person.name)
}

fn first_named(person: &Person) -> String {
    match person.erasure {
        None => {
            format!("#{} of the audit log of {}", person.audit_position, name::id(name::parent(&person.name)))
        }
        Some(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Decision;

    #[test]
    fn whoever_is_erased_is_shown_without_a_name() {
        let name = "namespaces/default/persons/00".to_owned();
        let person = Person { name, text: "Ann".into(), audit_position: 7, ..Person::default() };
        let text = facts(&person).text();
        assert!(text.contains("Ann") && text.contains("#7 of the audit log of default"), "{text}");
        let erasure = Decision { actor: "ada".into(), reason: "asked".into(), ..Decision::default() };
        let text = facts(&Person { text: String::new(), erasure: Some(erasure), ..person }).text();
        assert!(text.contains("nobody knows any more") && text.contains("by ada: asked"), "{text}");
    }
}
