//! The rules, as values in and values out.

pub mod filter;
