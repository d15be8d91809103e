//! Random histories: every mutation, right and wrong, under a clock that jumps
//! both ways.

use crate::{
    ask::{self, Ask},
    support::{BEGIN, DAY, TestServer, create_model, create_version, model_name, version_name},
};
use proptest::prelude::*;
use steward_registry::proto::v1;
use tonic::Code;

/// One step, as numbers that shrink well.
#[derive(Clone, Debug)]
pub struct Step {
    verb: u8,
    model: usize,
    number: u32,
    variant: u8,
    request: u8,
}

/// Ids that begin alike, need percent-encoding, or are none.
const MODELS: [&str; 4] = ["m", "mm", "Zürich (EU)", "a/b"];
/// How far the clock jumps, in microseconds.
const JUMPS: [i64; 6] = [1, 1_000_000, DAY + 1, 40 * DAY, -3_600_000_000, -2 * DAY];

/// Histories of up to `longest` steps. Each begins with something to work on.
pub fn histories(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..32, 0usize..12, 1u32..4, 0u8..8, 0u8..40)
        .prop_map(|(verb, model, number, variant, request)| Step { verb, model, number, variant, request });
    proptest::collection::vec(step, 1..longest).prop_map(|steps| [beginning(), steps].concat())
}

fn beginning() -> Vec<Step> {
    let step = |verb, number| Step { verb, model: 0, number, variant: 0, request: 39 };
    vec![step(1, 1), step(5, 1), step(5, 2), step(7, 1), step(8, 1), step(7, 2)]
}

impl Step {
    /// Most steps are about the first model, so that its life gets long.
    fn model(&self) -> &'static str {
        MODELS[self.model.saturating_sub(8)]
    }

    fn etag(&self) -> &'static str {
        if self.variant == 7 { "p3" } else { "" }
    }

    fn reason(&self) -> &'static str {
        ["because", "\u{e4}\u{1F600} \"quoted\" \\ <tag>", ""][usize::from(self.variant).min(2)]
    }

    fn ask(&self) -> Ask {
        let (model, variant) = (self.model(), i64::from(self.variant));
        let (version, reason) = (version_name(model, self.number), self.reason());
        let alias = ["production", "canary"][self.number as usize % 2];
        match self.verb {
            0 => ask::create_namespace(["charity", "default", "Not one"][self.number as usize - 1], reason),
            1 => create_model(model).into(),
            2 | 3 => ask::describe_model(model, &"d".repeat(self.variant.into()), self.etag()),
            4 | 5 => self.create_version(),
            6 => ask::label_version(&version, ["1.0", "2.0", ""][usize::from(self.variant) % 3]),
            7 => ask::submit(&version, reason),
            8 => ask::approve(&version, reason),
            9 => ask::reject(&version, reason),
            10 => self.deprecate(),
            11 => ask::reinstate(&version, reason),
            12 => ask::retire(&version, reason),
            13 => ask::archive(&version, reason),
            14..=16 => ask::set_alias(model, alias, self.number, self.etag()),
            17 => ask::delete_alias(&format!("{}/aliases/{alias}", model_name(model)), reason),
            18 => ask::record(&version, ["", "named", "Not one!"][self.number as usize - 1], variant).into(),
            19 => ask::record_batch(model, self.number, &format!("b{variant}"), self.variant.into()),
            20 => ask::delete_model(&model_name(model), reason),
            21 => ask::undelete_model(&model_name(model), reason),
            22 => ask::hold(&version, reason),
            23 => ask::release(&version, reason),
            24 => self.propose(),
            25 => ask::approve_proposal(&format!("{version}/proposals/p{}", self.variant % 2), reason),
            26 => ask::open_incident(model, ["i", "j"][usize::from(self.variant) % 2], self.number, reason),
            27 => ask::close_incident(&format!("{}/incidents/i", model_name(model)), reason),
            28 => ask::require_approvals("preview", self.variant as i32 % 3, reason),
            _ => ask::allow_self_approval(self.variant.is_multiple_of(2), reason),
        }
    }

    fn create_version(&self) -> Ask {
        let mut request = create_version(self.model());
        let version = request.version.as_mut().unwrap();
        version.label = ["", "", "", "1.0", "2.0", "3.0", "", ""][usize::from(self.variant)].to_owned();
        if self.variant > 4 {
            let parent = version_name(self.model(), self.number);
            let kind = Some(v1::source::Kind::ParentVersion(parent));
            version.sources.push(v1::Source { kind });
            version.artifacts.clear();
            version.upstream = Some(v1::UpstreamReference {
                provider: "vendor".to_owned(),
                model_id: "large-1".to_owned(),
                ..Default::default()
            });
        }
        request.into()
    }

    fn propose(&self) -> Ask {
        use v1::proposal::Step as Proposed;
        let day = |days: i64| crate::support::time(BEGIN + days * DAY);
        let none = v1::emergency_retire_step::Successor::NoReplacementReason("none".to_owned());
        let step = match self.variant {
            0 | 1 => Proposed::Approve(v1::ApproveStep { gates_overridden: self.variant == 1 }),
            2 => Proposed::ExtendSunsetTime(day(100)),
            3 => Proposed::ShortenSunsetTime(day(20)),
            4 => Proposed::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(none) }),
            5 => Proposed::RestoreUntilTime(day(1)),
            6 => Proposed::Release(()),
            _ => Proposed::Reinstate(()),
        };
        let incident = format!("{}/incidents/i", model_name(self.model()));
        let incident = if self.request.is_multiple_of(2) { incident } else { String::new() };
        let (version, id) = (version_name(self.model(), self.number), format!("p{}", self.variant % 2));
        ask::propose(&version, &id, self.reason(), step, &incident)
    }

    fn deprecate(&self) -> Ask {
        let sunset = BEGIN + i64::from(self.variant) * 30 * DAY;
        let mut ask = ask::deprecate(&version_name(self.model(), self.number), self.reason(), sunset);
        if let (Ask::DeprecateVersion(request), 4..) = (&mut ask, self.variant) {
            let name = version_name(self.model(), u32::from(self.variant) - 3);
            request.successor = Some(v1::deprecate_version_request::Successor::Replacement(name));
        }
        ask
    }
}

/// Carries a history out, one step after the other. Whatever is refused has to
/// be refused for a reason.
pub async fn carry_out(server: &TestServer, history: &[Step]) {
    for step in history {
        if step.verb > 29 {
            server.clock.advance(JUMPS[usize::from(step.variant) % JUMPS.len()]);
            if step.request < 30 {
                server.carry_out_due().await;
            }
            continue;
        }
        let mut ask = step.ask();
        if step.request < 10 {
            ask = ask.with_request_id(&format!("request-{}", step.request));
        }
        if step.request % 13 == 12 {
            ask = ask.validate_only();
        }
        let before = server.size().await;
        if let Err(status) = ask.send(&server.channel).await {
            use Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
            let reasons = [Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound];
            assert!(reasons.contains(&status.code()), "{ask:?}: {status:?}");
            assert_eq!(server.size().await, before, "a refusal wrote something: {ask:?}");
        }
    }
}
