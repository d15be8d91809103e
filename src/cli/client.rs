//! The connection to a server: who calls, how long to wait, when to try again.

use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tonic::{
    Request, Response, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use super::{
    error::{Failure, is_interruption},
    name,
    output::Output,
};
use crate::proto::v1::{
    alias_service_client::AliasServiceClient, audit_service_client::AuditServiceClient,
    calendar_service_client::CalendarServiceClient, checkpoint_service_client::CheckpointServiceClient,
    consumer_service_client::ConsumerServiceClient, evaluation_service_client::EvaluationServiceClient,
    incident_service_client::IncidentServiceClient, lifecycle_service_client::LifecycleServiceClient,
    metric_service_client::MetricServiceClient, model_service_client::ModelServiceClient,
    monitor_service_client::MonitorServiceClient, namespace_service_client::NamespaceServiceClient,
    person_service_client::PersonServiceClient, policy_service_client::PolicyServiceClient,
    proposal_service_client::ProposalServiceClient, retraining_service_client::RetrainingServiceClient,
    subscription_service_client::SubscriptionServiceClient, upstream_service_client::UpstreamServiceClient,
    version_service_client::VersionServiceClient,
};

/// Metadata key that says who acts, as long as nobody is authenticated.
const ACTOR_HEADER: &str = "steward-actor";

/// Metadata key that has a change wait for a checkpoint.
const CHECKPOINT_HEADER: &str = "steward-wait-for-checkpoint";

/// A page of 1,000 records of 32 KiB fits.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Waits before the second and third attempt.
const RETRY_WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(1_000)];

/// What may not stand in a header value as it is; `%` too, so that every
/// encoded name has one meaning.
const ACTOR_ESCAPES: &AsciiSet = &CONTROLS.add(b'%');

/// One invocation's view of a server.
#[derive(Clone, Debug)]
pub struct Session {
    channel: Channel,
    server: String,
    namespace: String,
    actor: Option<MetadataValue<Ascii>>,
    timeout: Duration,
    wait_for_checkpoint: bool,
    output: Output,
}

/// Where to connect to, and as whom.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// URL of the server; `http://` may be left out.
    pub server: &'a str,
    /// Id or full name of the namespace.
    pub namespace: &'a str,
    /// Who acts; the server decides when absent.
    pub actor: Option<&'a str>,
    /// Limit for each call.
    pub timeout: Duration,
    /// Whether changes are answered only when a checkpoint covers them.
    pub wait_for_checkpoint: bool,
}

impl Session {
    /// Prepares a connection; it is made with the first call.
    pub fn new(target: &Target<'_>, output: Output) -> Result<Self, Failure> {
        let server = server_url(target.server)?;
        let endpoint = Endpoint::from_shared(server.clone())
            .map_err(|error| Failure::Usage(format!("--server {server} is not a URL: {error}.")))?
            .connect_timeout(target.timeout)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .tcp_nodelay(true);
        Session::over(endpoint.connect_lazy(), server, target, output)
    }

    /// A session over a connection to `server` that somebody else has made.
    pub fn over(
        channel: Channel,
        server: String,
        target: &Target<'_>,
        output: Output,
    ) -> Result<Self, Failure> {
        Ok(Session {
            channel,
            server,
            namespace: name::namespace(target.namespace)?,
            actor: target.actor.map(actor_value).transpose()?,
            timeout: target.timeout,
            wait_for_checkpoint: target.wait_for_checkpoint,
            output,
        })
    }

    /// The same connection, but acting as somebody else.
    pub fn acting_as(&self, actor: &str) -> Result<Self, Failure> {
        Ok(Session { actor: Some(actor_value(actor)?), ..self.clone() })
    }

    /// The full name of the namespace in use.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where results go.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The connection itself, for services that are not Steward's own.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Makes a unary call. When the server is away or the connection breaks,
    /// exactly the same request is sent again, at most twice.
    ///
    /// # Errors
    /// The status of the last attempt.
    pub async fn call<Req: Clone, Res>(
        &self,
        request: Req,
        send: impl AsyncFn(Request<Req>) -> Result<Response<Res>, Status>,
    ) -> Result<Res, Failure> {
        let attempt = async || {
            let mut prepared = self.prepare(request.clone());
            prepared.set_timeout(self.timeout);
            send(prepared).await
        };
        match with_retries(&RETRY_WAITS, attempt).await {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(Failure::rpc(status, &self.server)),
        }
    }

    /// Makes a change: [`Session::call`], whose failure tells under which id a
    /// repeat is safe.
    ///
    /// # Errors
    /// The status of the last attempt.
    pub async fn change<Req: Clone, Res>(
        &self,
        request_id: &str,
        request: Req,
        send: impl AsyncFn(Request<Req>) -> Result<Response<Res>, Status>,
    ) -> Result<Res, Failure> {
        self.call(request, send).await.map_err(|failure| failure.with_request_id(request_id))
    }

    /// Opens a stream. It has no time limit, and is opened again only by who
    /// knows where to resume.
    ///
    /// # Errors
    /// The status of the answer.
    pub async fn open<Req, Res>(
        &self,
        request: Req,
        send: impl AsyncFn(Request<Req>) -> Result<Response<Streaming<Res>>, Status>,
    ) -> Result<Streaming<Res>, Failure> {
        match send(self.prepare(request)).await {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(self.failure(status)),
        }
    }

