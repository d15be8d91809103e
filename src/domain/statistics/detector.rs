//! The Shiryaev–Roberts e-detector: the default alarm for rates.
//!
//! Its promise is the one that people ask for: at most one false alarm in A points, on
//! average, while the rate keeps to its limit, whatever the sizes of the windows. A point costs
//! a dozen operations, and the state is a few whole numbers.

use super::{InputError, rate::Proportion, within};
use serde::{Deserialize, Serialize};

/// How much more often the rarer outcome happens under each alternative.
const ALTERNATIVES: [f64; 7] = [1.2, 1.4, 1.6, 2.0, 3.0, 4.0, 6.0];

/// No alternative goes beyond this rate.
const CAP: f64 = 0.99;

/// The state is kept in whole units of 10^-12, so that it is the same after any way of
/// writing it down; rounding goes against an alarm, so the promise stays.
const UNIT: f64 = 1e-12;

/// The largest whole number that JSON carries. As a logarithm in units it stands for e^9007,
/// beyond any threshold.
const LARGEST: u64 = (1 << 53) - 1;

/// Which change is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The rate rises above the limit.
    #[serde(rename = "DETECTED_CHANGE_RISE")]
    Rise,
    /// The rate drops below the limit.
    #[serde(rename = "DETECTED_CHANGE_DROP")]
    Drop,
}

/// What a point did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// ln M, the evidence that the rate is beyond its limit since some point.
    pub log_evidence: f64,
    /// Whether M reached A.
    pub alarm: bool,
}

/// A detector and what it has seen. For alternatives p1:
///
/// R_t(p1) = (R_{t−1}(p1)+1)·(p1/p0)^k_t·((1−p1)/(1−p0))^(n_t−k_t);
/// M_t = the mean of R_t over the alternatives; alarm when M_t ≥ A.
///
/// For a rise p1 = p0 times 1.2, 1.4, 1.6, 2, 3, 4, 6, at most 0.99. A drop is the mirror image:
/// the same factors on 1−p0 where p0 ≥ 0.5 (accuracy: failures get more frequent), and p0
/// divided by them where p0 < 0.5. Source: Shin, Ramdas and Rinaldo (2024), "E-detectors".
/// M_t − t is a supermartingale while the rate keeps to the limit, so the mean number of points
/// to a false alarm is at least A.
///
/// Computed in logarithms; kept is ln(1+R), which is 0 at the start and never negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct Detector(State);

/// The state in whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    change: Change,
    /// The limit p0 in units.
    limit: u64,
    /// A: points between false alarms.
    points_per_false_alarm: u64,
    /// ln(1+R) of each alternative in units.
    #[serde(rename = "evidence_values")]
    evidence: [u64; ALTERNATIVES.len()],
    /// Points seen.
    #[serde(rename = "point_count")]
    points: u64,
}

impl TryFrom<State> for Detector {
    type Error = InputError;

    fn try_from(state: State) -> Result<Self, InputError> {
        Detector::new(state.change, state.limit as f64 * UNIT, state.points_per_false_alarm)?;
        Ok(Detector(state))
    }
}

impl From<Detector> for State {
    fn from(detector: Detector) -> Self {
        detector.0
    }
}

impl Detector {
    /// A detector that has seen nothing. `limit` is the policy's limit, or the end of the Wilson
    /// interval of the approved evaluation that lies towards the change (never the estimate
    /// itself); it is rounded to 12 digits, away from an alarm. A rise needs a limit from 1e-12 to 0.98,
    /// a drop one from 0.02 to 1−1e-12 where failures are rare, and at least 1e-12.
    pub fn new(change: Change, limit: f64, points_per_false_alarm: u64) -> Result<Self, InputError> {
        let fits = match change {
            Change::Rise => (UNIT..=0.98).contains(&limit),
            Change::Drop => (UNIT..=1.0 - UNIT).contains(&limit),
        };
        within("limit", limit, fits, "it is from 1e-12 to 0.98 for a rise and to 1-1e-12 for a drop")?;
        let between = points_per_false_alarm;
        if !(1..=LARGEST).contains(&between) {
            return Err(InputError::OutOfRange {
                argument: "points_per_false_alarm",
                value: between as f64,
                allowed: "it is from 1 to 2^53-1",
            });
        }
        // A limit that has been rounded before lies within rounding of a whole number.
        let units = limit / UNIT;
        let limit = match change {
            _ if (units - units.round()).abs() < 1e-3 => units.round(),
            Change::Rise => units.ceil(),
            Change::Drop => units.floor(),
        };
        let evidence = [0; ALTERNATIVES.len()];
        let limit = (limit as u64).max(1);
        Ok(Detector(State { change, limit, points_per_false_alarm: between, evidence, points: 0 }))
    }

    /// The limit as it is used.
    pub fn limit(&self) -> f64 {
        self.0.limit as f64 / 1e12
    }

    /// Which change is looked for.
    pub fn change(&self) -> Change {
        self.0.change
    }

    /// A, the mean number of points between false alarms that is promised.
    pub fn points_per_false_alarm(&self) -> u64 {
        self.0.points_per_false_alarm
    }

    /// Points seen since the start.
    pub fn points(&self) -> u64 {
        self.0.points
    }

    /// The limit in units of 10^-12.
    pub fn limit_units(&self) -> u64 {
        self.0.limit
    }

    /// The evidence for each alternative, ln(1+R), in units of 10^-12.
    pub fn evidence(&self) -> &[u64] {
        &self.0.evidence
    }

