//! A log, its committer and their callers under every schedule: no matter who
//! goes on when, and when and how the engine answers, nobody waits for ever and
//! everything that was said is true.
//!
//! Small plans are tried in all schedules, large ones in some.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ask;
mod engine;
mod judge;
mod schedule;
mod world;

use crate::{domain::name::NamespaceId, store::engine::Caps};
use ask::{Ask, Verb};
use engine::Fault;
use tokio::runtime::{Builder, Runtime};
use world::{OLD_ID, Plan, World};

fn namespace() -> NamespaceId {
    NamespaceId::new("default").unwrap()
}

/// Schedules of each large plan; the environment may ask for more.
const SCHEDULES: usize = 60;

fn schedules() -> usize {
    std::env::var("STEWARD_TEST_SCHEDULES").map_or(SCHEDULES, |text| text.parse().unwrap())
}

/// Time stands still until the schedule has nothing else left.
fn time() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Tries all schedules of a plan.
fn in_every_schedule(name: &str, plan: &Plan) {
    let (base, time) = (world::base(), time());
    let _within = time.enter();
    let count = schedule::all(|choices| World::run(plan, &base, choices, &time));
    println!("{name}: all {count} schedules");
}

/// Tries some schedules of a plan.
fn in_many_schedules(name: &str, plan: &Plan) {
    let (base, time) = (world::base(), time());
    let _within = time.enter();
    let count = schedule::some(schedules(), |choices| World::run(plan, &base, choices, &time));
    println!("{name}: {count} schedules by chance");
}

const FAULTS: [Fault; 4] = [Fault::TooLarge, Fault::Unavailable, Fault::AnswerLost, Fault::RequestLost];

/// Callers who want the same: whoever begins first, it is the same run.
fn alike<const N: usize>(asks: [Ask; N]) -> Plan {
    Plan { alike: true, ..Plan::of(asks) }
}

