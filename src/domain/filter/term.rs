//! One comparison: which operators and values fit a field, and what they mean.

use super::error::{FilterError, Problem, excerpt};
use super::scanner::{Literal, Operator};
use super::{FieldPath, FieldType, FieldValue, Filterable};
use crate::domain::time::Timestamp;
use std::cmp::Ordering;

/// A checked comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    path: FieldPath,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// The field is set; a list has an entry.
    Present,
    Order(Operator, Operand),
    /// A text that is like the pattern, or (`false`) not like it.
    Like(Pattern, bool),
    /// A text with this part, which is in lower case.
    Contains(String),
    /// A list with an entry like the pattern.
    Entry(Pattern),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(String),
    Int(i64),
    Number(f64),
    Bool(bool),
    Enum(&'static str),
    Time(i64),
}

/// A text with an optional `*` at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    text: String,
    open_start: bool,
    open_end: bool,
}

impl Pattern {
    fn new(literal: &Literal) -> Result<Self, FilterError> {
        let last = literal.text.len().wrapping_sub(1);
        if literal.stars.iter().any(|at| *at != 0 && *at != last) {
            return Err(Problem::Wildcard.at(literal.offset));
        }
        let open_start = literal.stars.contains(&0);
        let open_end = literal.stars.contains(&last);
        let mut text = literal.text.as_str();
        if open_start {
            text = text.strip_prefix('*').unwrap_or(text);
        }
        if open_end {
            text = text.strip_suffix('*').unwrap_or(text);
        }
        Ok(Self { text: text.to_owned(), open_start, open_end })
    }

    fn fits(&self, text: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => text == self.text,
            (true, false) => text.ends_with(&self.text),
            (false, true) => text.starts_with(&self.text),
            (true, true) => text.contains(&self.text),
        }
    }
}

impl Term {
    /// A comparison with a field, or with the value at a key of a map.
    pub(super) fn new(
        path: FieldPath,
        kind: FieldType,
        operator: Operator,
        value: &Literal,
        operator_at: usize,
    ) -> Result<Self, FilterError> {
        if let Some(allowed) = refused(kind, operator) {
            let problem = Problem::Operator { field: path.field, operator: operator.text(), allowed };
            return Err(problem.at(operator_at));
        }
        let test = match (kind, operator) {
            (_, Operator::Has) if value.is_star() => Test::Present,
            (FieldType::TextList, _) => Test::Entry(Pattern::new(value)?),
            (FieldType::Text, Operator::Has) => Test::Contains(unstarred(value)?.to_lowercase()),
            (FieldType::Text | FieldType::TextMap, Operator::Equal | Operator::NotEqual)
            | (FieldType::TextMap, Operator::Has) => {
                Test::Like(Pattern::new(value)?, operator != Operator::NotEqual)
            }
            _ => Test::Order(operator, operand(path.field, kind, value)?),
        };
        Ok(Self { path, test })
    }

    /// A comparison with a map as a whole, of which only `map:KEY` means anything.
    pub(super) fn map_has(
        mut path: FieldPath,
        operator: Operator,
        value: Literal,
        offset: usize,
    ) -> Result<Self, FilterError> {
        if operator != Operator::Has || value.text.is_empty() || value.is_star() {
            return Err(Problem::NoKey(path.field).at(offset));
        }
        unstarred(&value)?;
        path.key = Some(value.text);
        Ok(Self { path, test: Test::Present })
    }

    pub(super) fn matches<T: Filterable + ?Sized>(&self, resource: &T) -> bool {
        match (&self.test, resource.field(&self.path)) {
            (_, FieldValue::Missing) => false,
            (Test::Present, FieldValue::TextList(list)) => !list.is_empty(),
            (Test::Present, _) => true,
            (Test::Order(operator, operand), value) => {
                operand.order(value).is_some_and(|ordering| operator.holds(ordering))
            }
            (Test::Like(pattern, wanted), FieldValue::Text(text)) => pattern.fits(text) == *wanted,
            (Test::Contains(part), FieldValue::Text(text)) => text.to_lowercase().contains(part),
            (Test::Entry(pattern), FieldValue::TextList(list)) => {
                list.iter().any(|entry| pattern.fits(entry))
            }
            _ => false,
        }
    }
}

impl Operand {
    /// How a value stands to this operand; `None` if they cannot be compared.
    fn order(&self, value: FieldValue<'_>) -> Option<Ordering> {
        match (value, self) {
            (FieldValue::Text(value), Self::Text(operand)) => Some(value.cmp(operand)),
            (FieldValue::Int(value), Self::Int(operand)) => Some(value.cmp(operand)),
            (FieldValue::Number(value), Self::Number(operand)) => value.partial_cmp(operand),
            (FieldValue::Bool(value), Self::Bool(operand)) => Some(value.cmp(operand)),
            (FieldValue::Enum(value), Self::Enum(operand)) => Some(value.cmp(operand)),
            (FieldValue::Time(value), Self::Time(operand)) => Some(value.cmp(operand)),
            _ => None,
        }
    }
}

/// If the operator does not fit the type: those that do.
fn refused(kind: FieldType, operator: Operator) -> Option<&'static str> {
    match (kind, operator) {
        (_, Operator::Has) => None,
        (FieldType::TextList, _) => Some("`:`"),
        (FieldType::Bool | FieldType::Enum(_), Operator::Equal | Operator::NotEqual) => None,
        (FieldType::Bool | FieldType::Enum(_), _) => Some("`=`, `!=` and `:`"),
        _ => None,
    }
}

fn operand(field: &'static str, kind: FieldType, value: &Literal) -> Result<Operand, FilterError> {
    let text = value.text.as_str();
    let (operand, allowed) = match kind {
        FieldType::Text | FieldType::TextMap | FieldType::TextList => {
            return Ok(Operand::Text(unstarred(value)?.to_owned()));
        }
        FieldType::Int => (text.parse().ok().map(Operand::Int), "a whole number such as 3".to_owned()),
        FieldType::Number => (
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Operand::Number),
            "a number such as 0.95".to_owned(),
        ),
        FieldType::Bool => (text.parse().ok().map(Operand::Bool), "true or false".to_owned()),
        FieldType::Enum(names) => (
            names.iter().find(|name| **name == text).map(|name| Operand::Enum(name)),
            format!("one of {}", names.join(", ")),
        ),
        FieldType::Time => (
            Timestamp::parse(text).map(|time| Operand::Time(time.micros())),
            "an RFC 3339 time such as \"2026-03-01T00:00:00Z\"".to_owned(),
        ),
    };
    operand.ok_or_else(|| Problem::Value { field, value: excerpt(text), allowed }.at(value.offset))
}

/// The text of a value in a place where a `*` stands for nothing.
fn unstarred(value: &Literal) -> Result<&str, FilterError> {
    if value.stars.is_empty() { Ok(&value.text) } else { Err(Problem::Wildcard.at(value.offset)) }
}
