//! The body of a request and what goes with it. Whatever the shape, who gets it can find the
//! event again: by position and log.

use super::WebhookShape;
use serde_json::json;

/// What is sent of an event.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What a receiver recognises a repeat by.
    pub webhook_id: &'a str,
    /// Where the webhook sends to.
    pub uri: &'a str,
    /// The log's identity.
    pub source: &'a str,
    /// The event's position.
    pub position: u64,
    /// Its CloudEvents type.
    pub kind: &'a str,
    /// The name of what changed.
    pub subject: &'a str,
    /// When it was committed, in RFC 3339.
    pub time: &'a str,
    /// The name of the retraining that a pipeline is started for.
    pub retraining: Option<&'a str>,
}

/// The content type of a shape.
pub fn content_type(shape: WebhookShape) -> &'static str {
    match shape {
        WebhookShape::CloudEvents => "application/cloudevents+json; charset=UTF-8",
        WebhookShape::GithubRepositoryDispatch | WebhookShape::AirflowDagRun => "application/json",
    }
}

/// What a receiver of a shape wants to be told that it accepts.
pub fn accept(shape: WebhookShape) -> Option<&'static str> {
    match shape {
        WebhookShape::GithubRepositoryDispatch => Some("application/vnd.github+json"),
        WebhookShape::CloudEvents | WebhookShape::AirflowDagRun => None,
    }
}

/// The body that a shape makes of an event; `None` where it is the event itself.
pub fn body(shape: WebhookShape, event: &Subject<'_>) -> Option<Vec<u8>> {
    let word = event.kind.rsplit('.').next().unwrap_or(event.kind);
    let mut essentials = json!({
        "webhook_id": event.webhook_id,
        "source": event.source,
        "position": event.position,
        "type": event.kind,
        "subject": event.subject,
        "time": event.time,
    });
    if let Some(retraining) = event.retraining {
        essentials["retraining"] = retraining.into();
    }
    let body = match shape {
        WebhookShape::CloudEvents => return None,
        WebhookShape::GithubRepositoryDispatch => {
            json!({ "event_type": format!("steward.{word}"), "client_payload": essentials })
        }
        WebhookShape::AirflowDagRun => {
            let mut run = json!({ "dag_run_id": event.webhook_id, "conf": essentials });
            // Version 2 of its interface wants to be told that there is no logical date.
            if event.uri.contains("/api/v2/") {
                run["logical_date"] = serde_json::Value::Null;
            }
            run
        }
    };
    Some(body.to_string().into_bytes())
}

/// The status that an answer amounts to: Airflow says 409 to a run that it has already, which
/// is what a repeat should come to.
pub fn status(shape: WebhookShape, status: u16) -> u16 {
    match (shape, status) {
        (WebhookShape::AirflowDagRun, 409) => 200,
        _ => status,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn subject(uri: &str) -> Subject<'_> {
        Subject {
            webhook_id: "evt_1",
            uri,
            source: "steward:logs/00",
            position: 7,
            kind: "steward.v1.MetricAlarmRaised",
            subject: "namespaces/default/models/m/versions/1/monitors/x",
            time: "2026-03-01T00:00:00Z",
            retraining: Some("namespaces/default/models/m/retrainings/trainer-7"),
        }
    }

    fn read(shape: WebhookShape, uri: &str) -> serde_json::Value {
        serde_json::from_slice(&body(shape, &subject(uri)).unwrap()).unwrap()
    }

    #[test]
    fn a_pipeline_learns_which_event_started_it() {
        let dispatch =
            read(WebhookShape::GithubRepositoryDispatch, "https://api.github.com/repos/o/r/dispatches");
        assert_eq!(dispatch["event_type"], "steward.MetricAlarmRaised");
        assert_eq!(dispatch["client_payload"]["position"], 7);
        assert!(dispatch["client_payload"].as_object().unwrap().len() <= 10, "GitHub takes no more");
        let run = read(WebhookShape::AirflowDagRun, "https://airflow.example/api/v1/dags/d/dagRuns");
        assert_eq!((run["dag_run_id"].as_str(), run.get("logical_date")), (Some("evt_1"), None));
        assert_eq!(run["conf"]["subject"], subject("").subject);
        assert_eq!(run["conf"]["retraining"], dispatch["client_payload"]["retraining"]);
        assert!(run["conf"]["retraining"].as_str().unwrap().ends_with("/retrainings/trainer-7"));
        let run = read(WebhookShape::AirflowDagRun, "https://airflow.example/api/v2/dags/d/dagRuns");
        assert_eq!(run.get("logical_date"), Some(&serde_json::Value::Null));
    }

    #[test]
    fn a_run_that_is_there_already_is_a_success() {
        assert_eq!(status(WebhookShape::AirflowDagRun, 409), 200);
        assert_eq!(status(WebhookShape::CloudEvents, 409), 409);
    }
}
