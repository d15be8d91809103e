//! CSV with a measurement a line. Neighbouring lines with the same `evaluation` are
//! one evaluation; a line without one is an evaluation of its own, so that a line
//! that is refused, corrected and imported again repeats no other.

use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord};

use super::{
    Entry, Failed, LONGEST, Next, RefusedLine,
    bounded::{Bounded, Progress},
};
use crate::{
    cli::{
        argument::{parse_count, parse_finite, parse_pair, parse_time},
        error::Failure,
        evaluation::parse_evaluator,
    },
    proto::v1::{
        DatasetReference, Direction, Evaluation, MetricPoint, MomentsPoint, PlainPoint, RatePoint,
        metric_point::Value,
    },
};

/// The columns, in any order. The first five are needed.
const COLUMNS: [&str; 18] = [
    "from",
    "to",
    "evaluator",
    "metric",
    "type",
    "evaluation",
    "dataset",
    "note",
    "method",
    "direction",
    "slice",
    "k",
    "n",
    "value",
    "sd",
    "m2",
    "min",
    "max",
];
const NEEDED: usize = 5;

/// Measurements in one evaluation; a server takes no more.
const MOST_POINTS: usize = 200;

/// Reads evaluations from lines of measurements.
pub struct CsvLines {
    records: csv::StringRecordsIntoIter<Bounded<Box<dyn Read + Send>>>,
    progress: Progress,
    /// Which column of [`COLUMNS`] stands where.
    places: [Option<usize>; COLUMNS.len()],
    failed: Failed,
    /// A line that was read and belongs to the next evaluation.
    waiting: Option<Result<Line, RefusedLine>>,
    ended: bool,
}

/// One line.
struct Line {
    number: u64,
    id: String,
    /// All but its point.
    evaluation: Evaluation,
    point: MetricPoint,
}

type Cell<T> = Result<T, (&'static str, String)>;

impl CsvLines {
    /// From the beginning of a file: reads its header.
    ///
    /// # Errors
    /// When the header lacks a column, or has one that is not known.
    pub fn new(file: Box<dyn Read + Send>, failed: Failed) -> Result<Self, Failure> {
        let mut builder = ReaderBuilder::new();
        // A line ends with its line feed, so that its number is right; what stands before is trimmed.
        builder.flexible(true).trim(csv::Trim::All).terminator(csv::Terminator::Any(b'\n'));
        let progress = Progress::default();
        let mut reader = builder.from_reader(Bounded::new(file, LONGEST, progress.clone()));
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                return Err(unreadable(error, &failed).unwrap_or_else(|why| Failure::Input(why.why)));
            }
        };
        let places = COLUMNS.map(|column| header.iter().position(|given| given == column));
        let unknown = header.iter().find(|given| !COLUMNS.contains(given));
        let missing = COLUMNS[..NEEDED].iter().zip(&places).find(|(_, place)| place.is_none());
        let known = COLUMNS.join(", ");
        if let Some(unknown) = unknown {
            return Err(Failure::Input(format!(
                "The header has a column {unknown:?} that is not known: use {known}."
            )));
        }
        if let Some((missing, _)) = missing {
            return Err(Failure::Input(format!("The header has no column {missing:?}: use {known}.")));
        }
        let records = reader.into_records();
        progress.record(1);
        Ok(CsvLines { records, progress, places, failed, waiting: None, ended: false })
    }

    /// The next line, whether it can be read or not.
    fn line(&mut self) -> Option<Result<Result<Line, RefusedLine>, Failure>> {
        if let Some(waiting) = self.waiting.take() {
            return Some(Ok(waiting));
        }
        if self.ended {
            return None;
        }
        let record = match self.records.next()? {
            Ok(record) => record,
            Err(error) => {
                let told = unreadable(error, &self.failed);
                // What cannot be read once may never end.
                self.ended = told.is_ok();
                return Some(match told {
                    Ok(failure) => Err(failure),
                    Err(refused) => Ok(Err(refused)),
                });
            }
        };
        let number = record.position().map_or(0, csv::Position::line);
        self.progress.record(number);
        let read = Row { record: &record, places: &self.places }.read(number);
        Some(Ok(read.map_err(|(field, why)| RefusedLine { line: number, field: field.to_owned(), why })))
    }

    /// The other lines of an evaluation with an id.
    fn gather(&mut self, first: Line) -> Result<Next, Failure> {
        let (line, id) = (first.number, first.id);
        let mut evaluation = first.evaluation;
        let mut point_lines = vec![first.number];
        evaluation.points.push(first.point);
        let mut wrong = None;
        while !id.is_empty() {
            match self.line().transpose()? {
                Some(Ok(next)) if next.id == id => {
                    point_lines.push(next.number);
                    if wrong.is_none() {
                        wrong = differs(&evaluation, &next).map(|field| (next.number, field));
                    }
                    if evaluation.points.len() <= MOST_POINTS {
                        evaluation.points.push(next.point);
                    }
                }
                other => {
                    self.waiting = other;
                    break;
                }
            }
        }
        Ok(match wrong {
            None => Ok(Entry { line, id, evaluation, point_lines }),
            Some((number, field)) => {
                let why = format!("is not what line {line} says of the same evaluation {id:?}");
                Err(RefusedLine { line: number, field: field.to_owned(), why })
            }
        })
    }
}

