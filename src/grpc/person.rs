//! PersonService.

use super::{answer, decision, field::Fields, identity, namespace::read_parent};
use crate::{
    domain::{
        name::{NamespaceId, PersonName},
        person::Pseudonym,
    },
    proto::v1::{self, person_service_server::PersonService},
    registry::{
        Registry,
        call::Stored,
        person::{KnownPerson, ListPersons},
    },
};
use tonic::{Request, Response, Status};

/// Answers PersonService.
pub struct Persons(pub Registry);

/// Most characters of a text that names somebody: an address.
const MAX_TEXT: usize = 320;

#[tonic::async_trait]
impl PersonService for Persons {
    async fn get_person(
        &self,
        request: Request<v1::GetPersonRequest>,
    ) -> Result<Response<v1::Person>, Status> {
        let mut fields = Fields::new();
        let name = fields.name::<PersonName>("name", &request.into_inner().name);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_person(&name).await?, false)))
    }

    async fn list_persons(
        &self,
        request: Request<v1::ListPersonsRequest>,
    ) -> Result<Response<v1::ListPersonsResponse>, Status> {
        let v1::ListPersonsRequest { parent, text, show_secrets, page_size, page_token } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        if text.chars().count() > MAX_TEXT {
            fields.refuse("text", format!("has more than {MAX_TEXT} characters; nobody is called so"));
        }
        let namespace = fields.all(namespace)?;
        let page = self.0.list_persons(&namespace, &ListPersons { text }, page_size, &page_token).await?;
        let secret = if show_secrets { self.secret(&namespace).await? } else { Vec::new() };
        Ok(answer(v1::ListPersonsResponse {
            persons: page.items.into_iter().map(|person| write(person, show_secrets)).collect(),
            next_page_token: page.next_page_token,
            secret,
        }))
    }

    async fn erase_person(
        &self,
        request: Request<v1::ErasePersonRequest>,
    ) -> Result<Response<v1::Person>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::ErasePersonRequest { name, reason, etag, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.erase_person(name, call).await?, false)))
    }
}

impl Persons {
    async fn secret(&self, namespace: &NamespaceId) -> Result<Vec<u8>, Status> {
        Ok(self.0.secret(namespace).await?.map(Vec::from).unwrap_or_default())
    }
}

fn write(stored: Stored<KnownPerson>, show_salt: bool) -> v1::Person {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let KnownPerson { name, known, erasure } = stored.value;
    let pseudonym: Pseudonym = name.person;
    let (text, salt) = known.map(|known| (known.text, known.salt)).unwrap_or_default();
    v1::Person {
        name: name.to_string(),
        pseudonym: pseudonym.to_string(),
        text,
        salt: if show_salt { salt.to_vec() } else { Vec::new() },
        erasure: erasure.map(decision::write),
        etag,
        audit_position,
    }
}
