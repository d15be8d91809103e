//! What a model's card has to say, by policy.

use crate::domain::{
    model::{Model, ModelKind},
    refusal::{Reason, Refusal},
};
use serde::{Deserialize, Serialize};

/// Defines the fields once: variant, word, what to do, whether it is filled in.
macro_rules! card_fields {
    ($($(#[$doc:meta])* $variant:ident $word:literal $ask:literal |$model:ident| $filled:expr;)*) => {
        /// A part of a model's card.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum CardField {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl CardField {
            /// All of them.
            pub const ALL: &'static [CardField] = &[$(CardField::$variant),*];

            /// The path of the field in the model.
            pub fn path(self) -> &'static str {
                match self {
                    $(CardField::$variant => $word,)*
                }
            }

            /// The field with a path.
            pub fn parse(path: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.path() == path)
            }

            fn ask(self) -> &'static str {
                match self {
                    $(CardField::$variant => $ask,)*
                }
            }

            fn is_filled(self, model: &Model) -> bool {
                match self {
                    $(CardField::$variant => { let $model = model; $filled })*
                }
            }
        }
    };
}

card_fields! {
    /// Who answers for it.
    Owner "owner" "say who answers for the model"
        |model| filled(&model.content.owner);
    /// Whom to reach.
    Contacts "contacts" "give somebody to reach"
        |model| !model.content.contacts.is_empty();
    /// Whom to reach if that fails.
    BackupContact "card.backup_contact" "give somebody to reach when the owner is away"
        |model| filled(&model.content.card.backup_contact.display_name);
    /// What it is for.
    Purpose "card.purpose" "say in one sentence what the model is for"
        |model| filled(&model.content.card.purpose);
    /// Who is affected.
    AffectedPeople "card.affected_people" "say whom its answers affect"
        |model| filled(&model.content.card.affected_people);
    /// What it must not be used for.
    ProhibitedUses "card.prohibited_uses" "say what it must not be used for"
        |model| filled(&model.content.card.prohibited_uses);
    /// The contract with the provider.
    ContractUri "card.contract_uri" "link the contract with the provider"
        |model| !is_rented(model) || filled(&model.content.card.contract_uri);
    /// Whether the provider may train on what is sent.
    VendorTrainsOnData "card.vendor_trains_on_data" "say whether the provider may train on what you send: yes or no"
        |model| !is_rented(model) || model.content.card.vendor_trains_on_data.is_some();
    /// Categories of data.
    DataCategories "data_categories" "name the categories of data that it sees"
        |model| !model.content.data_categories.is_empty();
    /// Why personal data may be processed.
    PersonalDataBasis "card.personal_data_basis" "say on what legal basis it sees personal data"
        |model| !model.content.processes_personal_data || filled(&model.content.card.personal_data_basis);
    /// Who watches it.
    HumanOversight "card.human_oversight" "say who watches it, and how somebody can step in"
        |model| filled(&model.content.card.human_oversight);
    /// Whether people are told.
    AiDisclosure "card.ai_disclosure" "say whether people are told that they deal with an AI: yes or no"
        |model| model.content.card.ai_disclosure.is_some();
    /// Why the risk tier is right.
    RiskTierReason "card.risk_tier_reason" "say why its risk tier is the right one"
        |model| filled(&model.content.card.risk_tier_reason);
    /// What it does badly.
    KnownLimits "card.known_limits" "say what it does badly"
        |model| filled(&model.content.card.known_limits);
    /// What to do without it.
    RollbackPlan "card.rollback_plan" "say what to go back to when it fails"
        |model| filled(&model.content.card.rollback_plan);
    /// What to do when it harms.
    IncidentPlan "card.incident_plan" "say what is done, and by whom, when it harms"
        |model| filled(&model.content.card.incident_plan);
    /// When it is looked at again.
    ReviewTime "card.review_time" "set the day on which it is looked at again"
        |model| model.content.card.review_time.is_some();
    /// What it may cost.
    Budget "card.monthly_budget_micros" "say what it may cost a month"
        |model| model.content.card.monthly_budget_micros > 0;
}

impl CardField {
    /// What a trial has to say.
    pub const PREVIEW: [CardField; 0] = [];

    /// What ordinary use has to say.
    pub const STANDARD: [CardField; 12] = [
        CardField::Owner,
        CardField::Contacts,
        CardField::Purpose,
        CardField::AffectedPeople,
        CardField::ProhibitedUses,
        CardField::ContractUri,
        CardField::VendorTrainsOnData,
        CardField::PersonalDataBasis,
        CardField::HumanOversight,
        CardField::AiDisclosure,
        CardField::RollbackPlan,
        CardField::ReviewTime,
    ];
}

fn filled(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_rented(model: &Model) -> bool {
    model.content.kind == Some(ModelKind::RentedApi)
}

/// A refusal for each required field that says nothing.
pub fn gaps<'a>(required: impl IntoIterator<Item = &'a CardField>, model: &Model) -> Vec<Refusal> {
    let gap = |field: &CardField| {
        let sentence = format!("{} is empty: {} (update the model)", field.path(), field.ask());
        Refusal::new(Reason::CardIncomplete, &model.name, sentence)
    };
    required.into_iter().filter(|field| !field.is_filled(model)).map(gap).collect()
}
