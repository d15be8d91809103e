//! `steward alias`: words such as `production` that point to a version.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{
    client::Session,
    environment::{fresh_request_id, now},
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag},
    name::{self, AliasRef, ModelRef},
    rollback::{self, ReadinessArgs, RollbackArgs, drill_fact, readiness_facts, readiness_word},
    table::{Facts, Table, time, version_words},
};
use crate::proto::v1::{
    Alias, AliasChange, DeleteAliasRequest, GetAliasHistoryRequest, GetAliasHistoryResponse, GetAliasRequest,
    ListAliasesRequest, ListAliasesResponse, SetAliasRequest,
};

/// What to do with aliases.
#[derive(Subcommand, Debug)]
pub enum AliasCommand {
    /// Point an alias to a version; the alias is created if need be
    #[command(after_help = "\
Examples:
  steward alias set fundraising production 2 --reason \"Better for new donors\"
  steward alias set fundraising canary 3 --reason \"Trial week\" --dry-run")]
    Set(SetArgs),

    /// Show where an alias points
    #[command(after_help = "\
Examples:
  steward alias get fundraising production
  steward alias get fundraising production --at 2026-03-03")]
    Get(GetArgs),

    /// List the aliases of a model
    List(ListArgs),

    /// Remove an alias; its history stays
    Delete(DeleteArgs),

    /// Move an alias back to the last version that is safe, or to a named one
    #[command(after_help = "\
Examples:
  steward alias rollback fundraising production --drill --reason \"Quarterly rehearsal\"
  steward alias rollback fundraising production --reason \"Version 2 leaks names\" --dry-run
  steward alias rollback fundraising production --to 1 --reason \"Version 2 leaks names\"")]
    Rollback(RollbackArgs),

    /// Show whether an alias could go back, where to, and for how long
    #[command(after_help = "Example:\n  steward alias readiness fundraising production")]
    Readiness(ReadinessArgs),

    /// List what an alias pointed to, when, and who changed it
    #[command(after_help = "Example:\n  steward alias history fundraising production")]
    History(HistoryArgs),
}

/// Arguments of `steward alias set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The alias: lower-case letters, digits, `-`, `_` and `.`
    #[arg(value_name = "ALIAS")]
    alias: String,

    /// The number of the version, or its full name
    #[arg(value_name = "VERSION")]
    version: String,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward alias get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    alias: AliasRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward alias list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward alias delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    alias: AliasRef,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward alias history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    #[command(flatten)]
    alias: AliasRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: AliasCommand) -> Result<(), Failure> {
    match command {
        AliasCommand::Set(args) => set(session, args).await,
        AliasCommand::Get(args) => get(session, args).await,
        AliasCommand::List(args) => list(session, args).await,
        AliasCommand::Delete(args) => delete(session, args).await,
        AliasCommand::Rollback(args) => rollback::rollback(session, args).await,
        AliasCommand::Readiness(args) => rollback::readiness(session, args).await,
        AliasCommand::History(args) => history(session, args).await,
    }
}

