//! The grammar: a filter is a conjunction of disjunctions, because in AIP-160
//! OR binds tighter than AND.

use super::error::{FilterError, Problem, excerpt};
use super::scanner::{Literal, Scanner};
use super::term::Term;
use super::{FieldPath, FieldType, Filterable, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Schema};

/// A checked filter or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Term(Term),
}

impl Node {
    pub(super) fn matches<T: Filterable + ?Sized>(&self, resource: &T) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(resource)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(resource)),
            Self::Not(node) => !node.matches(resource),
            Self::Term(term) => term.matches(resource),
        }
    }
}

/// `None` for a text without any comparison.
pub(super) fn parse(text: &str, schema: &Schema) -> Result<Option<Node>, FilterError> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        return Err(Problem::TooLong(length).at(MAX_LENGTH));
    }
    let mut parser = Parser { scanner: Scanner::new(text), schema, depth: 0, terms: 0 };
    parser.scanner.skip_space();
    if parser.scanner.peek().is_none() {
        return Ok(None);
    }
    let root = parser.expression()?;
    match parser.scanner.peek() {
        None => Ok(Some(root)),
        Some(_) => Err(Problem::UnopenedParenthesis.at(parser.scanner.offset())),
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    schema: &'a Schema,
    depth: usize,
    terms: usize,
}

impl Parser<'_> {
    /// Factors joined by AND or standing side by side, up to the end or a `)`.
    fn expression(&mut self) -> Result<Node, FilterError> {
        let mut factors = vec![self.factor()?];
        loop {
            self.scanner.skip_space();
            if matches!(self.scanner.peek(), None | Some(')')) {
                return Ok(flat(factors, Node::All));
            }
            self.keyword("AND");
            factors.push(self.factor()?);
        }
    }

    /// Terms joined by OR.
    fn factor(&mut self) -> Result<Node, FilterError> {
        let mut terms = vec![self.term()?];
        while self.keyword("OR") {
            terms.push(self.term()?);
        }
        Ok(flat(terms, Node::Any))
    }

    /// A comparison or a parenthesis, perhaps negated.
    fn term(&mut self) -> Result<Node, FilterError> {
        self.scanner.skip_space();
        let negated = self.keyword("NOT") || self.scanner.take('-');
        self.scanner.skip_space();
        let node = match self.scanner.peek() {
            Some('(') => self.parenthesis()?,
            _ => Node::Term(self.comparison()?),
        };
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn parenthesis(&mut self) -> Result<Node, FilterError> {
        let opened = self.scanner.offset();
        self.scanner.take('(');
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::TooDeep.at(opened));
        }
        let inner = self.expression()?;
        if !self.scanner.take(')') {
            return Err(Problem::UnclosedParenthesis.at(opened));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Term, FilterError> {
        let offset = self.scanner.offset();
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Problem::TooManyTerms.at(offset));
        }
        let (path, kind) = self.field()?;
        self.scanner.skip_space();
        let operator_at = self.scanner.offset();
        let Some(operator) = self.scanner.operator() else {
            return Err(self.scanner.expected("one of =, !=, <, <=, >, >=, : and a value"));
        };
        self.scanner.skip_space();
        let value = self.scanner.value()?;
        if kind == FieldType::TextMap && path.key.is_none() {
            return Term::map_has(path, operator, value, offset);
        }
        Term::new(path, kind, operator, &value, operator_at)
    }

    /// A field of the schema, with its key if it is a map and a key is given.
    fn field(&mut self) -> Result<(FieldPath, FieldType), FilterError> {
        let offset = self.scanner.offset();
        let word = self.scanner.peek_word();
        if word.is_empty() || matches!(word, "AND" | "OR" | "NOT") {
            return Err(self.scanner.expected("a field"));
        }
        self.scanner.take_word(word);
        let (name, mut key) = match word.split_once('.') {
            Some((name, key)) => (name, Some(key.to_owned())),
            None => (word, None),
        };
        if word.ends_with('.') && matches!(self.scanner.peek(), Some('"' | '\'')) {
            let Literal { text, .. } = self.scanner.value()?;
            key.get_or_insert_default().push_str(&text);
        }
        let Some((field, kind)) = self.schema.find(name) else {
            return Err(self.unknown(name).at(offset));
        };
        match key {
            Some(key) if kind != FieldType::TextMap => {
                Err(Problem::NotAMap { field, key: excerpt(&key) }.at(offset))
            }
            Some(key) if key.is_empty() => Err(Problem::NoKey(field).at(offset)),
            key => Ok((FieldPath { field, key }, kind)),
        }
    }

    fn unknown(&self, name: &str) -> Problem {
        match name {
            "and" => Problem::SmallOperator("AND"),
            "or" => Problem::SmallOperator("OR"),
            "not" => Problem::SmallOperator("NOT"),
            _ => Problem::UnknownField { field: excerpt(name), known: self.schema.names() },
        }
    }

    /// Steps over a keyword if it comes next, with the space before it.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.scanner.skip_space();
        let found = self.scanner.peek_word() == keyword;
        if found {
            self.scanner.take_word(keyword);
        }
        found
    }
}

fn flat(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(last) => {
            nodes.push(last);
            join(nodes)
        }
        None => join(nodes),
    }
}
