//! Every rule of Steward, pure: values in, values out. Nothing here waits,
//! reads a clock, draws a random number or touches a disk.

pub mod alias;
pub mod canonical;
pub mod check;
pub mod evaluation;
pub mod event;
pub mod filter;
pub mod lifecycle;
pub mod mask;
pub mod metadata;
pub mod model;
pub mod name;
pub mod namespace;
pub mod refusal;
pub mod resolve;
pub mod resource;
pub mod time;
pub mod version;
