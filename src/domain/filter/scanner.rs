//! Splits a filter into words, operators and values.
//!
//! What ends a word depends on where it stands (a time contains `:`, which after
//! a field is an operator), so the parser asks for what it expects.

use super::error::{FilterError, Problem, excerpt};
use std::cmp::Ordering;

/// An operator between a field and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Has,
}

impl Operator {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Has => ":",
        }
    }

    /// Whether a value that stands so to the operand satisfies the operator.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal | Self::Has => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A value as written, its escapes undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) offset: usize,
    pub(super) text: String,
    /// Byte positions in `text` of asterisks that were not escaped.
    pub(super) stars: Vec<usize>,
}

impl Literal {
    /// A lone `*`, which asks whether a field is set.
    pub(super) fn is_star(&self) -> bool {
        self.text == "*" && self.stars == [0]
    }
}

pub(super) struct Scanner<'a> {
    rest: &'a str,
    offset: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, offset: 0 }
    }

    /// Where the scanner stands, in characters.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        self.offset += usize::from(next.is_some());
        next
    }

    /// Steps over a character if it comes next.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    /// The word ahead, as far as a field or a keyword could go.
    pub(super) fn peek_word(&self) -> &'a str {
        self.ahead(|c| c.is_whitespace() || "()=<>!:\"',".contains(c))
    }

    /// Steps over a word just seen ahead.
    pub(super) fn take_word(&mut self, word: &str) {
        self.rest = &self.rest[word.len()..];
        self.offset += word.chars().count();
    }

    pub(super) fn operator(&mut self) -> Option<Operator> {
        let operator = match self.peek()? {
            '=' => Operator::Equal,
            ':' => Operator::Has,
            '<' => Operator::Less,
            '>' => Operator::Greater,
            '!' if self.rest.starts_with("!=") => Operator::NotEqual,
            _ => return None,
        };
        self.next();
        Some(match operator {
            Operator::Less if self.take('=') => Operator::LessOrEqual,
            Operator::Greater if self.take('=') => Operator::GreaterOrEqual,
            Operator::NotEqual => {
                self.next();
                operator
            }
            _ => operator,
        })
    }

    /// The value ahead: in quotes, or as far as the next space, parenthesis,
    /// quotation mark, comma or comparison.
    pub(super) fn value(&mut self) -> Result<Literal, FilterError> {
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let word = self.ahead(|c| c.is_whitespace() || "()=<>!\"',".contains(c));
        if word.is_empty() {
            return Err(self.expected("a value"));
        }
        let literal = Literal {
            offset: self.offset,
            text: word.to_owned(),
            stars: word.match_indices('*').map(|(at, _)| at).collect(),
        };
        self.take_word(word);
        Ok(literal)
    }

    fn quoted(&mut self, quote: char) -> Result<Literal, FilterError> {
        let mut literal = Literal { offset: self.offset, ..Literal::default() };
        self.next();
        loop {
            let at = self.offset;
            match self.next() {
                None => return Err(Problem::UnclosedQuote.at(literal.offset)),
                Some(c) if c == quote => return Ok(literal),
                Some('\\') => {
                    let escaped = match self.next() {
                        Some(c @ ('\\' | '"' | '\'' | '*')) => c,
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some(_) => return Err(Problem::UnknownEscape.at(at)),
                        None => return Err(Problem::UnclosedQuote.at(literal.offset)),
                    };
                    literal.text.push(escaped);
                }
                Some(c) => {
                    if c == '*' {
                        literal.stars.push(literal.text.len());
                    }
                    literal.text.push(c);
                }
            }
        }
    }

    /// An error about what comes next.
    pub(super) fn expected(&self, expected: &'static str) -> FilterError {
        let found = match (self.peek(), self.peek_word()) {
            (None, _) => "the end".to_owned(),
            (Some(c), "") => format!("`{c}`"),
            (Some(_), word) => format!("`{}`", excerpt(word)),
        };
        Problem::Expected { expected, found }.at(self.offset)
    }

    fn ahead(&self, ends: impl Fn(char) -> bool) -> &'a str {
        self.rest.split(ends).next().unwrap_or_default()
    }
}
