//! `steward model`: the models that the organisation relies on.

use clap::{Args, Subcommand};

use super::{
    card_view::template,
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag},
    model_fields::{ClearableField, KindWord, ModelFields},
    model_view::{facts, table},
    name::{self, ModelRef},
    output::write,
};
use crate::proto::v1::{
    CreateModelRequest, DeleteModelRequest, GetModelRequest, ListModelsRequest, ListModelsResponse, Model,
    ModelCard, ModelKind, UndeleteModelRequest, UpdateModelRequest, get_model_request::ReadAt,
};

/// What to do with models.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// Register a model
    #[command(after_help = "\
Examples:
  steward model create donor-chatbot --kind rented-api --owner \"Donor care\" \\
      --contact \"Ada <ada@charity.example>\" --personal-data --data-category donations
  steward model create fundraising --kind own --risk-tier critical --label team=data \\
      --property features:int=14 --card card.json
The card is what people have to know about a model; the policy of its risk tier says what has to be on it. \
`steward model card-template > card.json` prints an empty one.")]
    Create(CreateArgs),

    /// Show one model, also when it is deleted
    #[command(after_help = "\
Examples:
  steward model get donor-chatbot
  steward model get donor-chatbot --at 2026-03-01")]
    Get(GetArgs),

    /// List the models
    #[command(after_help = "\
Examples:
  steward model list
  steward model list --filter 'kind = RENTED_API AND processes_personal_data = true'
  steward model list --order-by 'update_time desc' --limit 10")]
    List(ListArgs),

    /// Change what is said about a model; only what you give is changed
    #[command(after_help = "\
A list (contacts, data categories, labels, properties) is replaced as a whole.

Examples:
  steward model update donor-chatbot --owner \"Digital team\"
  steward model update donor-chatbot --purpose \"Answers donors at night\" --review '6 months'
  steward model update donor-chatbot --card card.json
  steward model update donor-chatbot --clear labels,contacts")]
    Update(UpdateArgs),

    /// Print an empty card in JSON, to fill in and give back with --card
    #[command(after_help = "Example:\n  steward model card-template > card.json")]
    CardTemplate,

    /// Mark a model as deleted; its versions and history stay
    Delete(RemovalArgs),

    /// Take the deletion of a model back
    Undelete(RemovalArgs),
}

/// Arguments of `steward model create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The new model's id, such as `donor-chatbot`
    #[arg(value_name = "ID")]
    id: String,

    /// Where the model comes from
    #[arg(long)]
    kind: KindWord,

    #[command(flatten)]
    fields: ModelFields,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward model get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward model list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only those that match, such as `owner = "Donor care"`
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    filter: String,

    /// `name`, `create_time` or `update_time`, with ` desc` behind it for the reverse
    #[arg(long, value_name = "FIELD", default_value = "", hide_default_value = true)]
    order_by: String,

    /// Show deleted models too
    #[arg(long)]
    show_deleted: bool,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward model update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    model: ModelRef,

    /// Where the model comes from
    #[arg(long)]
    kind: Option<KindWord>,

    #[command(flatten)]
    fields: ModelFields,

    /// Empty these fields
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    clear: Vec<ClearableField>,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward model delete` and `undelete`.
#[derive(Args, Debug)]
pub struct RemovalArgs {
    #[command(flatten)]
    model: ModelRef,

    #[command(flatten)]
    reason: ReasonFlag,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: ModelCommand) -> Result<(), Failure> {
    match command {
        ModelCommand::Create(args) => create(session, args).await,
        ModelCommand::Get(args) => get(session, args).await,
        ModelCommand::List(args) => list(session, args).await,
        ModelCommand::Update(args) => update(session, args).await,
        ModelCommand::CardTemplate => write(&template()?),
        ModelCommand::Delete(args) => delete(session, args).await,
        ModelCommand::Undelete(args) => undelete(session, args).await,
    }
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let described = args.fields.into_model(session.namespace(), ModelCard::default())?;
    let request = CreateModelRequest {
        parent: session.namespace().to_owned(),
        model_id: args.id,
        model: Some(Model { kind: ModelKind::from(args.kind).into(), ..described }),
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let model =
        session.change(&request_id, request, async |r| session.models().create_model(r).await).await?;
    changed(session, args.change.dry_run, &model, "is registered")
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = name::model(session.namespace(), &args.model.model)?;
    let model = read_model(session, name, args.past.read_at()).await?;
    session.output().resource(&model, &facts(&model))
}

async fn read_model(session: &Session, name: String, read_at: Option<ReadAt>) -> Result<Model, Failure> {
    let request = GetModelRequest { name, read_at };
    session.call(request, async |r| session.models().get_model(r).await).await
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let fetch = async |page_size, page_token| {
        let request = ListModelsRequest {
            parent: session.namespace().to_owned(),
            page_size,
            page_token,
            filter: args.filter.clone(),
            order_by: args.order_by.clone(),
            show_deleted: args.show_deleted,
        };
        let answer = session.call(request, async |r| session.models().list_models(r).await).await?;
        Ok((answer.models, answer.next_page_token))
    };
    let (models, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListModelsResponse { models, next_page_token };
    session.output().list(&answer, &table(&answer.models), "There is no such model.", &answer.next_page_token)
}

async fn update(session: &Session, args: UpdateArgs) -> Result<(), Failure> {
    let update_mask = Some(args.fields.mask(args.kind, &args.clear)?);
    let name = name::model(session.namespace(), &args.model.model)?;
    let mut etag = args.etag.etag;
    let mut present = ModelCard::default();
    if args.fields.card.is_given() && !args.fields.card.is_whole() {
        // The card changes as a whole, so what stays is read first, and the etag
        // sees to it that nobody else's change is lost.
        let model = read_model(session, name.clone(), None).await?;
        present = model.card.unwrap_or_default();
        etag = if etag.is_empty() { model.etag } else { etag };
    }
    let model = Model {
        name,
        kind: args.kind.map_or(ModelKind::Unspecified, ModelKind::from).into(),
        etag,
        ..args.fields.into_model(session.namespace(), present)?
    };
    let request_id = args.change.request_id();
    let request = UpdateModelRequest {
        model: Some(model),
        update_mask,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let model =
        session.change(&request_id, request, async |r| session.models().update_model(r).await).await?;
    changed(session, args.change.dry_run, &model, "is changed")
}

async fn delete(session: &Session, args: RemovalArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = DeleteModelRequest {
        name: name::model(session.namespace(), &args.model.model)?,
        etag: args.etag.etag,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let model =
        session.change(&request_id, request, async |r| session.models().delete_model(r).await).await?;
    changed(session, args.change.dry_run, &model, "is deleted; its versions and history stay")
}

async fn undelete(session: &Session, args: RemovalArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = UndeleteModelRequest {
        name: name::model(session.namespace(), &args.model.model)?,
        etag: args.etag.etag,
        reason: args.reason.reason,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let model =
        session.change(&request_id, request, async |r| session.models().undelete_model(r).await).await?;
    changed(session, args.change.dry_run, &model, "is not deleted any more")
}

fn changed(session: &Session, dry_run: bool, model: &Model, what: &str) -> Result<(), Failure> {
    let sentence =
        format!("Model {} {what} (audit position {}).", name::id(&model.name), model.audit_position);
    session.output().changed(dry_run, model, &sentence, &facts(model))
}
