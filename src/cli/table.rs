//! Tables and lists of facts for people. Everything that comes from a server
//! passes through [`printable`], so that no text can steer the terminal.

use comfy_table::{ContentArrangement, presets};
use jiff::Timestamp;

use super::name;
use crate::proto::v1::Contact;

/// Text with its control characters made visible; line breaks stay.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let hidden = (c.is_control() && c != '\n') || is_direction_mark(c);
            let escaped: Box<dyn Iterator<Item = char>> =
                if hidden { Box::new(c.escape_unicode()) } else { Box::new(std::iter::once(c)) };
            escaped
        })
        .collect()
}

/// Marks that reverse the writing direction and could disguise a name.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows under column titles.
#[derive(Debug)]
pub struct Table {
    inner: comfy_table::Table,
    rows: usize,
}

impl Table {
    /// An empty table.
    pub fn new<const N: usize>(titles: [&str; N]) -> Self {
        let mut inner = bare();
        inner.set_header(titles);
        align(&mut inner);
        Table { inner, rows: 0 }
    }

    /// Adds a row; it has as many cells as there are titles.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.inner.add_row(cells.map(|cell| printable(&cell)));
        self.rows += 1;
    }

    /// Whether no row has been added.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The table as text, with a line break at the end.
    pub fn text(&self) -> String {
        format!("{}\n", self.inner.trim_fmt())
    }
}

/// Labelled values of one resource; those without a value are left out.
#[derive(Debug, Default)]
pub struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// No facts yet.
    pub fn new() -> Self {
        Facts::default()
    }

    /// Adds a fact, unless the value is empty.
    pub fn add(mut self, label: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((label, value));
        }
        self
    }

    /// Adds one fact with a line for each value, unless there is none.
    pub fn add_lines(self, label: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        let lines: Vec<String> = values.into_iter().collect();
        self.add(label, lines.join("\n"))
    }

    /// The facts as text, each line with its line break.
    pub fn text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut table = bare();
        for (label, value) in &self.0 {
            table.add_row([format!("{label}:"), printable(value)]);
        }
        align(&mut table);
        format!("{}\n", table.trim_fmt())
    }
}

fn bare() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::NOTHING);
    // Only a terminal has a width to fit; a file or a pipe gets whole lines.
    table.set_content_arrangement(if table.is_tty() {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    table
}

fn align(table: &mut comfy_table::Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
}

/// A time as `2026-01-31T09:30:00Z`, to the second; empty when there is none.
pub fn time(time: Option<prost_types::Timestamp>) -> String {
    time.and_then(|t| Timestamp::new(t.seconds, 0).ok()).map(|t| t.to_string()).unwrap_or_default()
}

/// The day of a time, as `2026-01-31`; empty when there is none.
pub fn day(given: Option<prost_types::Timestamp>) -> String {
    time(given).chars().take_while(|&c| c != 'T').collect()
}

/// An enum value without the prefix that its type repeats:
/// `VERSION_STATE_DRAFT` is `DRAFT`.
pub fn word(enum_name: &str, prefix: &str) -> String {
    let word = enum_name.strip_prefix(prefix).unwrap_or(enum_name);
    if word == "UNSPECIFIED" { String::new() } else { word.to_owned() }
}

/// Keys and values, each as `key=value`.
pub fn pairs<'a>(map: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    map.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// Whom to reach: `Ada <ada@charity.example>`.
pub fn contact_words(contact: &Contact) -> String {
    match contact.address.as_str() {
        "" => contact.display_name.clone(),
        address => format!("{} <{address}>", contact.display_name),
    }
}

/// A version in words: `version 2 of fundraising`.
pub fn version_words(version_name: &str) -> String {
    format!("version {} of {}", name::id(version_name), name::id(name::parent(version_name)))
}

/// A resource in words, such as `alias production of fundraising`; anything
/// else as it is.
pub fn resource_words(name: &str) -> String {
    let collections: Vec<&str> = name.split('/').step_by(2).collect();
    match collections.as_slice() {
        ["namespaces"] => format!("namespace {}", name::id(name)),
        ["namespaces", "upstreams"] => format!("upstream {}", name::id(name)),
        ["namespaces", "models"] => format!("model {}", name::id(name)),
        ["namespaces", "models", "versions"] => version_words(name),
        ["namespaces", "models", "aliases"] => {
            format!("alias {} of {}", name::id(name), name::id(name::parent(name)))
        }
        ["namespaces", "policies"] => format!("policy {}", name::id(name)),
        ["namespaces", "models", "incidents"] => {
            format!("incident {} of {}", name::id(name), name::id(name::parent(name)))
        }
        ["namespaces", "models", "consumers"] => {
            format!("consumer {} of {}", name::id(name), name::id(name::parent(name)))
        }
        ["namespaces", "models", "versions", "proposals"] => {
            format!("proposal {} about {}", name::id(name), version_words(name::parent(name)))
        }
        ["namespaces", "models", "versions", "evaluations"] => {
            format!("evaluation {} of {}", name::id(name), version_words(name::parent(name)))
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_table_lines_up_and_leaves_no_blanks_at_the_end() {
        let mut table = Table::new(["ID", "STATE"]);
        table.row(["donor-chatbot".into(), "DRAFT".into()]);
        table.row(["x".into(), String::new()]);
        assert_eq!(table.text(), "ID             STATE\ndonor-chatbot  DRAFT\nx\n");
    }

    #[test]
    fn a_fact_without_a_value_is_left_out() {
        let facts =
            Facts::new().add("Name", "a").add("Owner", "").add_lines("Contacts", ["b".into(), "c".into()]);
        assert_eq!(facts.text(), "Name:      a\nContacts:  b\n           c\n");
    }

    #[test]
    fn control_characters_and_direction_marks_become_visible() {
        assert_eq!(printable("a\u{1b}[0m\nb\u{202e}"), "a\\u{1b}[0m\nb\\u{202e}");
    }

    #[test]
    fn a_resource_is_told_by_its_kind_and_id() {
        for (name, words) in [
            ("namespaces/n/models/Pr%C3%BCfer", "model Prüfer"),
            ("namespaces/n/models/m/versions/2", "version 2 of m"),
            ("namespaces/n/models/m/aliases/canary", "alias canary of m"),
            ("namespaces/n/models/m/versions/2/evaluations/e", "evaluation e of version 2 of m"),
            ("namespaces/n/policies/standard", "policy standard"),
            ("namespaces/n/models/m/incidents/outage", "incident outage of m"),
            ("namespaces/n/models/m/consumers/website", "consumer website of m"),
            ("namespaces/n/models/m/versions/2/proposals/p", "proposal p about version 2 of m"),
            ("version.artifacts[0].uri", "version.artifacts[0].uri"),
        ] {
            assert_eq!(resource_words(name), words);
        }
    }

    #[test]
    fn a_time_is_shown_to_the_second_in_utc() {
        let at = prost_types::Timestamp { seconds: 1_767_225_600, nanos: 5 };
        assert_eq!(time(Some(at)), "2026-01-01T00:00:00Z");
        assert_eq!(day(Some(at)), "2026-01-01");
        assert_eq!(time(None), "");
    }

    #[test]
    fn an_enum_value_loses_its_prefix_and_unspecified_is_silent() {
        assert_eq!(word("VERSION_STATE_DRAFT", "VERSION_STATE_"), "DRAFT");
        assert_eq!(word("RISK_TIER_UNSPECIFIED", "RISK_TIER_"), "");
    }
}
