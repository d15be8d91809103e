//! Use cases of evaluations.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts,
    monitor::Watch,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::{Valid, Violations},
        evaluation::{Evaluation, EvaluationContent},
        event::{Event, EventType},
        model::Model,
        name::{EvaluationId, EvaluationName, ModelName, VersionName},
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeSet;

/// Most evaluations in one batch.
pub const MOST_IN_BATCH: usize = 1_000;

/// An evaluation to record.
#[derive(Clone, Debug, Serialize)]
pub struct NewEvaluation {
    /// The version that was measured.
    pub version: VersionName,
    /// The caller's id, if any.
    pub id: Option<EvaluationId>,
    /// What was measured.
    pub content: Valid<EvaluationContent>,
}

#[derive(Serialize)]
struct RecordEvaluations {
    /// `None` for a single evaluation.
    batch_of: Option<ModelName>,
    evaluations: Vec<NewEvaluation>,
    /// Ids for those without; drawn for each attempt, so not part of what is asked for.
    #[serde(skip)]
    drawn: Vec<EvaluationId>,
}

impl RecordEvaluations {
    /// The path of a field of one evaluation.
    fn path(&self, index: usize, field: &str) -> String {
        match self.batch_of {
            Some(_) => format!("requests[{index}].{field}"),
            None => field.to_owned(),
        }
    }
}

#[async_trait]
impl Mutation for RecordEvaluations {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let mut events = Vec::with_capacity(self.evaluations.len());
        let mut watch = Watch::default();
        let mut seen = BTreeSet::new();
        let mut refusals = Vec::new();
        // All are of one model.
        let mut least = None;
        for (index, new) in self.evaluations.iter().enumerate() {
            let id = new.id.as_ref().unwrap_or(&self.drawn[index]);
            let name = EvaluationName { version: new.version.clone(), evaluation: id.clone() };
            if !seen.insert(name.clone()) {
                let sentence = format!("{id} stands here a second time");
                return Err(Error::field(&self.path(index, "evaluation_id"), sentence));
            }
            let model = view.get::<Model>(&new.version.model).await?.value;
            model.require_alive()?;
            let least = match least {
                Some(least) => least,
                None => *least.insert(facts::policy(view, &model).await?.content.minimum_cell_count.0),
            };
            let version = view.get::<Version>(&new.version).await?.value;
            if view.record(&name.clone().into()).await?.is_some() {
                return Err(Error::exists(name, "; evaluations never change: record a new one"));
            }
            let content = new.content.clone().into_inner();
            match Evaluation::record(name, content, &version, least, call.caller.actor.clone(), now) {
                Ok(evaluation) => {
                    watch.observe(view, &version, &evaluation, now).await?;
                    events.push(Event::set(EventType::EvaluationRecorded, evaluation));
                }
                // Many evaluations of one version are refused for one reason.
                Err(more) if refusals.ends_with(&more) => {}
                Err(more) => refusals.extend(more),
            }
        }
        if !refusals.is_empty() {
            return Err(Error::Refused(refusals));
        }
        events.extend(watch.events(view, now).await?);
        Ok(events)
    }

    fn field(&self, event: u32) -> String {
        // Behind the evaluations come the events of what watches them.
        let last = self.evaluations.len().saturating_sub(1);
        self.path((event as usize).min(last), "evaluation")
    }

    fn collection(&self) -> &str {
        if self.batch_of.is_some() { "requests" } else { "evaluation" }
    }
}

/// Which evaluations are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListEvaluations {
    /// Windows that end at this time or later.
    pub start_time: Option<Timestamp>,
    /// Windows that end before this time.
    pub end_time: Option<Timestamp>,
    /// With a point of this metric; empty means any.
    pub metric: String,
    /// The latest window first.
    pub descending: bool,
}

impl Registry {
    /// Records an evaluation.
    pub async fn record_evaluation(
        &self,
        new: NewEvaluation,
        call: Call,
    ) -> Result<Stored<Evaluation>, Error> {
        let namespace = new.version.model.namespace.clone();
        let mutation = RecordEvaluations { batch_of: None, drawn: self.draw_ids(1)?, evaluations: vec![new] };
        self.mutate(&namespace, "RecordEvaluation", mutation, call).await?.resource()
    }

    /// Records evaluations of one model, all or none.
    pub async fn batch_record_evaluations(
        &self,
        model: ModelName,
        evaluations: Vec<NewEvaluation>,
        call: Call,
    ) -> Result<Vec<Stored<Evaluation>>, Error> {
        let mut violations = Violations::new();
        if evaluations.is_empty() {
            violations.add("requests", "is required: give at least one evaluation");
        }
        violations.at_most("requests", evaluations.len(), MOST_IN_BATCH);
        for (index, new) in evaluations.iter().enumerate() {
            if new.version.model != model {
                let sentence = format!("{} is not a version of {model}", new.version);
                violations.add(&format!("requests[{index}].parent"), sentence);
            }
        }
        violations.into_result()?;
        let namespace = model.namespace.clone();
        let drawn = self.draw_ids(evaluations.len())?;
        let mutation = RecordEvaluations { batch_of: Some(model), drawn, evaluations };
        Ok(self.mutate(&namespace, "BatchRecordEvaluations", mutation, call).await?.resources())
    }

    fn draw_ids(&self, count: usize) -> Result<Vec<EvaluationId>, Error> {
        let draw = |_| {
            let bytes = self.0.environment.entropy.draw();
            let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
            EvaluationId::new(&uuid.to_string()).map_err(|error| Error::Internal(error.0))
        };
        (0..count).map(draw).collect()
    }

    /// Reads an evaluation.
    pub async fn get_evaluation(
        &self,
        name: &EvaluationName,
        at: ReadAt,
    ) -> Result<Stored<Evaluation>, Error> {
        self.get(name, at).await
    }

    /// Lists the evaluations of a version by the end of their windows.
    pub async fn list_evaluations(
        &self,
        version: &VersionName,
        query: &ListEvaluations,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Evaluation>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("evaluations", version, query))?;
        self.get_version(version, ReadAt::Present).await?;
        let namespace = &version.model.namespace;
        let follow = |key: &[u8]| keys::evaluation_of_index(version, key);
        let read = |_: &[u8], state: &Bytes| {
            let evaluation: Stored<Evaluation> = read_record(state)?;
            let wanted = query.metric.is_empty() || evaluation.value.measures(&query.metric);
            Ok(wanted.then_some(evaluation))
        };
        let range = keys::evaluations_by_window(version, query.start_time, query.end_time);
        let listing = Listing { range, reverse: query.descending, follow: Some(&follow), read: &read };
        self.page(namespace, listing, &request).await
    }
}
