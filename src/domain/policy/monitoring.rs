//! How closely versions in service are watched, and what follows from an alarm.

use crate::domain::check::{Check, Violations};
use serde::{Deserialize, Serialize};

/// What is done when the version in production raises an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmAction {
    /// People decide; the alarm names the way back.
    #[default]
    #[serde(rename = "ALARM_ACTION_SUGGEST")]
    Suggest,
    /// The version is put on hold.
    #[serde(rename = "ALARM_ACTION_HOLD")]
    Hold,
    /// The alias `production` goes back to the last version that is safe, if there is one.
    #[serde(rename = "ALARM_ACTION_ROLLBACK")]
    Rollback,
}

/// The rules of monitors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitoring {
    /// A rate that keeps to its limit raises at most one false alarm in so many points, on average.
    pub points_per_false_alarm: u32,
    /// Population stability index from which a distribution is watched.
    pub watch_psi: f64,
    /// Population stability index from which it is an alarm.
    pub alarm_psi: f64,
    /// Smaller groups are not compared.
    pub minimum_group_size: u32,
    /// So many good points in a row take an alarm back.
    pub calm_point_count: u32,
    /// What is done when production raises an alarm.
    pub alarm_action: AlarmAction,
    /// Nothing is done by itself for so long after the last time.
    pub cooldown_days: u32,
}

impl Default for Monitoring {
    fn default() -> Self {
        Monitoring {
            points_per_false_alarm: 1_000,
            watch_psi: 0.1,
            alarm_psi: 0.25,
            minimum_group_size: 30,
            calm_point_count: 3,
            alarm_action: AlarmAction::Suggest,
            cooldown_days: 7,
        }
    }
}

impl Check for Monitoring {
    fn check(&self, violations: &mut Violations) {
        let mut whole = |field: &str, number: u32, least: u32, most: u32| {
            if !(least..=most).contains(&number) {
                violations.add(field, format!("{number} is not allowed; use {least} to {most}"));
            }
        };
        whole("points_per_false_alarm", self.points_per_false_alarm, 10, 1_000_000);
        whole("minimum_group_size", self.minimum_group_size, 1, 1_000_000);
        whole("calm_point_count", self.calm_point_count, 1, 100);
        whole("cooldown_days", self.cooldown_days, 0, 3_650);
        if !(self.watch_psi > 0.0 && self.watch_psi <= self.alarm_psi && self.alarm_psi <= 10.0) {
            violations.add("watch_psi", "has to be above 0, at most alarm_psi, and both at most 10");
        }
    }
}
