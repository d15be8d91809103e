//! Files, read from memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::proto::v1::metric_point::Value;
use std::io::Cursor;

fn failed() -> Failed {
    Box::new(|error| Failure::Input(error.to_string()))
}

fn csv(text: &str) -> Vec<Next> {
    let reader = Box::new(Cursor::new(text.to_owned().into_bytes()));
    CsvLines::new(reader, failed()).unwrap().map(Result::unwrap).collect()
}

const HEADER: &str = "evaluation,from,to,evaluator,metric,type,k,n,value,sd,min,max,direction,slice\n";

fn line(evaluation: &str, metric: &str) -> String {
    format!("{evaluation},2026-01-01,2026-02-01,judge@2,{metric},rate,3,80,,,,,lower,channel=phone;age=65+\n")
}

fn refused(next: &Next) -> (u64, &str) {
    let refused = next.as_ref().unwrap_err();
    (refused.line, &refused.field)
}

#[test]
fn lines_with_an_id_are_one_evaluation_and_others_stand_alone() {
    let text = [HEADER, &line("w1", "a"), &line("w1", "b"), &line("", "c"), &line("", "d")].concat();
    let read = csv(&text);
    let entries: Vec<&Entry> = read.iter().map(|next| next.as_ref().unwrap()).collect();
    let shape: Vec<_> = entries.iter().map(|e| (e.line, e.id.as_str(), e.evaluation.points.len())).collect();
    assert_eq!(shape, [(2, "w1", 2), (4, "", 1), (5, "", 1)]);
    let point = &entries[0].evaluation.points[1];
    assert_eq!((point.metric.as_str(), point.slice.len(), point.direction), ("b", 2, 2));
    assert_eq!(entries[0].point_lines, [2, 3]);
    assert_eq!(entries[0].evaluation.evaluator.as_ref().unwrap().version, "2");
}

#[test]
fn a_quotation_mark_that_is_never_closed_does_not_take_the_rest_into_memory() {
    let endless = Read::chain(
        Cursor::new(format!("{HEADER}{}\"begins", line("", "a")).into_bytes()),
        io::repeat(b'\n').take(1 << 40),
    );
    let mut lines = CsvLines::new(Box::new(endless), failed()).unwrap();
    assert!(lines.next().unwrap().unwrap().is_ok());
    let failure = lines.next().unwrap().unwrap_err();
    assert!(failure.text().contains("what follows line 2"), "{}", failure.text());
    let long = format!("{HEADER}{}", line("", "a").repeat(30_000));
    assert!(long.len() as u64 > 2 * LONGEST);
    assert_eq!(csv(&long).iter().filter(|next| next.is_ok()).count(), 30_000);
}

#[test]
fn every_type_of_a_line_is_read() {
    let text = format!(
        "{HEADER},2026-01-01,2026-02-01,j,m,moments,,5,1.5,0.5,1,2,,\n,2026-01-01,2026-02-01,j,p,plain,,5,-0.25,,,,,\n"
    );
    let values: Vec<Value> =
        csv(&text).into_iter().map(|next| next.unwrap().evaluation.points.remove(0).value.unwrap()).collect();
    let Value::Moments(moments) = &values[0] else { panic!("{values:?}") };
    assert_eq!((moments.mean, moments.m2, moments.min, moments.max), (1.5, 1.0, 1.0, 2.0));
    assert!(matches!(&values[1], Value::Plain(plain) if plain.value == -0.25 && plain.n == 5));
}

#[test]
fn a_bad_cell_is_named_by_line_and_column_and_keeps_no_other_line_out() {
    let text = [
        HEADER,
        &line("", "a"),
        ",2026-13-01,2026-02-01,judge,b,rate,3,80,,,,,,\n",
        ",2026-01-01,2026-02-01,judge,b,rate,three,80,,,,,,\n",
        ",2026-01-01,2026-02-01,judge,b,histogram,3,80,,,,,,\n",
        ",2026-01-01,2026-02-01,judge,b,plain,,80,,,,,,\n",
        ",2026-01-01,2026-02-01,judge,b,rate,3,80,,,,,better,\n",
        &line("", "c"),
    ]
    .concat();
    let read = csv(&text);
    assert!(read[0].is_ok() && read[6].is_ok());
    let wrong: Vec<_> = read[1..6].iter().map(refused).collect();
    assert_eq!(wrong, [(3, "from"), (4, "k"), (5, "type"), (6, "value"), (7, "direction")]);
}

#[test]
fn lines_of_one_evaluation_have_to_agree() {
    let other = line("w1", "b").replace("judge@2", "judge@3");
    let read = csv(&[HEADER, &line("w1", "a"), &other, &line("w2", "c")].concat());
    assert_eq!(refused(&read[0]), (3, "evaluator"));
    assert!(read[1].is_ok());
}

#[test]
fn a_header_is_judged_before_any_line() {
    let open = |text: &str| {
        let reader = Box::new(Cursor::new(text.to_owned().into_bytes()));
        CsvLines::new(reader, failed()).map(|_| ()).unwrap_err().message()
    };
    assert!(open("from,to,evaluator,metric,type,prompt\n").contains("\"prompt\""));
    assert!(open("from,to,metric,type\n").contains("no column \"evaluator\""));
}

#[test]
fn quotes_line_ends_and_a_byte_order_mark_of_others_are_read() {
    let text = "\u{feff}from,to,evaluator,metric,type,k,n,note\r\n2026-01-01,2026-02-01,\"a, b\",m,rate,1,5,\"two\r\nlines\"\r\n2026-01-01,2026-02-01,a,m,rate,x,5,\r\n";
    let read = csv(text);
    let evaluation = &read[0].as_ref().unwrap().evaluation;
    assert_eq!(evaluation.evaluator.as_ref().unwrap().name, "a, b");
    assert_eq!(evaluation.note, "two\r\nlines");
    assert_eq!(refused(&read[1]), (4, "k"));
}

#[test]
fn json_lines_are_read_one_by_one() {
    let long = format!("{{\"note\": \"{}\"}}", "x".repeat(1 << 20));
    let text =
        format!("{{\"name\": \"w1\", \"note\": \"a\"}}\n\n{{\"rows\": []}}\n{long}\n{{\"note\": \"b\"}}");
    let read: Vec<Next> = JsonLines::new(Cursor::new(text), failed()).map(Result::unwrap).collect();
    assert_eq!(read.len(), 4);
    assert_eq!((read[0].as_ref().unwrap().line, read[0].as_ref().unwrap().id.as_str()), (1, "w1"));
    assert!(read[1].as_ref().unwrap_err().why.contains("rows"));
    assert_eq!((refused(&read[1]).0, refused(&read[2]).0), (3, 4));
    assert_eq!(
        (read[3].as_ref().unwrap().line, read[3].as_ref().unwrap().evaluation.note.as_str()),
        (5, "b")
    );
}
