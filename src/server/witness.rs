//! Requests to witnesses over HTTP. What is asked and what an answer means is decided in
//! `registry/witness.rs`.

use crate::registry::witness::{Post, Reply};
use async_trait::async_trait;
use reqwest::{Client, header::CONTENT_TYPE, redirect::Policy};
use std::{error::Error as _, time::Duration};

/// How long a witness may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read: a few hundred are due.
const MOST: usize = 64 << 10;

/// Reaches witnesses over HTTP.
#[derive(Clone, Debug)]
pub struct Witnesses(Client);

impl Witnesses {
    /// A client with connections of its own.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        let agent = concat!("steward/", env!("CARGO_PKG_VERSION"));
        Client::builder().user_agent(agent).redirect(Policy::none()).timeout(TIMEOUT).build().map(Witnesses)
    }
}

#[async_trait]
impl Post for Witnesses {
    async fn post(&self, url: &str, text: String) -> Result<Reply, String> {
        let kind = (CONTENT_TYPE, "text/plain; charset=utf-8");
        let mut response =
            self.0.post(url).header(kind.0, kind.1).body(text).send().await.map_err(in_full)?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let mut body = Vec::new();
        while let Some(more) = response.chunk().await.map_err(in_full)? {
            if body.len() + more.len() > MOST {
                return Err(format!("{url} answers with more than {MOST} bytes"));
            }
            body.extend_from_slice(&more);
        }
        Ok(Reply { status: response.status().as_u16(), content_type, body })
    }
}

/// An error with what lies below it, which says more.
fn in_full(error: reqwest::Error) -> String {
    let mut sentence = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        sentence = format!("{sentence}: {cause}");
        below = cause.source();
    }
    sentence
}
