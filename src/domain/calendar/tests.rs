//! Two years of a portfolio: what was foreseen, what the clock did when it was
//! looked at day by day, and what a calculation without any clock says.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    lifecycle::{
        VersionState::Approved,
        fixture::{self, Scene, day, name},
        transition::Verb,
    },
    model::RiskTier,
    proposal::{ProposalContent, ProposalState},
    time::{HOUR, MINUTE},
    upstream::{Upstream, UpstreamContent},
};
use EventType::*;

const TIERS: [RiskTier; 3] = [RiskTier::Preview, RiskTier::Standard, RiskTier::Critical];
const VERSIONS: u32 = 180;
const DAYS: u32 = 730;

/// How the life of one version was laid out, in days.
#[derive(Clone, Copy, Debug)]
struct Plan {
    number: u32,
    tier: usize,
    /// When it is announced to end, and when.
    announced: Option<(u32, u32)>,
    /// When it is put off, and to when.
    extended: Option<(u32, u32)>,
    /// When its provider shuts it down; known from the beginning.
    shutdown: Option<u32>,
    /// An incident is open from the first day to the second.
    incident: Option<(u32, u32)>,
}

/// Numbers that look random and are the same each time.
fn plan(number: u32) -> Plan {
    let draw = |salt: u32, below: u32| (number * 7_919 + salt * 104_729 + number * salt * 31) % below;
    let tier = number as usize % 3;
    let (notice, extra, margin) = [(14, 30, 7), (60, 90, 30), (180, 180, 60)][tier];
    let shutdown = number.is_multiple_of(4).then(|| 120 + margin + draw(1, 620));
    let announced = (!number.is_multiple_of(5)).then(|| {
        let on = draw(2, 400);
        (on, on + notice + draw(3, 90))
    });
    // Somebody who announces obeys the provider, and comes before the clock does.
    let fits = |(on, sunset): &(u32, u32)| {
        shutdown.is_none_or(|end| sunset + margin <= end && on + notice + margin < end)
    };
    let announced = announced.filter(fits);
    let extended = announced.filter(|_| number.is_multiple_of(3)).and_then(|(on, sunset)| {
        let (when, to) = (on + 1 + draw(4, sunset - on - 1), sunset + 1 + draw(5, extra - 1));
        shutdown.is_none_or(|end| to + margin <= end).then_some((when, to))
    });
    let incident = number.is_multiple_of(2).then(|| (draw(6, 400), draw(6, 400) + 60));
    Plan { number, tier, announced, extended, shutdown, incident }
}

type Line = (Timestamp, EventType, u32);

/// What has to happen to a version, by counting days.
fn expected(plan: Plan) -> Vec<Line> {
    let reminders: [&[u32]; 3] = [&[14, 7, 1], &[60, 30, 14, 7, 1], &[180, 90, 60, 30, 14, 7, 1]];
    let windows: [&[(u32, i64)]; 3] = [&[], &[(14, 15), (7, 60)], &[(28, 15), (14, 60), (7, 240), (2, 480)]];
    let (notice, margin) = [(14, 7), (60, 30), (180, 60)][plan.tier];
    let latest = plan.shutdown.map(|end| end - margin);
    let mut lines = Vec::new();
    // Each announcement or extension rules from its day to the next one.
    let mut reigns: Vec<(u32, u32)> = plan.announced.into_iter().chain(plan.extended).collect();
    if let (true, Some(latest)) = (reigns.is_empty(), latest) {
        let on = latest.saturating_sub(notice);
        lines.push((day(on), VersionDeprecated, plan.number));
        reigns.push((on, latest));
    }
    for today in 0..DAYS {
        let Some(at) = reigns.iter().rposition(|(on, _)| *on <= today) else { continue };
        let (on, sunset) = reigns[at];
        if today > sunset {
            continue;
        }
        let left = sunset - today;
        // An extension, or an announcement by the clock, says itself what is due then.
        let is_new = on == today && (at > 0 || plan.announced.is_none());
        if reminders[plan.tier].contains(&left) && !is_new {
            lines.push((day(today), VersionReminded, plan.number));
        }
        for (_, _) in windows[plan.tier].iter().filter(|(days, _)| *days == left && !is_new) {
            let is_quiet = plan.incident.is_some_and(|(open, close)| (open..close).contains(&today));
            let kind = if is_quiet { VersionBrownoutSkipped } else { VersionBrownoutBegan };
            lines.push((day(today), kind, plan.number));
        }
        if left == 0 {
            lines.push((day(today), VersionRetired, plan.number));
        }
    }
    lines
}

