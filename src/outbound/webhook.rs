//! Requests to receivers of webhooks, and only to those that may be called: the address that is
//! connected to is judged, whatever name led to it and whatever the name meant a moment before.

use super::{body, client, words};
use crate::{
    domain::webhook::address::refusal,
    registry::webhook::post::{Answer, Post, Poster},
};
use async_trait::async_trait;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// What is allowed beyond public addresses over https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Requests without TLS.
    pub allow_http: bool,
    /// Addresses that are not public.
    pub allow_private: bool,
    /// Longest that an answer may take.
    pub timeout: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { allow_http: false, allow_private: false, timeout: Duration::from_secs(20) }
    }
}

impl Rules {
    fn judge(self, address: IpAddr) -> Result<(), String> {
        match refusal(address).filter(|_| !self.allow_private) {
            None => Ok(()),
            Some(why) => Err(format!(
                "{address} is not a public address ({why}); the configuration key `webhook_allow_private` allows it"
            )),
        }
    }
}

/// Sends requests as the rules allow.
pub struct Webhooks {
    rules: Rules,
    client: Client,
}

impl Webhooks {
    /// A client with the machine's names.
    ///
    /// # Errors
    /// The cause, if TLS cannot be set up.
    pub fn new(rules: Rules) -> Result<Self, String> {
        Self::with_names(rules, Arc::new(MachineNames))
    }

    /// A client with names of its own.
    ///
    /// # Errors
    /// The cause, if TLS cannot be set up.
    pub fn with_names(rules: Rules, names: Arc<dyn Resolve>) -> Result<Self, String> {
        let names = Arc::new(Judged { rules, names });
        let client = client(rules.timeout, |builder| builder.dns_resolver(names.clone()))?;
        Ok(Webhooks { rules, client })
    }

    /// Names are judged when they are resolved; addresses in the URI, in any notation, here.
    fn url(&self, uri: &str) -> Result<Url, String> {
        let url = Url::parse(uri).map_err(|error| format!("it is no URI: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.rules.allow_http => {}
            _ => return Err("it has to begin with https://".to_owned()),
        }
        let host = url.host_str().unwrap_or_default();
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
            self.rules.judge(address)?;
        }
        Ok(url)
    }
}

#[async_trait]
impl Poster for Webhooks {
    fn admit(&self, uri: &str) -> Result<(), String> {
        self.url(uri).map(|_| ())
    }

    async fn post(&self, post: Post) -> Result<Answer, String> {
        let url = self.url(&post.uri)?;
        let mut request = self.client.post(url).body(post.body);
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| words(&error))?;
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = header.map(str::to_owned);
        // Read so that the connection can be used again; the status stands, whatever becomes of the rest.
        let _ = body(response).await;
        Ok(Answer { status, retry_after })
    }
}

/// Names whose addresses are judged before anybody connects to them.
struct Judged {
    rules: Rules,
    names: Arc<dyn Resolve>,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, found) = (self.rules, self.names.resolve(name));
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = found.await?.collect();
            for address in &addresses {
                // One inside among public ones is a trap, too.
                rules.judge(address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The names that the machine knows.
struct MachineNames;

impl Resolve for MachineNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