    /// The same detector at its start: after an alarm that was resolved.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Detector(State { evidence: [0; ALTERNATIVES.len()], points: 0, ..self.0.clone() })
    }

    /// Takes in the next point.
    pub fn update(&mut self, point: &Proportion) -> Reading {
        let limit = self.limit();
        let (k, rest) = (point.k() as f64, (point.n() - point.k()) as f64);
        let mut logs = [0.0; ALTERNATIVES.len()];
        for ((log, kept), factor) in logs.iter_mut().zip(&mut self.0.evidence).zip(ALTERNATIVES) {
            let (hit, miss) = log_ratios(self.0.change, limit, factor);
            *log = *kept as f64 * UNIT + k * hit + rest * miss;
            *kept = ((ln_one_plus_exp(*log) / UNIT).floor() as u64).min(LARGEST);
        }
        self.0.points = self.0.points.saturating_add(1);
        let log_evidence = log_mean_exp(&logs);
        let threshold = (self.0.points_per_false_alarm as f64).ln();
        Reading { log_evidence, alarm: log_evidence >= threshold }
    }
}

/// ln(p1/p0) and ln((1−p1)/(1−p0)) of an alternative.
fn log_ratios(change: Change, p0: f64, factor: f64) -> (f64, f64) {
    let more = |q0: f64| {
        let q1 = (q0 * factor).min(CAP.max(q0));
        ((q1 / q0).ln(), (-(q1 - q0) / (1.0 - q0)).ln_1p())
    };
    match change {
        Change::Rise => more(p0),
        Change::Drop if p0 < 0.5 => {
            let p1 = p0 / factor;
            (-factor.ln(), ((p0 - p1) / (1.0 - p0)).ln_1p())
        }
        Change::Drop => {
            let (miss, hit) = more(1.0 - p0);
            (hit, miss)
        }
    }
}

/// ln(1+e^x) without overflow.
fn ln_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// ln of the mean of e^x without overflow; finite for finite x.
fn log_mean_exp(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + (sum / logs.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn point(k: u64, n: u64) -> Proportion {
        Proportion::new(k, n).unwrap()
    }

    #[test]
    fn the_evidence_is_that_of_the_recursion() {
        let points = [(10, 200), (14, 200), (3, 50), (25, 200), (30, 300)];
        let mut detector = Detector::new(Change::Rise, 0.05, 1000).unwrap();
        let mut plain = [0.0f64; 7];
        for (k, n) in points {
            let reading = detector.update(&point(k, n));
            for (r, factor) in plain.iter_mut().zip(ALTERNATIVES) {
                let p1 = (0.05 * factor).min(CAP);
                let ratio = (p1 / 0.05).powi(k as i32) * ((1.0 - p1) / 0.95).powi((n - k) as i32);
                *r = (*r + 1.0) * ratio;
            }
            let wanted = (plain.iter().sum::<f64>() / 7.0).ln();
            assert!((reading.log_evidence - wanted).abs() < 1e-10, "{reading:?} is not {wanted}");
        }
        assert_eq!(detector.points(), 5);
    }

    #[test]
    fn a_change_in_the_direction_looked_for_alarms_and_the_other_does_not() {
        let alarms = |change, limit, k| {
            let mut detector = Detector::new(change, limit, 1000).unwrap();
            (0..20).any(|_| detector.update(&point(k, 200)).alarm)
        };
        for (change, limit, alarming, quiet) in [
            (Change::Rise, 0.05, 20, 4),
            (Change::Drop, 0.95, 180, 196),
            (Change::Drop, 0.20, 20, 60),
            (Change::Rise, 0.80, 195, 120),
        ] {
            assert!(alarms(change, limit, alarming), "{change:?} from {limit}");
            assert!(!alarms(change, limit, quiet), "{change:?} from {limit}");
        }
    }

    #[test]
    fn a_limit_is_rounded_away_from_an_alarm_and_stays_what_it_is() {
        let detector = Detector::new(Change::Rise, 0.05, 7).unwrap();
        assert_eq!(detector.limit(), 0.05);
        let third = Detector::new(Change::Rise, 1.0 / 3.0, 7).unwrap();
        assert_eq!(third.limit(), 0.333_333_333_334);
        assert_eq!(Detector::new(Change::Rise, third.limit(), 7).unwrap(), third);
        assert_eq!(Detector::new(Change::Drop, 1.0 / 3.0, 7).unwrap().limit(), 0.333_333_333_333);
        for limit in [0.0, 1.0, f64::NAN, -0.1, 0.985] {
            assert!(Detector::new(Change::Rise, limit, 7).is_err(), "{limit}");
        }
        assert!(Detector::new(Change::Rise, 0.1, 0).is_err());
    }

    #[test]
    fn a_state_from_elsewhere_is_checked() {
        let mut value = serde_json::to_value(Detector::new(Change::Drop, 0.9, 100).unwrap()).unwrap();
        assert!(serde_json::from_value::<Detector>(value.clone()).is_ok());
        value["limit"] = 0.into();
        assert!(serde_json::from_value::<Detector>(value).is_err());
    }

    #[test]
    fn a_restarted_detector_is_as_new() {
        let new = Detector::new(Change::Rise, 0.05, 1000).unwrap();
        let mut used = new.clone();
        assert!(used.update(&point(100, 200)).alarm);
        assert_eq!(used.restarted(), new);
    }
}
