//! Command lines, one argument in each line of the input: what is wrong with them is
//! said, and ends with the code of a command that is not well-formed.

use super::choice::text_of;
use clap::Parser as _;
use steward_registry::cli::Cli;

/// More arguments than this only cost time.
const MOST: usize = 40;

/// The input as the arguments of `steward`.
pub fn check(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let arguments = std::iter::once("steward").chain(text.lines().take(MOST));
    if let Err(error) = Cli::try_parse_from(arguments) {
        assert!(!error.render().to_string().is_empty());
        assert!([0, 2].contains(&error.exit_code()), "{error}");
    }
}
