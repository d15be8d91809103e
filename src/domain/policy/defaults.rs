//! The policies that every namespace begins with, one for each risk tier.

use super::{
    BrownoutRule, Enforcement, ExtensionRule, MinimumCellCount, PolicyContent, card::CardField,
    monitoring::Monitoring,
};
use crate::domain::model::RiskTier;

/// The rules of a risk tier, until its owners write others.
pub fn of_tier(tier: RiskTier) -> PolicyContent {
    match tier {
        RiskTier::Preview => preview(),
        RiskTier::Standard => standard(),
        RiskTier::Critical => critical(),
    }
}

/// For trials: short notice, little paper.
fn preview() -> PolicyContent {
    PolicyContent {
        description: "For trials that nobody depends on.".to_owned(),
        notice_days: 14,
        minimum_life_days: 0,
        reminder_days: vec![14, 7, 1],
        brownouts: Vec::new(),
        upstream_margin_days: 7,
        extensions: ExtensionRule { most: 1, total_days: 30 },
        approvals: 1,
        evidence_max_age_days: 90,
        requires_evidence: false,
        gates: Vec::new(),
        card_fields: CardField::PREVIEW.into_iter().collect(),
        enforcement: Enforcement::Block,
        rollback_min_days: 1,
        drill_max_age_days: 0,
        retention_days: 0,
        monitoring: Monitoring::default(),
        minimum_cell_count: MinimumCellCount::default(),
    }
}

/// For ordinary use.
fn standard() -> PolicyContent {
    PolicyContent {
        description: "For ordinary use.".to_owned(),
        notice_days: 60,
        minimum_life_days: 180,
        reminder_days: vec![60, 30, 14, 7, 1],
        brownouts: vec![
            BrownoutRule { days_before: 14, minutes: 15 },
            BrownoutRule { days_before: 7, minutes: 60 },
        ],
        upstream_margin_days: 30,
        extensions: ExtensionRule { most: 2, total_days: 90 },
        requires_evidence: true,
        card_fields: CardField::STANDARD.into_iter().collect(),
        rollback_min_days: 7,
        drill_max_age_days: 180,
        retention_days: 30,
        ..preview()
    }
}

/// Where people are harmed when it fails.
fn critical() -> PolicyContent {
    PolicyContent {
        description: "Where people are harmed when it fails.".to_owned(),
        notice_days: 180,
        minimum_life_days: 365,
        reminder_days: vec![180, 90, 60, 30, 14, 7, 1],
        brownouts: [(28, 15), (14, 60), (7, 4 * 60), (2, 8 * 60)]
            .map(|(days_before, minutes)| BrownoutRule { days_before, minutes })
            .to_vec(),
        upstream_margin_days: 60,
        extensions: ExtensionRule { most: 2, total_days: 180 },
        evidence_max_age_days: 30,
        card_fields: CardField::ALL.iter().copied().collect(),
        rollback_min_days: 30,
        drill_max_age_days: 90,
        retention_days: 365,
        ..standard()
    }
}
