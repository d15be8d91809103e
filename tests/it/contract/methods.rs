//! The standard methods and the custom verbs: AIP-130 to 136, 164, 231.

use super::descriptor::{Offence, Resource, by_method, snake, type_name};
use super::{Contract, holds};
use prost_reflect::{MessageDescriptor, MethodDescriptor};

/// Whether the message has this field, of this type, and says this of it. A
/// list is written `[Model]`.
fn has(contract: &Contract, message: &MessageDescriptor, name: &str, kind: &str, behaviour: &str) -> bool {
    message.get_field_by_name(name).is_some_and(|field| {
        let found = if field.is_list() { format!("[{}]", type_name(&field)) } else { type_name(&field) };
        found == kind && (behaviour.is_empty() || contract.behaviours(&field) == [behaviour])
    })
}

fn has_parent(contract: &Contract, request: &MessageDescriptor, resource: &Resource) -> bool {
    let top = resource.patterns.iter().all(|pattern| pattern.matches('/').count() == 1);
    let reference = request.get_field_by_name("parent").and_then(|field| contract.reference(&field));
    let child = reference.is_some_and(|(which, kind)| which == "child_type" && kind == resource.kind);
    if top { request.get_field_by_name("parent").is_none() } else { child }
}

fn refers_to(contract: &Contract, request: &MessageDescriptor, kind: &str) -> bool {
    let field = request.get_field_by_name("name").filter(|field| contract.behaviours(field) == ["REQUIRED"]);
    field.and_then(|field| contract.reference(&field)).is_some_and(|(_, found)| found == kind)
}

/// Collects what is wrong with one method.
struct Check<'a> {
    method: &'a MethodDescriptor,
    offences: Vec<Offence>,
}

impl<'a> Check<'a> {
    fn new(method: &'a MethodDescriptor) -> Self {
        Self { method, offences: Vec::new() }
    }

    fn expect(&mut self, right: bool, rule: &str) {
        if !right {
            self.offences.push(by_method(self.method, rule));
        }
    }
}

/// Checks each method with a verb against the resource of its noun.
fn of_verb(
    contract: &Contract,
    verb: &str,
    rules: fn(&Contract, &mut Check<'_>, &MethodDescriptor, &Resource),
) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (method, noun) in contract.methods_with_verb(verb) {
        let mut check = Check::new(&method);
        match contract.resource_named(&noun) {
            Some(resource) => rules(contract, &mut check, &method, &resource),
            None => check.expect(false, &format!("`{noun}` is no resource")),
        }
        offences.extend(check.offences);
    }
    offences
}

#[test]
fn aip_130_requests_and_responses_are_named_after_their_method() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for method in contract.methods() {
            let mut check = Check::new(&method);
            let output = method.output().name().to_owned();
            check.expect(method.input().name() == format!("{}Request", method.name()), "request is misnamed");
            let own = output == format!("{}Response", method.name());
            check.expect(own || !output.ends_with("Response"), "response is misnamed");
            offences.extend(check.offences);
        }
        offences
    });
}

#[test]
fn aip_131_get_takes_a_name_and_returns_the_resource() {
    const EXCEPT: super::Exceptions = &[
        (
            "AuditService.GetAuditHead: `AuditHead` is no resource",
            "the head belongs to the log of a namespace and has no name of its own",
        ),
        (
            "CheckpointService.GetCheckpoint: `Checkpoint` is no resource",
            "it is made of the log of a namespace at the moment of asking",
        ),
        (
            "CheckpointService.GetInclusionProof: `InclusionProof` is no resource",
            "it is made of the log of a namespace at the moment of asking",
        ),
        (
            "CheckpointService.GetConsistencyProof: `ConsistencyProof` is no resource",
            "it is made of the log of a namespace at the moment of asking",
        ),
        (
            "CheckpointService.GetProofBundle: `ProofBundle` is no resource",
            "it is made of the log of a namespace at the moment of asking",
        ),
        (
            "AliasService.GetAliasHistory: `AliasHistory` is no resource",
            "history is a view of an alias that outlives it, not a resource",
        ),
        (
            "AliasService.GetAliasReadiness: `AliasReadiness` is no resource",
            "how ready an alias is follows from the alias and the moment of asking",
        ),
        (
            "ModelService.GetModelHealth: `ModelHealth` is no resource",
            "how a model stands follows from all that belongs to it and the moment of asking",
        ),
        (
            "ConsumerService.GetImpact: `Impact` is no resource",
            "whom an end reaches follows from all consumers and the moment of asking",
        ),
    ];
    holds(EXCEPT, |contract| {
        of_verb(contract, "Get", |contract, check, method, resource| {
            check.expect(
                refers_to(contract, &method.input(), &resource.kind),
                "needs `name`, REQUIRED, of the resource",
            );
            check.expect(method.output() == resource.message, "has to return the resource");
        })
    });
}

