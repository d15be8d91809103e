//! List filters in the syntax of AIP-160: `kind = RENTED_API AND labels.team = "donors"`.
//!
//! What is supported, and where AIP-160 leaves room, what it means here:
//!
//! - Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=` and `:` (has), with the field on
//!   the left. A literal without a field is refused.
//! - `AND`, `OR`, `NOT` and `-` before a comparison or a parenthesis. Comparisons
//!   that only stand side by side are joined by AND. **OR binds tighter than AND**:
//!   `a AND b OR c` is `a AND (b OR c)`.
//! - Text is compared exactly; a `*` at the beginning or the end of the value of
//!   `=` and `!=` stands for anything. `text:"word"` looks for the word anywhere
//!   in the text, in upper or lower case. In quotes, `\*` is an asterisk.
//! - `list:"entry"` asks for an entry. `labels.KEY` reads one key of a map,
//!   `labels:KEY` asks whether it is there. `field:*` asks whether a field is set.
//! - A field that is not set matches no comparison, `!=` included; it does match
//!   the `NOT` of one.
//! - Times are RFC 3339, enum values are given by name, numbers in decimal.
//!
//! A filter is checked against a [`Schema`] when it is parsed, so matching
//! cannot fail.

mod error;
mod parser;
mod scanner;
mod term;

#[cfg(test)]
mod tests;

pub use error::{FilterError, Problem};

use parser::Node;

/// The longest filter, in characters.
pub const MAX_LENGTH: usize = 2_000;
/// The deepest nesting of parentheses.
pub const MAX_DEPTH: usize = 20;
/// The most comparisons in one filter.
pub const MAX_TERMS: usize = 50;

/// The fields of a resource that a filter may name.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    fields: &'static [(&'static str, FieldType)],
}

impl Schema {
    /// A schema of fields with their types. Names contain no dot.
    pub const fn new(fields: &'static [(&'static str, FieldType)]) -> Self {
        Self { fields }
    }

    fn find(&self, name: &str) -> Option<(&'static str, FieldType)> {
        self.fields.iter().copied().find(|(known, _)| *known == name)
    }

    fn names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|(name, _)| *name).collect()
    }
}

/// What a field holds, and so which operators and values fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text: `=`, `!=` (both with `*`), the orders by code point, `:` for a part.
    Text,
    /// A list of texts: `:` for an entry.
    TextList,
    /// A map from text to text: `field.KEY` as text, `field:KEY` for presence.
    TextMap,
    /// A whole number of 64 bits: all operators; `:` is `=`.
    Int,
    /// A number: all operators; `:` is `=`.
    Number,
    /// `true` or `false`: `=`, `!=`; `:` is `=`.
    Bool,
    /// One of these names: `=`, `!=`; `:` is `=`.
    Enum(&'static [&'static str]),
    /// A moment: all operators; `:` is `=`.
    Time,
}

/// A field that a filter names, and the key in it if the field is a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    field: &'static str,
    key: Option<String>,
}

impl FieldPath {
    /// The field's name, as in the schema.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The key, for a field of type [`FieldType::TextMap`] and for no other.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// What a resource holds in a field. A variant that does not fit the field's
/// type in the schema matches nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// For [`FieldType::Text`], and for the value at a key of a map.
    Text(&'a str),
    /// For [`FieldType::TextList`].
    TextList(&'a [String]),
    /// For [`FieldType::Int`].
    Int(i64),
    /// For [`FieldType::Number`].
    Number(f64),
    /// For [`FieldType::Bool`].
    Bool(bool),
    /// For [`FieldType::Enum`]: the name.
    Enum(&'a str),
    /// For [`FieldType::Time`]: microseconds since 1970.
    Time(i64),
    /// The field is not set.
    Missing,
}

/// Something that a filter can be applied to.
pub trait Filterable {
    /// The value of a field of the schema that the filter was parsed with.
    fn field<'a>(&'a self, path: &FieldPath) -> FieldValue<'a>;
}

/// A parsed and checked filter. The default one matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    root: Option<Node>,
}

impl Filter {
    /// Parses a filter and checks it against the fields it may name. An empty
    /// text matches everything.
    ///
    /// # Errors
    /// What is wrong with the text, where, and what is allowed there; also a
    /// text beyond [`MAX_LENGTH`], [`MAX_DEPTH`] or [`MAX_TERMS`].
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, FilterError> {
        Ok(Self { root: parser::parse(text, schema)? })
    }

    /// Whether the filter matches everything because it says nothing.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Whether a resource matches.
    pub fn matches<T: Filterable + ?Sized>(&self, resource: &T) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(resource))
    }
}