    /// A status of this session's server as a failure.
    pub fn failure(&self, status: Status) -> Failure {
        Failure::rpc(status, &self.server)
    }

    fn prepare<Req>(&self, request: Req) -> Request<Req> {
        let mut request = Request::new(request);
        if let Some(actor) = &self.actor {
            request.metadata_mut().insert(ACTOR_HEADER, actor.clone());
        }
        if self.wait_for_checkpoint {
            request.metadata_mut().insert(CHECKPOINT_HEADER, MetadataValue::from_static("true"));
        }
        request
    }

    /// Client of AliasService.
    pub fn aliases(&self) -> AliasServiceClient<Channel> {
        AliasServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of AuditService.
    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of CalendarService.
    pub fn calendar(&self) -> CalendarServiceClient<Channel> {
        CalendarServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of CheckpointService.
    pub fn checkpoints(&self) -> CheckpointServiceClient<Channel> {
        CheckpointServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of ConsumerService.
    pub fn consumers(&self) -> ConsumerServiceClient<Channel> {
        ConsumerServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of EvaluationService.
    pub fn evaluations(&self) -> EvaluationServiceClient<Channel> {
        EvaluationServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of IncidentService.
    pub fn incidents(&self) -> IncidentServiceClient<Channel> {
        IncidentServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of LifecycleService.
    pub fn lifecycle(&self) -> LifecycleServiceClient<Channel> {
        LifecycleServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of MetricService.
    pub fn metrics(&self) -> MetricServiceClient<Channel> {
        MetricServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of ModelService.
    pub fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of MonitorService.
    pub fn monitors(&self) -> MonitorServiceClient<Channel> {
        MonitorServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of NamespaceService.
    pub fn namespaces(&self) -> NamespaceServiceClient<Channel> {
        NamespaceServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of PersonService.
    pub fn persons(&self) -> PersonServiceClient<Channel> {
        PersonServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of PolicyService.
    pub fn policies(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of ProposalService.
    pub fn proposals(&self) -> ProposalServiceClient<Channel> {
        ProposalServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of RetrainingService.
    pub fn retrainings(&self) -> RetrainingServiceClient<Channel> {
        RetrainingServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of SubscriptionService.
    pub fn subscriptions(&self) -> SubscriptionServiceClient<Channel> {
        SubscriptionServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of UpstreamService.
    pub fn upstreams(&self) -> UpstreamServiceClient<Channel> {
        UpstreamServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Client of VersionService.
    pub fn versions(&self) -> VersionServiceClient<Channel> {
        VersionServiceClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }
}

async fn with_retries<T>(
    waits: &[Duration],
    attempt: impl AsyncFn() -> Result<T, Status>,
) -> Result<T, Status> {
    for wait in waits {
        match attempt().await {
            Err(status) if is_interruption(&status) => tokio::time::sleep(*wait).await,
            answer => return answer,
        }
    }
    attempt().await
}

fn server_url(given: &str) -> Result<String, Failure> {
    match given.split_once("://") {
        None => Ok(format!("http://{given}")),
        Some(("http", _)) => Ok(given.to_owned()),
        Some((scheme, _)) => {
            Err(Failure::Usage(format!("--server has to begin with http://, not {scheme}:// ({given}).")))
        }
    }
}

fn actor_value(actor: &str) -> Result<MetadataValue<Ascii>, Failure> {
    let encoded = utf8_percent_encode(actor.trim(), ACTOR_ESCAPES).to_string();
    match encoded.parse() {
        Ok(value) if !encoded.is_empty() => Ok(value),
        _ => Err(Failure::Usage("--actor must not be empty.".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::cell::Cell;

    use super::*;

    async fn attempts_until_done(answers: &[Result<(), tonic::Code>]) -> (usize, Result<(), tonic::Code>) {
        let made = Cell::new(0);
        let answer = with_retries(&RETRY_WAITS, async || {
            let answer = answers[made.get()];
            made.set(made.get() + 1);
            answer.map_err(|code| Status::new(code, ""))
        });
        let answer = answer.await.map_err(|status| status.code());
        (made.get(), answer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_asked_three_times_and_no_more() {
        let away = Err(tonic::Code::Unavailable);
        assert_eq!(attempts_until_done(&[away, away, away]).await, (3, away));
        assert_eq!(attempts_until_done(&[away, Ok(())]).await, (2, Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_tried_again() {
        let refused = Err(tonic::Code::FailedPrecondition);
        assert_eq!(attempts_until_done(&[refused]).await, (1, refused));
    }

    #[test]
    fn an_actor_that_is_not_ascii_is_percent_encoded() {
        assert_eq!(actor_value("ada").unwrap(), "ada");
        assert_eq!(
            actor_value("Ada Lovelace <ada@charity.example>").unwrap(),
            "Ada Lovelace <ada@charity.example>"
        );
        assert_eq!(actor_value("Zoë 100%").unwrap(), "Zo%C3%AB 100%25");
        assert!(actor_value("  ").is_err());
    }

    #[test]
    fn a_server_without_a_scheme_means_http_and_tls_is_refused() {
        assert_eq!(server_url("127.0.0.1:7400").unwrap(), "http://127.0.0.1:7400");
        assert!(server_url("https://127.0.0.1:7400").is_err());
    }
}
