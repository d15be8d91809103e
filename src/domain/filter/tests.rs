//! The syntax and its meaning, case by case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SCHEMA: Schema = Schema::new(&[
    ("model_id", FieldType::Text),
    ("owner", FieldType::Text),
    ("kind", FieldType::Enum(&["OWN", "RENTED_API", "EMBEDDED"])),
    ("number", FieldType::Int),
    ("score", FieldType::Number),
    ("personal", FieldType::Bool),
    ("data_categories", FieldType::TextList),
    ("labels", FieldType::TextMap),
    ("create_time", FieldType::Time),
    ("delete_time", FieldType::Time),
]);

/// A chatbot without an owner, which was never deleted.
struct Chatbot {
    categories: Vec<String>,
    labels: BTreeMap<&'static str, &'static str>,
}

impl Chatbot {
    fn new() -> Self {
        Self {
            categories: vec!["donations".to_owned(), "names".to_owned()],
            labels: BTreeMap::from([("team", "donors"), ("org/unit.x", "EU"), ("a b", "1"), ("empty", "")]),
        }
    }
}

impl Filterable for Chatbot {
    fn field<'a>(&'a self, path: &FieldPath) -> FieldValue<'a> {
        match path.field() {
            "model_id" => FieldValue::Text("Donor Chatbot*"),
            "kind" => FieldValue::Enum("RENTED_API"),
            "number" => FieldValue::Int(-3),
            "score" => FieldValue::Number(0.5),
            "personal" => FieldValue::Bool(true),
            "data_categories" => FieldValue::TextList(&self.categories),
            "labels" => path
                .key()
                .and_then(|key| self.labels.get(key))
                .map_or(FieldValue::Missing, |value| FieldValue::Text(value)),
            "create_time" => FieldValue::Time(1_767_225_600_000_000), // 2026-01-01T00:00:00Z
            _ => FieldValue::Missing,
        }
    }
}

fn matches(text: &str) -> bool {
    match Filter::parse(text, &SCHEMA) {
        Ok(filter) => filter.matches(&Chatbot::new()),
        Err(error) => panic!("{text:?} is refused: {error}"),
    }
}

fn check(yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(matches(text), "{text:?} should match");
    }
    for text in no {
        assert!(!matches(text), "{text:?} should not match");
    }
}

