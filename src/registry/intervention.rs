//! What a policy does by itself when the version in production raises an alarm.

use super::{error::Error, facts, lifecycle, rollback, view::View};
use crate::domain::{
    alias::{Alias, Intervention},
    event::{Event, EventType},
    lifecycle::{
        clock::STEWARD,
        transition::{Request, Verb},
    },
    monitor::Monitor,
    policy::{Policy, monitoring::AlarmAction},
    time::Timestamp,
    version::Version,
};

/// The events that follow from an alarm: none where people decide, where the version is
/// not in production, or where something was done by itself not long ago.
pub async fn after(
    view: &mut View<'_>,
    monitor: &Monitor,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    let name = &monitor.name.version;
    let alias = view.find::<Alias>(&facts::production_alias(&name.model)?).await?;
    let Some(alias) = alias.map(|stored| stored.value).filter(|alias| alias.version == *name) else {
        return Ok(Vec::new());
    };
    let rests = |last: Option<Timestamp>| {
        last.is_none_or(|last| last.plus_days(policy.content.monitoring.cooldown_days) <= now)
    };
    let sentence = monitor.verdict.as_ref().map_or("an alarm", |verdict| verdict.sentence.as_str());
    match policy.content.monitoring.alarm_action {
        AlarmAction::Rollback if rests(alias.intervention.as_ref().map(|last| last.intervention_time)) => {
            let (monitor, sentence) = (monitor.name.clone(), sentence.to_owned());
            let because = Intervention { monitor, sentence, intervention_time: now };
            let back = rollback::back_to_safety(view, alias, because, policy).await?;
            Ok(back.into_iter().map(|alias| Event::set(EventType::AliasRolledBack, alias)).collect())
        }
        AlarmAction::Hold => {
            let version = view.get::<Version>(name).await?.value;
            let released = version.release.as_ref().map(|release| release.time);
            if version.hold.is_some() || !rests(released) {
                return Ok(Vec::new());
            }
            let request = Request { author: STEWARD, reason: sentence, approvals: &[], incident: None, now };
            let held = lifecycle::step(view, version, &Verb::Hold, &request).await?;
            lifecycle::events(view, EventType::VersionHeld, held, now).await
        }
        AlarmAction::Suggest | AlarmAction::Rollback => Ok(Vec::new()),
    }
}
