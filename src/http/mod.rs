//! Plain HTTP beside gRPC on the same port. So far the log as static files; metrics,
//! compatibility APIs and the console will have their places here. Every other path is
//! answered with 404.

mod log;

use crate::registry::Registry;
use axum::Router;

/// The routes of this room.
pub fn router(registry: Registry) -> Router {
    log::router(registry)
}
