//! `steward model`: the models that the organisation relies on.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;

use super::{
    argument::{parse_contact, parse_pair, parse_property},
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, PageFlags, PastFlag, ReasonFlag},
    name::{self, ModelRef},
    property::property_words,
    table::{Facts, Table, day, pairs, time, word},
};
use crate::proto::v1::{
    Contact, CreateModelRequest, DeleteModelRequest, GetModelRequest, ListModelsRequest, ListModelsResponse,
    Model, ModelKind, PropertyValue, RiskTier, UndeleteModelRequest, UpdateModelRequest,
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
      --property features:int=14")]
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
  steward model update donor-chatbot --clear labels,contacts")]
    Update(UpdateArgs),

    /// Mark a model as deleted; its versions and history stay
    Delete(RemovalArgs),

    /// Take the deletion of a model back
    Undelete(RemovalArgs),
}

/// What is said about a model.
#[derive(Args, Debug, Clone, Default)]
pub struct ModelFields {
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    /// What the model is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// The person or team that answers for the model
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,

    /// Whom to reach, the first one first; may be repeated
    #[arg(long = "contact", value_name = "NAME <ADDRESS>", value_parser = parse_contact)]
    contacts: Vec<Contact>,

    /// How much harm a failure could do
    #[arg(long)]
    risk_tier: Option<RiskTierWord>,

    /// A category of data that the model sees, such as `donations`; may be repeated
    #[arg(long = "data-category", value_name = "CATEGORY")]
    data_categories: Vec<String>,

    /// The model sees personal data (`--personal-data=false`: it does not)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    personal_data: Option<bool>,

    /// A key and value to filter by; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_pair)]
    labels: Vec<(String, String)>,

    /// A property with a type: `k=text`, `k:int=5`, `k:number=0.5`, `k:bool=true`,
    /// `k:time=2026-01-01`; may be repeated
    #[arg(long = "property", value_name = "KEY[:TYPE]=VALUE", value_parser = parse_property)]
    properties: Vec<(String, PropertyValue)>,
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

/// Where a model comes from, in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindWord {
    /// Trained or fine-tuned by yourselves
    Own,
    /// Called behind somebody else's API
    RentedApi,
    /// Part of a product that you use
    Embedded,
}

/// How much harm a failure could do, in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RiskTierWord {
    /// A trial: nobody depends on it
    Preview,
    /// Ordinary use
    Standard,
    /// People or the organisation are harmed when it fails
    Critical,
}

/// Fields that an update can empty.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "a doc comment would become help text that repeats the word")]
pub enum ClearableField {
    DisplayName,
    Description,
    Owner,
    Contacts,
    RiskTier,
    DataCategories,
    Labels,
    Properties,
}

impl From<KindWord> for ModelKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Own => ModelKind::Own,
            KindWord::RentedApi => ModelKind::RentedApi,
            KindWord::Embedded => ModelKind::Embedded,
        }
    }
}

impl From<RiskTierWord> for RiskTier {
    fn from(word: RiskTierWord) -> Self {
        match word {
            RiskTierWord::Preview => RiskTier::Preview,
            RiskTierWord::Standard => RiskTier::Standard,
            RiskTierWord::Critical => RiskTier::Critical,
        }
    }
}

impl ClearableField {
    fn path(self) -> &'static str {
        match self {
            ClearableField::DisplayName => "display_name",
            ClearableField::Description => "description",
            ClearableField::Owner => "owner",
            ClearableField::Contacts => "contacts",
            ClearableField::RiskTier => "risk_tier",
            ClearableField::DataCategories => "data_categories",
            ClearableField::Labels => "labels",
            ClearableField::Properties => "properties",
        }
    }
}

impl ModelFields {
    /// Which fields were given, by their names in the contract.
    fn paths(&self) -> Vec<&'static str> {
        let given = [
            (self.display_name.is_some(), "display_name"),
            (self.description.is_some(), "description"),
            (self.owner.is_some(), "owner"),
            (!self.contacts.is_empty(), "contacts"),
            (self.risk_tier.is_some(), "risk_tier"),
            (!self.data_categories.is_empty(), "data_categories"),
            (self.personal_data.is_some(), "processes_personal_data"),
            (!self.labels.is_empty(), "labels"),
            (!self.properties.is_empty(), "properties"),
        ];
        given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path)).collect()
    }

    fn into_model(self) -> Model {
        Model {
            display_name: self.display_name.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            owner: self.owner.unwrap_or_default(),
            contacts: self.contacts,
            risk_tier: self.risk_tier.map_or(RiskTier::Unspecified, RiskTier::from).into(),
            data_categories: self.data_categories,
            processes_personal_data: self.personal_data.unwrap_or_default(),
            labels: self.labels.into_iter().collect(),
            properties: self.properties.into_iter().collect(),
            ..Model::default()
        }
    }
}

