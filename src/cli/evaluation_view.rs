//! Evaluations as people see them.

use super::{
    name,
    point::point_words,
    table::{Facts, Table, day, time, version_words},
};
use crate::proto::v1::Evaluation;

/// The key facts of an evaluation.
pub fn facts(evaluation: &Evaluation) -> Facts {
    let dataset = evaluation.dataset.as_ref().map(|dataset| dataset.uri.clone()).unwrap_or_default();
    Facts::new()
        .add("Evaluation", name::id(&evaluation.name))
        .add("Of", version_words(name::parent(&evaluation.name)))
        .add("Window", window_words(evaluation))
        .add("Evaluator", evaluator_words(evaluation))
        .add("Data set", dataset)
        .add_lines("Measured", evaluation.points.iter().map(point_words))
        .add("Folded", folded_words(evaluation.folded_cell_count))
        .add("Note", &evaluation.note)
        .add("Recorded", format!("{} by {}", time(evaluation.create_time), evaluation.recorder))
        .add("Full name", &evaluation.name)
}

/// One row an evaluation, with all its measurements or only those of `metric`.
pub fn table(evaluations: &[Evaluation], metric: &str) -> Table {
    let mut table = Table::new(["FROM", "TO", "MEASURED", "EVALUATOR", "EVALUATION"]);
    for evaluation in evaluations {
        let wanted = evaluation.points.iter().filter(|point| metric.is_empty() || point.metric == metric);
        let points: Vec<String> = wanted.map(point_words).collect();
        table.row([
            day(evaluation.window_start_time),
            day(evaluation.window_end_time),
            points.join("\n"),
            evaluator_words(evaluation),
            name::id(&evaluation.name),
        ]);
    }
    table
}

fn folded_words(cells: i32) -> String {
    match cells {
        0 => String::new(),
        1 => "1 cell was too small to stand by itself".to_owned(),
        cells => format!("{cells} cells were too small to stand by themselves"),
    }
}

fn window_words(evaluation: &Evaluation) -> String {
    format!("{} to {}", time(evaluation.window_start_time), time(evaluation.window_end_time))
}

fn evaluator_words(evaluation: &Evaluation) -> String {
    let Some(evaluator) = &evaluation.evaluator else { return String::new() };
    match evaluator.version.as_str() {
        "" => evaluator.name.clone(),
        version => format!("{} {version}", evaluator.name),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::{super::point::parse_rate, *};

    #[test]
    fn a_list_of_one_metric_shows_only_its_measurements() {
        let evaluation = Evaluation {
            name: "namespaces/n/models/m/versions/1/evaluations/week-1".into(),
            points: vec![
                parse_rate("hallucination=6/200:lower").unwrap(),
                parse_rate("grounded=1/2").unwrap(),
            ],
            ..Evaluation::default()
        };
        let text = table(&[evaluation], "grounded").text();
        assert!(text.contains("grounded: 1 of 2 (50.0 %)") && !text.contains("hallucination"), "{text}");
    }
}