async fn set(session: &Session, args: SetArgs) -> Result<(), Failure> {
    let model = name::model(session.namespace(), &args.model.model)?;
    let request_id = args.change.request_id();
    let request = SetAliasRequest {
        alias: Some(Alias {
            name: format!("{model}/aliases/{}", name::encode(&args.alias)),
            version: name::version_of(session.namespace(), &model, &args.version)?,
            etag: args.etag.etag,
            ..Alias::default()
        }),
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let alias = session.change(&request_id, request, async |r| session.aliases().set_alias(r).await).await?;
    session.output().changed(args.change.dry_run, &alias, &set_sentence(&alias), &facts(&alias, None))
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = name::alias(session.namespace(), &args.alias)?;
    let request = GetAliasRequest { name, read_at: args.past.read_at() };
    let alias = session.call(request, async |r| session.aliases().get_alias(r).await).await?;
    session.output().resource(&alias, &facts(&alias, Some(now())))
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request = ListAliasesRequest { parent: parent.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.aliases().list_aliases(r).await).await?;
        Ok((answer.aliases, answer.next_page_token))
    };
    let (aliases, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListAliasesResponse { aliases, next_page_token };
    let mut table = Table::new(["ALIAS", "VERSION", "BEFORE", "SINCE", "WAY BACK"]);
    for alias in &answer.aliases {
        table.row([
            name::id(&alias.name),
            name::id(&alias.version),
            name::id(&alias.previous_version),
            time(alias.update_time),
            alias.readiness.as_ref().map(readiness_word).unwrap_or_default(),
        ]);
    }
    session.output().list(&answer, &table, "The model has no alias.", &answer.next_page_token)
}

async fn delete(session: &Session, args: DeleteArgs) -> Result<(), Failure> {
    let name = name::alias(session.namespace(), &args.alias)?;
    let request_id = args.change.request_id();
    let request = DeleteAliasRequest {
        name: name.clone(),
        etag: args.etag.etag,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let answer =
        session.change(&request_id, request, async |r| session.aliases().delete_alias(r).await).await?;
    let sentence = format!(
        "Alias {} of {} is removed; its history stays (audit position {}).",
        name::id(&name),
        name::id(name::parent(&name)),
        answer.audit_position
    );
    session.output().changed(args.change.dry_run, &answer, &sentence, &Facts::new())
}

async fn history(session: &Session, args: HistoryArgs) -> Result<(), Failure> {
    let name = name::alias(session.namespace(), &args.alias)?;
    let fetch = async |page_size, page_token| {
        let request = GetAliasHistoryRequest { name: name.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.aliases().get_alias_history(r).await).await?;
        Ok((answer.changes, answer.next_page_token))
    };
    let (changes, next_page_token) = args.page.collect(fetch).await?;
    let answer = GetAliasHistoryResponse { changes, next_page_token };
    let table = history_table(&answer.changes);
    session.output().list(&answer, &table, "The alias was never set.", &answer.next_page_token)
}

fn history_table(changes: &[AliasChange]) -> Table {
    let mut table = Table::new(["TIME", "VERSION", "BY", "POSITION", "REASON"]);
    for change in changes {
        let version =
            if change.version.is_empty() { "removed".to_owned() } else { name::id(&change.version) };
        table.row([
            time(change.time),
            version,
            change.actor.clone(),
            change.audit_position.to_string(),
            change.reason.clone(),
        ]);
    }
    table
}

/// Points an alias to a version, both by their full names, as part of another command.
pub async fn point(session: &Session, name: String, version: &str, reason: String) -> Result<Alias, Failure> {
    let request_id = fresh_request_id();
    let request = SetAliasRequest {
        alias: Some(Alias { name, version: version.to_owned(), ..Alias::default() }),
        reason,
        request_id: request_id.clone(),
        validate_only: false,
    };
    session.change(&request_id, request, async |r| session.aliases().set_alias(r).await).await
}

/// Where an alias points now, in a sentence.
pub fn set_sentence(alias: &Alias) -> String {
    let before = match alias.previous_version.as_str() {
        "" => String::new(),
        version => format!(", before it was version {}", name::id(version)),
    };
    format!(
        "Alias {} now points to {}{before} (audit position {}).",
        name::id(&alias.name),
        version_words(&alias.version),
        alias.audit_position
    )
}

/// The key facts of an alias; with a time, the age that its rehearsal has then.
pub fn facts(alias: &Alias, now: Option<Timestamp>) -> Facts {
    let mut facts = Facts::new()
        .add("Alias", name::id(&alias.name))
        .add("Model", name::id(name::parent(&alias.name)))
        .add("Version", name::id(&alias.version))
        .add("Before", name::id(&alias.previous_version))
        .add("First set", time(alias.create_time))
        .add("Last set", time(alias.update_time));
    if let Some(readiness) = &alias.readiness {
        facts = readiness_facts(facts, readiness);
    }
    if alias.drill.is_some() {
        facts = drill_fact(facts, alias.drill.as_ref(), now);
    }
    facts.add("Etag", &alias.etag).add("Full name", &alias.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn setting_an_alias_tells_where_it_pointed_before() {
        let mut alias = Alias {
            name: "namespaces/default/models/fundraising/aliases/production".into(),
            version: "namespaces/default/models/fundraising/versions/2".into(),
            audit_position: 17,
            ..Alias::default()
        };
        assert_eq!(
            set_sentence(&alias),
            "Alias production now points to version 2 of fundraising (audit position 17)."
        );
        alias.previous_version = "namespaces/default/models/fundraising/versions/1".into();
        assert!(set_sentence(&alias).contains("before it was version 1"));
    }

    #[test]
    fn a_deletion_in_the_history_says_removed() {
        let table = history_table(&[AliasChange {
            actor: "ada".into(),
            audit_position: 3,
            ..AliasChange::default()
        }]);
        assert!(table.text().contains("removed  ada"), "{}", table.text());
    }
}
