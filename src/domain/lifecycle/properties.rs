//! Random histories of a few versions, several people, a clock that is looked at
//! only now and then, providers and incidents. After each step every state is
//! written as JSON and read again, as a restart does, and held against the rules
//! as they are told to people, computed here in another way.
#![allow(clippy::unwrap_used, clippy::panic)]

mod rules;
mod world;

use self::{
    rules::{Broken, Property},
    world::{Step, World},
};
use proptest::{
    collection::vec,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex},
};

/// Fewer steps than this make one history.
const LENGTH: usize = 1_000;
/// Steps in all, unless STEWARD_TEST_STEPS says otherwise.
const STEPS: usize = 100_000;

/// What the histories came across, to show that no property held for want of cases.
#[derive(Default)]
pub struct Seen {
    pub steps: usize,
    pub cases: BTreeMap<Property, usize>,
    pub reasons: BTreeSet<&'static str>,
    pub verbs: BTreeSet<&'static str>,
    pub states: BTreeSet<&'static str>,
}

struct Outcome {
    seen: Seen,
    broken: Option<(Property, String)>,
}

/// All histories, run once for all tests.
static OUTCOME: LazyLock<Outcome> = LazyLock::new(|| {
    let steps =
        std::env::var("STEWARD_TEST_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(STEPS);
    let cases = u32::try_from((steps + steps / 10).div_ceil(LENGTH / 2)).unwrap();
    let config = Config { cases, max_shrink_iters: 500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = Mutex::new(Seen::default());
    let last = Mutex::new(None);
    let result = runner.run(&vec(Step::any(), 1..LENGTH), |steps| {
        World::run(&steps, &mut seen.lock().unwrap()).map_err(|Broken(property, sentence)| {
            *last.lock().unwrap() = Some(property);
            TestCaseError::fail(sentence)
        })
    });
    let broken = match result {
        Ok(()) => None,
        Err(TestError::Fail(reason, steps)) => {
            let property = last.into_inner().unwrap().unwrap();
            Some((property, format!("{reason}\nafter {} steps: {steps:?}", steps.len())))
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    };
    Outcome { seen: seen.into_inner().unwrap(), broken }
});

/// The property held, and in so many cases at least it could have been broken.
fn holds(property: Property, least: usize) {
    if let Some((broken, how)) = &OUTCOME.broken {
        assert_ne!(*broken, property, "{how}");
    }
    let cases = OUTCOME.seen.cases.get(&property).copied().unwrap_or_default();
    let least = least * OUTCOME.seen.steps.min(STEPS) / STEPS;
    println!("{property:?}: {cases} cases in {} steps", OUTCOME.seen.steps);
    assert!(OUTCOME.broken.is_some() || cases >= least, "only {cases} cases of {property:?}");
}

#[test]
fn no_path_to_retired_without_a_sunset_or_an_emergency_record() {
    holds(Property::Retirement, 100);
}

#[test]
fn a_sunset_never_moves_earlier_without_two_people() {
    holds(Property::Promise, 50);
}

#[test]
fn never_after_the_upstreams_end_minus_margin() {
    holds(Property::Upstream, 100);
}

#[test]
fn deprecated_always_has_a_replacement_or_a_recorded_none() {
    holds(Property::Successor, 100);
}

#[test]
fn the_replacement_graph_has_no_circle_and_no_end_in_retired() {
    holds(Property::Graph, 100);
}

#[test]
fn past_the_sunset_resolve_refuses_with_the_scheduler_stopped() {
    holds(Property::Resolve, 100);
}

#[test]
fn reminders_fire_exactly_once_each_across_restarts() {
    holds(Property::Reminders, 100);
}

#[test]
fn every_refusal_names_its_guard() {
    holds(Property::Refusal, 1_000);
    let reasons = &OUTCOME.seen.reasons;
    println!("{} guards refused: {reasons:?}", reasons.len());
    let are_few = OUTCOME.seen.steps < STEPS;
    assert!(OUTCOME.broken.is_some() || are_few || reasons.len() >= 25, "{reasons:?}");
}

#[test]
fn every_state_is_reachable() {
    let Seen { states, verbs, .. } = &OUTCOME.seen;
    println!("{states:?} by {verbs:?}");
    assert!(OUTCOME.broken.is_some() || (states.len() == 7 && verbs.len() == 13), "{states:?} {verbs:?}");
}
