//! `steward consumer`: the programs that use a model, and who answers for them.

use clap::{Args, Subcommand};

use super::{
    argument::parse_contact,
    client::Session,
    consumer_view::{facts, table},
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag, ReasonFlag, mask_of},
    name::{self, ModelRef},
    table::{Facts, version_words},
};
use crate::proto::v1::{
    AcknowledgeSunsetRequest, Consumer, Contact, CreateConsumerRequest, DeleteConsumerRequest,
    ExemptConsumerRequest, GetConsumerRequest, ListConsumersRequest, ListConsumersResponse,
    UpdateConsumerRequest,
};

/// What to do with consumers.
#[derive(Subcommand, Debug)]
pub enum ConsumerCommand {
    /// Register a program that uses a model
    #[command(after_help = "\
The program names itself when it asks: steward version resolve donor-chatbot --consumer website

Example:
  steward consumer register donor-chatbot website --owner \"Digital team\" \\
      --contact \"Ada <ada@charity.example>\"")]
    Register(RegisterArgs),

    /// List the consumers of a model
    #[command(after_help = "Example:\n  steward consumer list donor-chatbot")]
    List(ListArgs),

    /// Show one consumer: what it uses, which sunsets it knows of
    #[command(after_help = "Example:\n  steward consumer get donor-chatbot website")]
    Get(GetArgs),

    /// Change what is said about a consumer; only what you give is changed
    #[command(after_help = "Example:\n  steward consumer update donor-chatbot website --owner \"Web team\"")]
    Update(UpdateArgs),

    /// Remove a consumer; its history stays
    Delete(DeleteArgs),

    /// Note that a consumer knows of a version's end, and what it will do
    #[command(after_help = "\
Example:
  steward consumer acknowledge donor-chatbot website 1 --reason \"We move to version 2 in March\"")]
    Acknowledge(NoteArgs),

    /// Spare a consumer the brownouts of a version; somebody other than who registered it has to grant that
    #[command(after_help = "\
Example:
  steward consumer exempt donor-chatbot website 1 --reason \"The appeal runs until Friday\"")]
    Exempt(NoteArgs),
}

/// A consumer on the command line.
#[derive(Args, Debug)]
pub struct ConsumerRef {
    /// The model's id, or the full name of the consumer
    #[arg(value_name = "MODEL")]
    model: String,

    /// The consumer's id
    #[arg(value_name = "CONSUMER")]
    consumer: Option<String>,
}

impl ConsumerRef {
    fn name(&self, session: &Session) -> Result<String, Failure> {
        name::below_model(session.namespace(), "consumers", &self.model, self.consumer.as_deref())
    }
}

