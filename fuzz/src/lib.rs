//! What has to hold for every input from outside: one module for each fuzz target,
//! with a `check` that panics where a property does not hold.
//!
//! The programs in `fuzz_targets` feed them from libFuzzer; `tests/it/corpus.rs`
//! takes the same modules in and feeds them the inputs that were kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod argument;
pub mod canonical;
pub mod choice;
pub mod command_line;
pub mod config;
pub mod drawn_request;
pub mod evaluation_file;
pub mod event_filter;
pub mod export;
pub mod field;
pub mod filter;
pub mod filter_tree;
pub mod fold;
pub mod key;
pub mod leaf;
pub mod message;
pub mod name;
pub mod otlp;
pub mod page;
pub mod path;
pub mod record;
pub mod registry;
pub mod request;
pub mod resource;
pub mod time;
pub mod token;

/// A property over all inputs.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also that of its program and of its corpus.
pub const TARGETS: [(&str, Check); 22] = [
    ("argument", argument::check),
    ("canonical", canonical::check),
    ("command_line", command_line::check),
    ("config", config::check),
    ("drawn_request", drawn_request::check),
    ("evaluation_file", evaluation_file::check),
    ("event_filter", event_filter::check),
    ("export", export::check),
    ("field", field::check),
    ("filter", filter::check),
    ("filter_tree", filter_tree::check),
    ("fold", fold::check),
    ("key", key::check),
    ("leaf", leaf::check),
    ("name", name::check),
    ("otlp", otlp::check),
    ("page", page::check),
    ("record", record::check),
    ("request", request::check),
    ("resource", resource::check),
    ("time", time::check),
    ("token", token::check),
];
