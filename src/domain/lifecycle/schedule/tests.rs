//! What is planned before a sunset, and what becomes of it.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    lifecycle::{VersionState::*, fixture::*, transition::Verb},
    model::RiskTier,
    policy::{BrownoutRule, defaults},
    time::DAY,
};

fn days_of(schedule: &Schedule) -> Vec<u32> {
    schedule.reminders.iter().map(|reminder| reminder.days_before).collect()
}

#[test]
fn a_policy_plans_its_reminders_and_brownouts_the_earliest_first() {
    let plan = Schedule::plan(&defaults::of_tier(RiskTier::Critical), day(400), day(0));
    assert_eq!(days_of(&plan), [180, 90, 60, 30, 14, 7, 1]);
    let due: Vec<_> = plan.reminders.iter().map(|reminder| reminder.due_time).collect();
    assert_eq!(due, [220, 310, 340, 370, 386, 393, 399].map(day));
    let windows: Vec<_> = plan.brownouts.iter().map(|b| (b.start_time, b.end_time)).collect();
    let minutes = |days, minutes: i64| (day(days), day(days).plus_micros(minutes * MINUTE));
    assert_eq!(windows, [minutes(372, 15), minutes(386, 60), minutes(393, 240), minutes(398, 480)]);
}

#[test]
fn what_would_lie_in_the_past_is_left_out() {
    let policy = defaults::of_tier(RiskTier::Standard);
    assert_eq!(days_of(&Schedule::plan(&policy, day(100), day(40))), [60, 30, 14, 7, 1]);
    let late = Schedule::plan(&policy, day(100), day(86).plus_micros(1));
    assert_eq!(days_of(&late), [7, 1]);
    assert_eq!(late.brownouts.len(), 1);
    assert!(Schedule::plan(&policy, day(100), day(100)).is_empty());
}

#[test]
fn a_brownout_never_reaches_beyond_the_sunset() {
    let mut policy = defaults::of_tier(RiskTier::Preview);
    policy.brownouts = vec![BrownoutRule { days_before: 1, minutes: 24 * 60 }];
    let plan = Schedule::plan(&policy, day(100), day(0));
    assert_eq!((plan.brownouts[0].start_time, plan.brownouts[0].end_time), (day(99), day(100)));
    policy.brownouts[0].minutes = 48 * 60;
    assert_eq!(Schedule::plan(&policy, day(100), day(0)).brownouts[0].end_time, day(100));
}

#[test]
fn the_schedule_is_rebuilt_when_the_sunset_moves_and_only_then() {
    let scene = Scene::standard();
    let announced = scene.done(version(1, Approved), &deprecate(day(200)));
    let extended = scene.done(announced.clone(), &Verb::ExtendSunset { sunset_time: day(230) });
    let due = |version: &crate::domain::version::Version| {
        let schedule = &version.deprecation.as_ref().unwrap().schedule;
        schedule.reminders.iter().map(|reminder| reminder.due_time).collect::<Vec<_>>()
    };
    assert_eq!(due(&announced), [140, 170, 186, 193, 199].map(day));
    assert_eq!(due(&extended), [170, 200, 216, 223, 229].map(day));
    // The provider's end is earlier: the own sunset moves, the real one does not.
    let content = &scene.policy.content;
    let rented = extended.with_upstream_end(Some(shutdown(235)), content, day(101)).unwrap();
    assert_eq!(due(&rented), [145, 175, 191, 198, 204].map(day));
    let mut reminded = rented;
    reminded.deprecation.as_mut().unwrap().schedule.reminders[0].sent_time = Some(day(145));
    let shortened = scene.done(reminded, &Verb::ShortenSunset { sunset_time: day(220) });
    assert_eq!(shortened.deprecation.unwrap().schedule.reminders[0].sent_time, Some(day(145)));
}

#[test]
fn a_reminder_that_is_due_as_the_sunset_moves_away_and_back_is_not_given_twice() {
    let policy = policy(RiskTier::Standard);
    let scene = Scene::standard();
    let announced = scene.done(version(1, Approved), &deprecate(day(200)));
    let (_, reminded) = announced.step(&policy, day(140)).unwrap();
    let moved = reminded.with_upstream_end(Some(shutdown(225)), &policy.content, day(140)).unwrap();
    let back = moved.with_upstream_end(None, &policy.content, day(140)).unwrap();
    assert_eq!(days_of(&back.deprecation.unwrap().schedule), [30, 14, 7, 1]);
}

#[test]
fn a_brownout_that_was_called_off_does_not_begin_after_all() {
    let start = day(100).minus_days(14);
    let mut plan = Schedule::plan(&defaults::of_tier(RiskTier::Standard), day(100), start);
    assert!(plan.brownout_at(start).is_some());
    assert!(plan.brownout_at(start.plus_micros(15 * MINUTE)).is_none());
    assert_eq!(plan.advance(start, true), Some(EventType::VersionReminded));
    assert_eq!(plan.advance(start, true), Some(EventType::VersionBrownoutSkipped));
    assert_eq!(plan.brownouts[0].outcome, Some(BrownoutOutcome::Suspended));
    assert!(plan.brownout_at(start.plus_micros(MINUTE)).is_none());
    assert_eq!(plan.advance(start, false), None);
}

#[test]
fn what_is_next_is_the_earliest_that_is_not_done() {
    let mut plan = Schedule::plan(&defaults::of_tier(RiskTier::Standard), day(100), day(40));
    let mut seen = Vec::new();
    while let Some(due) = plan.next_due() {
        assert_eq!(plan.advance(due.plus_micros(-1), false), None);
        seen.push((due.micros_since(day(0)) / DAY, plan.advance(due, false).unwrap()));
    }
    let (reminded, began) = (EventType::VersionReminded, EventType::VersionBrownoutBegan);
    let wanted = [
        (40, reminded),
        (70, reminded),
        (86, reminded),
        (86, began),
        (93, reminded),
        (93, began),
        (99, reminded),
    ];
    assert_eq!(seen, wanted);
}
