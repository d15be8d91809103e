//! `steward healthcheck`: is the server ready? Made for containers and monitors.

use std::time::Duration;

use clap::Args;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{client::Session, error::Failure, output::write_value};

/// Longer than this a healthy server never takes.
const LIMIT: Duration = Duration::from_secs(2);

/// Arguments of `steward healthcheck`.
#[derive(Args, Debug)]
pub struct HealthArgs {
    /// One service, such as `steward.v1.VersionService`; the whole server when absent
    #[arg(long, value_name = "SERVICE", default_value = "", hide_default_value = true)]
    service: String,
}

/// Carries out the command. Anything but SERVING within two seconds is a failure.
pub async fn run(session: &Session, args: HealthArgs) -> Result<(), Failure> {
    let mut client = HealthClient::new(session.channel());
    let request = HealthCheckRequest { service: args.service.clone() };
    let answer = match tokio::time::timeout(LIMIT, client.check(request)).await {
        Err(_) => return Err(session.failure(Status::deadline_exceeded(""))),
        Ok(Err(status)) if status.code() == Code::NotFound => {
            return Err(Failure::NotServing(format!("The server has no service {}.", args.service)));
        }
        Ok(answer) => answer.map_err(|status| session.failure(status))?,
    };
    match answer.into_inner().status() {
        ServingStatus::Serving if session.output().is_json() => {
            write_value(&serde_json::json!({"status": "SERVING"}))
        }
        ServingStatus::Serving => session.output().say("The server is ready (SERVING)."),
        other => Err(Failure::NotServing(format!("The server is not ready ({}).", other.as_str_name()))),
    }
}
