//! Steps of the demo. Each looks first and changes only what is missing, and
//! says which of both it was.
//!
//! What may happen again after somebody has undone it gets a fresh request id:
//! under a fixed one the first answer would come back and nothing would change.

use std::collections::HashSet;

use serde_json::json;
use tonic::Code;

use crate::cli::{
    client::Session, environment::fresh_request_id, error::Failure, name, output::write,
    table::version_words, version_view::state_word,
};
use crate::proto::v1::{
    Alias, ApproveVersionRequest, BatchRecordEvaluationsRequest, CreateModelRequest, CreateVersionRequest,
    GetAliasRequest, GetModelRequest, ListEvaluationsRequest, ListVersionsRequest, Model,
    RecordEvaluationRequest, SetAliasRequest, SubmitVersionRequest, Version, VersionState,
};

/// The largest page: more than a demo ever needs.
const PAGE: i32 = 1_000;

/// Where the demo plays: a registry, seen by two people.
pub struct Stage<'a> {
    session: &'a Session,
    pub(super) author: Session,
    pub(super) reviewer: Session,
}

impl<'a> Stage<'a> {
    /// A stage on the registry of `session`.
    pub fn new(session: &'a Session, author: Session, reviewer: Session) -> Self {
        Stage { session, author, reviewer }
    }

