//! Policies: what may be written into one, and what it says of evidence and cards.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    lifecycle::fixture::{day, model, name},
    model::{ModelContent, ModelKind, RiskTier},
};

fn standard() -> PolicyContent {
    defaults::of_tier(RiskTier::Standard)
}

fn faults(content: &PolicyContent) -> Vec<String> {
    let mut violations = Violations::new();
    content.check(&mut violations);
    violations.list().iter().map(|violation| violation.field.clone()).collect()
}

#[test]
fn the_policies_that_come_along_are_good() {
    for tier in [RiskTier::Preview, RiskTier::Standard, RiskTier::Critical] {
        assert_eq!(faults(&defaults::of_tier(tier)), [""; 0], "{tier:?}");
    }
}

#[test]
fn spans_and_counts_have_limits() {
    let with = |change: fn(&mut PolicyContent)| {
        let mut content = standard();
        change(&mut content);
        faults(&content)
    };
    assert_eq!(with(|p| p.notice_days = 3_651), ["notice_days"]);
    assert_eq!(with(|p| p.retention_days = 3_651), ["retention_days"]);
    assert_eq!(with(|p| p.evidence_max_age_days = 0), ["evidence_max_age_days"]);
    assert_eq!(with(|p| p.approvals = 0), ["approvals"]);
    assert_eq!(with(|p| p.approvals = 11), ["approvals"]);
    assert_eq!(with(|p| p.minimum_cell_count.0 = 0), ["minimum_cell_count"]);
    assert_eq!(with(|p| p.minimum_cell_count.0 = 1_001), ["minimum_cell_count"]);
    assert_eq!(with(|p| p.extensions.most = 101), ["extensions.most"]);
    assert_eq!(with(|p| p.reminder_days = vec![0]), ["reminder_days[0]"]);
    assert_eq!(with(|p| p.brownouts[1].minutes = 24 * 60 + 1), ["brownouts[1].minutes"]);
    assert_eq!(with(|p| p.brownouts[0].days_before = 0).len(), 2);
    assert_eq!(with(|p| p.reminder_days = (1..=21).rev().collect()), ["reminder_days"]);
}

#[test]
fn days_fall_and_none_stands_twice() {
    for days in [vec![7, 14], vec![7, 7], vec![30, 7, 14]] {
        assert_eq!(faults(&PolicyContent { reminder_days: days, ..standard() }), ["reminder_days"]);
    }
    let mut content = standard();
    content.brownouts.reverse();
    assert_eq!(faults(&content), ["brownouts"]);
}

#[test]
fn two_gates_have_no_id_in_common() {
    let gate = Gate {
        id: "g".into(),
        metric: "m".into(),
        method: String::new(),
        slice: Default::default(),
        requirement: gate::Requirement::AtLeast(0.5),
        minimum_n: 0,
        max_age_days: 0,
        confidence: 0.0,
    };
    let other = Gate { metric: "n".into(), ..gate.clone() };
    assert_eq!(faults(&PolicyContent { gates: vec![gate, other], ..standard() }), ["gates[1].id"]);
}

#[test]
fn each_change_of_the_rules_has_a_digest_and_a_number_of_its_own() {
    let name = "namespaces/default/policies/p".parse().unwrap();
    let policy = Policy::create(name, standard(), day(0)).unwrap();
    let changed = policy.clone().update(PolicyContent { notice_days: 61, ..standard() }, day(1)).unwrap();
    assert_eq!((policy.revision, changed.revision), (1, 2));
    assert_ne!(policy.digest, changed.digest);
    assert_eq!(changed.clone().update(standard(), day(2)).unwrap().digest, policy.digest);
    assert_eq!(changed.reference().digest, changed.digest);
}

#[test]
fn fresh_evidence_is_asked_for_only_where_the_policy_says_so() {
    let gaps = |policy: &PolicyContent, newest| policy.evidence_gaps(&name(1), newest, &[], day(100));
    assert_eq!(gaps(&standard(), Some(day(10))), []);
    let old = gaps(&standard(), Some(day(10).plus_micros(-1)));
    assert_eq!(old[0].reason, Reason::EvidenceMissing);
    assert!(gaps(&standard(), None)[0].description.contains("never evaluated"));
    assert_eq!(gaps(&defaults::of_tier(RiskTier::Preview), None), []);
}

#[test]
fn each_field_of_a_card_is_missed_by_itself() {
    let complete = model();
    assert_eq!(card::gaps(CardField::ALL, &complete), []);
    for field in CardField::ALL {
        let mut content = serde_json::to_value(&complete).unwrap();
        let path = format!("/{}", field.path().replace('.', "/"));
        let empty = match content.pointer(&path).unwrap() {
            serde_json::Value::String(_) if *field == CardField::ReviewTime => serde_json::Value::Null,
            serde_json::Value::String(_) => serde_json::json!("  "),
            serde_json::Value::Array(_) => serde_json::json!([]),
            serde_json::Value::Number(_) => serde_json::json!(0),
            serde_json::Value::Object(_) => serde_json::json!({ "display_name": "" }),
            _ => serde_json::Value::Null,
        };
        *content.pointer_mut(&path).unwrap() = empty;
        let model: crate::domain::model::Model = serde_json::from_value(content).unwrap();
        let gaps = card::gaps(CardField::ALL, &model);
        assert_eq!(gaps.len(), 1, "{field:?}");
        assert!(gaps[0].description.starts_with(field.path()), "{}", gaps[0].description);
        assert_eq!(CardField::parse(field.path()), Some(*field));
    }
}

#[test]
fn what_does_not_concern_a_model_is_not_asked_of_it() {
    let mut own = model();
    own.content = ModelContent { kind: Some(ModelKind::Own), ..ModelContent::default() };
    let asked = [CardField::ContractUri, CardField::VendorTrainsOnData, CardField::PersonalDataBasis];
    assert_eq!(card::gaps(&asked, &own), []);
    own.content.kind = Some(ModelKind::RentedApi);
    own.content.processes_personal_data = true;
    assert_eq!(card::gaps(&asked, &own).len(), 3);
}
