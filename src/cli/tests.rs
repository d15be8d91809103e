//! The command line as a whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, path::Path};

use clap::{CommandFactory as _, Parser as _};

use super::*;

/// The words of a command line up to a redirection, as a shell would split them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, '>') => break,
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            _ => word.push(c),
        }
    }
    words
}

/// The example commands in the help of a command and of those below it.
fn examples(command: &clap::Command, found: &mut Vec<String>) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let help = help.replace("\\\n      ", "");
    for line in help.lines().filter(|line| line.starts_with("  ")) {
        // What stands before or behind in a pipe is not ours, nor is a comment after a wide gap.
        let ours = line.split(" | ").find(|part| part.trim_start().starts_with("steward "));
        found.extend(ours.and_then(|line| line.trim_start().split("       ").next()).map(str::to_owned));
    }
    command.get_subcommands().for_each(|sub| examples(sub, found));
}

#[test]
fn every_example_in_the_help_is_well_formed() {
    let mut found = Vec::new();
    examples(&Cli::command(), &mut found);
    assert!(found.len() > 30, "only {} examples were found", found.len());
    for example in found {
        if let Err(error) = Cli::try_parse_from(words(&example)) {
            panic!("{example}\n{error}");
        }
    }
}

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_call_of_the_contract_has_a_command() {
    let pool = prost_reflect::DescriptorPool::decode(crate::proto::DESCRIPTOR_SET).unwrap();
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let sources: String = fs::read_dir(room)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    // However the formatter broke the lines.
    let sources = sources.split_whitespace().collect::<Vec<_>>().join(" ").replace(" )", ")");
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let name = snake_case(method.name());
        let called = [format!(".{name}(r)"), format!(", {name})")].iter().any(|call| sources.contains(call));
        assert!(called, "no command calls {}", method.full_name());
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn flags_of_every_command_may_stand_before_or_behind_it() {
    for line in ["steward --namespace x model list", "steward model list --namespace x"] {
        assert_eq!(Cli::try_parse_from(words(line)).unwrap().global.namespace, "x");
    }
}

#[test]
fn a_deprecation_needs_a_replacement_or_a_reason_why_there_is_none() {
    let deprecate = "steward version deprecate m 1 --sunset 60d --reason r";
    assert!(Cli::try_parse_from(words(deprecate)).is_err());
    assert!(Cli::try_parse_from(words(&format!("{deprecate} --replacement 2"))).is_ok());
    assert!(Cli::try_parse_from(words(&format!("{deprecate} --replacement 2 --no-replacement x"))).is_err());
}

#[test]
fn a_time_limit_is_a_positive_number_of_seconds() {
    assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
    for wrong in ["0", "-1", "NaN", "inf", "soon", "1e9"] {
        assert!(parse_seconds(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_server_flags_leave_open_what_is_not_given() {
    let parse = |line: &str| match Cli::try_parse_from(words(line)).unwrap().command {
        Command::Lobby(Lobby::Serve(args)) => args,
        other => panic!("{other:?}"),
    };
    let args = parse("steward serve");
    assert!(args.listen.is_none() && args.engine.is_none() && args.insecure_no_auth.is_none());
    assert_eq!(parse("steward serve --insecure-no-auth").insecure_no_auth, Some(true));
    assert_eq!(parse("steward serve --insecure-no-auth=false").insecure_no_auth, Some(false));
}

#[test]
fn a_proposal_may_have_a_name_and_takes_no_etag() {
    let release = "steward version release m 1 --reason r";
    for right in ["", " --propose", " --propose=lift"] {
        assert!(Cli::try_parse_from(words(&format!("{release}{right}"))).is_ok(), "{right}");
    }
    // Behind a blank it would be taken for something else.
    for wrong in [" --propose lift extra", " --propose --etag p1"] {
        assert!(Cli::try_parse_from(words(&format!("{release}{wrong}"))).is_err(), "{wrong}");
    }
}

#[test]
fn break_glass_names_its_incident_and_an_alias_moves_only_with_what_is_done() {
    let approve = "steward version approve m 1 --reason r";
    assert!(Cli::try_parse_from(words(&format!("{approve} --override-gates"))).is_err());
    assert!(Cli::try_parse_from(words(&format!("{approve} --override-gates --incident leak"))).is_ok());
    assert!(Cli::try_parse_from(words(&format!("{approve} --alias production"))).is_ok());
    assert!(Cli::try_parse_from(words(&format!("{approve} --alias production --propose"))).is_err());
}

#[test]
fn self_approval_is_allowed_or_not_but_not_both() {
    let update = "steward namespace update default";
    assert!(Cli::try_parse_from(words(&format!("{update} --allow-self-approval"))).is_ok());
    assert!(
        Cli::try_parse_from(words(&format!("{update} --allow-self-approval --no-self-approval"))).is_err()
    );
}
