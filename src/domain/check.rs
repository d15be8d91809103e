//! What is wrong by itself cannot be constructed: content becomes [`Valid`]
//! only through its [`Check`], which reports every violation with its field.

use serde::Serialize;
use std::{borrow::Cow, ops::Deref};

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, such as `model.contacts[2].display_name`.
    pub field: String,
    /// What is wrong, what is allowed.
    pub description: String,
}

/// Collects violations under a path of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    path: String,
    found: Vec<Violation>,
}

/// More than this many are not reported: a huge bad request gets a small answer.
const MOST_REPORTED: usize = 100;
/// Most bytes of a path and of a description, for the same reason: both may quote
/// what the caller wrote. No path of a field that could be right is longer.
const LONGEST: usize = 400;

/// The beginning of a text, marked as cut where it is longer than some bytes.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(longest.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{}…", &text[..end]))
}

impl Violations {
    /// None yet, at the root of a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// A single violation.
    pub fn one(field: &str, description: impl Into<String>) -> Self {
        let mut violations = Self::new();
        violations.add(field, description);
        violations
    }

    /// Adds a violation of a field below the present path; an empty `field`
    /// means the present path itself.
    pub fn add(&mut self, field: &str, description: impl Into<String>) {
        if self.found.len() < MOST_REPORTED {
            let (field, description) = (join(&self.path, field), description.into());
            self.found.push(Violation {
                field: shortened(&field, LONGEST).into_owned(),
                description: shortened(&description, LONGEST).into_owned(),
            });
        }
    }

    /// Whether a field below the present path has been found wrong already.
    pub fn names(&self, field: &str) -> bool {
        let field = join(&self.path, field);
        self.found.iter().any(|violation| violation.field == field)
    }

    /// Checks something below a field.
    pub fn within<R>(&mut self, field: &str, check: impl FnOnce(&mut Self) -> R) -> R {
        let path = join(&self.path, field);
        let outer = std::mem::replace(&mut self.path, path);
        let result = check(self);
        self.path = outer;
        result
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found, in order.
    pub fn list(&self) -> &[Violation] {
        &self.found
    }

    /// `Ok` when nothing was found.
    pub fn into_result(self) -> Result<(), Violations> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// A text of `min..=max` characters without control characters (line breaks
    /// and tabs are allowed where `max` is above 250).
    pub fn text(&mut self, field: &str, value: &str, min: usize, max: usize) {
        let length = value.chars().count();
        let control = |c: char| c.is_control() && !(max > 250 && matches!(c, '\n' | '\t' | '\r'));
        if length < min && length == 0 {
            self.add(field, "is required");
        } else if length > max {
            self.add(field, format!("has {length} characters; at most {max} are allowed"));
        } else if value.chars().any(control) {
            self.add(field, "has control characters; they are not allowed");
        }
    }

    /// A code: `1..=max` characters of ASCII letters and digits and `extra`.
    pub fn code(&mut self, field: &str, value: &str, max: usize, extra: &str, lower: bool) {
        let fits = |c: char| {
            c.is_ascii_lowercase()
                || c.is_ascii_digit()
                || (!lower && c.is_ascii_uppercase())
                || extra.contains(c)
        };
        if value.is_empty() {
            self.add(field, "is required");
        } else if value.len() > max || !value.chars().all(fits) {
            let letters = if lower { "lower-case ASCII letters" } else { "ASCII letters" };
            let extra: Vec<String> = extra.chars().map(|c| format!("`{c}`")).collect();
            self.add(
                field,
                format!("{value:?} is not allowed; use 1-{max} {letters}, digits, {}", extra.join(", ")),
            );
        }
    }

    /// At most `max` entries.
    pub fn at_most(&mut self, field: &str, count: usize, max: usize) {
        if count > max {
            self.add(field, format!("has {count} entries; at most {max} are allowed"));
        }
    }

    /// A whole number from 0 to 2^53-1, the range that JSON carries exactly.
    pub fn count(&mut self, field: &str, value: i64) {
        if !(0..=MAX_COUNT).contains(&value) {
            self.add(field, format!("{value} is not allowed; use 0 to {MAX_COUNT} (2^53-1)"));
        }
    }

    /// An absolute URI of at most 2,048 characters.
    pub fn uri(&mut self, field: &str, value: &str) {
        self.text(field, value, 1, 2_048);
        let scheme_fits = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let absolute = value.split_once(':').is_some_and(|(s, rest)| scheme_fits(s) && !rest.is_empty());
        if !value.is_empty() && (!absolute || value.chars().any(char::is_whitespace)) {
            self.add(field, "is not an absolute URI such as s3://bucket/file, without spaces");
        }
    }

    /// Empty, or `sha256:` and 64 lower-case hexadecimal digits.
    pub fn optional_digest(&mut self, field: &str, value: &str) {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let fits = value.strip_prefix("sha256:").is_some_and(|d| d.len() == 64 && d.chars().all(hex));
        if !value.is_empty() && !fits {
            self.add(field, "is not a digest; use `sha256:` and 64 lower-case hexadecimal digits");
        }
    }
}

/// Largest count: the largest whole number that every JSON reader keeps exactly.
pub const MAX_COUNT: i64 = (1 << 53) - 1;

fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.is_empty()) {
        (_, true) => path.to_owned(),
        (true, _) => field.to_owned(),
        _ if field.starts_with('[') => format!("{path}{field}"),
        _ => format!("{path}.{field}"),
    }
}