impl UpdateArgs {
    /// The model with the changed fields, and which fields those are.
    fn change_of(&self) -> Result<(Model, FieldMask), Failure> {
        let mut paths = self.fields.paths();
        paths.extend(self.kind.is_some().then_some("kind"));
        for field in &self.clear {
            if paths.contains(&field.path()) {
                return Err(Failure::Usage(format!("{} is both given and cleared.", field.path())));
            }
            paths.push(field.path());
        }
        if paths.is_empty() {
            return Err(Failure::Usage("There is nothing to change: give at least one field.".to_owned()));
        }
        let kind = self.kind.map_or(ModelKind::Unspecified, ModelKind::from).into();
        let model = Model { kind, etag: self.etag.etag.clone(), ..self.fields.clone().into_model() };
        Ok((model, FieldMask { paths: paths.into_iter().map(str::to_owned).collect() }))
    }
}

/// Carries out one command.
pub async fn run(session: &Session, command: ModelCommand) -> Result<(), Failure> {
    match command {
        ModelCommand::Create(args) => create(session, args).await,
        ModelCommand::Get(args) => get(session, args).await,
        ModelCommand::List(args) => list(session, args).await,
        ModelCommand::Update(args) => update(session, args).await,
        ModelCommand::Delete(args) => delete(session, args).await,
        ModelCommand::Undelete(args) => undelete(session, args).await,
    }
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = CreateModelRequest {
        parent: session.namespace().to_owned(),
        model_id: args.id,
        model: Some(Model { kind: ModelKind::from(args.kind).into(), ..args.fields.into_model() }),
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let model =
        session.change(&request_id, request, async |r| session.models().create_model(r).await).await?;
    changed(session, args.change.dry_run, &model, "is registered")
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = name::model(session.namespace(), &args.model.model)?;
    let request = GetModelRequest { name, read_at: args.past.read_at() };
    let model = session.call(request, async |r| session.models().get_model(r).await).await?;
    session.output().resource(&model, &facts(&model))
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
    let (mut model, mask) = args.change_of()?;
    model.name = name::model(session.namespace(), &args.model.model)?;
    let request_id = args.change.request_id();
    let request = UpdateModelRequest {
        model: Some(model),
        update_mask: Some(mask),
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

fn facts(model: &Model) -> Facts {
    let contacts = model.contacts.iter().map(|contact| match contact.address.as_str() {
        "" => contact.display_name.clone(),
        address => format!("{} <{address}>", contact.display_name),
    });
    Facts::new()
        .add("Model", name::id(&model.name))
        .add("Deleted", time(model.delete_time))
        .add("Display name", &model.display_name)
        .add("Description", &model.description)
        .add("Kind", word(model.kind().as_str_name(), "MODEL_KIND_"))
        .add("Risk tier", word(model.risk_tier().as_str_name(), "RISK_TIER_"))
        .add("Owner", &model.owner)
        .add_lines("Contacts", contacts)
        .add("Personal data", if model.processes_personal_data { "yes" } else { "no" })
        .add("Data categories", model.data_categories.join(", "))
        .add("Labels", pairs(&model.labels))
        .add_lines("Properties", model.properties.iter().map(property_words))
        .add("Created", time(model.create_time))
        .add("Last changed", time(model.update_time))
        .add("Etag", &model.etag)
        .add("Full name", &model.name)
}

fn table(models: &[Model]) -> Table {
    let mut table = Table::new(["MODEL", "KIND", "RISK", "OWNER", "PERSONAL DATA", "CHANGED", "DESCRIPTION"]);
    for model in models {
        let deleted = if model.delete_time.is_some() { " (deleted)" } else { "" };
        table.row([
            format!("{}{deleted}", name::id(&model.name)),
            word(model.kind().as_str_name(), "MODEL_KIND_"),
            word(model.risk_tier().as_str_name(), "RISK_TIER_"),
            model.owner.clone(),
            if model.processes_personal_data { "yes" } else { "no" }.to_owned(),
            day(model.update_time),
            summary(&model.description),
        ]);
    }
    table
}

/// The first line of a text, cut to the width of a column.
fn summary(text: &str) -> String {
    const WIDTH: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
