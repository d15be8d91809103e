//! Monitors: what is known of one series of a version in service, compared with what it
//! was when the version was approved.
//!
//! A monitor carries all that the next point needs, so each point costs the same, and
//! nothing is lost when the server restarts. It speaks up once when things get worse, and
//! once when they are good again.

mod judge;

use self::judge::detector_for;
pub use self::judge::{Judged, judge};
use super::{
    canonical,
    evaluation::{
        Evaluation, Evaluator, major,
        point::{MetricPoint, PointValue},
    },
    lifecycle::Decision,
    name::{EvaluationName, MonitorId, MonitorName, NameError, VersionName},
    policy::PolicyContent,
    refusal::{Reason, Refusal},
    statistics::detector::Detector,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a verdict says, and what a monitor has said last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// So few observations that a large change could not have been seen.
    #[default]
    #[serde(rename = "VERDICT_LEVEL_NOT_ENOUGH_DATA")]
    NotEnoughData,
    /// Nothing to do.
    #[serde(rename = "VERDICT_LEVEL_OK")]
    Ok,
    /// A change that may be the beginning of more.
    #[serde(rename = "VERDICT_LEVEL_WATCH")]
    Watch,
    /// A change that somebody has to look into.
    #[serde(rename = "VERDICT_LEVEL_ALARM")]
    Alarm,
}

impl Level {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Level::NotEnoughData => "NOT_ENOUGH_DATA",
            Level::Ok => "OK",
            Level::Watch => "WATCH",
            Level::Alarm => "ALARM",
        }
    }

    fn rank(self) -> u8 {
        match self {
            Level::NotEnoughData | Level::Ok => 0,
            Level::Watch => 1,
            Level::Alarm => 2,
        }
    }
}

/// On which scale an effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind {
    /// Population stability index over merged bins, from 0.
    #[serde(rename = "EFFECT_KIND_PSI")]
    Psi,
    /// Cohen's h of two rates, −π–π.
    #[serde(rename = "EFFECT_KIND_COHENS_H")]
    CohensH,
    /// Cohen's d of two means.
    #[serde(rename = "EFFECT_KIND_COHENS_D")]
    CohensD,
    /// The lowest group's rate over the highest's, 0–1.
    #[serde(rename = "EFFECT_KIND_RATIO_OF_RATES")]
    RatioOfRates,
    /// What it is now over what it was.
    #[serde(rename = "EFFECT_KIND_RATIO_TO_BASELINE")]
    RatioToBaseline,
}

/// What a point means beside its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it says.
    pub level: Level,
    /// On which scale the effect is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect_kind: Option<EffectKind>,
    /// How large the effect is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// The probability of such a difference by chance alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Observations of the baseline.
    pub baseline_n: i64,
    /// Observations now.
    pub current_n: i64,
    /// Observations that are needed now to see a large change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed_n: Option<i64>,
    /// For a person without statistics, at most 280 characters.
    pub sentence: String,
}

/// Where a baseline comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaselineOrigin {
    /// The version was approved with it.
    #[serde(rename = "BASELINE_ORIGIN_APPROVAL")]
    Approval,
    /// The version was approved without it; it is the first that was recorded since.
    #[serde(rename = "BASELINE_ORIGIN_FIRST_RECORDED")]
    FirstRecorded,
}

/// A time without new alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snooze {
    /// Who wants it, when and why.
    pub decision: Decision,
    /// Until when.
    pub until_time: Timestamp,
}

/// One series of a version, watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// Its name.
    pub name: MonitorName,
    /// What is compared with; it says which series this is.
    pub baseline: MetricPoint,
    /// The program that measured the baseline.
    pub baseline_evaluator: Evaluator,
    /// Where the baseline is recorded.
    pub baseline_evaluation: EvaluationName,
    /// Where the baseline comes from.
    pub baseline_origin: BaselineOrigin,
    /// What it has said last.
    pub level: Level,
    /// What the newest point means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it remembers of the points so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Detector>,
    /// The newest point's evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_evaluation: Option<EvaluationName>,
    /// End of the newest point's window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_window_end_time: Option<Timestamp>,
    /// Points that were judged.
    pub point_count: i64,
    /// Points that came too late to be judged: their windows do not end after the newest.
    pub late_count: i64,
    /// Good points in a row.
    pub calm_count: i64,
    /// When it last said WATCH or ALARM; none while all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_time: Option<Timestamp>,
    /// Who looks into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Decision>,
    /// Until when nobody wants to hear of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Snooze>,
    /// Who said last that it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Decision>,
    /// When the monitor was made.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// What a monitor says for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something may begin.
    Watch,
    /// Somebody has to look.
    Alarm,
    /// It is good again.
    Calm,
}

/// The monitor of a point's series: an id that follows from metric, method, slice,
/// direction, kind of point, and the evaluator with its major version.
pub fn monitor_of(
    version: &VersionName,
    evaluator: &Evaluator,
    point: &MetricPoint,
) -> Result<MonitorName, NameError> {
    let series = (
        &point.metric,
        &point.method,
        &point.slice,
        point.direction,
        point.value.kind(),
        &evaluator.name,
        major(&evaluator.version),
    );
    let digest = canonical::to_vec(&series).map(|bytes| canonical::digest(&bytes));
    let digest = digest.map_err(|error| NameError(error.to_string()))?;
    let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
    Ok(MonitorName { version: version.clone(), monitor: MonitorId::new(hex.get(..16).unwrap_or(hex))? })
}

