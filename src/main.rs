//! Steward.
fn main() {}
