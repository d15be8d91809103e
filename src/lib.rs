//! Steward: a central registry for AI models. See ARCHITECTURE.md for the rooms.

pub mod domain;
pub mod grpc;
pub mod proto;