    /// Registers a model, unless it exists.
    pub async fn model(&self, id: &str, purpose: &str, model: Model) -> Result<Model, Failure> {
        let name = name::model(self.author.namespace(), id)?;
        let get = GetModelRequest { name: name.clone(), read_at: None };
        let existing = self.author.call(get, async |r| self.author.models().get_model(r).await).await;
        if let Some(existing) = found(existing)? {
            if existing.delete_time.is_some() {
                return Err(Failure::Input(format!(
                    "The demo's model {id} is deleted here: undo that with `steward model undelete {id}`, or \
                     use another --namespace."
                )));
            }
            self.tell(false, &name, &format!("Model {id} exists already: it {purpose}."))?;
            return Ok(existing);
        }
        // Two demos at once send the same ids, and the second gets the first one's answer.
        let request_id = format!("steward-demo/{id}");
        let request = CreateModelRequest {
            parent: self.author.namespace().to_owned(),
            model_id: id.to_owned(),
            model: Some(model),
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.models().create_model(r).await;
        let model = self.author.change(&request_id, request, send).await?;
        self.tell(true, &name, &format!("Model {id} is registered: it {purpose}."))?;
        Ok(model)
    }

    /// Registers a version, unless one with its label exists.
    pub async fn version(&self, model: &str, version: Version) -> Result<Version, Failure> {
        let list = ListVersionsRequest {
            parent: model.to_owned(),
            page_size: PAGE,
            ..ListVersionsRequest::default()
        };
        let listed = self.author.call(list, async |r| self.author.versions().list_versions(r).await).await?;
        if let Some(existing) = listed.versions.into_iter().find(|v| v.label == version.label) {
            let words = version_words(&existing.name);
            self.tell(false, &existing.name, &format!("  {words} exists already ({}).", existing.label))?;
            return Ok(existing);
        }
        let request_id = format!("steward-demo/{}/{}", name::id(model), version.label);
        let request = CreateVersionRequest {
            parent: model.to_owned(),
            version: Some(version),
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.versions().create_version(r).await;
        let version = self.author.change(&request_id, request, send).await?;
        let words = version_words(&version.name);
        self.tell(true, &version.name, &format!("  {words} is registered ({}).", version.label))?;
        Ok(version)
    }

    /// Hands a draft in for review; any other version stays as it is.
    pub async fn submitted(&self, version: Version, reason: &str) -> Result<Version, Failure> {
        if version.state() != VersionState::Draft {
            return Ok(version);
        }
        let request_id = fresh_request_id();
        let request = SubmitVersionRequest {
            name: version.name,
            reason: reason.to_owned(),
            etag: version.etag,
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.lifecycle().submit_version(r).await;
        let version = self.author.change(&request_id, request, send).await?;
        self.tell_state(&version, reason)?;
        Ok(version)
    }

    /// Approves a candidate; any other version stays as it is.
    pub async fn approved(&self, version: Version, reason: &str) -> Result<Version, Failure> {
        if version.state() != VersionState::Candidate {
            return Ok(version);
        }
        let request_id = fresh_request_id();
        let request = ApproveVersionRequest {
            name: version.name,
            reason: reason.to_owned(),
            etag: version.etag,
            request_id: request_id.clone(),
            validate_only: false,
            ..Default::default()
        };
        let send = async |r| self.reviewer.lifecycle().approve_version(r).await;
        let version = self.reviewer.change(&request_id, request, send).await?;
        self.tell_state(&version, reason)?;
        Ok(version)
    }

    /// Points an alias to a version, unless the alias exists.
    pub async fn alias(&self, model: &str, id: &str, version: &Version, reason: &str) -> Result<(), Failure> {
        match self.existing_alias(model, id).await? {
            Some(alias) => {
                let words = version_words(&alias.version);
                self.tell(false, &alias.name, &format!("  Alias {id} exists already and points to {words}."))
            }
            None => self.set_alias(model, id, version, String::new(), reason).await,
        }
    }

    /// Moves an alias from one version to the next, as long as the old one is
    /// still APPROVED: later the alias is where somebody wanted it.
    pub async fn move_alias(
        &self,
        model: &str,
        id: &str,
        old: &Version,
        new: &Version,
        reason: &str,
    ) -> Result<(), Failure> {
        match self.existing_alias(model, id).await? {
            Some(alias) if alias.version == old.name && old.state() == VersionState::Approved => {
                self.set_alias(model, id, new, alias.etag, reason).await
            }
            _ => Ok(()),
        }
    }

    /// Records the evaluations whose ids do not exist yet, all at once.
    pub async fn evaluations(
        &self,
        version: &Version,
        what: &str,
        wanted: Vec<RecordEvaluationRequest>,
    ) -> Result<(), Failure> {
        let parent = version.name.clone();
        let list = ListEvaluationsRequest {
            parent: parent.clone(),
            page_size: PAGE,
            ..ListEvaluationsRequest::default()
        };
        let listed =
            self.author.call(list, async |r| self.author.evaluations().list_evaluations(r).await).await?;
        let existing: HashSet<String> = listed.evaluations.iter().map(|e| name::id(&e.name)).collect();
        let missing: Vec<RecordEvaluationRequest> = wanted
            .into_iter()
            .filter(|request| !existing.contains(&request.evaluation_id))
            .map(|request| RecordEvaluationRequest { parent: parent.clone(), ..request })
            .collect();
        let count = missing.len();
        if count == 0 {
            return self.tell(false, &parent, &format!("  Its evaluations exist already: {what}."));
        }
        let request_id = fresh_request_id();
        let request = BatchRecordEvaluationsRequest {
            parent: name::parent(&parent).to_owned(),
            requests: missing,
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.evaluations().batch_record_evaluations(r).await;
        self.author.change(&request_id, request, send).await?;
        let evaluations =
            if count == 1 { "1 evaluation is".to_owned() } else { format!("{count} evaluations are") };
        self.tell(true, &parent, &format!("  {evaluations} recorded for {}: {what}.", version_words(&parent)))
    }

    pub(super) async fn existing_alias(&self, model: &str, id: &str) -> Result<Option<Alias>, Failure> {
        let request = GetAliasRequest { name: format!("{model}/aliases/{id}"), read_at: None };
        found(self.author.call(request, async |r| self.author.aliases().get_alias(r).await).await)
    }

    async fn set_alias(
        &self,
        model: &str,
        id: &str,
        version: &Version,
        etag: String,
        reason: &str,
    ) -> Result<(), Failure> {
        let request_id = fresh_request_id();
        let request = SetAliasRequest {
            alias: Some(Alias {
                name: format!("{model}/aliases/{id}"),
                version: version.name.clone(),
                etag,
                ..Alias::default()
            }),
            reason: reason.to_owned(),
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.reviewer.aliases().set_alias(r).await;
        let alias = self.reviewer.change(&request_id, request, send).await?;
        let words = version_words(&alias.version);
        self.tell(true, &alias.name, &format!("  Alias {id} now points to {words} ({reason})."))
    }

    pub(super) fn tell_state(&self, version: &Version, reason: &str) -> Result<(), Failure> {
        let sentence =
            format!("  {} is now {} ({reason}).", version_words(&version.name), state_word(version));
        self.tell(true, &version.name, &sentence)
    }

    /// One step: a sentence for people, a JSON line for programs.
    pub(super) fn tell(&self, changed: bool, resource: &str, sentence: &str) -> Result<(), Failure> {
        if self.session.output().is_json() {
            let step = json!({"changed": changed, "resource": resource, "message": sentence.trim_start()});
            return write(&format!("{step}\n"));
        }
        self.session.output().say(&capitalised(sentence))
    }
}

/// An answer, or nothing where the server knows no such resource.
pub(super) fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Err(failure) if failure.code() == Some(Code::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The sentence with its first letter in upper case, behind any indentation.
fn capitalised(sentence: &str) -> String {
    let indent = sentence.len() - sentence.trim_start().len();
    let (blank, text) = sentence.split_at(indent);
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{blank}{first}{}", letters.as_str())
}
