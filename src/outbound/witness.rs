//! Requests to witnesses. What is asked and what an answer means is decided in
//! `registry/witness.rs`.
//!
//! Their addresses are not judged: they stand in a file of the operator's, and may well be on a
//! private network.

use super::{body, client, words};
use crate::registry::witness::{Post, Reply};
use async_trait::async_trait;
use reqwest::{Client, header::CONTENT_TYPE};
use std::time::Duration;

/// How long a witness may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reaches witnesses over HTTP.
#[derive(Clone, Debug)]
pub struct Witnesses(Client);

impl Witnesses {
    /// A client with connections of its own.
    ///
    /// # Errors
    /// The cause, if TLS cannot be set up.
    pub fn new() -> Result<Self, String> {
        client(TIMEOUT, |builder| builder).map(Witnesses)
    }
}

#[async_trait]
impl Post for Witnesses {
    async fn post(&self, url: &str, text: String) -> Result<Reply, String> {
        let request = self.0.post(url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text);
        let response = request.send().await.map_err(|error| words(&error))?;
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        Ok(Reply { status, content_type, body: body(response).await? })
    }
}
