//! Steward: a central registry for AI models. See ARCHITECTURE.md for the rooms.

pub mod audit;
pub mod cli;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod http;
pub mod outbound;
pub mod proto;
pub mod registry;
pub mod server;
pub mod store;
pub mod telemetry;
