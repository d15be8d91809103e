//! What is kept of deliveries beside the log: how often the present event of a partition was
//! tried and when the next attempt is due, and the newest attempts.

use super::post::Answer;
use crate::{
    domain::{
        check::shortened,
        event::{Event, EventType},
        name::{RetrainingName, SubscriptionName},
        retraining::Retraining,
        subscription::{Subscription, cursor::Cursor},
        time::Timestamp,
        webhook::{
            WebhookShape, WebhookState,
            schedule::{self, Next, Outcome},
            shape,
        },
    },
    registry::{
        call::Call,
        error::Error,
        mutation::Mutation,
        subscription::cursor::{self, History},
        view::View,
    },
    store::{
        engine::Write,
        keys,
        record::{decode_aside, encode_aside},
    },
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// So many attempts of each partition are kept.
const KEPT: u64 = 50;
/// Most bytes of what went wrong.
const LONGEST_ERROR: usize = 300;

/// Where the sending of a partition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event that is tried.
    pub position: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// The next attempt is not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_time: Option<Timestamp>,
    /// Attempts of this partition in all.
    pub made: u64,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which partition.
    pub partition: u32,
    /// The event.
    pub position: u64,
    /// Which attempt for it, from 1.
    pub attempt: u32,
    /// When it was sent.
    pub time: Timestamp,
    /// How long it took.
    pub duration_micros: i64,
    /// What the receiver answered; 0 if it did not.
    pub status: u16,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// What it came to.
    pub delivered: bool,
    /// Asked for by the receiver, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<i64>,
    /// The receiver is gone.
    #[serde(default)]
    pub gone: bool,
}

impl Attempt {
    /// An attempt from its answer.
    pub(super) fn new(
        webhook: WebhookShape,
        partition: u32,
        position: u64,
        attempt: u32,
        begin: Timestamp,
        end: Timestamp,
        answer: &Result<Answer, String>,
    ) -> Self {
        let (status, error, outcome) = match answer {
            Ok(Answer { status, retry_after }) => {
                let meaning = shape::status(webhook, *status);
                (*status, String::new(), schedule::outcome(meaning, retry_after.as_deref(), end))
            }
            Err(error) => (0, shortened(error, LONGEST_ERROR).into_owned(), Outcome::Failed(None)),
        };
        let pause = if let Outcome::Failed(pause) = outcome { pause } else { None };
        Attempt {
            partition,
            position,
            attempt,
            time: begin,
            duration_micros: end.micros_since(begin).max(0),
            status,
            error,
            delivered: outcome == Outcome::Delivered,
            pause,
            gone: outcome == Outcome::Gone,
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.delivered, self.gone) {
            (true, _) => Outcome::Delivered,
            (_, true) => Outcome::Gone,
            _ => Outcome::Failed(self.pause),
        }
    }

    /// The attempt in words, for an event.
    fn words(&self) -> String {
        let what = match self.status {
            0 => self.error.clone(),
            status => format!("it answered {status}"),
        };
        format!("event {} was tried {} times; in the end {what}", self.position, self.attempt)
    }
}

/// Where the sending of a partition stands.
pub(super) async fn load(
    view: &mut View<'_>,
    name: &SubscriptionName,
    partition: u32,
) -> Result<Delivery, Error> {
    let bytes = view.aside(&keys::delivery(name, partition)).await?;
    Ok(bytes.map(|bytes| decode_aside(&bytes)).transpose()?.unwrap_or_default())
}

/// All events are tried as if for the first time.
pub(super) async fn begin_anew(view: &mut View<'_>, of: &Subscription) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for partition in 0..of.content.partition_count {
        let present = load(view, &of.name, partition).await?;
        let anew = Delivery { attempts: 0, next_time: None, ..present };
        writes.push(Write::Put(keys::delivery(&of.name, partition), encode_aside(&anew)?));
    }
    Ok(writes)
}

