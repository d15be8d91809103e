//! What clients ask, and what each answer says of the registry.

use super::VERSIONS;
use crate::{
    ask::{Ask, delete_alias, deprecate, describe_model, reinstate, set_alias},
    replay::answers::head,
    support::{BEGIN, DAY, NAMESPACE, create_version, explain, model_name, version_name},
};
use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;
use steward_registry::proto::v1::{
    self, alias_service_client::AliasServiceClient, get_alias_request,
    model_service_client::ModelServiceClient, resolve_version_request::Selector,
    version_service_client::VersionServiceClient,
};
use tonic::{Code, Status, transport::Channel};

/// A resource and its state as a message; `None` where there is none.
pub type State = (String, Option<Bytes>);

/// One call.
#[derive(Clone, Debug)]
pub enum Request {
    CreateVersion,
    DescribeModel(u8),
    /// The alias, the version, and whether with the newest etag that this client knows.
    SetAlias(usize, u32, bool),
    DeleteAlias(usize),
    Deprecate(u32),
    Reinstate(u32),
    GetModel,
    GetVersion(u32),
    GetAlias(usize),
    /// As of the position that this client was told last.
    GetAliasThen(usize),
    Resolve(usize),
    ListVersions,
    ListAliases,
    Head,
}

/// What an answer says.
#[derive(Clone, Debug)]
pub enum Told {
    /// It was written here.
    Written(u64, State),
    /// So was this, over the state with this etag.
    Exchanged(String, u64, State),
    /// These stood so at one moment.
    Stood(Vec<State>),
    /// All below a collection's name were these.
    All(String, Vec<State>),
    /// This alias stood so behind the event at a position, which exists.
    StoodThen(u64, State),
    /// The resource was not as this etag says.
    NotAt(String, String),
    /// The log had this size and root.
    Head(u64, Vec<u8>),
    /// A refusal that says nothing of what is read here.
    Nothing,
}

const ALIASES: [&str; 2] = ["production", "canary"];

pub fn request() -> impl Strategy<Value = Request> {
    let alias = || 0..ALIASES.len();
    let version = || 1..=VERSIONS;
    prop_oneof![
        1 => Just(Request::CreateVersion),
        1 => any::<u8>().prop_map(Request::DescribeModel),
        4 => (alias(), version(), any::<bool>()).prop_map(|(a, v, etag)| Request::SetAlias(a, v, etag)),
        1 => alias().prop_map(Request::DeleteAlias),
        2 => version().prop_map(Request::Deprecate),
        2 => version().prop_map(Request::Reinstate),
        1 => Just(Request::GetModel),
        2 => version().prop_map(Request::GetVersion),
        3 => alias().prop_map(Request::GetAlias),
        2 => alias().prop_map(Request::GetAliasThen),
        4 => alias().prop_map(Request::Resolve),
        1 => Just(Request::ListVersions),
        2 => Just(Request::ListAliases),
        2 => Just(Request::Head),
    ]
}

/// One client, and what it remembers.
pub struct Client {
    channel: Channel,
    etags: [String; ALIASES.len()],
    position: u64,
}

fn alias_name(index: usize) -> String {
    format!("{}/aliases/{}", model_name("m"), ALIASES[index])
}

fn state<M: prost::Message>(name: &str, found: Result<tonic::Response<M>, Status>) -> (State, Option<M>) {
    match found {
        Ok(answer) => {
            let message = answer.into_inner();
            ((name.to_owned(), Some(message.encode_to_vec().into())), Some(message))
        }
        Err(status) if status.code() == Code::NotFound => ((name.to_owned(), None), None),
        Err(status) => panic!("{name}: {status:?}"),
    }
}

impl Client {
    pub fn new(channel: Channel) -> Self {
        Client { channel, etags: Default::default(), position: 0 }
    }

    pub async fn send(&mut self, request: &Request) -> Told {
        let told = match request {
            Request::CreateVersion => self.write::<v1::Version>(create_version("m").into()).await,
            Request::DescribeModel(n) => {
                self.write::<v1::Model>(describe_model("m", &n.to_string(), "")).await
            }
            Request::SetAlias(alias, version, with_etag) => {
                self.set_alias(*alias, *version, *with_etag).await
            }
            Request::DeleteAlias(alias) => self.delete_alias(*alias).await,
            Request::Deprecate(number) => {
                let ask = deprecate(&version_name("m", *number), "old", BEGIN + 400 * DAY);
                self.write::<v1::Version>(ask).await
            }
            Request::Reinstate(number) => {
                self.write::<v1::Version>(reinstate(&version_name("m", *number), "not yet")).await
            }
            Request::GetModel => {
                let name = model_name("m");
                let get = v1::GetModelRequest { name: name.clone(), read_at: None };
                let found = ModelServiceClient::new(self.channel.clone()).get_model(get).await;
                Told::Stood(vec![state(&name, found).0])
            }
            Request::GetVersion(number) => {
                let name = version_name("m", *number);
                let get = v1::GetVersionRequest { name: name.clone(), read_at: None };
                let found = VersionServiceClient::new(self.channel.clone()).get_version(get).await;
                Told::Stood(vec![state(&name, found).0])
            }
            Request::GetAlias(alias) => {
                let (found, message) = self.get_alias(*alias, None).await;
                if let Some(alias) = &message {
                    self.position = alias.audit_position;
                }
                self.etags[*alias] = message.map(|alias| alias.etag).unwrap_or_default();
                Told::Stood(vec![found])
            }
            Request::GetAliasThen(alias) => {
                Told::StoodThen(self.position, self.get_alias(*alias, Some(self.position)).await.0)
            }
            Request::Resolve(alias) => self.resolve(*alias).await,
            Request::ListVersions => self.list_versions().await,
            Request::ListAliases => self.list_aliases().await,
            Request::Head => {
                let head = head(&self.channel, NAMESPACE).await;
                self.position = head.size - 1;
                Told::Head(head.size, head.root_hash)
            }
        };
        if let Told::Written(position, _) | Told::Exchanged(_, position, _) = told {
            self.position = position;
        }
        told
    }