fn appends<const N: usize>(who: [&'static str; N]) -> [Ask; N] {
    who.map(|who| Ask::new(who, Verb::Append("a")))
}

#[test]
fn changes_of_one_model_follow_each_other_whether_they_share_a_batch_or_not() {
    in_every_schedule("four batches", &alike(appends(["v", "x", "y", "z"])));
    let shared = Plan { caps: Caps::EMBEDDED, ..alike(appends(["x", "y", "z"])) };
    in_every_schedule("shared batches", &shared);
}

#[test]
fn what_stands_beside_the_log_is_written_once_and_in_one_order_with_it() {
    let [x, y, z] = ["x", "y", "z"].map(|who| Ask::new(who, Verb::Note));
    in_every_schedule("notes", &alike([x, y, z]));
    let shared = Plan { caps: Caps::EMBEDDED, ..alike([x, y, z]) };
    in_every_schedule("notes, shared batches", &shared);
    let [a] = appends(["a"]);
    for fault in FAULTS {
        let plan = Plan { faults: vec![fault], ..Plan::of([x, a, z]) };
        in_every_schedule(&format!("notes and a change, {fault:?}"), &plan);
    }
    let plan = Plan { processes: 2, ..Plan::of([x, y.of_process(1)]) };
    let replicated = Caps { replicated: true, ..plan.caps };
    in_every_schedule("notes of two processes", &Plan { caps: replicated, ..plan });
}

#[test]
fn what_was_decided_over_a_batch_that_falls_is_decided_again() {
    for fault in FAULTS {
        let asks = appends(["x", "y", "z"]).map(|ask| ask.with_id(ask.who));
        in_every_schedule(&format!("{fault:?}"), &Plan { faults: vec![fault], ..alike(asks) });
    }
}

#[test]
fn a_crowd_is_answered_too_where_nothing_is_written_for_it() {
    // More than the committer decides at once.
    const NAMES: &str = "abcdefghijklmnopqrst";
    let who = (0..NAMES.len()).map(|index| &NAMES[index..=index]);
    let crowd = who.map(|who| Ask::new(who, Verb::Append("a")).if_etag("p0"));
    let plan = Plan { alike: true, crowds: true, caps: Caps::EMBEDDED, ..Plan::of(crowd) };
    in_every_schedule("a crowd", &plan);
    in_every_schedule("a crowd, Unavailable", &Plan { faults: vec![Fault::Unavailable], ..plan });
}

#[test]
fn of_two_conditional_changes_of_one_state_one_is_carried_out() {
    let asks = appends(["x", "y", "z"]).map(|ask| ask.if_etag("p0"));
    in_every_schedule("conditional", &alike(asks));
    let mut asks = appends(["x", "y", "z"]).map(|ask| ask.if_etag("p0"));
    asks[2].etag = "";
    in_every_schedule(
        "conditional and not, TooLarge",
        &Plan { faults: vec![Fault::TooLarge], ..Plan::of(asks) },
    );
}

#[test]
fn a_repeat_is_answered_with_the_first_answer_wherever_the_first_is() {
    let repeats = appends(["x", "y"]).map(|ask| ask.with_id("id"));
    for fault in FAULTS {
        let plan = Plan { faults: vec![fault], ..alike(repeats) };
        in_every_schedule(&format!("a repeat, {fault:?}"), &plan);
    }
    let [x, y] = repeats;
    let [z] = appends(["z"]);
    in_every_schedule("a repeat and another change", &Plan::of([x, y, z]));
}

#[test]
fn a_refusal_rests_on_what_is_durable() {
    let [x, y] = ["x", "y"].map(|who| Ask::new(who, Verb::Create("c")));
    let plan = Plan { faults: vec![Fault::TooLarge], ..Plan::of([x, y, Ask::new("z", Verb::Count("a"))]) };
    in_every_schedule("creations and a count, TooLarge", &plan);
}

#[test]
fn a_state_that_did_not_come_about_is_not_kept_for_the_one_that_did() {
    // The second creation takes the position of the first, which fell.
    let [x, y] = ["x", "y"].map(|who| Ask::new(who, Verb::Create("c")));
    let plan = alike([x, y, Ask::new("z", Verb::Append("c")).who_comes_last()]);
    in_every_schedule("a state, TooLarge", &Plan { faults: vec![Fault::TooLarge], ..plan });
}

#[test]
fn the_past_stays_as_it_was_told_and_is_told_in_the_end() {
    for fault in FAULTS {
        let plan = Plan { reads_past: true, faults: vec![fault], ..alike(appends(["x", "y"])) };
        in_every_schedule(&format!("the past, {fault:?}"), &plan);
    }
}

#[test]
fn what_was_read_at_different_times_refuses_nothing() {
    let asks = ["x", "y"].map(|who| Ask::new(who, Verb::AppendToBoth));
    in_every_schedule("slow reads", &Plan { slow_callers: true, ..alike(asks) });
}

#[test]
fn two_processes_share_a_log_if_the_engine_is_for_it() {
    let [x, y, z] = appends(["x", "y", "z"]);
    let plan = Plan { processes: 2, ..Plan::of([x, z.of_process(1)]) };
    let replicated = Caps { replicated: true, ..plan.caps };
    in_every_schedule("two processes of which one may write", &plan);
    in_every_schedule("two processes", &Plan { caps: replicated, ..plan });
    let plan = Plan { processes: 2, reads_past: true, ..Plan::of([x, y, z.of_process(1)]) };
    in_many_schedules("two processes and three changes", &Plan { caps: replicated, ..plan });
}

#[test]
fn a_request_id_that_is_used_again_is_not_swept() {
    let [x, y] = appends(["x", "y"]);
    let plan = Plan { sweeps: true, ..Plan::of([x.with_id(OLD_ID), y]) };
    in_every_schedule("a sweep", &plan);
    for fault in FAULTS {
        let plan = Plan { sweeps: true, faults: vec![fault], ..Plan::of([x]) };
        in_every_schedule(&format!("a sweep, {fault:?}"), &plan);
    }
    let plan = Plan { sweeps: true, processes: 2, ..Plan::of([x.of_process(1)]) };
    let caps = Caps { replicated: true, ..plan.caps };
    in_many_schedules("a sweep, two processes", &Plan { caps, ..plan });
}

#[test]
fn callers_who_leave_hold_nobody_up() {
    let [x, y] = appends(["x", "y"]);
    in_every_schedule("leaving", &Plan::of([x.who_may_leave(), y]));
}

#[test]
fn everything_at_once_in_schedules_by_chance() {
    let [u, v, x, y] = appends(["u", "v", "x", "y"]);
    let asks = [
        u.with_id("id").who_may_leave(),
        v.with_id("id"),
        x.if_etag("p0").with_id(OLD_ID),
        y.if_etag("p0"),
        Ask::new("c", Verb::Create("c")),
        Ask::new("d", Verb::Create("c")).with_id("create"),
        Ask::new("e", Verb::Count("b")),
    ];
    let plan =
        Plan { reads_past: true, sweeps: true, slow_callers: true, slow_committers: true, ..Plan::of(asks) };
    let two = Caps { max_writes: 14, ..Caps::EMBEDDED };
    for caps in [plan.caps, two, Caps::EMBEDDED] {
        in_many_schedules("no faults", &Plan { caps, ..plan.clone() });
        in_many_schedules("faults", &Plan { caps, faults: FAULTS.to_vec(), ..plan.clone() });
    }
    let asks = asks.map(|ask| ask.of_process(usize::from("vyd".contains(ask.who))));
    let caps = Caps { replicated: true, ..two };
    let plan = Plan { caps, processes: 2, faults: vec![Fault::TooLarge, Fault::AnswerLost], ..plan };
    in_many_schedules("two processes", &Plan { asks: asks.to_vec(), ..plan });
}
