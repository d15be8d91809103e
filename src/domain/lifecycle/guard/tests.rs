//! Every guard refuses with its word and its values, and lets the rightful case pass.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    lifecycle::{
        VersionState::*,
        fixture::*,
        transition::{Predecessor, User},
    },
    model::{ModelContent, RiskTier},
};

const APPROVE: Verb = Verb::Approve { gates_overridden: false };
const OVERRIDE: Verb = Verb::Approve { gates_overridden: true };

#[test]
fn content_incomplete_stops_a_draft_without_a_digest_or_an_upstream() {
    let scene = Scene::standard();
    let mut draft = version(1, Draft);
    draft.content.artifacts[0].digest.clear();
    scene.refusal(draft.clone(), &Verb::Submit, Reason::ContentIncomplete);
    draft.content.upstream = Some(Default::default());
    assert_eq!(scene.done(draft, &Verb::Submit).state, Candidate);
    assert_eq!(scene.done(version(1, Draft), &Verb::Submit).state, Candidate);
}

#[test]
fn card_incomplete_names_each_field_that_the_policy_asks_for_at_submission_and_approval() {
    let mut scene = Scene::of(RiskTier::Critical);
    scene.model.content = ModelContent { kind: scene.model.content.kind, ..ModelContent::default() };
    for (state, verb) in [(Draft, Verb::Submit), (Candidate, APPROVE)] {
        let refusals = scene.apply(version(1, state), &verb).unwrap_err();
        assert!(refusals.iter().all(|refusal| refusal.reason == Reason::CardIncomplete));
        // Personal data needs a basis only where there is some.
        assert_eq!(refusals.len(), card::CardField::ALL.len() - 1);
    }
}

#[test]
fn version_on_hold_stops_approval_restoration_archiving_and_a_second_hold() {
    let mut scene = Scene::standard();
    scene.now = day(400);
    scene.newest_evidence = Some(day(400));
    let restore = Verb::Restore { until_time: day(401) };
    for (state, verb) in
        [(Candidate, APPROVE), (Retired, restore), (Retired, Verb::Archive), (Approved, Verb::Hold)]
    {
        let refusal = scene.refusal(held(version(1, state)), &verb, Reason::VersionOnHold);
        assert!(refusal.description.contains("because"), "{}", refusal.description);
        scene.done(version(1, state), &verb);
    }
}

#[test]
fn version_not_held_says_that_there_is_nothing_to_lift() {
    Scene::standard().refusal(version(1, Approved), &Verb::Release, Reason::VersionNotHeld);
}

#[test]
fn upstream_ends_too_soon_asks_for_the_least_life_to_the_microsecond() {
    let mut scene = Scene::standard();
    let mut end = shutdown(310);
    scene.upstream_end = Some(end.clone());
    scene.done(version(1, Candidate), &APPROVE);
    end.latest_time = end.latest_time.plus_micros(-1);
    scene.upstream_end = Some(end);
    let refusal = scene.refusal(version(1, Candidate), &APPROVE, Reason::UpstreamEndsTooSoon);
    assert_eq!(value(&refusal, "upstream_shutdown_time"), day(310).to_string());
    let mut trial = Scene::of(RiskTier::Preview);
    trial.upstream_end = Some(shutdown(130));
    trial.refusal(version(1, Candidate), &APPROVE, Reason::UpstreamEndsTooSoon);
}

#[test]
fn evidence_missing_and_gate_failed_stop_an_approval_but_not_one_that_overrides_them() {
    let mut scene = Scene::standard();
    scene.newest_evidence = Some(day(10));
    scene.done(version(1, Candidate), &APPROVE);
    for stale in [Some(day(10).plus_micros(-1)), None] {
        scene.newest_evidence = stale;
        let refusal = scene.refusal(version(1, Candidate), &APPROVE, Reason::EvidenceMissing);
        assert!(refusal.description.contains("record an evaluation"), "{}", refusal.description);
    }
    scene.newest_evidence = Some(day(100));
    scene.gates = vec![failed_gate()];
    let refusal = scene.refusal(version(1, Candidate), &APPROVE, Reason::GateFailed);
    assert_eq!(value(&refusal, "gate"), "recall");
    assert_eq!(scene.done(version(1, Candidate), &OVERRIDE).review.unwrap().gates, [failed_gate()]);
}

