//! VersionService.

use super::{
    answer, decision,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        lifecycle::VersionState,
        name::{AliasId, ConsumerId, ModelName, VersionLabel, VersionNumber},
        version::{
            Artifact, DatasetReference, Source, UpstreamReference, Version, VersionContent,
            dimension::Dimension,
        },
    },
    proto::v1::{self, version_service_server::VersionService},
    registry::{
        Registry,
        call::Stored,
        version::{ListVersions, Resolved, Selector},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::{Request, Response, Status};

/// Answers VersionService.
pub struct Versions(pub Registry);

#[tonic::async_trait]
impl VersionService for Versions {
    async fn create_version(
        &self,
        request: Request<v1::CreateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreateVersionRequest { parent, version, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let content = fields
            .required("version", version)
            .map(|version| read_content(&mut fields, version))
            .and_then(|content| fields.valid("version", content));
        let call = fields.call(caller, &request_id, "", "", validate_only);
        let ((model, content), call) = fields.all(model.zip(content).zip(call))?;
        Ok(answer(write(self.0.create_version(model, content, call).await?)))
    }

    async fn get_version(
        &self,
        request: Request<v1::GetVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let v1::GetVersionRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_version(&name, at).await?)))
    }

    async fn list_versions(
        &self,
        request: Request<v1::ListVersionsRequest>,
    ) -> Result<Response<v1::ListVersionsResponse>, Status> {
        let v1::ListVersionsRequest { parent, page_size, page_token, filter, order_by } =
            request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let (_, descending) = field::order_by(&mut fields, &order_by, &["number"]);
        let model = fields.all(model)?;
        let query = ListVersions { filter, descending };
        let page = self.0.list_versions(&model, &query, page_size, &page_token).await?;
        Ok(answer(v1::ListVersionsResponse {
            versions: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_version(
        &self,
        request: Request<v1::UpdateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdateVersionRequest { version, update_mask, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let version = fields.required("version", version).unwrap_or_default();
        let name = fields.name("version.name", &version.name);
        let call = fields.call(caller, &request_id, "", &version.etag, validate_only);
        let content = read_content(&mut fields, version);
        let (name, call) = fields.all(name.zip(call))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(answer(write(self.0.update_version(name, content, mask, call).await?)))
    }

    async fn resolve_version(
        &self,
        request: Request<v1::ResolveVersionRequest>,
    ) -> Result<Response<v1::ResolveVersionResponse>, Status> {
        let v1::ResolveVersionRequest { model, consumer, selector, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("model", &model);
        let consumer = match consumer.is_empty() {
            true => None,
            false => fields.take("consumer", ConsumerId::new(&consumer)),
        };
        let selector = read_selector(&mut fields, selector);
        let at = fields.read_at(read_at);
        let (model, selector) = fields.all(model.zip(selector))?;
        let Resolved { version, alias, warnings } =
            self.0.resolve_version(&model, &selector, consumer.as_ref(), at).await?;
        let warning = |warning: crate::domain::resolve::Warning| v1::Warning {
            code: warning.code.to_owned(),
            message: warning.message,
        };
        let headers = sunset_headers(&version.value);
        let mut response = answer(v1::ResolveVersionResponse {
            version: Some(write(version)),
            alias: alias.map(|name| name.to_string()).unwrap_or_default(),
            warnings: warnings.into_iter().map(warning).collect(),
        });
        response.metadata_mut().as_mut().extend(headers);
        Ok(response)
    }
}

/// `deprecation` (RFC 9745), `sunset` (RFC 8594) and `link` of a version that ends, so
/// that a gateway can pass them on without reading the answer.
fn sunset_headers(version: &Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(deprecation) = &version.deprecation else { return headers };
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let (since, _) = deprecation.decision.time.parts();
    set("deprecation", format!("@{since}"));
    let sunset = version.effective_sunset().unwrap_or(deprecation.sunset_time);
    if let Some(date) = sunset.http_date() {
        set("sunset", date);
    }
    if let Some(replacement) = deprecation.replacement() {
        set("link", format!("<{replacement}>; rel=\"successor-version\""));
    }
    headers
}

fn read_selector(
    fields: &mut Fields,
    selector: Option<v1::resolve_version_request::Selector>,
) -> Option<Selector> {
    use v1::resolve_version_request::Selector as Wire;
    match selector {
        Some(Wire::Alias(alias)) => fields.take("alias", AliasId::new(&alias)).map(Selector::Alias),
        Some(Wire::Number(number)) => fields.take("number", VersionNumber::new(number)).map(Selector::Number),
        Some(Wire::Label(label)) => fields.take("label", VersionLabel::new(&label)).map(Selector::Label),
        None => {
            fields.refuse("selector", "is required: give an alias, a number or a label");
            None
        }
    }
}

fn read_content(fields: &mut Fields, version: v1::Version) -> VersionContent {
    let v1::Version {
        name: _,
        label,
        description,
        artifacts,
        upstream,
        sources,
        properties,
        labels,
        dimensions,
        state: _,
        content_digest: _,
        submission: _,
        review: _,
        deprecation: _,
        retirement: _,
        archival: _,
        create_time: _,
        update_time: _,
        etag: _,
        audit_position: _,
        effective_sunset_time: _,
        not_sooner_than_time: _,
        upstream_end: _,
        restoration: _,
        hold: _,
        reinstatement: _,
        release: _,
        open_incidents: _,
    } = version;
    let artifact = |v1::Artifact { uri, digest, size_bytes, media_type }| Artifact {
        uri,
        digest,
        size_bytes,
        media_type,
    };
    let reference = |v1::UpstreamReference { provider, model_id, channel, region }| UpstreamReference {
        provider,
        model_id,
        channel,
        region,
    };
    fields.within("version", |fields| VersionContent {
        label,
        description,
        artifacts: artifacts.into_iter().map(artifact).collect(),
        upstream: upstream.map(reference),
        sources: read_sources(fields, sources),
        properties: fields.properties(properties),
        labels,
        dimensions: dimensions.into_iter().map(|(key, one)| (key, Dimension { codes: one.codes })).collect(),
    })
}

/// Reads all sources. Where one cannot be read, the others are judged here under
/// their own indices, and none goes on: it would stand in the place of another.
fn read_sources(fields: &mut Fields, sources: Vec<v1::Source>) -> Vec<Source> {
    let path = |index| format!("sources[{index}]");
    let read = |(index, source)| fields.within(&path(index), |fields| read_source(fields, source));
    let read: Vec<Option<Source>> = sources.into_iter().enumerate().map(read).collect();
    if read.iter().all(Option::is_some) {
        return read.into_iter().flatten().collect();
    }
    for (index, source) in read.into_iter().enumerate() {
        source.and_then(|source| fields.valid(&path(index), source));
    }
    Vec::new()
}

fn read_source(fields: &mut Fields, source: v1::Source) -> Option<Source> {
    use v1::source::Kind;
    match source.kind {
        Some(Kind::Dataset(dataset)) => Some(Source::Dataset(read_dataset(dataset))),
        Some(Kind::RunUri(uri)) => Some(Source::RunUri(uri)),
        Some(Kind::ParentVersion(name)) => fields.name("parent_version", &name).map(Source::ParentVersion),
        None => {
            fields.refuse("", "is empty; give a dataset, a run_uri or a parent_version");
            None
        }
    }
}

/// A data set by reference, which evaluations have too.
pub fn read_dataset(dataset: v1::DatasetReference) -> DatasetReference {
    let v1::DatasetReference { uri, digest, row_count } = dataset;
    DatasetReference { uri, digest, row_count }
}

/// The reverse.
pub fn write_dataset(dataset: DatasetReference) -> v1::DatasetReference {
    let DatasetReference { uri, digest, row_count } = dataset;
    v1::DatasetReference { uri, digest, row_count }
}

fn write_source(source: Source) -> v1::Source {
    use v1::source::Kind;
    let kind = match source {
        Source::Dataset(dataset) => Kind::Dataset(write_dataset(dataset)),
        Source::RunUri(uri) => Kind::RunUri(uri),
        Source::ParentVersion(name) => Kind::ParentVersion(name.to_string()),
    };
    v1::Source { kind: Some(kind) }
}

fn write_dimension((key, dimension): (String, Dimension)) -> (String, v1::Dimension) {
    (key, v1::Dimension { codes: dimension.codes })
}

fn write_state(state: VersionState) -> v1::VersionState {
    match state {
        VersionState::Draft => v1::VersionState::Draft,
        VersionState::Candidate => v1::VersionState::Candidate,
        VersionState::Approved => v1::VersionState::Approved,
        VersionState::Deprecated => v1::VersionState::Deprecated,
        VersionState::Retired => v1::VersionState::Retired,
        VersionState::Rejected => v1::VersionState::Rejected,
        VersionState::Archived => v1::VersionState::Archived,
    }
}

/// A version on the wire; LifecycleService answers with it too.
pub fn write(stored: Stored<Version>) -> v1::Version {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let version = stored.value;
    let effective_sunset_time = version.effective_sunset().map(field::time);
    let content = version.content;
    let artifact = |Artifact { uri, digest, size_bytes, media_type }| v1::Artifact {
        uri,
        digest,
        size_bytes,
        media_type,
    };
    let reference = |UpstreamReference { provider, model_id, channel, region }| v1::UpstreamReference {
        provider,
        model_id,
        channel,
        region,
    };
    v1::Version {
        name: version.name.to_string(),
        label: content.label,
        description: content.description,
        artifacts: content.artifacts.into_iter().map(artifact).collect(),
        upstream: content.upstream.map(reference),
        sources: content.sources.into_iter().map(write_source).collect(),
        properties: field::properties(content.properties),
        labels: content.labels,
        dimensions: content.dimensions.into_iter().map(write_dimension).collect(),
        state: write_state(version.state).into(),
        content_digest: version.content_digest,
        submission: version.submission.map(decision::write),
        review: version.review.map(decision::write),
        deprecation: version.deprecation.map(decision::write_deprecation),
        retirement: version.retirement.map(decision::write_retirement),
        restoration: version.restoration.map(decision::write_restoration),
        hold: version.hold.map(decision::write_hold),
        reinstatement: version.reinstatement.map(decision::write),
        release: version.release.map(decision::write),
        archival: version.archival.map(decision::write),
        effective_sunset_time,
        not_sooner_than_time: version.not_sooner_than.map(field::time),
        upstream_end: version.upstream_end.map(decision::write_upstream_end),
        open_incidents: version.open_incidents.iter().map(ToString::to_string).collect(),
        create_time: Some(field::time(version.create_time)),
        update_time: Some(field::time(version.update_time)),
        etag,
        audit_position,
    }
}
