//! What a campaign of kills has found, in one line.

use std::{collections::BTreeMap, fmt};

/// Offences that are told in words; the rest are only counted.
const TOLD: usize = 5;

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offence {
    /// Acknowledged and not in the log.
    Lost,
    /// In the log more than once, or delivered more than once.
    Repeated,
    /// Delivered after something later.
    Reordered,
    /// Wanted and not delivered.
    Gap,
    /// Delivered, and in the log with other bytes or not at all.
    Altered,
    /// Delivered to somebody who did not ask for it.
    Unwanted,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Tally {
    pub starting: usize,
    pub idle: usize,
    pub loaded: usize,
    pub acknowledged: usize,
    pub delivered: usize,
    pub unanswered: usize,
    /// Of the unanswered, those that the dead server had written.
    pub written: usize,
    /// Of the unanswered, those that are there once after a repeat.
    pub settled: usize,
    offences: BTreeMap<Offence, usize>,
    told: Vec<String>,
}

impl Tally {
    pub fn kills(&self) -> usize {
        self.starting + self.idle + self.loaded
    }

    /// Counts an offence.
    pub fn offence(&mut self, offence: Offence, what: String) {
        *self.offences.entry(offence).or_default() += 1;
        if self.told.len() < TOLD {
            self.told.push(format!("{offence:?}: {what}"));
        }
    }

    /// Fails with the line and the first offences, if there are any.
    pub fn require_clean(&self) {
        let clean = self.offences.is_empty() && self.settled == self.unanswered;
        assert!(clean, "{self}\n{}", self.told.join("\n"));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { starting, idle, loaded, acknowledged, delivered, unanswered, written, settled, .. } =
            self;
        let count = |offence| self.offences.get(&offence).copied().unwrap_or_default();
        write!(
            f,
            "{} kills ({loaded} under load, {starting} while starting, {idle} while idle): ",
            self.kills()
        )?;
        write!(
            f,
            "{acknowledged} acknowledged writes, {} lost; {delivered} deliveries, ",
            count(Offence::Lost)
        )?;
        write!(f, "{} repeated, {} reordered, ", count(Offence::Repeated), count(Offence::Reordered))?;
        write!(f, "{} gaps, {} altered, ", count(Offence::Gap), count(Offence::Altered))?;
        write!(f, "{} unwanted; {unanswered} unanswered requests, ", count(Offence::Unwanted))?;
        write!(f, "{written} of them written; {settled} settled exactly once by repeating their request ids")
    }
}