#[test]
fn incident_required_stands_before_overriding_gates_and_restoring() {
    let mut scene = Scene::standard();
    scene.incident = None;
    scene.refusal(version(1, Candidate), &OVERRIDE, Reason::IncidentRequired);
    scene.refusal(version(1, Retired), &Verb::Restore { until_time: day(101) }, Reason::IncidentRequired);
}

#[test]
fn sunset_not_in_future_stops_an_announcement_and_a_shortening() {
    let scene = Scene::standard();
    scene.refusal(version(1, Approved), &deprecate(day(100)), Reason::SunsetNotInFuture);
    let shorten = |sunset_time| Verb::ShortenSunset { sunset_time };
    scene.refusal(version(1, Deprecated), &shorten(day(100)), Reason::SunsetNotInFuture);
    scene.done(version(1, Deprecated), &shorten(day(100).plus_micros(1)));
}

#[test]
fn notice_too_short_names_the_earliest_legal_sunset_which_is_legal() {
    let mut scene = Scene::standard();
    scene.now = day(150);
    let late = day(210).plus_micros(-1);
    let refusal = scene.refusal(version(1, Approved), &deprecate(late), Reason::NoticeTooShort);
    assert_eq!(value(&refusal, "earliest_sunset_time"), day(210).to_string());
    scene.done(version(1, Approved), &deprecate(day(210)));
}

#[test]
fn sunset_too_soon_keeps_the_promise_of_the_approval() {
    let scene = Scene::standard();
    let early = day(180).plus_micros(-1);
    let refusal = scene.refusal(version(1, Approved), &deprecate(early), Reason::SunsetTooSoon);
    assert_eq!(value(&refusal, "earliest_sunset_time"), day(180).to_string());
    scene.done(version(1, Approved), &deprecate(day(180)));
}

#[test]
fn sunset_after_upstream_bounds_announcements_and_extensions() {
    let scene = Scene::standard();
    let rented = |state| Version { upstream_end: Some(shutdown(240)), ..version(1, state) };
    let beyond = day(210).plus_micros(1);
    let extend = |sunset_time| Verb::ExtendSunset { sunset_time };
    let refusal = scene.refusal(rented(Approved), &deprecate(beyond), Reason::SunsetAfterUpstream);
    assert_eq!(value(&refusal, "latest_sunset_time"), day(210).to_string());
    scene.refusal(rented(Deprecated), &extend(beyond), Reason::SunsetAfterUpstream);
    scene.done(rented(Approved), &deprecate(day(210)));
    scene.done(rented(Deprecated), &extend(day(210)));
}

#[test]
fn a_provider_that_leaves_less_than_the_notice_leaves_one_legal_sunset() {
    let scene = Scene::standard();
    let rented = Version { upstream_end: Some(shutdown(150)), ..version(1, Approved) };
    let refusals = scene.apply(rented.clone(), &deprecate(day(119))).unwrap_err();
    assert_eq!(refusals[0].reason, Reason::NoticeTooShort);
    assert_eq!(value(&refusals[0], "earliest_sunset_time"), day(120).to_string());
    scene.done(rented.clone(), &deprecate(day(120)));
    scene.refusal(rented, &deprecate(day(121)), Reason::SunsetAfterUpstream);
}

#[test]
fn replacement_missing_and_not_approved_name_the_replacement() {
    let mut scene = Scene::standard();
    let verb = deprecate_for(2, day(200));
    for state in VersionState::ALL.into_iter().filter(|state| *state != Approved) {
        scene.replacement.state = Some(state);
        let refusal = scene.refusal(version(1, Approved), &verb, Reason::ReplacementNotApproved);
        assert_eq!(refusal.subject, name(2).to_string());
        assert!(refusal.description.contains(state.word()), "{}", refusal.description);
    }
    scene.replacement.state = None;
    scene.refusal(version(1, Approved), &verb, Reason::ReplacementMissing);
    scene.replacement.state = Some(Approved);
    scene.done(version(1, Approved), &verb);
    scene.replacement.is_held = true;
    scene.refusal(version(1, Approved), &verb, Reason::ReplacementNotApproved);
    let verb = Verb::EmergencyRetire { successor: Successor::Replacement(name(2)) };
    scene.refusal(version(1, Approved), &verb, Reason::ReplacementNotApproved);
}

