//! Plain HTTP beside gRPC on the same port: the place of the log's tiles and
//! checkpoint, metrics, compatibility APIs and the console. None of them is
//! there yet, so every path is answered with 404.

use axum::Router;

/// The routes of this room.
pub fn router() -> Router {
    Router::new()
}
