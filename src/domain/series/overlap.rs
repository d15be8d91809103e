//! For any moment a line has at most one value: of points whose windows overlap, that which
//! was recorded last stands for all.

use super::{Merged, Point};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A point, and its measurement as statistics know it.
pub(super) struct Candidate {
    pub point: Point,
    pub value: Merged,
}

/// A point that nothing supersedes.
pub(super) struct Kept {
    pub point: Point,
    pub value: Merged,
    /// How many points it stands for besides itself.
    pub superseded: usize,
}

/// The points of one line that nothing supersedes, in the order of their windows, which do not
/// overlap. The last recorded is judged first, so what only a superseded point overlaps stays.
/// Of those recorded together, the later window goes before.
pub(super) fn kept(mut candidates: Vec<Candidate>) -> Vec<Kept> {
    candidates.sort_by(|a, b| {
        let (a, b) = (&a.point, &b.point);
        let recorded = |p: &Point| (p.create_time, p.end, p.start);
        recorded(b).cmp(&recorded(a)).then_with(|| b.evaluation.cmp(&a.evaluation))
    });
    let mut kept: BTreeMap<Timestamp, Kept> = BTreeMap::new();
    for Candidate { point, value } in candidates {
        // Those kept do not overlap, so of them only the last to start before the end can.
        match kept.range_mut(..point.end).next_back() {
            Some((_, later)) if later.point.end > point.start => later.superseded += 1,
            _ => {
                kept.insert(point.start, Kept { point, value, superseded: 0 });
            }
        }
    }
    kept.into_values().collect()
}