#[test]
fn replacement_circle_sees_the_version_itself_and_a_detour() {
    let mut scene = Scene::standard();
    scene.refusal(version(1, Approved), &deprecate_for(1, day(200)), Reason::ReplacementCircle);
    scene.replacement.onward = vec![name(3), name(1)];
    scene.refusal(version(1, Approved), &deprecate_for(2, day(200)), Reason::ReplacementCircle);
}

#[test]
fn replaces_others_keeps_a_replacement_as_long_as_those_it_replaces() {
    let mut scene = Scene::standard();
    let predecessor = |number, days| Predecessor { version: name(number), sunset_time: day(days) };
    scene.predecessors = vec![predecessor(2, 250), predecessor(3, 230), predecessor(4, 190)];
    let refusal = scene.refusal(version(1, Approved), &deprecate(day(200)), Reason::ReplacesOthers);
    assert_eq!(value(&refusal, "predecessor_count"), "2");
    assert_eq!(value(&refusal, "predecessor_sunset_time"), day(250).to_string());
    scene.done(version(1, Approved), &deprecate(day(250)));
    scene.done(version(1, Approved), &deprecate_for(5, day(200)));
    // An emergency is not refused for it; those others change with it.
    scene.done(version(1, Approved), &emergency());
}

#[test]
fn sunset_passed_stops_every_step_of_a_version_whose_end_is_not_recorded_yet() {
    let mut scene = Scene::standard();
    let verbs = [
        Verb::ExtendSunset { sunset_time: day(210) },
        Verb::ShortenSunset { sunset_time: day(199) },
        Verb::Reinstate,
        Verb::Retire,
        emergency(),
    ];
    for (now, is_late) in [(day(200), true), (day(200).plus_micros(-1), false)] {
        scene.now = now;
        for verb in &verbs {
            let refusals = scene.apply(version(1, Deprecated), verb).err().unwrap_or_default();
            let found = refusals.iter().find(|refusal| refusal.reason == Reason::SunsetPassed);
            assert_eq!(found.is_some(), is_late, "{verb:?}");
            assert!(found.is_none_or(|refusal| value(refusal, "sunset_time") == day(200).to_string()));
        }
    }
    scene.now = day(120);
    let rented = Version { upstream_end: Some(shutdown(150)), ..version(1, Approved) };
    let refusals = scene.apply(rented, &deprecate(day(300))).unwrap_err();
    assert_eq!(refusals[0].reason, Reason::SunsetPassed);
}

#[test]
fn sunset_not_later_and_not_earlier_name_the_present_sunset() {
    let scene = Scene::standard();
    let extend = |sunset_time| Verb::ExtendSunset { sunset_time };
    let shorten = |sunset_time| Verb::ShortenSunset { sunset_time };
    let refusal = scene.refusal(version(1, Deprecated), &extend(day(200)), Reason::SunsetNotLater);
    assert!(refusal.description.contains(&day(200).to_string()), "{}", refusal.description);
    scene.refusal(version(1, Deprecated), &shorten(day(200)), Reason::SunsetNotEarlier);
    scene.done(version(1, Deprecated), &extend(day(200).plus_micros(1)));
    scene.done(version(1, Deprecated), &shorten(day(200).plus_micros(-1)));
}

#[test]
fn extensions_exhausted_counts_extensions_only() {
    let scene = Scene::standard();
    let extend = |days| Verb::ExtendSunset { sunset_time: day(days) };
    let once = scene.done(version(1, Deprecated), &extend(210));
    let shortened = scene.done(once, &Verb::ShortenSunset { sunset_time: day(205) });
    let twice = scene.done(shortened, &extend(220));
    let refusal = scene.refusal(twice, &extend(230), Reason::ExtensionsExhausted);
    assert!(refusal.description.contains("2 times"), "{}", refusal.description);
}