/// Keeps what an attempt came to, and moves on.
#[derive(Serialize)]
pub(super) struct RecordAttempt {
    pub(super) name: SubscriptionName,
    /// Of the cursor that the event was read behind: if somebody moved it meanwhile, the
    /// attempt was about something that is not wanted any more.
    pub(super) generation: u64,
    pub(super) attempt: Attempt,
    pub(super) seed: String,
    /// What the event starts a pipeline for.
    pub(super) retraining: Option<RetrainingName>,
    #[serde(skip)]
    pub(super) history: History,
}

impl RecordAttempt {
    /// The subscription and the cursor, if the attempt still means something there.
    async fn present(&self, view: &mut View<'_>) -> Result<Option<(Subscription, Cursor)>, Error> {
        let Some(found) = view.find::<Subscription>(&self.name).await? else { return Ok(None) };
        let sends = |status: &crate::domain::webhook::WebhookStatus| status.state == WebhookState::Enabled;
        if !found.value.webhook_status.as_ref().is_some_and(sends) {
            return Ok(None);
        }
        let cursor = cursor::load(view, &found.value, self.attempt.partition, &self.history).await?;
        let is_same = cursor.generation == self.generation && cursor.next_position <= self.attempt.position;
        Ok(is_same.then_some((found.value, cursor)))
    }

    /// That a pipeline has the retraining, if that is news.
    async fn delivered(&self, view: &mut View<'_>, now: Timestamp) -> Result<Vec<Event>, Error> {
        let Some(name) = &self.retraining else { return Ok(Vec::new()) };
        let found = view.find::<Retraining>(name).await?;
        let delivered = found.and_then(|found| found.value.deliver(self.name.clone(), now));
        Ok(delivered.map(|one| Event::set(EventType::RetrainingDelivered, one)).into_iter().collect())
    }

    fn next(&self, now: Timestamp) -> Next {
        schedule::next(self.attempt.outcome(), self.attempt.attempt, &self.seed, now)
    }
}

#[async_trait]
impl Mutation for RecordAttempt {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let Some((subscription, _)) = self.present(view).await? else { return Ok(Vec::new()) };
        let (kind, state, reason) = match self.next(now) {
            Next::Advance => return self.delivered(view, now).await,
            Next::Retry(_) => return Ok(Vec::new()),
            Next::Suspend => (EventType::WebhookSuspended, WebhookState::Suspended, self.attempt.words()),
            Next::Disable => {
                let reason = "the receiver answered 410, so it wants nothing any more".to_owned();
                (EventType::WebhookDisabled, WebhookState::Disabled, reason)
            }
        };
        let status = subscription.webhook_status.map(|status| status.turn(state, reason, now));
        let subscription = Subscription { webhook_status: status, update_time: now, ..subscription };
        Ok(vec![Event::set(kind, subscription)])
    }

    async fn asides(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Write>, Error> {
        let Some((_, cursor)) = self.present(view).await? else { return Ok(Vec::new()) };
        let Attempt { partition, position, attempt, .. } = self.attempt;
        let made = load(view, &self.name, partition).await?.made + 1;
        let mut writes =
            vec![Write::Put(keys::attempt(&self.name, partition, made), encode_aside(&self.attempt)?)];
        if let Some(old) = made.checked_sub(KEPT) {
            writes.push(Write::Delete(keys::attempt(&self.name, partition, old)));
        }
        let delivery = match self.next(now) {
            Next::Advance => {
                let next = position + 1;
                let token = self.history.token(view, next).await?;
                writes.push(cursor::put(&self.name, partition, &cursor.advance(next, token.encode(), now))?);
                Delivery { position: next, attempts: 0, next_time: None, made }
            }
            Next::Retry(time) => Delivery { position, attempts: attempt, next_time: Some(time), made },
            Next::Suspend | Next::Disable => Delivery { position, attempts: 0, next_time: None, made },
        };
        writes.push(Write::Put(keys::delivery(&self.name, partition), encode_aside(&delivery)?));
        Ok(writes)
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}
