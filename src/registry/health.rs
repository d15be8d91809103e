//! Use cases of a model's health.

use super::{
    Registry,
    call::Stored,
    error::Error,
    facts, monitor,
    page::{Listing, Page, PageRequest},
    rollback,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        alias::Alias,
        health::{ModelHealth, Situation, look},
        lifecycle::VersionState,
        model::Model,
        name::{ModelName, NamespaceId},
        proposal::{Proposal, ProposalState},
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use bytes::Bytes;

/// Proposals and versions of a model that are looked through.
const MOST_LOOKED_AT: usize = 1_000;

impl Registry {
    /// How a model is.
    pub async fn model_health(&self, name: &ModelName) -> Result<ModelHealth, Error> {
        let log = self.log(&name.namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let model = view.get::<Model>(name).await?.value;
        health(&mut view, &model, self.0.environment.clock.now()).await
    }

    /// How the models of a namespace are, by id.
    pub async fn list_model_health(
        &self,
        namespace: &NamespaceId,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<ModelHealth>, Error> {
        let request = PageRequest::new(page_size, page_token, &("model health", namespace))?;
        let log = self.log(namespace).await?;
        let read = |_: &[u8], state: &Bytes| {
            let model: Stored<Model> = read_record(state)?;
            Ok(model.value.delete_time.is_none().then_some(model.value))
        };
        let listing = Listing { range: keys::models(namespace), reverse: false, follow: None, read: &read };
        let page = self.page(namespace, listing, &request).await?;
        let now = self.0.environment.clock.now();
        let mut view = View::outside(&self.0.store, &log.namespace);
        let mut items = Vec::with_capacity(page.items.len());
        for model in &page.items {
            items.push(health(&mut view, model, now).await?);
        }
        Ok(Page { items, next_page_token: page.next_page_token })
    }
}

async fn health(view: &mut View<'_>, model: &Model, now: Timestamp) -> Result<ModelHealth, Error> {
    let policy = facts::policy(view, model).await?;
    let alias = view.find::<Alias>(&facts::production_alias(&model.name)?).await?.map(|found| found.value);
    let (mut production, mut readiness, mut newest_evidence) = (None, None, None);
    if let Some(alias) = &alias {
        production = Some(view.get::<Version>(&alias.version).await?.value);
        readiness = Some(rollback::readiness(view, alias, now).await?);
        newest_evidence = facts::newest_evidence(view, &alias.version).await?;
    }
    let raised = match &alias {
        Some(alias) => monitor::raised(view, &alias.version).await?,
        None => Vec::new(),
    };
    let proposals = view.scan(keys::proposals_of_model(&model.name), MOST_LOOKED_AT).await?;
    // Only states are looked at, which name nobody.
    let is_open = |record: &Bytes| {
        read_record::<Proposal>(record).is_ok_and(|read| read.value.state == ProposalState::Open)
    };
    let versions = view.scan_back(keys::versions(&model.name), MOST_LOOKED_AT).await?;
    let waits = |record: &Bytes| {
        read_record::<Version>(record).is_ok_and(|read| read.value.state == VersionState::Candidate)
    };
    let situation = Situation {
        model,
        policy: &policy.content,
        production: production.as_ref(),
        readiness: readiness.as_ref(),
        newest_evidence,
        raised: &raised,
        open_proposals: proposals.iter().filter(|(_, record)| is_open(record)).count(),
        candidates: versions.iter().filter(|(_, record)| waits(record)).count(),
    };
    Ok(look(&situation, now))
}
