//! The audit log as static files, for any program that reads C2SP tlog-tiles: the newest
//! checkpoint that enough witnesses have cosigned, the tiles of the tree, the leaves in bundles. What a full tile or a partial one
//! of a given width holds never changes, so caches may keep it for ever; a checkpoint is
//! never taken out of a cache.

use crate::{
    domain::name::NamespaceId,
    registry::{DEFAULT_NAMESPACE, Registry, error::Error},
};
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NEVER: &str = "no-cache";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// The files of every log, those of the namespace `default` at the root too.
pub fn router(registry: Registry) -> Router {
    Router::new()
        .route("/checkpoint", get(async |state| checkpoint(state, default()).await))
        .route("/verifier-keys", get(async |state| verifier_keys(state, default()).await))
        .route("/tile/{*path}", get(async |state, Path(path)| tile(state, Path((default_id(), path))).await))
        .route("/namespaces/{namespace}/checkpoint", get(checkpoint))
        .route("/namespaces/{namespace}/verifier-keys", get(verifier_keys))
        .route("/namespaces/{namespace}/tile/{*path}", get(tile))
        .with_state(registry)
}

fn default_id() -> String {
    DEFAULT_NAMESPACE.to_owned()
}

fn default() -> Path<String> {
    Path(default_id())
}

async fn checkpoint(State(registry): State<Registry>, Path(namespace): Path<String>) -> Response {
    let Ok(namespace) = NamespaceId::new(&namespace) else { return missing() };
    match registry.cosigned_checkpoint(&namespace, 0).await {
        Ok(signed) => file(TEXT, NEVER, signed.checkpoint.to_string().into()),
        Err(error) => refuse(&error),
    }
}

async fn verifier_keys(State(registry): State<Registry>, Path(namespace): Path<String>) -> Response {
    let Ok(namespace) = NamespaceId::new(&namespace) else { return missing() };
    match registry.checkpoint(&namespace, 0).await {
        Ok(signed) => {
            file(TEXT, NEVER, signed.keys.iter().flat_map(|key| [key, "\n"]).collect::<String>().into())
        }
        Err(error) => refuse(&error),
    }
}

async fn tile(State(registry): State<Registry>, Path((namespace, path)): Path<(String, String)>) -> Response {
    let Ok(namespace) = NamespaceId::new(&namespace) else { return missing() };
    match registry.log_file(&namespace, &format!("tile/{path}")).await {
        Ok(Some(content)) => file(BYTES, FOR_EVER, content),
        Ok(None) => missing(),
        Err(error) => refuse(&error),
    }
}

fn file(kind: &'static str, caching: &'static str, content: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], content).into_response()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, NEVER)], "The log has no such file, or not yet.\n")
        .into_response()
}

fn refuse(error: &Error) -> Response {
    let code = match error {
        Error::NotFound { .. } => return missing(),
        Error::Unavailable(_) | Error::Disputed { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (code, [(header::CACHE_CONTROL, NEVER)], format!("{error}\n")).into_response()
}
