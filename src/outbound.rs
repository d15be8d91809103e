//! Calls others over HTTP: receivers of webhooks, which may be anybody's, and witnesses, which the
//! operator has chosen. What both have in common is here: nobody is redirected, no proxy of the
//! environment is asked, and no answer is waited for or read without end.

pub mod webhook;
pub mod witness;

use reqwest::{Client, ClientBuilder, Response, redirect::Policy};
use std::{error::Error, iter, time::Duration};

/// Longest that anybody may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Most bytes of an answer's body that are read.
const MOST: usize = 64 << 10;
/// How rustls begins to say that it does not believe whom it has reached.
const CERTIFICATE: &str = "invalid peer certificate";

/// A client whose answers take no longer than `timeout`. On a machine that names no authorities, as
/// in a small container, it believes no certificate; the registry serves all the same.
fn client(timeout: Duration, with: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
    let builder = || {
        let builder = Client::builder().redirect(Policy::none()).no_proxy();
        let builder = builder.connect_timeout(CONNECT.min(timeout)).timeout(timeout);
        with(builder.user_agent(concat!("steward/", env!("CARGO_PKG_VERSION"))))
    };
    let trusting_nobody = |error| {
        tracing::warn!(
            cause = words(&error),
            "this machine names no certificate authorities, so nobody is believed over https: install them, or name a file \
             with them in SSL_CERT_FILE"
        );
        builder().tls_certs_only([]).build()
    };
    builder().build().or_else(trusting_nobody).map_err(|error| words(&error))
}

/// The body of an answer.
async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(more) = response.chunk().await.map_err(|error| words(&error))? {
        if body.len() + more.len() > MOST {
            return Err(format!("its answer has more than {MOST} bytes"));
        }
        body.extend_from_slice(&more);
    }
    Ok(body)
}

/// What went wrong, with its causes, and without the URI, which may say more than the log
/// should.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let causes = iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if let Some(cause) = causes.iter().find(|cause| cause.starts_with(CERTIFICATE)) {
        return format!(
            "its certificate is refused; it has to be for this name, valid now, and of an authority that this machine \
             trusts, or that SSL_CERT_FILE names: {cause}"
        );
    }
    let what = match error.is_body() || error.is_decode() {
        true => "its answer broke off",
        false => "it could not be reached",
    };
    format!("{what}: {}", causes.join(": "))
}

#[cfg(test)]
mod tests;
