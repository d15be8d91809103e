//! Every rule of Steward, pure: values in, values out. Nothing here waits,
//! reads a clock, draws a random number or touches a disk.

pub mod alias;
pub mod calendar;
pub mod canonical;
pub mod check;
pub mod consumer;
pub mod evaluation;
pub mod event;
pub mod filter;
pub mod health;
pub mod incident;
pub mod lifecycle;
pub mod mask;
pub mod metadata;
pub mod model;
pub mod monitor;
pub mod name;
pub mod namespace;
pub mod person;
pub mod policy;
pub mod proposal;
pub mod refusal;
pub mod resolve;
pub mod resource;
pub mod retraining;
pub mod rollback;
pub mod series;
pub mod statistics;
pub mod subscription;
pub mod time;
pub mod upstream;
pub mod version;
pub mod webhook;
