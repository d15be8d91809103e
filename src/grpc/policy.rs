//! PolicyService.

use super::{
    answer, decision,
    field::{self, Fields},
    identity,
    namespace::read_parent,
};
use crate::{
    domain::{
        name::{PolicyId, PolicyName},
        policy::{
            BrownoutRule, Enforcement, ExtensionRule, MinimumCellCount, Policy, PolicyContent,
            card::CardField,
            gate::{Gate, Requirement},
            monitoring::{AlarmAction, Monitoring},
        },
        refusal::Refusal,
    },
    proto::v1::{self, policy_service_server::PolicyService},
    registry::{Registry, call::Stored, policy::WouldRefuse, read::ReadAt},
};
use tonic::{Request, Response, Status};

/// Answers PolicyService.
pub struct Policies(pub Registry);

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn create_policy(
        &self,
        request: Request<v1::CreatePolicyRequest>,
    ) -> Result<Response<v1::Policy>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreatePolicyRequest { parent, policy_id, policy, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let id = fields.take("policy_id", PolicyId::new(&policy_id));
        let content = fields
            .required("policy", policy)
            .map(|policy| fields.within("policy", |fields| read_content(fields, policy)))
            .and_then(|content| fields.valid("policy", content));
        let call = fields.call(caller, &request_id, &reason, "", validate_only);
        let (((namespace, policy), content), call) = fields.all(namespace.zip(id).zip(content).zip(call))?;
        Ok(answer(write(self.0.create_policy(PolicyName { namespace, policy }, content, call).await?)))
    }

    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::Policy>, Status> {
        use v1::get_policy_request::ReadAt as At;
        let v1::GetPolicyRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name::<PolicyName>("name", &name);
        let at = match read_at {
            Some(At::Digest(digest)) => {
                let name = fields.all(name)?;
                return Ok(answer(write(self.0.get_policy_by_digest(&name, &digest).await?)));
            }
            None => ReadAt::Present,
            Some(At::ReadPosition(position)) => ReadAt::Position(position),
            Some(At::ReadTime(time)) => {
                fields.time("read_time", Some(time)).map_or(ReadAt::Present, ReadAt::Time)
            }
        };
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_policy(&name, at).await?)))
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        let v1::ListPoliciesRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let page = self.0.list_policies(&namespace, page_size, &page_token).await?;
        Ok(answer(v1::ListPoliciesResponse {
            policies: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_policy(
        &self,
        request: Request<v1::UpdatePolicyRequest>,
    ) -> Result<Response<v1::UpdatePolicyResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdatePolicyRequest { policy, update_mask, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let policy = fields.required("policy", policy).unwrap_or_default();
        let name = fields.name("policy.name", &policy.name);
        let call = fields.call(caller, &request_id, &reason, &policy.etag, validate_only);
        let content = fields.within("policy", |fields| read_content(fields, policy));
        let (name, call) = fields.all(name.zip(call))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let checked = self.0.update_policy(name, content, mask, call).await?;
        Ok(answer(v1::UpdatePolicyResponse {
            policy: Some(write(checked.policy)),
            objections: checked.would_refuse.into_iter().map(write_objection).collect(),
        }))
    }
}

fn read_content(fields: &mut Fields, policy: v1::Policy) -> PolicyContent {
    let v1::Policy {
        name: _,
        description,
        notice_days,
        minimum_life_days,
        reminder_days,
        brownouts,
        upstream_margin_days,
        extensions,
        approvals,
        evidence_max_age_days,
        requires_evidence,
        gates,
        card_fields,
        enforcement,
        rollback_min_days,
        drill_max_age_days,
        retention_days,
        monitoring,
        minimum_cell_count,
        revision: _,
        digest: _,
        create_time: _,
        update_time: _,
        etag: _,
        audit_position: _,
    } = policy;
    let v1::ExtensionRule { most, total_days } = extensions.unwrap_or_default();
    let mut whole = |field: &str, number: i32| read_whole(fields, field, number);
    let brownout = |(index, rule): (usize, v1::BrownoutRule)| BrownoutRule {
        days_before: read_whole_at(&mut whole, &format!("brownouts[{index}].days_before"), rule.days_before),
        minutes: read_whole_at(&mut whole, &format!("brownouts[{index}].minutes"), rule.minutes),
    };
    let brownouts = brownouts.into_iter().enumerate().map(brownout).collect();
    let reminder = |(index, days): (usize, i32)| whole(&format!("reminder_days[{index}]"), days);
    let reminder_days = reminder_days.into_iter().enumerate().map(reminder).collect();
    PolicyContent {
        description,
        notice_days: whole("notice_days", notice_days),
        minimum_life_days: whole("minimum_life_days", minimum_life_days),
        reminder_days,
        brownouts,
        upstream_margin_days: whole("upstream_margin_days", upstream_margin_days),
        extensions: ExtensionRule {
            most: whole("extensions.most", most),
            total_days: whole("extensions.total_days", total_days),
        },
        approvals: whole("approvals", approvals),
        evidence_max_age_days: whole("evidence_max_age_days", evidence_max_age_days),
        requires_evidence,
        rollback_min_days: whole("rollback_min_days", rollback_min_days),
        drill_max_age_days: whole("drill_max_age_days", drill_max_age_days),
        retention_days: whole("retention_days", retention_days),
        minimum_cell_count: match minimum_cell_count {
            0 => MinimumCellCount::default(),
            given => MinimumCellCount(whole("minimum_cell_count", given)),
        },
        gates: read_gates(fields, gates),
        card_fields: read_card_fields(fields, card_fields),
        enforcement: read_enforcement(fields, enforcement),
        monitoring: fields
            .within("monitoring", |fields| read_monitoring(fields, monitoring.unwrap_or_default())),
    }
}

fn read_whole_at(whole: &mut impl FnMut(&str, i32) -> u32, field: &str, number: i32) -> u32 {
    whole(field, number)
}

/// A number that is not negative.
fn read_whole(fields: &mut Fields, field: &str, number: i32) -> u32 {
    u32::try_from(number).unwrap_or_else(|_| {
        fields.refuse(field, format!("{number} is negative; use 0 or more"));
        0
    })
}

/// What is 0 or absent has its usual value.
fn read_monitoring(fields: &mut Fields, monitoring: v1::Monitoring) -> Monitoring {
    let usual = Monitoring::default();
    let mut whole = |field: &str, number: i32, usual: u32| match number {
        0 => usual,
        number => read_whole(fields, field, number),
    };
    let v1::Monitoring {
        points_per_false_alarm,
        watch_psi,
        alarm_psi,
        minimum_group_size,
        calm_point_count,
        alarm_action,
        cooldown_days,
    } = monitoring;
    Monitoring {
        points_per_false_alarm: whole(
            "points_per_false_alarm",
            points_per_false_alarm,
            usual.points_per_false_alarm,
        ),
        minimum_group_size: whole("minimum_group_size", minimum_group_size, usual.minimum_group_size),
        calm_point_count: whole("calm_point_count", calm_point_count, usual.calm_point_count),
        watch_psi: if watch_psi == 0.0 { usual.watch_psi } else { watch_psi },
        alarm_psi: if alarm_psi == 0.0 { usual.alarm_psi } else { alarm_psi },
        cooldown_days: match cooldown_days {
            Some(days) => read_whole(fields, "cooldown_days", days),
            None => usual.cooldown_days,
        },
        alarm_action: match fields.enumeration("alarm_action", alarm_action) {
            Some(v1::AlarmAction::Hold) => AlarmAction::Hold,
            Some(v1::AlarmAction::Rollback) => AlarmAction::Rollback,
            None | Some(v1::AlarmAction::Unspecified | v1::AlarmAction::Suggest) => AlarmAction::Suggest,
        },
    }
}

fn write_monitoring(monitoring: Monitoring) -> v1::Monitoring {
    let alarm_action = match monitoring.alarm_action {
        AlarmAction::Suggest => v1::AlarmAction::Suggest,
        AlarmAction::Hold => v1::AlarmAction::Hold,
        AlarmAction::Rollback => v1::AlarmAction::Rollback,
    };
    v1::Monitoring {
        points_per_false_alarm: field::int32(monitoring.points_per_false_alarm),
        watch_psi: monitoring.watch_psi,
        alarm_psi: monitoring.alarm_psi,
        minimum_group_size: field::int32(monitoring.minimum_group_size),
        calm_point_count: field::int32(monitoring.calm_point_count),
        alarm_action: alarm_action.into(),
        cooldown_days: Some(field::int32(monitoring.cooldown_days)),
    }
}

fn read_enforcement(fields: &mut Fields, enforcement: i32) -> Enforcement {
    match fields.enumeration("enforcement", enforcement) {
        None | Some(v1::Enforcement::Unspecified | v1::Enforcement::Block) => Enforcement::Block,
        Some(v1::Enforcement::Redirect) => Enforcement::Redirect,
    }
}

fn read_card_fields(fields: &mut Fields, paths: Vec<String>) -> std::collections::BTreeSet<CardField> {
    let mut read = |(index, path): (usize, String)| {
        let found = CardField::parse(&path);
        if found.is_none() {
            let allowed: Vec<&str> = CardField::ALL.iter().map(|field| field.path()).collect();
            let sentence = format!("{path:?} is not known; use some of {}", allowed.join(", "));
            fields.refuse(&format!("card_fields[{index}]"), sentence);
        }
        found
    };
    paths.into_iter().enumerate().filter_map(&mut read).collect()
}

fn read_gates(fields: &mut Fields, gates: Vec<v1::Gate>) -> Vec<Gate> {
    let read = |(index, gate): (usize, v1::Gate)| {
        fields.within(&format!("gates[{index}]"), |fields| read_gate(fields, gate))
    };
    gates.into_iter().enumerate().filter_map(read).collect()
}

fn read_gate(fields: &mut Fields, gate: v1::Gate) -> Option<Gate> {
    use v1::gate::Requirement as Wire;
    let v1::Gate { id, metric, method, slice, requirement, minimum_n, max_age_days, confidence } = gate;
    let max_age_days = read_whole(fields, "max_age_days", max_age_days);
    let requirement = match fields.required("requirement", requirement)? {
        Wire::AtLeast(number) => Requirement::AtLeast(number),
        Wire::AtMost(number) => Requirement::AtMost(number),
        Wire::NotBelowProductionBy(number) => Requirement::NotBelowProductionBy(number),
        Wire::NotAboveProductionBy(number) => Requirement::NotAboveProductionBy(number),
    };
    Some(Gate { id, metric, method, slice, requirement, minimum_n, max_age_days, confidence })
}

fn write_gate(gate: Gate) -> v1::Gate {
    use v1::gate::Requirement as Wire;
    let Gate { id, metric, method, slice, requirement, minimum_n, max_age_days, confidence } = gate;
    let requirement = match requirement {
        Requirement::AtLeast(number) => Wire::AtLeast(number),
        Requirement::AtMost(number) => Wire::AtMost(number),
        Requirement::NotBelowProductionBy(number) => Wire::NotBelowProductionBy(number),
        Requirement::NotAboveProductionBy(number) => Wire::NotAboveProductionBy(number),
    };
    let (requirement, max_age_days) = (Some(requirement), field::int32(max_age_days));
    v1::Gate { id, metric, method, slice, requirement, minimum_n, max_age_days, confidence }
}

fn write(stored: Stored<Policy>) -> v1::Policy {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Policy { name, content, revision, digest, create_time, update_time } = stored.value;
    let brownout = |BrownoutRule { days_before, minutes }| v1::BrownoutRule {
        days_before: field::int32(days_before),
        minutes: field::int32(minutes),
    };
    let ExtensionRule { most, total_days } = content.extensions;
    v1::Policy {
        name: name.to_string(),
        description: content.description,
        notice_days: field::int32(content.notice_days),
        minimum_life_days: field::int32(content.minimum_life_days),
        reminder_days: content.reminder_days.into_iter().map(field::int32).collect(),
        brownouts: content.brownouts.into_iter().map(brownout).collect(),
        upstream_margin_days: field::int32(content.upstream_margin_days),
        extensions: Some(v1::ExtensionRule {
            most: field::int32(most),
            total_days: field::int32(total_days),
        }),
        approvals: field::int32(content.approvals),
        evidence_max_age_days: field::int32(content.evidence_max_age_days),
        requires_evidence: content.requires_evidence,
        gates: content.gates.into_iter().map(write_gate).collect(),
        card_fields: content.card_fields.iter().map(|field| field.path().to_owned()).collect(),
        enforcement: decision::write_enforcement(content.enforcement).into(),
        rollback_min_days: field::int32(content.rollback_min_days),
        drill_max_age_days: field::int32(content.drill_max_age_days),
        retention_days: field::int32(content.retention_days),
        monitoring: Some(write_monitoring(content.monitoring)),
        minimum_cell_count: field::int32(content.minimum_cell_count.0),
        revision: field::int32(revision),
        digest,
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
    }
}

fn write_objection(objection: WouldRefuse) -> v1::PolicyObjection {
    let refusal = |Refusal { reason, subject, description, .. }| v1::Refusal {
        reason: reason.as_str().to_owned(),
        subject,
        sentence: description,
    };
    v1::PolicyObjection {
        version: objection.version.to_string(),
        refusals: objection.refusals.into_iter().map(refusal).collect(),
    }
}