/// Arguments of `steward consumer register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The new consumer's id, such as `website`; it names itself so when it asks
    #[arg(value_name = "ID")]
    id: String,

    /// Who answers for the program
    #[arg(long, value_name = "TEXT")]
    owner: String,

    /// Whom to reach
    #[arg(long, value_name = "NAME <ADDRESS>", value_parser = parse_contact)]
    contact: Contact,

    /// What the program does with the model
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward consumer list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward consumer get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    consumer: ConsumerRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward consumer update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    consumer: ConsumerRef,

    /// Who answers for the program
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,

    /// Whom to reach
    #[arg(long, value_name = "NAME <ADDRESS>", value_parser = parse_contact)]
    contact: Option<Contact>,

    /// What the program does with the model
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward consumer delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    consumer: ConsumerRef,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward consumer acknowledge` and `exempt`.
#[derive(Args, Debug)]
pub struct NoteArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The consumer's id
    #[arg(value_name = "CONSUMER")]
    consumer: String,

    /// The number of the version whose end is in sight, or its full name
    #[arg(value_name = "VERSION")]
    version: String,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: ConsumerCommand) -> Result<(), Failure> {
    /// Notes something about a consumer and a version.
    macro_rules! note {
        ($args:ident, $words:literal, $request:ident, $method:ident) => {{
            let model = name::model(session.namespace(), &$args.model.model)?;
            let version = name::version_of(session.namespace(), &model, &$args.version)?;
            let request_id = $args.change.request_id();
            let request = $request {
                name: format!("{model}/consumers/{}", name::encode(&$args.consumer)),
                reason: $args.reason.reason,
                etag: $args.etag.etag,
                request_id: request_id.clone(),
                validate_only: $args.change.dry_run,
                version: version.clone(),
            };
            let send = async |r| session.consumers().$method(r).await;
            let consumer = session.change(&request_id, request, send).await?;
            let what = format!("{} {}", $words, version_words(&version));
            told(session, $args.change.dry_run, &consumer, &what)
        }};
    }
    match command {
        ConsumerCommand::Register(args) => register(session, args).await,
        ConsumerCommand::List(args) => list(session, args).await,
        ConsumerCommand::Get(args) => get(session, args).await,
        ConsumerCommand::Update(args) => update(session, args).await,
        ConsumerCommand::Delete(args) => delete(session, args).await,
        ConsumerCommand::Acknowledge(args) => {
            note!(args, "knows of the end of", AcknowledgeSunsetRequest, acknowledge_sunset)
        }
        ConsumerCommand::Exempt(args) => {
            note!(args, "is spared the brownouts of", ExemptConsumerRequest, exempt_consumer)
        }
    }
}

async fn register(session: &Session, args: RegisterArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = CreateConsumerRequest {
        parent: name::model(session.namespace(), &args.model.model)?,
        consumer_id: args.id,
        consumer: Some(Consumer {
            owner: args.owner,
            contact: Some(args.contact),
            description: args.description,
            ..Consumer::default()
        }),
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.consumers().create_consumer(r).await;
    let consumer = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &consumer, "is registered")
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request = ListConsumersRequest { parent: parent.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.consumers().list_consumers(r).await).await?;
        Ok((answer.consumers, answer.next_page_token))
    };
    let (consumers, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListConsumersResponse { consumers, next_page_token };
    let table = table(&answer.consumers);
    session.output().list(&answer, &table, "No program is registered for the model.", &answer.next_page_token)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetConsumerRequest { name: args.consumer.name(session)?, read_at: args.past.read_at() };
    let consumer = session.call(request, async |r| session.consumers().get_consumer(r).await).await?;
    session.output().resource(&consumer, &facts(&consumer))
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let given = [
        (args.owner.is_some(), "owner"),
        (args.contact.is_some(), "contact"),
        (args.description.is_some(), "description"),
    ];
    let paths = given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path));
    let update_mask = Some(mask_of(paths, [])?);
    let request_id = args.change.request_id();
    let request = UpdateConsumerRequest {
        consumer: Some(Consumer {
            name: args.consumer.name(session)?,
            owner: args.owner.unwrap_or_default(),
            contact: args.contact,
            description: args.description.unwrap_or_default(),
            etag: args.etag.etag,
            ..Consumer::default()
        }),
        update_mask,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.consumers().update_consumer(r).await;
    let consumer = session.change(&request_id, request, send).await?;
    told(session, args.change.dry_run, &consumer, "is changed")
}

async fn delete(session: &Session, args: DeleteArgs) -> Result<(), Failure> {
    let name = args.consumer.name(session)?;
    let request_id = args.change.request_id();
    let request = DeleteConsumerRequest {
        name: name.clone(),
        etag: args.etag.etag,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.consumers().delete_consumer(r).await;
    let answer = session.change(&request_id, request, send).await?;
    let sentence = format!(
        "Consumer {} of {} is removed; its history stays (audit position {}).",
        name::id(&name),
        name::id(name::parent(&name)),
        answer.audit_position
    );
    session.output().changed(args.change.dry_run, &answer, &sentence, &Facts::new())
}

fn told(session: &Session, dry_run: bool, consumer: &Consumer, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "Consumer {} of {} {what} (audit position {}).",
        name::id(&consumer.name),
        name::id(name::parent(&consumer.name)),
        consumer.audit_position
    );
    session.output().changed(dry_run, consumer, &sentence, &facts(consumer))
}