/// An approved version at the beginning of the two years.
fn born(plan: Plan, policy: &Policy) -> Version {
    let mut version = fixture::version(plan.number, Approved);
    version.not_sooner_than = None;
    let shutdown_time = plan.shutdown.map(day);
    let content = UpstreamContent { shutdown_time, ..UpstreamContent::default() };
    let record = Upstream::observe(fixture::shutdown(0).upstream, None, content, day(0)).unwrap();
    version.upstream_end = record.end(&policy.content);
    version
}

/// What people do to a version on a day.
fn act(version: Version, plan: Plan, today: u32, scene: &mut Scene) -> Version {
    scene.now = day(today);
    let sunset = |days: u32| day(days);
    let mut version = match (plan.announced, plan.extended) {
        (Some((on, to)), _) if on == today => scene.done(version, &fixture::deprecate(sunset(to))),
        (_, Some((on, to))) if on == today => {
            scene.done(version, &Verb::ExtendSunset { sunset_time: sunset(to) })
        }
        _ => version,
    };
    match plan.incident {
        Some((open, _)) if open == today => version.open_incidents.push(fixture::incident()),
        Some((_, close)) if close == today => version.open_incidents.clear(),
        _ => {}
    }
    version
}

/// Two years in which the clock is looked at once a day, after people acted.
fn lived(plan: Plan) -> Vec<Line> {
    let mut scene = Scene::of(TIERS[plan.tier]);
    let policy = fixture::policy(TIERS[plan.tier]);
    let mut version = born(plan, &policy);
    let mut lines = Vec::new();
    for today in 0..DAYS {
        version = act(version, plan, today, &mut scene);
        while let Ok((kind, next)) = version.clone().step(&policy, day(today)) {
            lines.push((day(today), kind, plan.number));
            version = next;
        }
    }
    lines
}

fn sorted(mut lines: Vec<Line>) -> Vec<(Timestamp, &'static str, u32)> {
    lines.sort_by_key(|(time, kind, number)| (*time, *number, kind.as_str()));
    lines.into_iter().map(|(time, kind, number)| (time, kind.as_str(), number)).collect()
}

#[test]
fn two_years_of_a_portfolio_happen_as_a_calculation_by_hand_says() {
    let (mut events, mut kinds) = (0, std::collections::BTreeMap::new());
    for plan in (1..=VERSIONS).map(plan) {
        let lines = sorted(lived(plan));
        assert_eq!(lines, sorted(expected(plan)), "{plan:?}");
        lines.iter().for_each(|(_, kind, _)| *kinds.entry(*kind).or_insert(0) += 1);
        events += lines.len();
    }
    println!("{events} events of {VERSIONS} versions in {DAYS} days: {kinds:?}");
    assert!(events > 700 && kinds.len() == 5 && kinds.values().all(|count| *count >= 3), "{kinds:?}");
}

fn name_of(resource: &ResourceName) -> u32 {
    let ResourceName::Version(name) = resource else { panic!("{resource:?}") };
    name.number.get()
}

