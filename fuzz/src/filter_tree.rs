//! Filters as trees: a tree is drawn, written down as a filter in one of many ways,
//! and the parsed filter has to match what the tree says, evaluated word for word
//! from the rules in `domain::filter`.

use super::choice;
use arbitrary::{Result, Unstructured};
use std::{cmp::Ordering, collections::BTreeMap};
use steward_registry::domain::{
    filter::{
        FieldPath, FieldType, FieldValue, Filter, Filterable, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Schema,
    },
    time::Timestamp,
};

const WORDS: &[&str] = &["RED", "GREEN", "BLUE"];
const SCHEMA: Schema = Schema::new(&[
    ("text", FieldType::Text),
    ("list", FieldType::TextList),
    ("map", FieldType::TextMap),
    ("int", FieldType::Int),
    ("number", FieldType::Number),
    ("flag", FieldType::Bool),
    ("word", FieldType::Enum(WORDS)),
    ("time", FieldType::Time),
]);
const ORDERS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];

/// Something with a field of each type, any of which may be missing.
#[derive(Debug)]
struct Sample {
    text: Option<String>,
    list: Vec<String>,
    map: BTreeMap<String, String>,
    int: Option<i64>,
    number: Option<f64>,
    flag: Option<bool>,
    word: Option<&'static str>,
    time: Option<i64>,
}

impl Filterable for Sample {
    fn field<'a>(&'a self, path: &FieldPath) -> FieldValue<'a> {
        let found = match path.field() {
            "text" => self.text.as_deref().map(FieldValue::Text),
            "list" => Some(FieldValue::TextList(&self.list)),
            "map" => path.key().and_then(|key| self.map.get(key)).map(|value| FieldValue::Text(value)),
            "int" => self.int.map(FieldValue::Int),
            "number" => self.number.map(FieldValue::Number),
            "flag" => self.flag.map(FieldValue::Bool),
            "word" => self.word.map(FieldValue::Enum),
            "time" => self.time.map(FieldValue::Time),
            other => panic!("{other} is not in the schema"),
        };
        found.unwrap_or(FieldValue::Missing)
    }
}

/// A filter as it is written, with what it means for the sample.
struct Meant {
    text: String,
    matches: bool,
    terms: usize,
    depth: usize,
}

/// Draws a sample and a filter.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(sample) = sample(&mut u) else { return };
    let Ok(meant) = all(&mut u, &sample, 4) else { return };
    let within =
        meant.text.chars().count() <= MAX_LENGTH && meant.terms <= MAX_TERMS && meant.depth <= MAX_DEPTH;
    match Filter::parse(&meant.text, &SCHEMA) {
        Ok(filter) => {
            assert!(within, "beyond the limits: {}", meant.text);
            assert_eq!(filter.matches(&sample), meant.matches, "{} over {sample:?}", meant.text);
        }
        Err(error) => assert!(!within, "{}: {error}", meant.text),
    }
}

fn sample(u: &mut Unstructured<'_>) -> Result<Sample> {
    Ok(Sample {
        text: if u.arbitrary()? { Some(choice::text(u, 6)?) } else { None },
        list: vec![choice::text(u, 3)?; u.int_in_range(0..=2)?],
        map: [(key(u)?, choice::text(u, 3)?)].into(),
        int: u.arbitrary()?,
        number: u.arbitrary::<Option<f64>>()?.filter(|number| number.is_finite()),
        flag: u.arbitrary()?,
        word: if u.arbitrary()? { Some(u.choose(WORDS)?) } else { None },
        time: if u.arbitrary()? { Some(choice::time(u)?.micros()) } else { None },
    })
}

/// A conjunction of disjunctions: OR binds tighter than AND.
fn all(u: &mut Unstructured<'_>, sample: &Sample, levels: usize) -> Result<Meant> {
    let mut meant = any(u, sample, levels)?;
    while choice::chance(u, 1, 3)? {
        let next = any(u, sample, levels)?;
        let join = *u.choose(&[" AND ", " ", "\nAND\t"])?;
        let matches = meant.matches && next.matches;
        meant = joined(meant, join, next, matches);
    }
    Ok(meant)
}

fn any(u: &mut Unstructured<'_>, sample: &Sample, levels: usize) -> Result<Meant> {
    let mut meant = one(u, sample, levels)?;
    while choice::chance(u, 1, 3)? {
        let next = one(u, sample, levels)?;
        let matches = meant.matches || next.matches;
        meant = joined(meant, " OR ", next, matches);
    }
    Ok(meant)
}

fn joined(left: Meant, join: &str, right: Meant, matches: bool) -> Meant {
    Meant {
        text: format!("{}{join}{}", left.text, right.text),
        matches,
        terms: left.terms + right.terms,
        depth: left.depth.max(right.depth),
    }
}

/// A comparison or a parenthesis, perhaps negated.
fn one(u: &mut Unstructured<'_>, sample: &Sample, levels: usize) -> Result<Meant> {
    let mut meant = if levels > 0 && choice::chance(u, 1, 4)? {
        let inner = all(u, sample, levels - 1)?;
        let around = u.int_in_range(1..=8)?;
        let text = format!("{}{}{}", "(".repeat(around), inner.text, ")".repeat(around));
        Meant { text, depth: inner.depth + around, ..inner }
    } else {
        let (text, matches) = term(u, sample)?;
        Meant { text, matches, terms: 1, depth: 0 }
    };
    if choice::chance(u, 1, 4)? {
        meant.text = format!("{}{}", u.choose(&["NOT ", "-"])?, meant.text);
        meant.matches = !meant.matches;
    }
    Ok(meant)
}