/// Content with rules of its own.
pub trait Check {
    /// Reports every field that breaks a rule.
    fn check(&self, violations: &mut Violations);
}

/// Content that passed its check. It can be read, not changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Valid<T>(T);

impl<T: Check> Valid<T> {
    /// Checks content that stands in a request under `field`.
    pub fn new(content: T, field: &str) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        violations.within(field, |v| content.check(v));
        violations.into_result().map(|()| Valid(content))
    }

    /// The content.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Valid<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_the_whole_path_of_its_field() {
        let mut violations = Violations::new();
        violations.within("model", |v| v.within("contacts[2]", |v| v.text("display_name", "", 1, 200)));
        violations.within("points", |v| v.within("[3]", |v| v.count("n", -1)));
        let fields: Vec<_> = violations.list().iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["model.contacts[2].display_name", "points[3].n"]);
    }

    #[test]
    fn what_quotes_a_long_text_is_cut_between_two_characters() {
        for length in 390..=410 {
            let mut violations = Violations::new();
            violations.add("f", format!("{}{}", "a".repeat(length), "ä".repeat(10)));
            let description = &violations.list()[0].description;
            assert!(description.len() <= LONGEST, "{length}: {}", description.len());
            assert_eq!(description.ends_with('…'), length + 20 > LONGEST, "{length}");
        }
    }

    #[test]
    fn texts_are_counted_in_characters_and_carry_no_control_characters() {
        let cases = [("", 0, 5, true), ("", 1, 5, false), ("äöüßé", 1, 5, true), ("äöüßéx", 1, 5, false)];
        for (text, min, max, fits) in cases {
            let mut violations = Violations::new();
            violations.text("t", text, min, max);
            assert_eq!(violations.is_empty(), fits, "{text:?}");
        }
        let mut violations = Violations::new();
        violations.text("t", "a\u{7}", 0, 5);
        violations.text("t", "line\nbreak", 0, 20);
        violations.text("t", "line\nbreak", 0, 4_000);
        assert_eq!(violations.list().len(), 2);
    }

    #[test]
    fn uris_are_absolute() {
        for (uri, fits) in
            [("s3://b/k", true), ("urn:x:y", true), ("file", false), ("s3:", false), ("a b:c", false)]
        {
            let mut violations = Violations::new();
            violations.uri("uri", uri);
            assert_eq!(violations.is_empty(), fits, "{uri}");
        }
    }
}