#[test]
fn what_was_foreseen_is_what_the_clock_does_minute_by_minute() {
    let policies = TIERS.map(fixture::policy);
    let mut scenes = TIERS.map(Scene::of);
    let plans: Vec<Plan> = (1..=60).map(plan).collect();
    let mut versions = Vec::new();
    for plan in &plans {
        let mut version = born(*plan, &policies[plan.tier]);
        // Whoever announces does so on the first day, at an odd minute.
        if let Some((on, to)) = plan.announced {
            let scene = &mut scenes[plan.tier];
            scene.now = day(0).plus_micros(HOUR + 7 * MINUTE);
            let sunset = day(to - on + 1).plus_micros(i64::from(plan.number) * 11 * MINUTE);
            version = scene.done(Version { upstream_end: None, ..version }, &fixture::deprecate(sunset));
        }
        versions.push(version);
    }
    let (from, to) = (day(1), day(366));
    let subject = |(version, plan): (&Version, &Plan)| {
        Subject::Version(Box::new(version.clone()), &policies[plan.tier])
    };
    let foreseen = simulate(versions.iter().zip(&plans).map(subject).collect(), from, from..to, 100_000);
    assert!(!foreseen.is_cut);
    let mut lived = Vec::new();
    let mut now = from;
    while now < to {
        for (version, plan) in versions.iter_mut().zip(&plans) {
            while let Ok((kind, next)) = version.clone().step(&policies[plan.tier], now) {
                lived.push((now, kind, plan.number));
                *version = next;
            }
        }
        now = now.plus_micros(MINUTE * 11);
    }
    // The clock was looked at every eleven minutes, so it is late by less than that.
    let on_the_beat = |time: Timestamp| {
        let beats = (time.micros_since(from) + 11 * MINUTE - 1) / (11 * MINUTE);
        from.plus_micros(beats * 11 * MINUTE)
    };
    let foreseen: Vec<Line> =
        foreseen.entries.iter().map(|e| (on_the_beat(e.time), e.kind, name_of(&e.resource))).collect();
    println!("{} events foreseen, {} lived", foreseen.len(), lived.len());
    assert!(foreseen.len() > 150);
    assert_eq!(sorted(foreseen), sorted(lived));
}

#[test]
fn review_dates_and_expiries_stand_in_the_calendar() {
    let model = fixture::model();
    let content = ProposalContent { verb: Verb::Hold, reason: "because".to_owned(), incident: None };
    let proposal_name = format!("{}/proposals/p", name(1)).parse().unwrap();
    let proposal = Proposal::create(proposal_name, content, "ann".to_owned(), day(10));
    assert_eq!(proposal.state, ProposalState::Open);
    let subjects =
        || vec![Subject::Model(Box::new(model.clone())), Subject::Proposal(Box::new(proposal.clone()))];
    let calendar = simulate(subjects(), day(0), day(0)..day(366), 10);
    let entries: Vec<_> = calendar.entries.iter().map(|e| (e.time, e.kind, e.resource.clone())).collect();
    let expired = (day(40), ProposalExpired, proposal.name.clone().into());
    let reviewed = (day(365), ModelReviewDue, model.name.clone().into());
    assert_eq!(entries, [expired, reviewed]);
    // What comes before the span is lived through, and not listed.
    assert_eq!(simulate(subjects(), day(0), day(41)..day(366), 10).entries, calendar.entries[1..]);
    assert_eq!(simulate(subjects(), day(0), day(0)..day(40), 10).entries, []);
    // What is overdue happens at once.
    assert_eq!(simulate(subjects(), day(400), day(0)..day(401), 10).entries[0].time, day(400));
}

#[test]
fn a_calendar_is_cut_and_says_so() {
    let policy = fixture::policy(RiskTier::Standard);
    let scene = Scene { now: day(0), ..Scene::standard() };
    let version = scene.done(
        Version { not_sooner_than: None, ..fixture::version(1, Approved) },
        &fixture::deprecate(day(100)),
    );
    let subject = || vec![Subject::Version(Box::new(version.clone()), &policy)];
    let whole = simulate(subject(), day(0), day(0)..day(366), 8);
    assert_eq!((whole.entries.len(), whole.is_cut), (8, false));
    let cut = simulate(subject(), day(0), day(0)..day(366), 7);
    assert_eq!((cut.entries.as_slice(), cut.is_cut), (&whole.entries[..7], true));
    assert_eq!(whole.entries[7].kind, VersionRetired);
}