fn term(u: &mut Unstructured<'_>, sample: &Sample) -> Result<(String, bool)> {
    let space = *u.choose(&["", " "])?;
    let (field, operator, value, matches) = match u.int_in_range(0..=9)? {
        0 => presence(u, sample)?,
        1 | 2 => pattern(u, "text", sample.text.as_deref())?,
        3 => {
            let part = choice::text(u, 3)?;
            let found = |text: &String| text.to_lowercase().contains(&part.to_lowercase());
            ("text".to_owned(), ":", quoted(&part), sample.text.as_ref().is_some_and(found))
        }
        4 => {
            let entry = choice::text(u, 3)?;
            ("list".to_owned(), ":", quoted(&entry), sample.list.contains(&entry))
        }
        5 => {
            let key = key(u)?;
            pattern(u, &format!("map.{}", quoted(&key)), sample.map.get(&key).map(String::as_str))?
        }
        6 => ordered(u, "int", sample.int, |u| Ok(u.arbitrary::<i64>()?).map(|int| (int, int.to_string())))?,
        7 => ordered(u, "number", sample.number, |u| {
            let number = Some(u.arbitrary::<f64>()?).filter(|number| number.is_finite()).unwrap_or(0.5);
            Ok((number, number.to_string()))
        })?,
        8 => ordered(u, "time", sample.time, |u| {
            let time: Timestamp = choice::time(u)?;
            Ok((time.micros(), format!("\"{time}\"")))
        })?,
        _ => named(u, sample)?,
    };
    Ok((format!("{field}{space}{operator}{space}{value}"), matches))
}

type Term = (String, &'static str, String, bool);

/// `field:*`, and `map:KEY`.
fn presence(u: &mut Unstructured<'_>, sample: &Sample) -> Result<Term> {
    let there = [
        ("text", sample.text.is_some()),
        ("list", !sample.list.is_empty()),
        ("int", sample.int.is_some()),
        ("number", sample.number.is_some()),
        ("flag", sample.flag.is_some()),
        ("word", sample.word.is_some()),
        ("time", sample.time.is_some()),
    ];
    if choice::chance(u, 1, 4)? {
        let key = key(u)?;
        return Ok(("map".to_owned(), ":", quoted(&key), sample.map.contains_key(&key)));
    }
    let (field, set) = *u.choose(&there)?;
    Ok((field.to_owned(), ":", "*".to_owned(), set))
}

/// Text that is like a pattern with an asterisk at either end, or is not.
fn pattern(u: &mut Unstructured<'_>, field: &str, value: Option<&str>) -> Result<Term> {
    let part = choice::text(u, 3)?;
    let (start, end, negated) = u.arbitrary::<(bool, bool, bool)>()?;
    let star = |open: bool| if open { "*" } else { "" };
    let inner = quoted(&part);
    let written = format!("\"{}{}{}\"", star(start), &inner[1..inner.len() - 1], star(end));
    // A lone asterisk is one that stands at both ends: anything.
    let fits = |text: &str| match (start, end) {
        (false, false) => text == part,
        (true, false) => text.ends_with(&part),
        (false, true) => text.starts_with(&part),
        (true, true) => text.contains(&part),
    };
    let operator = if negated { "!=" } else { "=" };
    Ok((field.to_owned(), operator, written, value.is_some_and(|text| fits(text) != negated)))
}

/// A value with an order, under each of the operators.
fn ordered<T: PartialOrd>(
    u: &mut Unstructured<'_>,
    field: &str,
    value: Option<T>,
    draw: impl FnOnce(&mut Unstructured<'_>) -> Result<(T, String)>,
) -> Result<Term> {
    let (operand, written) = draw(u)?;
    let operator = *u.choose(&ORDERS)?;
    let ordering = value.and_then(|value| value.partial_cmp(&operand));
    let holds = |ordering: Ordering| match operator {
        "=" => ordering.is_eq(),
        "!=" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        _ => ordering.is_ge(),
    };
    Ok((field.to_owned(), operator, written, ordering.is_some_and(holds)))
}

/// A flag or a word, which are equal or not.
fn named(u: &mut Unstructured<'_>, sample: &Sample) -> Result<Term> {
    let operator = *u.choose(&["=", "!=", ":"])?;
    let (field, written, equal) = if u.arbitrary()? {
        let flag: bool = u.arbitrary()?;
        ("flag", flag.to_string(), sample.flag.map(|own| own == flag))
    } else {
        let word = *u.choose(WORDS)?;
        ("word", word.to_owned(), sample.word.map(|own| own == word))
    };
    Ok((field.to_owned(), operator, written, equal.is_some_and(|equal| equal == (operator != "!="))))
}

fn key(u: &mut Unstructured<'_>) -> Result<String> {
    let key = choice::text(u, 3)?;
    Ok(if key.is_empty() { "k".to_owned() } else { key })
}

fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\'' | '\\' | '*' => written.extend(['\\', letter]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            _ => written.push(letter),
        }
    }
    written + "\""
}
