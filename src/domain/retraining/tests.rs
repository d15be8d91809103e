//! What may be said of a retraining, and when.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::domain::{
    check::Valid,
    lifecycle::{VersionState, fixture},
};

const DAY: i64 = 86_400_000_000;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn said(micros: i64) -> Decision {
    Decision::new("pipeline", "as it was asked", at(micros))
}

fn asked() -> Retraining {
    let name = "namespaces/n/models/m/retrainings/trainer-7".parse().unwrap();
    Retraining::create(name, RetrainingContent { ttl: TTL }, said(0))
}

fn taken(run: &str) -> Retraining {
    asked().acknowledge(run.to_owned(), said(1)).unwrap()
}

fn version(state: VersionState, create_time: i64) -> Version {
    Version { create_time: at(create_time), ..fixture::version(1, state) }
}

fn reason<T>(result: Result<T, Vec<Refusal>>) -> Option<Reason> {
    result.err().map(|refusals| refusals[0].reason)
}

fn subscription() -> SubscriptionName {
    "namespaces/n/subscriptions/trainer".parse().unwrap()
}

#[test]
fn a_retraining_is_delivered_once_and_not_after_a_run_has_taken_it() {
    let delivered = asked().deliver(subscription(), at(1)).unwrap();
    assert_eq!((delivered.state, delivered.deliver_time), (RetrainingState::Delivered, Some(at(1))));
    assert_eq!(delivered.deliver(subscription(), at(2)), None);
    assert_eq!(taken("https://ci/1").deliver(subscription(), at(2)), None);
    assert_eq!(asked().deliver(subscription(), at(7 * DAY)), None, "it has expired");
}

#[test]
fn of_two_runs_only_the_first_takes_it_and_may_say_so_again() {
    assert_eq!(taken("https://ci/1").deliver_time, Some(at(1)), "whoever takes it has it");
    let again = taken("https://ci/1").acknowledge("https://ci/1".to_owned(), said(2)).unwrap();
    assert_eq!(again.state, RetrainingState::Acknowledged);
    let other = again.acknowledge("https://ci/2".to_owned(), said(3));
    assert_eq!(reason(other), Some(Reason::RetrainingTaken));
}

#[test]
fn what_came_of_it_was_submitted_and_is_not_older_than_it() {
    use VersionState::{Approved, Archived, Candidate, Deprecated, Draft, Rejected, Retired};
    for (state, created, fits) in [
        (Candidate, 0, true),
        (Approved, 2, true),
        (Deprecated, 2, true),
        (Candidate, -1, false),
        (Draft, 2, false),
        (Rejected, 2, false),
        (Retired, 2, false),
        (Archived, 2, false),
    ] {
        let completed = taken("https://ci/1").complete(&version(state, created), said(3));
        let refused = (!fits).then_some(Reason::RetrainingCandidate);
        assert_eq!(reason(completed.clone()), refused, "{state:?} {created}");
        if let Ok(completed) = completed {
            assert_eq!(completed.state, RetrainingState::Completed);
            assert!(completed.version.is_some() && completed.next_due().is_none());
        }
    }
}

#[test]
fn whatever_is_ended_or_late_takes_nothing_more() {
    let candidate = version(VersionState::Candidate, 1);
    let completed = asked().complete(&candidate, said(2)).unwrap();
    let failed = asked().fail(said(2)).unwrap();
    let expired = asked().expire(at(7 * DAY)).unwrap();
    for (ended, now) in [(completed, 3), (failed, 3), (expired.clone(), 7 * DAY), (asked(), 7 * DAY)] {
        let reports = [
            reason(ended.clone().acknowledge("https://ci/1".to_owned(), said(now))),
            reason(ended.clone().complete(&candidate, said(now))),
            reason(ended.fail(said(now))),
        ];
        assert_eq!(reports, [Some(Reason::RetrainingEnded); 3]);
    }
    assert_eq!(expired.expire(at(8 * DAY)), None, "only once");
    assert_eq!(asked().expire(at(7 * DAY - 1)), None);
}

#[test]
fn a_time_to_live_is_a_minute_to_ninety_days() {
    for (ttl, fits) in [(59, false), (60, true), (90 * 86_400, true), (90 * 86_400 + 1, false), (-1, false)] {
        assert_eq!(Valid::new(RetrainingContent { ttl }, "retraining").is_ok(), fits, "{ttl}");
    }
}

#[test]
fn the_longest_subscription_and_the_last_position_make_an_id() {
    let longest = format!("namespaces/n/subscriptions/{}", "s".repeat(63)).parse().unwrap();
    assert_eq!(triggered_id(&longest, u64::MAX).unwrap().as_str().len(), 84);
}