#[test]
fn extension_too_long_counts_from_the_original_sunset() {
    let scene = Scene::standard();
    let extend = |sunset_time| Verb::ExtendSunset { sunset_time };
    let once = scene.done(version(1, Deprecated), &extend(day(250)));
    let beyond = extend(day(290).plus_micros(1));
    let refusal = scene.refusal(once.clone(), &beyond, Reason::ExtensionTooLong);
    assert_eq!(value(&refusal, "latest_sunset_time"), day(290).to_string());
    scene.done(once, &extend(day(290)));
}

#[test]
fn version_restored_has_no_sunset_to_move() {
    let mut scene = Scene::standard();
    scene.now = day(201);
    scene.refusal(back(day(203)), &Verb::ExtendSunset { sunset_time: day(210) }, Reason::VersionRestored);
    scene.refusal(back(day(203)), &Verb::ShortenSunset { sunset_time: day(202) }, Reason::VersionRestored);
}

#[test]
fn a_version_whose_provider_ends_it_soon_stays_deprecated() {
    let mut scene = Scene::standard();
    let rented = Version { upstream_end: Some(shutdown(200)), ..version(1, Deprecated) };
    scene.now = day(110);
    let refusal = scene.refusal(rented.clone(), &Verb::Reinstate, Reason::UpstreamEndsTooSoon);
    assert_eq!(value(&refusal, "upstream_shutdown_time"), day(200).to_string());
    scene.now = day(110).plus_micros(-1);
    scene.done(rented, &Verb::Reinstate);
}

#[test]
fn version_in_use_names_who_asked_for_it_in_the_last_seven_days() {
    let mut scene = Scene::standard();
    let user = |id: &str, last_use_time| User {
        consumer: format!("namespaces/default/models/m/consumers/{id}").parse().unwrap(),
        last_use_time,
    };
    scene.users = vec![user("old", day(93)), user("new", day(93).plus_micros(1))];
    let refusal = scene.refusal(version(1, Deprecated), &Verb::Retire, Reason::VersionInUse);
    assert_eq!(value(&refusal, "consumer_count"), "1");
    assert!(refusal.description.contains("consumers/new") && !refusal.description.contains("consumers/old"));
    scene.users.pop();
    assert_eq!(scene.done(version(1, Deprecated), &Verb::Retire).state, Retired);
}

#[test]
fn restoration_too_long_allows_72_hours_and_not_a_microsecond_more() {
    let scene = Scene::standard();
    let restore = |until_time| Verb::Restore { until_time };
    let most = day(103);
    scene.done(version(1, Retired), &restore(most));
    for until in [most.plus_micros(1), day(100)] {
        let refusal = scene.refusal(version(1, Retired), &restore(until), Reason::RestorationTooLong);
        assert_eq!(value(&refusal, "latest_until_time"), most.to_string());
    }
}

#[test]
fn a_restoration_may_use_up_the_margin_but_does_not_outlive_the_provider() {
    let mut scene = Scene::standard();
    scene.upstream_end = Some(shutdown(102));
    let restore = |until_time| Verb::Restore { until_time };
    scene.done(version(1, Retired), &restore(day(102)));
    let beyond = restore(day(102).plus_micros(1));
    scene.refusal(version(1, Retired), &beyond, Reason::UpstreamEndsTooSoon);
}

#[test]
fn retention_not_over_counts_from_the_retirement() {
    let mut scene = Scene::standard();
    scene.now = day(230).plus_micros(-1);
    let refusal = scene.refusal(version(1, Retired), &Verb::Archive, Reason::RetentionNotOver);
    assert_eq!(value(&refusal, "earliest_archive_time"), day(230).to_string());
    scene.now = day(230);
    scene.done(version(1, Retired), &Verb::Archive);
    scene.now = day(1);
    scene.done(version(1, Rejected), &Verb::Archive);
}
