//! A model, its versions and the people around them, for the tests of the rules.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Decision, Deprecation, Hold, Restoration, Retirement, RetirementCause, Successor, UpstreamEnd,
    VersionState,
    consent::Approval,
    schedule::Schedule,
    transition::{Facts, Predecessor, Replacement, Request, User, Verb, apply},
};
use crate::domain::{
    model::{Contact, Model, ModelContent, ModelKind, RiskTier, card::ModelCard},
    name::{IncidentName, VersionName},
    policy::{Enforcement, Policy, defaults, gate::GateResult},
    refusal::{Reason, Refusal},
    time::Timestamp,
    version::{Artifact, UpstreamReference, Version, VersionContent},
};

/// Some days after the beginning of 2026.
pub fn day(days: u32) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus_days(days)
}

pub fn name(number: u32) -> VersionName {
    format!("namespaces/default/models/m/versions/{number}").parse().unwrap()
}

pub fn incident() -> IncidentName {
    "namespaces/default/models/m/incidents/fire".parse().unwrap()
}

/// A model whose card says everything.
pub fn model() -> Model {
    let text = || "said".to_owned();
    let card = ModelCard {
        purpose: text(),
        affected_people: text(),
        prohibited_uses: text(),
        backup_contact: Contact { display_name: text(), address: text() },
        contract_uri: "https://contract.example".to_owned(),
        vendor_trains_on_data: Some(false),
        personal_data_basis: text(),
        human_oversight: text(),
        ai_disclosure: Some(true),
        risk_tier_reason: text(),
        known_limits: text(),
        rollback_plan: text(),
        incident_plan: text(),
        review_time: Some(day(365)),
        monthly_budget_micros: 1,
        budget_currency: "EUR".to_owned(),
    };
    let content = ModelContent {
        owner: text(),
        contacts: vec![Contact { display_name: text(), address: text() }],
        kind: Some(ModelKind::RentedApi),
        data_categories: vec!["donor".to_owned()],
        processes_personal_data: true,
        card,
        ..ModelContent::default()
    };
    Model::create("namespaces/default/models/m".parse().unwrap(), content, day(0))
}

/// The policy of a tier as it comes.
pub fn policy(tier: RiskTier) -> Policy {
    let name = format!("namespaces/default/policies/{}", tier.policy_id()).parse().unwrap();
    Policy::create(name, defaults::of_tier(tier), day(0)).unwrap()
}

pub fn decision(actor: &str, time: Timestamp) -> Decision {
    Decision::new(actor, "because", time)
}

/// A version in a state, with what belongs to it: approved on day 0 for 180 days,
/// announced on day 0 to end on day 200, retired on day 200.
pub fn version(number: u32, state: VersionState) -> Version {
    let artifact = Artifact {
        uri: "s3://b/k".into(),
        digest: format!("sha256:{}", "0".repeat(64)),
        ..Default::default()
    };
    let content = VersionContent { artifacts: vec![artifact], ..Default::default() };
    let mut version = Version { state, ..Version::create(name(number), content, day(0)) };
    use VersionState::*;
    if state != Draft {
        version.submission = Some(decision("sue", day(0)));
    }
    if matches!(state, Approved | Deprecated | Retired) {
        version.review = Some(decision("rob", day(0)));
        version.not_sooner_than = Some(day(180));
    }
    if matches!(state, Deprecated | Retired) {
        version.deprecation = Some(ending(day(200)));
    }
    if state == Retired {
        let decision = decision("steward", day(200));
        version.retirement =
            Some(Retirement { decision, cause: RetirementCause::Sunset, notice_seconds: 200 * 86_400 });
    }
    version
}

/// An announcement of day 0, without a schedule.
pub fn ending(sunset_time: Timestamp) -> Deprecation {
    Deprecation {
        decision: decision("ann", day(0)),
        sunset_time,
        successor: Successor::NoReplacementReason("the service ends".to_owned()),
        moves: Vec::new(),
        schedule: Schedule::default(),
        enforcement: Enforcement::Block,
    }
}

pub fn held(version: Version) -> Version {
    let hold = Hold { decision: decision("hal", day(0)), way_back: None };
    Version { hold: Some(hold), ..version }
}

/// A retired version that is back until a time.
pub fn back(until_time: Timestamp) -> Version {
    let restoration = Restoration { decision: decision("ann", day(200)), until_time };
    let retired = version(1, VersionState::Retired);
    Version { state: VersionState::Deprecated, restoration: Some(restoration), ..retired }
}

