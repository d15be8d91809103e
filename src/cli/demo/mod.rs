//! `steward demo`: fills a registry with the models of a small charity, through
//! the public API, and says what to look at. What exists already is left alone,
//! so that it can be run again at any time.

mod donor_chatbot;
mod fundraising;
mod measured;
mod report_writer;
mod stage;
mod way_out;

use clap::Args;

use self::stage::Stage;
use super::{client::Session, error::Failure, name};

/// Who registers and submits, and who reviews: two people, as it should be.
const AUTHOR: &str = "ines@charity.example";
const REVIEWER: &str = "marta@charity.example";

/// Arguments of `steward demo`; it needs none.
#[derive(Args, Debug)]
pub struct DemoArgs {}

/// Carries out the command.
pub async fn run(session: &Session, DemoArgs {}: DemoArgs) -> Result<(), Failure> {
    let stage = Stage::new(session, session.acting_as(AUTHOR)?, session.acting_as(REVIEWER)?);
    session.output().say(
        "A small charity relies on three models: a chatbot that it rents, a model of its own, and an \
         assistant inside a product that it bought.\n",
    )?;
    let chatbot = donor_chatbot::register(&stage).await?;
    let (old, new) = fundraising::register(&stage).await?;
    let report = report_writer::register(&stage).await?;
    session.output().say(&what_next(session.namespace(), &chatbot, &old, &new, &report))
}

/// Commands to look around with; versions by their full names.
fn what_next(namespace: &str, chatbot: &str, old: &str, new: &str, report: &str) -> String {
    let number = |version: &str| format!("{} {}", name::id(name::parent(version)), name::id(version));
    let fundraising = name::id(name::parent(new));
    let commands = [
        format!("steward evaluation list {} --metric hallucination", number(chatbot)),
        format!("steward version resolve {}", number(old)),
        format!("steward explain {fundraising} production"),
        "steward impact --until 2y".to_owned(),
        format!("steward alias readiness {fundraising} production"),
        format!("steward why-not approve {}", number(report)),
        "steward audit list --newest-first --limit 10".to_owned(),
    ];
    let elsewhere = match name::id(namespace) {
        id if id == "default" => String::new(),
        id => format!(" --namespace {id}"),
    };
    let meaning = [
        "is the chatbot getting worse?",
        "what does a caller of the old version hear?",
        "what is in production, on what evidence, approved by whom?",
        "who breaks when something ends?",
        "could we go back, and for how long?",
        "would an approval go through?",
        "who changed what, when and why?",
    ];
    let lines =
        commands.iter().zip(meaning).map(|(command, why)| format!("  {command}{elsewhere}\n      {why}"));
    format!("\nTry next:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use clap::Parser as _;

    use super::{super::Cli, *};

    #[test]
    fn every_command_that_the_demo_proposes_is_well_formed() {
        let version = "namespaces/trials/models/m/versions/2";
        let text = what_next("namespaces/trials", version, version, version, version);
        let commands: Vec<&str> =
            text.lines().map(str::trim).filter(|line| line.starts_with("steward ")).collect();
        assert_eq!(commands.len(), 7);
        for command in commands {
            assert!(Cli::try_parse_from(command.split(' ')).is_ok(), "{command}");
            assert!(command.ends_with("--namespace trials"));
        }
    }
}