#[test]
fn aip_132_list_takes_parent_and_page_and_returns_the_plural() {
    const EXCEPT: super::Exceptions = &[
        (
            "AuditService.ListAuditEvents: `AuditEvents` is no resource",
            "events are leaves of a log, addressed by position and not by name",
        ),
        (
            "ModelService.ListModelHealth: `ModelHealth` is no resource",
            "a view of the models, computed when somebody asks",
        ),
        (
            "SubscriptionService.ListWebhookDeliveries: `WebhookDeliveries` is no resource",
            "the newest attempts are kept beside the log and have no names",
        ),
        (
            "MetricService.ListMetrics: `Metrics` is no resource",
            "what evaluations measured, gathered from their points when somebody asks",
        ),
    ];
    holds(EXCEPT, |contract| {
        of_verb(contract, "List", |contract, check, method, resource| {
            let (request, response) = (method.input(), method.output());
            let items = format!("[{}]", resource.message.name());
            check.expect(has_parent(contract, &request, resource), "needs `parent` with the child_type");
            check.expect(has(contract, &response, &resource.plural, &items, ""), "has to return the plural");
            for name in ["filter", "order_by"] {
                let absent = request.get_field_by_name(name).is_none();
                check.expect(
                    absent || has(contract, &request, name, "string", "OPTIONAL"),
                    &format!("`{name}` is misshapen"),
                );
            }
        })
    });
}

#[test]
fn aip_133_create_takes_parent_id_and_resource_and_returns_it() {
    const EXCEPT: super::Exceptions = &[
        (
            "VersionService.CreateVersion: needs `string version_id`, REQUIRED",
            "version numbers are consecutive and assigned by the server: no id to give",
        ),
        (
            "NamespaceService.CreateNamespace: needs `namespace`, REQUIRED",
            "an id alone makes a complete namespace, so the message is optional",
        ),
        (
            "ProposalService.CreateProposal: needs `string proposal_id`, REQUIRED",
            "nobody thinks of names for proposals: the server assigns one when it is empty",
        ),
    ];
    holds(EXCEPT, |contract| {
        of_verb(contract, "Create", |contract, check, method, resource| {
            let (request, noun) = (method.input(), snake(&resource.singular));
            check.expect(has_parent(contract, &request, resource), "needs `parent` with the child_type");
            let id = format!("{noun}_id");
            check.expect(
                has(contract, &request, &id, "string", "REQUIRED"),
                &format!("needs `string {id}`, REQUIRED"),
            );
            let body = has(contract, &request, &noun, resource.message.name(), "REQUIRED");
            check.expect(body, &format!("needs `{noun}`, REQUIRED"));
            check.expect(method.output() == resource.message, "has to return the resource");
        })
    });
}

#[test]
fn aip_134_update_takes_the_resource_and_a_mask_and_returns_it() {
    const EXCEPT: super::Exceptions = &[(
        "PolicyService.UpdatePolicy: has to return the resource",
        "a trial also tells whom the new rules would refuse",
    )];
    holds(EXCEPT, |contract| {
        of_verb(contract, "Update", |contract, check, method, resource| {
            let (request, noun) = (method.input(), snake(&resource.singular));
            let body = has(contract, &request, &noun, resource.message.name(), "REQUIRED");
            check.expect(body, &format!("needs `{noun}`, REQUIRED"));
            let mask = has(contract, &request, "update_mask", "google.protobuf.FieldMask", "OPTIONAL");
            check.expect(mask, "needs `update_mask`, OPTIONAL");
            check.expect(method.output() == resource.message, "has to return the resource");
        })
    });
}

#[test]
fn aip_135_delete_takes_a_name_and_an_etag_and_returns_empty_or_the_resource() {
    const POSITION: &str = "every mutation answers with its audit_position, which Empty cannot carry";
    const EXCEPT: super::Exceptions = &[
        ("AliasService.DeleteAlias: returns the wrong message", POSITION),
        ("ConsumerService.DeleteConsumer: returns the wrong message", POSITION),
        ("UpstreamService.DeleteUpstream: returns the wrong message", POSITION),
        ("SubscriptionService.DeleteSubscription: returns the wrong message", POSITION),
    ];
    holds(EXCEPT, |contract| {
        of_verb(contract, "Delete", |contract, check, method, resource| {
            let (request, output) = (method.input(), method.output());
            check.expect(
                refers_to(contract, &request, &resource.kind),
                "needs `name`, REQUIRED, of the resource",
            );
            check.expect(has(contract, &request, "etag", "string", "OPTIONAL"), "needs `etag`, OPTIONAL");
            let soft = resource.message.get_field_by_name("delete_time").is_some();
            let empty = output.full_name() == "google.protobuf.Empty";
            check.expect(if soft { output == resource.message } else { empty }, "returns the wrong message");
        })
    });
}

