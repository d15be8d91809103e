//! What can be wrong with a filter.

use super::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS};

/// Why a filter was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {offset}: {problem}")]
pub struct FilterError {
    /// Where in the text, counted in characters from 0.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a filter. Each text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is longer than [`MAX_LENGTH`].
    #[error("a filter has at most {MAX_LENGTH} characters, this one has {0}")]
    TooLong(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("parentheses may be nested {MAX_DEPTH} deep at most")]
    TooDeep,
    /// More comparisons than [`MAX_TERMS`].
    #[error("a filter has at most {MAX_TERMS} comparisons")]
    TooManyTerms,
    /// Something else was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// `and`, `or` or `not` in small letters.
    #[error("write {0} in capitals")]
    SmallOperator(&'static str),
    /// An opening parenthesis without a closing one.
    #[error("this parenthesis is never closed")]
    UnclosedParenthesis,
    /// A closing parenthesis without an opening one.
    #[error("this parenthesis was never opened")]
    UnopenedParenthesis,
    /// A quotation mark without its partner.
    #[error("this quotation mark is never closed")]
    UnclosedQuote,
    /// A backslash before a character that needs none.
    #[error("unknown escape; in quotes, write \\\\, \\\", \\', \\*, \\n or \\t")]
    UnknownEscape,
    /// A field that the schema does not have.
    #[error("there is no field `{field}` to filter by; there is {}", .known.join(", "))]
    UnknownField {
        /// The field as written.
        field: String,
        /// The fields that exist.
        known: Vec<&'static str>,
    },
    /// A key below a field that is no map.
    #[error("`{field}` has no keys; name it without `.{key}`")]
    NotAMap {
        /// The field.
        field: &'static str,
        /// The key as written.
        key: String,
    },
    /// A map compared as a whole.
    #[error("`{0}` is a map; write `{0}.KEY = \"value\"`, or `{0}:KEY` to ask whether the key is there")]
    NoKey(&'static str),
    /// An operator that does not fit the field.
    #[error("`{operator}` does not fit `{field}`, which takes {allowed}")]
    Operator {
        /// The field.
        field: &'static str,
        /// The operator as written.
        operator: &'static str,
        /// The operators that fit.
        allowed: &'static str,
    },
    /// A value that does not fit the field.
    #[error("`{value}` does not fit `{field}`, which takes {allowed}")]
    Value {
        /// The field.
        field: &'static str,
        /// The value as written, shortened if long.
        value: String,
        /// The values that fit.
        allowed: String,
    },
    /// A `*` that does not stand for anything.
    #[error(
        "`*` may stand at the beginning and the end of a text after `=`, `!=`; in quotes, write \\* for an asterisk"
    )]
    Wildcard,
}

impl Problem {
    pub(super) fn at(self, offset: usize) -> FilterError {
        FilterError { offset, problem: self }
    }
}

/// Shortens what a user wrote, for quoting it in an error.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