/// A provider that shuts down on a day; 30 days earlier is the latest sunset, and
/// its notice of 60 days begins before that.
pub fn shutdown(days: u32) -> UpstreamEnd {
    let key = UpstreamReference { provider: "p".into(), model_id: "i".into(), ..Default::default() };
    let namespace = name(1).model.namespace;
    UpstreamEnd {
        upstream: crate::domain::name::UpstreamName { namespace, key },
        shutdown_time: day(days),
        latest_time: day(days).minus_days(30),
        announce_time: day(days).minus_days(90),
    }
}

pub fn deprecate(sunset_time: Timestamp) -> Verb {
    Verb::Deprecate { sunset_time, successor: Successor::NoReplacementReason("the service ends".to_owned()) }
}

pub fn deprecate_for(number: u32, sunset_time: Timestamp) -> Verb {
    Verb::Deprecate { sunset_time, successor: Successor::Replacement(name(number)) }
}

pub fn emergency() -> Verb {
    Verb::EmergencyRetire { successor: Successor::NoReplacementReason("it harms".to_owned()) }
}

pub fn failed_gate() -> GateResult {
    GateResult {
        gate: "recall".into(),
        passed: false,
        measured: None,
        production: None,
        bound: None,
        sentence: "nothing is known of it".into(),
    }
}

/// What a step is decided over, all of it in favour: `ann` asks on day 100, `bob`
/// agrees, an incident is open, and the evidence is fresh.
#[derive(Clone)]
pub struct Scene {
    pub model: Model,
    pub policy: Policy,
    pub allows_self_approval: bool,
    pub replacement: Replacement,
    pub predecessors: Vec<Predecessor>,
    pub gates: Vec<GateResult>,
    pub newest_evidence: Option<Timestamp>,
    pub upstream_end: Option<UpstreamEnd>,
    pub users: Vec<User>,
    pub author: &'static str,
    pub approvers: Vec<&'static str>,
    pub incident: Option<IncidentName>,
    pub now: Timestamp,
}

impl Scene {
    pub fn of(tier: RiskTier) -> Self {
        Scene {
            model: model(),
            policy: policy(tier),
            allows_self_approval: false,
            replacement: Replacement { state: Some(VersionState::Approved), ..Replacement::default() },
            predecessors: Vec::new(),
            gates: Vec::new(),
            newest_evidence: Some(day(100)),
            upstream_end: None,
            users: Vec::new(),
            author: "ann",
            approvers: vec!["bob"],
            incident: Some(incident()),
            now: day(100),
        }
    }

    pub fn standard() -> Self {
        Scene::of(RiskTier::Standard)
    }

    pub fn apply(&self, version: Version, verb: &Verb) -> Result<Version, Vec<Refusal>> {
        let approval =
            |actor: &&str| Approval { actor: (*actor).into(), comment: String::new(), time: self.now };
        let approvals: Vec<Approval> = self.approvers.iter().map(approval).collect();
        let facts = Facts {
            model: &self.model,
            policy: &self.policy,
            allows_self_approval: self.allows_self_approval,
            replacement: self.replacement.clone(),
            predecessors: self.predecessors.clone(),
            gates: self.gates.clone(),
            newest_evidence: self.newest_evidence,
            upstream_end: self.upstream_end.clone(),
            users: self.users.clone(),
            way_back: None,
        };
        let request = Request {
            author: self.author,
            reason: "because",
            approvals: &approvals,
            incident: self.incident.as_ref(),
            now: self.now,
        };
        apply(version, verb, &facts, &request)
    }

    /// The one refusal of a step, which has to have this reason.
    pub fn refusal(&self, version: Version, verb: &Verb, reason: Reason) -> Refusal {
        let mut refusals = self.apply(version, verb).unwrap_err();
        assert_eq!(refusals.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [reason]);
        refusals.remove(0)
    }

    /// The version after a step that nothing stands against.
    pub fn done(&self, version: Version, verb: &Verb) -> Version {
        self.apply(version, verb).unwrap_or_else(|refusals| panic!("{refusals:?}"))
    }
}

/// What a refusal says under a key.
pub fn value<'a>(refusal: &'a Refusal, key: &str) -> &'a str {
    let (_, value) = refusal.values.iter().find(|(known, _)| *known == key).unwrap();
    value
}
