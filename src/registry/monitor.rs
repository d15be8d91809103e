//! Use cases of monitors: begun with an approval, moved by each recorded evaluation,
//! answered by people.

mod listing;

pub use self::listing::MonitorParent;
use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts, intervention,
    mutation::Mutation,
    page::{Page, PageRequest},
    read::ReadAt,
    view::View,
};
use crate::{
    domain::{
        evaluation::{Evaluation, point::MetricPoint},
        event::{Change, Event, EventType},
        lifecycle::{Decision, VersionState},
        model::Model,
        monitor::{BaselineOrigin, Monitor, News, Verdict, judge, monitor_of},
        name::{EvaluationName, MonitorName, VersionName},
        policy::Policy,
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes of one event that monitors may fill, which leaves room for what is estimated.
const FULL: usize = 40_000;

/// Monitors that a mutation moves, and what they have to say.
#[derive(Default)]
pub struct Watch {
    monitors: BTreeMap<MonitorName, (Monitor, Option<News>)>,
}

impl Watch {
    /// Looks at an evaluation of a version that is in service.
    pub async fn observe(
        &mut self,
        view: &mut View<'_>,
        version: &Version,
        evaluation: &Evaluation,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !is_watched(version) {
            return Ok(());
        }
        let policy = policy_of(view, &version.name).await?;
        for point in &evaluation.content.points {
            let name = name_of(&version.name, evaluation, point)?;
            let (present, said) = match self.monitors.remove(&name) {
                Some((monitor, said)) => (Some(monitor), said),
                None => (view.find::<Monitor>(&name).await?.map(|stored| stored.value), None),
            };
            let moved = match present {
                Some(monitor) => {
                    let (monitor, news) = monitor.observe(point, evaluation, &policy.content, now);
                    (monitor, news.or(said))
                }
                None => {
                    let origin = BaselineOrigin::FirstRecorded;
                    let begun = Monitor::begin(name.clone(), point, evaluation, origin, &policy.content, now);
                    (begun, None)
                }
            };
            self.monitors.insert(name, moved);
        }
        Ok(())
    }

    /// The events that carry this out: what has news has an event of its own, the
    /// others share some. What follows from an alarm by policy comes behind it.
    pub async fn events(self, view: &mut View<'_>, now: Timestamp) -> Result<Vec<Event>, Error> {
        let (loud, quiet): (Vec<_>, Vec<_>) =
            self.monitors.into_values().partition(|(_, news)| news.is_some());
        let mut events = shared(EventType::MetricsJudged, quiet.into_iter().map(|(monitor, _)| monitor));
        let mut interventions = Vec::new();
        for (monitor, news) in loud {
            let kind = match news {
                Some(News::Alarm) => EventType::MetricAlarmRaised,
                Some(News::Calm) => EventType::MetricCalmed,
                Some(News::Watch) | None => EventType::MetricWatchRaised,
            };
            if kind == EventType::MetricAlarmRaised && interventions.is_empty() {
                let policy = policy_of(view, &monitor.name.version).await?;
                interventions = intervention::after(view, &monitor, &policy, now).await?;
            }
            events.push(Event::set(kind, monitor));
        }
        events.extend(interventions);
        Ok(events)
    }
}

/// The monitors that begin with a version's approval: one for each series, with its newest
/// point as the baseline.
pub async fn begin(view: &mut View<'_>, version: &VersionName, now: Timestamp) -> Result<Vec<Event>, Error> {
    let policy = policy_of(view, version).await?;
    let mut begun = BTreeMap::new();
    for evaluation in facts::evaluations(view, version).await? {
        for point in &evaluation.content.points {
            let name = name_of(version, &evaluation, point)?;
            begun.entry(name.clone()).or_insert_with(|| {
                let origin = BaselineOrigin::Approval;
                Monitor::begin(name, point, &evaluation, origin, &policy.content, now)
            });
        }
    }
    Ok(shared(EventType::MetricsJudged, begun.into_values()))
}

/// Whether a version is in service, so that its evaluations move its monitors.
fn is_watched(version: &Version) -> bool {
    matches!(version.state, VersionState::Approved | VersionState::Deprecated)
}

async fn policy_of(view: &mut View<'_>, version: &VersionName) -> Result<Policy, Error> {
    let model = view.get::<Model>(&version.model).await?.value;
    facts::policy(view, &model).await
}

fn name_of(
    version: &VersionName,
    evaluation: &Evaluation,
    point: &MetricPoint,
) -> Result<MonitorName, Error> {
    let name = monitor_of(version, &evaluation.content.evaluator, point);
    name.map_err(|error| Error::Internal(error.0))
}

/// Monitors in as few events as they fit into.
fn shared(kind: EventType, monitors: impl Iterator<Item = Monitor>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut bytes = FULL;
    for monitor in monitors {
        bytes += monitor.estimated_bytes();
        let change = Change::Set(monitor.into());
        match events.last_mut().filter(|_| bytes < FULL) {
            Some(event) => event.changes.push(change),
            None => {
                bytes = 0;
                events.push(Event { kind, changes: vec![change] });
            }
        }
    }
    events
}

/// What somebody answers to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Answer {
    /// They look into it.
    Acknowledge,
    /// They do not want to hear of it until then.
    Snooze(Timestamp),
    /// It is settled.
    Resolve,
}

#[derive(Serialize)]
struct AnswerAlarm {
    name: MonitorName,
    answer: Answer,
}

#[async_trait]
impl Mutation for AnswerAlarm {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.version.model).await?.value.require_alive()?;
        let present = view.get::<Monitor>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let decision = Decision::new(&call.caller.actor, &call.reason, now);
        let (kind, monitor) = match self.answer {
            Answer::Acknowledge => (EventType::AlarmAcknowledged, present.value.acknowledge(decision)?),
            Answer::Snooze(until) => (EventType::AlarmSnoozed, present.value.snooze(until, decision)?),
            Answer::Resolve => (EventType::AlarmSettled, present.value.resolve(decision)?),
        };
        Ok(vec![Event::set(kind, monitor)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What newest points are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// What the version was approved with.
    Baseline,
    /// The window before.
    Previous,
    /// The newest point of the version in production.
    Production,
}

/// What the newest point of a series means.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesVerdict {
    /// The point.
    pub point: MetricPoint,
    /// Where it is recorded.
    pub evaluation: EvaluationName,
    /// Where what it is compared with is recorded.
    pub compared: EvaluationName,
    /// What it means.
    pub verdict: Verdict,
}

/// The newest points of a version's series, and those before them.
type Newest = BTreeMap<MonitorName, Vec<(EvaluationName, MetricPoint)>>;

impl Registry {
    /// Reads a monitor.
    pub async fn get_monitor(&self, name: &MonitorName, at: ReadAt) -> Result<Stored<Monitor>, Error> {
        self.get(name, at).await
    }

    /// Answers an alarm.
    pub async fn answer_alarm(
        &self,
        name: MonitorName,
        answer: Answer,
        call: Call,
    ) -> Result<Stored<Monitor>, Error> {
        call.require_reason()?;
        let namespace = name.version.model.namespace.clone();
        self.mutate(&namespace, "AnswerAlarm", AnswerAlarm { name, answer }, call).await?.resource()
    }

    /// Judges the newest points of a version, the worst first.
    pub async fn judge_version(
        &self,
        version: &VersionName,
        comparison: Comparison,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<SeriesVerdict>, Error> {
        let request = PageRequest::new(page_size, page_token, &("verdicts", version, comparison))?;
        let log = self.log(&version.model.namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        view.get::<Version>(version).await?;
        let policy = policy_of(&mut view, version).await?;
        let newest = newest(&mut view, version).await?;
        let mut verdicts = Vec::new();
        for (name, (evaluation, point), other) in compared(&mut view, version, newest, comparison).await? {
            // Beside its baseline the monitor has judged it already, with what it remembers.
            let said = match comparison {
                Comparison::Baseline => view.find::<Monitor>(&name).await?.and_then(|m| m.value.verdict),
                Comparison::Previous | Comparison::Production => None,
            };
            let judged = || judge(&other.1, &point, None, &policy.content).verdict;
            if let Some(verdict) = said.or_else(judged) {
                verdicts.push(SeriesVerdict { point, evaluation, compared: other.0, verdict });
            }
        }
        verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.verdict.level));
        Ok(request.part(verdicts))
    }
}

type Recorded = (EvaluationName, MetricPoint);

/// Each newest point with what it is compared with, where there is that.
async fn compared(
    view: &mut View<'_>,
    version: &VersionName,
    newest: Newest,
    comparison: Comparison,
) -> Result<Vec<(MonitorName, Recorded, Recorded)>, Error> {
    let production = match comparison {
        Comparison::Production => facts::in_production(view, &version.model).await?,
        Comparison::Baseline | Comparison::Previous => None,
    };
    let mut theirs = match &production {
        // The series of another version have other names.
        Some(other) => rename(self::newest(view, other).await?, version),
        None => Newest::new(),
    };
    let mut found = Vec::new();
    for (name, mut points) in newest {
        let other = match comparison {
            Comparison::Baseline => {
                let monitor = view.find::<Monitor>(&name).await?.map(|stored| stored.value);
                monitor.map(|monitor| (monitor.baseline_evaluation, monitor.baseline))
            }
            Comparison::Previous => (points.len() > 1).then(|| points.remove(1)),
            Comparison::Production => theirs.remove(&name).map(|mut points| points.remove(0)),
        };
        if let Some(other) = other {
            found.push((name, points.remove(0), other));
        }
    }
    Ok(found)
}

fn rename(newest: Newest, version: &VersionName) -> Newest {
    let renamed =
        |(name, points): (MonitorName, _)| (MonitorName { version: version.clone(), ..name }, points);
    newest.into_iter().map(renamed).collect()
}

/// The two newest points of each series.
async fn newest(view: &mut View<'_>, version: &VersionName) -> Result<Newest, Error> {
    let mut newest = Newest::new();
    for evaluation in facts::evaluations(view, version).await? {
        for point in &evaluation.content.points {
            let points = newest.entry(name_of(version, &evaluation, point)?).or_default();
            if points.len() < 2 {
                points.push((evaluation.name.clone(), point.clone()));
            }
        }
    }
    Ok(newest)
}

/// The monitors of a version that have raised something.
pub async fn raised(view: &mut View<'_>, version: &VersionName) -> Result<Vec<Monitor>, Error> {
    let records = view.scan(keys::monitors(version), MOST_MONITORS).await?;
    let mut raised = Vec::new();
    for (_, record) in records {
        let monitor = view.read::<Monitor>(&record).await?.value;
        raised.extend(monitor.raise_time.is_some().then_some(monitor));
    }
    Ok(raised)
}

/// Monitors of one version that its health looks at.
const MOST_MONITORS: usize = 2_000;
