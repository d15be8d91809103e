//! Dimensions: what the evaluations of a version may be broken down by. Whoever
//! prepares the version declares them, so no evaluator can bring in a key or a code
//! of its own, such as somebody's name.

use crate::domain::check::Violations;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The code of everything that has no code of its own. Every dimension has it.
pub const OTHER: &str = "OTHER";
/// Characters of keys and codes besides ASCII letters and digits.
pub const CODE_EXTRA: &str = "-_.+";
/// Most characters of keys and codes.
pub const LONGEST_CODE: usize = 63;

const MOST_DIMENSIONS: usize = 32;
const MOST_CODES: usize = 256;

/// What one key may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Distinct.
    pub codes: Vec<String>,
}

impl Dimension {
    /// Whether an evaluation may use a code.
    pub fn allows(&self, code: &str) -> bool {
        code == OTHER || self.codes.iter().any(|declared| declared == code)
    }
}

/// All keys of a version with their codes.
pub type Dimensions = BTreeMap<String, Dimension>;

/// Checks what a version declares.
pub fn check_dimensions(dimensions: &Dimensions, v: &mut Violations) {
    v.at_most("dimensions", dimensions.len(), MOST_DIMENSIONS);
    for (key, dimension) in dimensions {
        v.code("dimensions", key, LONGEST_CODE, CODE_EXTRA, false);
        v.within(&format!("dimensions[{key:?}]"), |v| check_codes(&dimension.codes, v));
    }
}

fn check_codes(codes: &[String], v: &mut Violations) {
    if codes.is_empty() {
        v.add("codes", "is required: declare at least one code");
    }
    v.at_most("codes", codes.len(), MOST_CODES);
    let mut seen = BTreeSet::new();
    for (index, code) in codes.iter().enumerate() {
        let field = format!("codes[{index}]");
        v.code(&field, code, LONGEST_CODE, CODE_EXTRA, false);
        if !seen.insert(code) {
            v.add(&field, format!("{code:?} stands here a second time"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn wrong(dimensions: &[(&str, &[&str])]) -> Vec<String> {
        let dimension = |codes: &[&str]| Dimension { codes: codes.iter().map(|&c| c.to_owned()).collect() };
        let dimensions =
            dimensions.iter().map(|(key, codes)| ((*key).to_owned(), dimension(codes))).collect();
        let mut violations = Violations::new();
        check_dimensions(&dimensions, &mut violations);
        violations.list().iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn a_dimension_has_a_key_and_distinct_codes() {
        assert_eq!(wrong(&[("region", &["north", "65+"]), ("SEX", &["1", OTHER])]), Vec::<String>::new());
        assert_eq!(wrong(&[("region", &[])]), ["dimensions[\"region\"].codes"]);
        assert_eq!(wrong(&[("the region", &["north"])]), ["dimensions"]);
        assert_eq!(wrong(&[("region", &["a", "b", "a"])]), ["dimensions[\"region\"].codes[2]"]);
        assert_eq!(wrong(&[("who", &["jane@example.org"])]), ["dimensions[\"who\"].codes[0]"]);
    }

    #[test]
    fn other_is_a_code_of_every_dimension() {
        let dimension = Dimension { codes: vec!["north".to_owned()] };
        assert!(dimension.allows("north") && dimension.allows(OTHER) && !dimension.allows("other"));
    }
}