impl Monitor {
    /// About how many bytes its record has: names, sentence and numbers, and what the
    /// baseline's bins or groups add.
    pub fn estimated_bytes(&self) -> usize {
        let cells = match &self.baseline.value {
            PointValue::Histogram(h) => 2 * h.counts.len() * 12 + h.bins.estimated_bytes(),
            PointValue::ExponentialHistogram(h) => 8 * (h.positive.counts.len() + h.negative.counts.len()),
            PointValue::Sketch(s) => 8 * (s.positive.counts.len() + s.negative.counts.len()),
            PointValue::Confusion(confusion) => 200 * confusion.groups.len(),
            _ => 0,
        };
        2_500 + cells
    }

    /// A monitor that begins with a baseline.
    pub fn begin(
        name: MonitorName,
        baseline: &MetricPoint,
        evaluation: &Evaluation,
        origin: BaselineOrigin,
        policy: &PolicyContent,
        now: Timestamp,
    ) -> Self {
        Monitor {
            name,
            baseline: baseline.clone(),
            baseline_evaluator: evaluation.content.evaluator.clone(),
            baseline_evaluation: evaluation.name.clone(),
            baseline_origin: origin,
            level: Level::default(),
            verdict: None,
            detector: detector_for(baseline, policy),
            newest_evaluation: None,
            newest_window_end_time: None,
            point_count: 0,
            late_count: 0,
            calm_count: 0,
            raise_time: None,
            acknowledgement: None,
            snooze: None,
            resolution: None,
            create_time: now,
            update_time: now,
        }
    }

    /// The monitor after a point, and what it has to say. A point whose window does not
    /// end after the newest one is counted and not judged: what was said stays said.
    pub fn observe(
        mut self,
        point: &MetricPoint,
        evaluation: &Evaluation,
        policy: &PolicyContent,
        now: Timestamp,
    ) -> (Self, Option<News>) {
        self.update_time = now;
        let end = evaluation.content.window_end_time;
        if self.newest_window_end_time.is_some_and(|newest| end <= newest) {
            self.late_count += 1;
            return (self, None);
        }
        self.newest_window_end_time = Some(end);
        self.newest_evaluation = Some(evaluation.name.clone());
        self.point_count += 1;
        let Judged { verdict, detector } = judge(&self.baseline, point, self.detector.take(), policy);
        self.detector = detector;
        let said = verdict.as_ref().map_or(Level::NotEnoughData, |verdict| verdict.level);
        self.verdict = verdict;
        if said == Level::Alarm {
            // What it knows is said; what comes is judged by itself.
            self.detector = self.detector.as_ref().map(Detector::restarted);
        }
        let news = self.say(said, policy, now);
        (self, news)
    }

    /// Worse is said at once, unless somebody does not want to hear of it; better only
    /// after so many good points in a row.
    fn say(&mut self, said: Level, policy: &PolicyContent, now: Timestamp) -> Option<News> {
        self.calm_count = match said {
            Level::Ok => self.calm_count + 1,
            // Too little data says neither: it takes no alarm back, and does not begin anew.
            Level::NotEnoughData => self.calm_count,
            Level::Watch | Level::Alarm => 0,
        };
        let is_snoozed = self.snooze.as_ref().is_some_and(|snooze| now < snooze.until_time);
        if !is_snoozed {
            self.snooze = None;
        }
        if said.rank() > self.level.rank() && !is_snoozed {
            self.level = said;
            self.raise_time = Some(now);
            self.acknowledgement = None;
            return Some(if said == Level::Alarm { News::Alarm } else { News::Watch });
        }
        let was_raised = self.level.rank() > 0;
        if said == Level::Ok && was_raised && self.calm_count >= i64::from(policy.monitoring.calm_point_count)
        {
            self.settle(said);
            return Some(News::Calm);
        }
        if !was_raised && said.rank() == 0 {
            self.level = said;
        }
        None
    }

    /// All is well: what was raised is over, and the detector begins anew.
    fn settle(&mut self, level: Level) {
        self.level = level;
        self.raise_time = None;
        self.acknowledgement = None;
        self.detector = self.detector.as_ref().map(Detector::restarted);
    }

    fn require_raised(&self) -> Result<(), Vec<Refusal>> {
        if self.raise_time.is_some() {
            return Ok(());
        }
        let sentence = format!("it is {}, so there is nothing to answer", self.level.word());
        Err(vec![Refusal::new(Reason::NoAlarm, &self.name, sentence)])
    }

    /// Somebody looks into it.
    pub fn acknowledge(self, decision: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_raised()?;
        Ok(Monitor { update_time: decision.time, acknowledgement: Some(decision), ..self })
    }

    /// Nobody wants to hear of it for a while, also not of what may come.
    pub fn snooze(self, until_time: Timestamp, decision: Decision) -> Result<Self, Vec<Refusal>> {
        let latest = decision.time.plus_days(LONGEST_SNOOZE_DAYS);
        if until_time <= decision.time || until_time > latest {
            let sentence = format!("a snooze ends in the future, by {latest} at the latest");
            return Err(vec![
                Refusal::new(Reason::SnoozeTooLong, &self.name, sentence).with("latest_until_time", latest),
            ]);
        }
        let snooze = Some(Snooze { decision: decision.clone(), until_time });
        Ok(Monitor { update_time: decision.time, snooze, ..self })
    }

    /// It is settled: the next point begins with a clean slate.
    pub fn resolve(mut self, decision: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_raised()?;
        self.settle(Level::Ok);
        self.calm_count = 0;
        Ok(Monitor { update_time: decision.time, snooze: None, resolution: Some(decision), ..self })
    }
}

/// Nobody looks away for longer.
const LONGEST_SNOOZE_DAYS: u32 = 90;

#[cfg(test)]
mod tests;