fn refusal(text: &str) -> String {
    match Filter::parse(text, &SCHEMA) {
        Ok(_) => panic!("{text:?} is accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_empty_filter_matches_everything() {
    check(&["", "  \t\n "], &[]);
    assert!(Filter::parse(" ", &SCHEMA).unwrap().is_empty());
    assert_eq!(Filter::default(), Filter::parse("", &SCHEMA).unwrap());
    assert!(!Filter::parse("number = 1", &SCHEMA).unwrap().is_empty());
}

#[test]
fn text_is_compared_exactly_and_in_order() {
    check(
        &[
            r#"model_id = "Donor Chatbot\*""#,
            r"model_id = 'Donor Chatbot\*'",
            r#"model_id != "donor chatbot\*""#,
            r#"model_id > "Donor""#,
            r#"model_id<="E""#,
        ],
        &[r#"model_id = "Donor""#, "model_id = Donor", r#"model_id >= "a""#, "model_id < A"],
    );
}

#[test]
fn an_asterisk_at_either_end_stands_for_anything() {
    check(
        &[
            "model_id = Donor*",
            r#"model_id = "*Chatbot\*""#,
            r#"model_id = "*or Chat*""#,
            r"model_id = '*\**'",
            "model_id = *",
            "model_id != Fund*",
            "labels.team = don*",
            "data_categories:don*",
        ],
        &["model_id = Chatbot*", r#"model_id = "*Donor""#, "model_id != Donor*", "labels.team = *x"],
    );
}

#[test]
fn has_finds_a_part_of_a_text_in_upper_or_lower_case() {
    check(
        &["model_id:chatbot", r#"model_id:"DONOR c""#, "model_id:*"],
        &["model_id:predictor", "owner:*", "owner:a"],
    );
}

#[test]
fn has_finds_an_entry_of_a_list() {
    check(
        &["data_categories:names", "data_categories:*"],
        &["data_categories:name", "NOT data_categories:*"],
    );
}

#[test]
fn maps_are_read_by_key() {
    check(
        &[
            r#"labels.team = "donors""#,
            "labels.team:donors",
            "labels.team:*",
            "labels:team",
            r#"labels:"team""#,
            "labels.org/unit.x = EU",
            r#"labels."a b" = 1"#,
            r#"labels:"a b""#,
            "labels:empty",
            r#"labels.empty = """#,
        ],
        &["labels.team = donor", "labels.team:donor", "labels:owner", "labels.owner:*", "labels.org = EU"],
    );
}

#[test]
fn numbers_enums_bools_and_times_compare_by_value() {
    check(
        &[
            "number = -3",
            "number>-4",
            "number < 0",
            "number:-3",
            "score >= 0.5",
            "score < 1e3",
            "score != .25",
            "kind = RENTED_API",
            r#"kind = "RENTED_API""#,
            "kind != OWN",
            "kind:RENTED_API",
            "personal = true",
            "personal != false",
            "create_time = 2026-01-01T00:00:00Z",
            r#"create_time = "2026-01-01T01:00:00+01:00""#,
            "create_time < 2026-01-01T00:00:00.000001Z",
            "create_time > 2025-12-31T23:59:59Z",
        ],
        &[
            "number > -3",
            "score < 0.5",
            "kind = OWN",
            "personal = false",
            "create_time > 2026-06-01T00:00:00Z",
        ],
    );
}

#[test]
fn an_unset_field_matches_no_comparison() {
    check(
        &["NOT owner = x", "NOT owner != x", "-delete_time:*", "NOT labels.owner != x"],
        &["owner = x", "owner != x", "delete_time > 1970-01-01T00:00:00Z", "labels.owner != x", "owner < z"],
    );
}

#[test]
fn or_binds_tighter_than_and() {
    let (t, f) = ("number = -3", "number = 0");
    for (text, wanted) in [
        (format!("{f} AND {t} OR {t}"), false),
        (format!("{t} OR {t} AND {f}"), false),
        (format!("({f} AND {t}) OR {t}"), true),
        (format!("{t} AND {f} OR {t}"), true),
        (format!("{f} {t} OR {t}"), false),
        (format!("{t} {t} AND {t}"), true),
        (format!("{t} {f}"), false),
        (format!("NOT {f} OR {f}"), true),
        (format!("NOT ({t} OR {f})"), false),
        (format!("-({f}) AND -{f}"), true),
        (format!("NOT({f})"), true),
        (format!("(({t}))({t})"), true),
    ] {
        assert_eq!(matches(&text), wanted, "{text}");
    }
}

#[test]
fn refusals_say_where_and_what_would_be_right() {
    for (text, wanted) in [
        ("colour = red", "at character 0: there is no field `colour` to filter by; there is model_id, owner"),
        ("ünknown = 1", "at character 0: there is no field `ünknown`"),
        ("number = 1 and number = 2", "at character 11: write AND in capitals"),
        ("not number = 1", "at character 0: write NOT in capitals"),
        ("number = three", "at character 9: `three` does not fit `number`, which takes a whole number"),
        ("number = 99999999999999999999", "takes a whole number"),
        ("number = 1.5", "takes a whole number"),
        ("score = inf", "at character 8: `inf` does not fit `score`, which takes a number such as 0.95"),
        ("score = NaN", "takes a number"),
        ("personal = yes", "`yes` does not fit `personal`, which takes true or false"),
        ("personal > false", "at character 9: `>` does not fit `personal`, which takes `=`, `!=` and `:`"),
        ("kind = own", "`own` does not fit `kind`, which takes one of OWN, RENTED_API, EMBEDDED"),
        ("kind < OWN", "`<` does not fit `kind`"),
        ("create_time > yesterday", "takes an RFC 3339 time such as"),
        ("create_time > 2026-01-01", "takes an RFC 3339 time such as"),
        ("data_categories = names", "`=` does not fit `data_categories`, which takes `:`"),
        ("labels = x", "at character 0: `labels` is a map; write `labels.KEY = \"value\"`"),
        ("labels:*", "`labels` is a map"),
        ("labels. = x", "`labels` is a map"),
        ("owner.name = x", "at character 0: `owner` has no keys; name it without `.name`"),
        ("owner", "at character 5: expected one of =, !=, <, <=, >, >=, : and a value, found the end"),
        ("owner = ", "at character 8: expected a value, found the end"),
        ("owner = = x", "at character 8: expected a value, found `=`"),
        ("owner = (a OR b)", "at character 8: expected a value, found `(`"),
        ("= x", "at character 0: expected a field, found `=`"),
        ("owner = x AND", "at character 13: expected a field, found the end"),
        ("owner = x OR OR owner = y", "expected a field, found `OR`"),
        ("OR owner = x", "expected a field, found `OR`"),
        ("NOT NOT owner = x", "expected a field, found `NOT`"),
        ("()", "at character 1: expected a field, found `)`"),
        ("(owner = x", "at character 0: this parenthesis is never closed"),
        ("owner = x)", "at character 9: this parenthesis was never opened"),
        ("owner = \"é", "at character 8: this quotation mark is never closed"),
        ("owner = \"x\\", "at character 8: this quotation mark is never closed"),
        (r#"owner = "\q""#, "at character 9: unknown escape"),
        ("owner = a*b", "at character 8: `*` may stand at the beginning and the end"),
        ("owner > a*", "`*` may stand"),
        ("owner:a*", "`*` may stand"),
        ("owner ! x", "at character 6: expected one of ="),
        ("exists(owner)", "at character 0: there is no field `exists`"),
    ] {
        let error = refusal(text);
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

#[test]
fn limits_hold_exactly() {
    let nested = |depth| format!("{}number = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(!matches(&nested(MAX_DEPTH)));
    assert!(refusal(&nested(MAX_DEPTH + 1)).starts_with("at character 20: parentheses may be nested 20"));
    assert!(!matches(&["(number = 1)"; 40].join(" ")), "parentheses side by side are not nested");

    assert!(matches(&vec!["number = -3"; MAX_TERMS].join(" AND ")));
    assert!(refusal(&vec!["number = -3"; MAX_TERMS + 1].join(" ")).contains("at most 50 comparisons"));

    let long = |length: usize| format!("model_id != {}", "ü".repeat(length - 12));
    assert!(matches(&long(MAX_LENGTH)));
    assert!(refusal(&long(MAX_LENGTH + 1)).contains("at most 2000 characters, this one has 2001"));
    assert!(refusal(&format!("number = {}", "x".repeat(1_000))).len() < 150, "errors quote an excerpt");
}

fn pieces() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "model_id",
        "labels",
        "labels.",
        "number",
        "create_time",
        "data_categories",
        "AND",
        "OR",
        "NOT",
        "-",
        "(",
        ")",
        "=",
        "!=",
        "!",
        "<=",
        ">",
        ":",
        "*",
        "\"",
        "'",
        "\\",
        ".",
        ",",
        " ",
        "3",
        "é",
        "x",
        "kind",
        "OWN",
        "\u{2028}",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), pieces()]) {
        match Filter::parse(&text, &SCHEMA) {
            Ok(filter) => { filter.matches(&Chatbot::new()); }
            Err(error) => prop_assert!(error.offset <= text.chars().count(), "{error}"),
        }
    }

    #[test]
    fn any_text_can_be_asked_for_in_quotes(text in "[^*]{0,50}") {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let filter = Filter::parse(&format!("owner = \"{quoted}\""), &SCHEMA).unwrap();
        prop_assert!(filter.matches(&Owner(&text)));
        prop_assert!(!filter.matches(&Owner(&(text + "."))));
    }
}

/// A resource that has only an owner.
struct Owner<'o>(&'o str);

impl Filterable for Owner<'_> {
    fn field<'a>(&'a self, _: &FieldPath) -> FieldValue<'a> {
        FieldValue::Text(self.0)
    }
}
