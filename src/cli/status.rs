//! `steward status`: every model with a traffic light, one sentence, and the
//! next step.

use clap::Args;

use super::{
    client::Session,
    error::Failure,
    flags::PageFlags,
    name,
    output::{note, write, write_json},
    refusal::in_words,
    table::printable,
};
use crate::proto::v1::{
    GetModelHealthRequest, HealthLight, ListModelHealthRequest, ListModelHealthResponse, ModelHealth,
};

/// Arguments of `steward status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Only this model, with everything that was found
    #[arg(value_name = "MODEL")]
    model: Option<String>,

    #[command(flatten)]
    page: PageFlags,
}

/// Carries out the command.
pub async fn run(session: &Session, args: StatusArgs) -> Result<(), Failure> {
    if let Some(model) = &args.model {
        let request = GetModelHealthRequest { name: name::model(session.namespace(), model)? };
        let health = session.call(request, async |r| session.models().get_model_health(r).await).await?;
        return match session.output().is_json() {
            true => write_json(&health),
            false => write(&printable(&of_model(&health, usize::MAX))),
        };
    }
    let fetch = async |page_size, page_token| {
        let parent = session.namespace().to_owned();
        let request = ListModelHealthRequest { parent, page_size, page_token };
        let answer = session.call(request, async |r| session.models().list_model_health(r).await).await?;
        Ok((answer.models, answer.next_page_token))
    };
    let (models, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListModelHealthResponse { models, next_page_token };
    if session.output().is_json() {
        return write_json(&answer);
    }
    write(&portfolio(&answer.models))?;
    if !answer.next_page_token.is_empty() {
        note(&format!("There is more: add --all, or --page-token {}", answer.next_page_token));
    }
    Ok(())
}

/// How many models are in which light, then each of them, the worst first.
fn portfolio(models: &[ModelHealth]) -> String {
    if models.is_empty() {
        return "No model is registered.\n".to_owned();
    }
    let count = |light: HealthLight| models.iter().filter(|model| model.light() == light).count();
    let mut text = format!(
        "{} red, {} amber, {} green.\n",
        count(HealthLight::Red),
        count(HealthLight::Amber),
        count(HealthLight::Green)
    );
    let mut worst_first: Vec<&ModelHealth> = models.iter().collect();
    worst_first.sort_by_key(|model| std::cmp::Reverse(model.light));
    for model in worst_first {
        text.push('\n');
        text.push_str(&of_model(model, 1));
    }
    printable(&text)
}

/// One model with at most so many findings.
fn of_model(health: &ModelHealth, most: usize) -> String {
    let production = match health.production.as_str() {
        "" => "nothing in production".to_owned(),
        version => format!("version {} in production", name::id(version)),
    };
    let mut text = format!("{} {}: {production}\n", light_word(health.light()), name::id(&health.model));
    for finding in health.findings.iter().take(most) {
        text.push_str(&format!("  {}\n", in_words(&finding.sentence)));
        if !finding.next_step.is_empty() {
            text.push_str(&format!("  Next: {}\n", in_words(&finding.next_step)));
        }
    }
    let more = health.findings.len().saturating_sub(most);
    if more > 0 {
        text.push_str(&format!("  And {more} more: steward status {}\n", name::id(&health.model)));
    }
    text
}

/// The light in a word that needs no colours.
fn light_word(light: HealthLight) -> &'static str {
    match light {
        HealthLight::Unspecified => "?",
        HealthLight::Green => "GREEN",
        HealthLight::Amber => "AMBER",
        HealthLight::Red => "RED  ",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::HealthFinding;

    fn health(model: &str, light: HealthLight, findings: usize) -> ModelHealth {
        let finding = HealthFinding {
            light: light.into(),
            sentence: "namespaces/n/models/m/versions/1 ends soon".into(),
            next_step: "Move to another.".into(),
        };
        ModelHealth {
            model: format!("namespaces/n/models/{model}"),
            production: format!("namespaces/n/models/{model}/versions/1"),
            light: light.into(),
            findings: vec![finding; findings],
        }
    }

    #[test]
    fn the_worst_comes_first_with_one_sentence_and_the_next_step() {
        let text = portfolio(&[health("a", HealthLight::Green, 1), health("m", HealthLight::Red, 3)]);
        assert_eq!(
            text,
            "1 red, 0 amber, 1 green.\n\nRED   m: version 1 in production\n  version 1 of m ends soon\n  Next: Move \
             to another.\n  And 2 more: steward status m\n\nGREEN a: version 1 in production\n  version 1 of m ends \
             soon\n  Next: Move to another.\n"
        );
        assert_eq!(portfolio(&[]), "No model is registered.\n");
    }
}