/// What the lines of one evaluation do not agree about.
fn differs(evaluation: &Evaluation, line: &Line) -> Option<&'static str> {
    let other = &line.evaluation;
    [
        ("from", evaluation.window_start_time == other.window_start_time),
        ("to", evaluation.window_end_time == other.window_end_time),
        ("evaluator", evaluation.evaluator == other.evaluator),
        ("dataset", evaluation.dataset == other.dataset),
        ("note", evaluation.note == other.note),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// An error of the file as a whole, or else of one line.
fn unreadable(error: csv::Error, failed: &Failed) -> Result<Failure, RefusedLine> {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Ok(failed(error)),
        csv::ErrorKind::Utf8 { .. } => {
            Err(RefusedLine { line, field: String::new(), why: "is not UTF-8".to_owned() })
        }
        other => Ok(failed(io::Error::other(format!("{other:?}")))),
    }
}

impl Iterator for CsvLines {
    type Item = Result<Next, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.line()? {
            Err(failure) => Some(Err(failure)),
            Ok(Err(refused)) => Some(Ok(Err(refused))),
            Ok(Ok(first)) => Some(self.gather(first)),
        }
    }
}

/// A line with the places of its columns.
struct Row<'a> {
    record: &'a StringRecord,
    places: &'a [Option<usize>; COLUMNS.len()],
}

impl Row<'_> {
    /// What a column says; empty when there is no such column.
    fn text(&self, column: &str) -> &str {
        let place = COLUMNS.iter().position(|known| *known == column).and_then(|known| self.places[known]);
        place.and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    fn cell<T>(&self, column: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Cell<T> {
        match self.text(column) {
            "" => Err((column, "is empty, but needed here".to_owned())),
            text => read(text).map_err(|why| (column, why)),
        }
    }

    fn optional<T>(&self, column: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Cell<Option<T>> {
        if self.text(column).is_empty() { Ok(None) } else { self.cell(column, read).map(Some) }
    }

    fn read(&self, number: u64) -> Cell<Line> {
        let dataset = match self.text("dataset") {
            "" => None,
            uri => Some(DatasetReference { uri: uri.to_owned(), ..DatasetReference::default() }),
        };
        let time = |text: &str| parse_time(text).map_err(|wanted| format!("{text:?} is {wanted}"));
        let evaluation = Evaluation {
            window_start_time: Some(self.cell("from", time)?),
            window_end_time: Some(self.cell("to", time)?),
            evaluator: Some(self.cell("evaluator", parse_evaluator)?),
            dataset,
            note: self.text("note").to_owned(),
            ..Evaluation::default()
        };
        let point = MetricPoint {
            metric: self.cell("metric", |text| Ok(text.to_owned()))?,
            method: self.text("method").to_owned(),
            direction: self.optional("direction", read_direction)?.unwrap_or_default().into(),
            slice: self
                .optional("slice", |text| text.split(';').map(parse_pair).collect())?
                .unwrap_or_default(),
            value: Some(self.value()?),
        };
        Ok(Line { number, id: self.text("evaluation").to_owned(), evaluation, point })
    }

    fn value(&self) -> Cell<Value> {
        match self.text("type") {
            "rate" => Ok(Value::Rate(RatePoint { k: self.cell("k", parse_count)?, n: self.n()? })),
            "plain" => {
                Ok(Value::Plain(PlainPoint { value: self.cell("value", parse_finite)?, n: self.n()? }))
            }
            "moments" => {
                let n = self.n()?;
                let m2 = match (self.optional("m2", parse_finite)?, self.optional("sd", parse_finite)?) {
                    (Some(m2), None) => m2,
                    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
                    (None, Some(sd)) => sd * sd * (n - 1) as f64,
                    (None, None) => return Err(("sd", "is empty; give sd or m2".to_owned())),
                    (Some(_), Some(_)) => {
                        return Err(("sd", "stands beside m2; give one of them".to_owned()));
                    }
                };
                let number = |column| self.cell(column, parse_finite);
                let (mean, min, max) = (number("value")?, number("min")?, number("max")?);
                Ok(Value::Moments(MomentsPoint { n, mean, m2, min, max }))
            }
            other => Err(("type", format!("{other:?} is not a type: use rate, moments or plain"))),
        }
    }

    fn n(&self) -> Cell<i64> {
        self.cell("n", parse_count)
    }
}

fn read_direction(text: &str) -> Result<Direction, String> {
    match text {
        "lower" => Ok(Direction::LowerIsBetter),
        "higher" => Ok(Direction::HigherIsBetter),
        other => Err(format!("{other:?} is neither lower nor higher (which of them is better?)")),
    }
}