#[test]
fn aip_136_a_custom_method_is_a_verb_and_a_noun_and_says_what_it_acts_on() {
    const STANDARD: [&str; 5] = ["Get", "List", "Create", "Update", "Delete"];
    const PREPOSITIONS: [&str; 6] = ["For", "With", "From", "By", "In", "To"];
    holds(&[], |contract| {
        let mut offences = Vec::new();
        let mut methods = contract.methods();
        methods.retain(|method| !STANDARD.iter().any(|verb| method.name().starts_with(verb)));
        for method in methods {
            let mut check = Check::new(&method);
            let words: Vec<_> = snake(method.name()).split('_').map(str::to_owned).collect();
            let preposition =
                |word: &String| PREPOSITIONS.iter().any(|other| other.eq_ignore_ascii_case(word));
            check.expect(words.len() >= 2, "has to be a verb and a noun");
            check.expect(!words.iter().any(preposition), "has a preposition in its name");
            let first = method.input().get_field(1);
            let target = first.is_some_and(|field| {
                let whole = contract.resource_named(&type_name(&field)).is_some();
                contract.behaviours(&field) == ["REQUIRED"] && (whole || contract.reference(&field).is_some())
            });
            check.expect(
                target,
                "field 1 has to say what it acts on: a name with its reference, or the resource",
            );
            offences.extend(check.offences);
        }
        offences
    });
}

#[test]
fn aip_164_what_is_deleted_softly_can_be_undeleted_and_listed() {
    holds(&[], |contract| {
        let soft = |resource: &Resource| resource.message.get_field_by_name("delete_time").is_some();
        let mut offences = Vec::new();
        for resource in contract.resources().iter().filter(|resource| soft(resource)) {
            for (method, noun) in contract.methods_with_verb("Delete") {
                let mut check = Check::new(&method);
                if noun == resource.message.name() {
                    let methods = contract.methods();
                    let undelete = methods.iter().find(|other| other.name() == format!("Undelete{noun}"));
                    let returns = undelete.is_some_and(|other| other.output() == resource.message);
                    check.expect(returns, &format!("needs Undelete{noun} that returns the resource"));
                    let list = contract
                        .methods_with_verb("List")
                        .into_iter()
                        .find(|(_, of)| of.eq_ignore_ascii_case(&resource.plural));
                    let shows = list.is_some_and(|(list, _)| {
                        has(contract, &list.input(), "show_deleted", "bool", "OPTIONAL")
                    });
                    check.expect(shows, "the List beside it needs `bool show_deleted`");
                }
                offences.extend(check.offences);
            }
        }
        offences
    });
}

#[test]
fn aip_231_a_batch_takes_the_single_requests_and_answers_in_a_list() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for (method, plural) in contract.methods_with_verb("Batch") {
            let mut check = Check::new(&method);
            let single = contract.methods().into_iter().find(|other| plural == format!("{}s", other.name()));
            let requests = single.is_some_and(|single| {
                has(
                    contract,
                    &method.input(),
                    "requests",
                    &format!("[{}]", single.input().name()),
                    "REQUIRED",
                )
            });
            check.expect(requests, "needs `repeated requests` of the method it batches, REQUIRED");
            let list = method.output().get_field(1).is_some_and(|field| field.is_list());
            check.expect(list, "field 1 of the answer has to be a list");
            offences.extend(check.offences);
        }
        offences
    });
}

#[test]
fn every_change_answers_with_the_position_of_its_audit_event() {
    const POSITION: &str = "audit_position";
    holds(&[], |contract| {
        let told = |message: &MessageDescriptor| message.get_field_by_name(POSITION).is_some();
        let told_inside = |message: MessageDescriptor| {
            let mut inner = message.fields().filter_map(|field| super::descriptor::value_message(&field));
            told(&message) || inner.any(|inner| told(&inner))
        };
        contract
            .mutations()
            .iter()
            .filter(|method| !told_inside(method.output()))
            .map(|method| by_method(method, format!("its answer has no `{POSITION}`")))
            .collect()
    });
}

#[test]
fn every_get_of_a_resource_and_every_resolve_can_read_the_past() {
    const EXCEPT: super::Exceptions = &[(
        "PersonService.GetPerson: needs `read_time` and `read_position`",
        "the directory of persons has no past: otherwise nobody could be erased from it",
    )];
    holds(EXCEPT, |contract| {
        let mut reads = contract.methods_with_verb("Resolve");
        let gets = contract.methods_with_verb("Get");
        reads.extend(gets.into_iter().filter(|(_, noun)| contract.resource_named(noun).is_some()));
        let past = |method: &MethodDescriptor| {
            let input = method.input();
            has(contract, &input, "read_time", "google.protobuf.Timestamp", "")
                && has(contract, &input, "read_position", "uint64", "")
        };
        let blind = reads.iter().filter(|(method, _)| !past(method));
        blind.map(|(method, _)| by_method(method, "needs `read_time` and `read_position`")).collect()
    });
}