    async fn write<M: prost::Message + Default + Resource>(&self, ask: Ask) -> Told {
        match ask.send(&self.channel).await {
            Ok(bytes) => {
                let (name, position) = M::decode(bytes.as_slice()).unwrap().place();
                Told::Written(position, (name, Some(bytes.into())))
            }
            Err(status) => {
                assert_eq!(status.code(), Code::FailedPrecondition, "{ask:?}: {status:?}");
                Told::Nothing
            }
        }
    }

    async fn set_alias(&mut self, alias: usize, version: u32, with_etag: bool) -> Told {
        let etag = if with_etag { self.etags[alias].clone() } else { String::new() };
        let ask = set_alias("m", ALIASES[alias], version, &etag);
        match ask.send(&self.channel).await {
            Ok(bytes) => {
                let message = v1::Alias::decode(bytes.as_slice()).unwrap();
                self.etags[alias].clone_from(&message.etag);
                let state = (message.name, Some(bytes.into()));
                match with_etag && !etag.is_empty() {
                    true => Told::Exchanged(etag, message.audit_position, state),
                    false => Told::Written(message.audit_position, state),
                }
            }
            Err(status) => match explain(&status).0 {
                Code::Aborted => Told::NotAt(alias_name(alias), etag),
                Code::NotFound => Told::Stood(vec![(alias_name(alias), None)]),
                Code::FailedPrecondition => Told::Nothing,
                _ => panic!("{ask:?}: {status:?}"),
            },
        }
    }

    async fn delete_alias(&mut self, alias: usize) -> Told {
        let gone = (alias_name(alias), None);
        match delete_alias(&gone.0, "not wanted").send(&self.channel).await {
            Ok(bytes) => {
                let answer = v1::DeleteAliasResponse::decode(bytes.as_slice()).unwrap();
                Told::Written(answer.audit_position, gone)
            }
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                Told::Stood(vec![gone])
            }
        }
    }

    async fn get_alias(&self, alias: usize, then: Option<u64>) -> (State, Option<v1::Alias>) {
        let name = alias_name(alias);
        let read_at = then.map(get_alias_request::ReadAt::ReadPosition);
        let get = v1::GetAliasRequest { name: name.clone(), read_at };
        state(&name, AliasServiceClient::new(self.channel.clone()).get_alias(get).await)
    }

    /// The version, and the pointer to it, stood so at one moment.
    async fn resolve(&self, alias: usize) -> Told {
        let selector = Some(Selector::Alias(ALIASES[alias].to_owned()));
        let resolve = v1::ResolveVersionRequest { model: model_name("m"), selector, ..Default::default() };
        match VersionServiceClient::new(self.channel.clone()).resolve_version(resolve).await {
            Ok(answer) => {
                let version = answer.into_inner().version.unwrap();
                Told::Stood(vec![
                    (alias_name(alias), Some(version.name.clone().into())),
                    (version.name.clone(), Some(version.encode_to_vec().into())),
                ])
            }
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                Told::Stood(vec![(alias_name(alias), None)])
            }
        }
    }

    async fn list_versions(&self) -> Told {
        let list =
            v1::ListVersionsRequest { parent: model_name("m"), page_size: 1_000, ..Default::default() };
        let page = VersionServiceClient::new(self.channel.clone()).list_versions(list).await.unwrap();
        let state = |version: v1::Version| (version.name.clone(), Some(version.encode_to_vec().into()));
        let all = page.into_inner().versions.into_iter().map(state).collect();
        Told::All(format!("{}/versions/", model_name("m")), all)
    }

    async fn list_aliases(&self) -> Told {
        let list = v1::ListAliasesRequest { parent: model_name("m"), ..Default::default() };
        let page = AliasServiceClient::new(self.channel.clone()).list_aliases(list).await.unwrap();
        let state = |alias: v1::Alias| (alias.name.clone(), Some(alias.encode_to_vec().into()));
        let all = page.into_inner().aliases.into_iter().map(state).collect();
        Told::All(format!("{}/aliases/", model_name("m")), all)
    }
}

/// Where an answer to a write says that it stands.
trait Resource {
    fn place(self) -> (String, u64);
}

impl Resource for v1::Version {
    fn place(self) -> (String, u64) {
        (self.name, self.audit_position)
    }
}

impl Resource for v1::Model {
    fn place(self) -> (String, u64) {
        (self.name, self.audit_position)
    }
}
