//! What messages share: AIP-126, 154, 155, 158, 160, 163, 192, 203, 216.

use super::descriptor::{by_field, by_message, by_method, by_place, comment, snake, type_name};
use super::{Contract, holds};
use prost_reflect::{MessageDescriptor, MethodDescriptor};

/// Offences of the mutations whose request lacks an optional field.
fn mutations_without(contract: &Contract, name: &str, kind: &str) -> Vec<super::Offence> {
    let right = |method: &MethodDescriptor| {
        let field = method.input().get_field_by_name(name);
        field.is_some_and(|field| type_name(&field) == kind && contract.behaviours(&field) == ["OPTIONAL"])
    };
    let wrong = contract.mutations();
    let wrong = wrong.iter().filter(|method| !right(method));
    wrong.map(|method| by_method(method, format!("its request needs `{kind} {name}`, OPTIONAL"))).collect()
}

#[test]
fn aip_126_every_enum_begins_with_unspecified_and_prefixes_its_values() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for list in contract.enums() {
            let prefix = snake(list.name()).to_uppercase();
            let zero = list.get_value(0).map(|value| value.name().to_owned()).unwrap_or_default();
            if zero != format!("{prefix}_UNSPECIFIED") {
                offences.push(by_place(&list.parent_file(), list.name(), format!("value 0 is `{zero}`")));
            }
            for value in list.values().filter(|value| !value.name().starts_with(&format!("{prefix}_"))) {
                offences.push(by_place(
                    &list.parent_file(),
                    value.name(),
                    format!("has to begin with `{prefix}_`"),
                ));
            }
        }
        offences
    });
}

#[test]
fn aip_154_every_resource_has_an_etag_and_every_change_of_one_can_give_it() {
    const EXCEPT: super::Exceptions = &[];
    holds(EXCEPT, |contract| {
        let mut offences = Vec::new();
        let has_etag = |message: &MessageDescriptor| {
            message.get_field_by_name("etag").is_some_and(|field| type_name(&field) == "string")
        };
        for resource in contract.resources().iter().filter(|resource| !has_etag(&resource.message)) {
            offences.push(by_message(&resource.message, "needs `string etag`"));
        }
        const NEW: [&str; 4] = ["Create", "Record", "Batch", "Set"];
        let mut changes = contract.mutations();
        changes.retain(|method| !NEW.iter().any(|verb| method.name().starts_with(verb)));
        for method in changes {
            let whole =
                method.input().fields().any(|field| contract.resource_named(&type_name(&field)).is_some());
            if !whole && !has_etag(&method.input()) {
                offences.push(by_method(&method, "its request needs `etag`, or the resource with its etag"));
            }
        }
        offences
    });
}

#[test]
fn aip_154_an_etag_that_a_change_reads_is_not_called_output_only() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        const READ: [&str; 2] = ["Update", "Set"];
        let mut methods = contract.mutations();
        methods.retain(|method| READ.iter().any(|verb| method.name().starts_with(verb)));
        for method in methods {
            let resource =
                method.input().get_field(1).and_then(|field| contract.resource_named(&type_name(&field)));
            let etag = resource.and_then(|resource| resource.message.get_field_by_name("etag"));
            if let Some(etag) = etag.filter(|etag| contract.behaviours(etag) != ["OPTIONAL"]) {
                offences.push(by_field(&etag, format!("{} reads it, so it is OPTIONAL", method.name())));
            }
        }
        offences
    });
}

#[test]
fn aip_155_every_mutation_takes_a_request_id() {
    holds(&[], |contract| mutations_without(contract, "request_id", "string"));
}

#[test]
fn aip_163_every_mutation_can_be_tried_without_changing_anything() {
    holds(&[], |contract| mutations_without(contract, "validate_only", "bool"));
}

#[test]
fn aip_158_every_list_comes_in_pages() {
    holds(&[], |contract| {
        let field = |message: &MessageDescriptor, name: &str, kind: &str| {
            message.get_field_by_name(name).is_some_and(|field| type_name(&field) == kind && !field.is_list())
        };
        let mut offences = Vec::new();
        for method in contract.methods() {
            let (request, response) = (method.input(), method.output());
            let paged = field(&response, "next_page_token", "string");
            if method.name().starts_with("List") && !paged {
                offences.push(by_method(&method, "its answer needs `next_page_token`"));
            }
            let asks = field(&request, "page_size", "int32") && field(&request, "page_token", "string");
            if paged && !asks {
                offences
                    .push(by_method(&method, "its request needs `int32 page_size` and `string page_token`"));
            }
            if paged && !response.get_field(1).is_some_and(|first| first.is_list()) {
                offences.push(by_method(&method, "field 1 of its answer has to be the list"));
            }
        }
        offences
    });
}

#[test]
fn aip_160_a_filter_is_one_string_and_names_what_it_filters() {
    const EXCEPT: super::Exceptions = &[
        (
            "ListAuditEventsRequest.filter",
            "the same typed filter as of the stream, so that it can be indexed",
        ),
        ("Subscription.filter", "the same typed filter as of the stream"),
        ("SubscribeAuditEventsRequest.filter", "typed: a stream decides each event by three set look-ups"),
    ];
    holds(EXCEPT, |contract| {
        let mut filters = contract.fields();
        filters.retain(|field| field.name() == "filter");
        let described = |field: &prost_reflect::FieldDescriptor| {
            comment(&field.parent_message().parent_file(), field.path()).contains("AIP-160")
        };
        let wrong = filters.iter().filter(|field| type_name(field) != "string" || !described(field));
        wrong
            .map(|field| by_field(field, "has to be a string that says which fields AIP-160 reaches"))
            .collect()
    });
}

#[test]
fn aip_192_everything_has_a_comment() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for file in contract.files() {
            let mut check = |place: String, path: &[i32]| {
                if comment(&file, path).is_empty() {
                    offences.push(by_place(&file, place, "has no comment"));
                }
            };
            for service in file.services() {
                check(service.name().to_owned(), service.path());
                for method in service.methods() {
                    check(format!("{}.{}", service.name(), method.name()), method.path());
                }
            }
            for message in file.messages() {
                check(message.name().to_owned(), message.path());
                for field in message.fields() {
                    check(format!("{}.{}", message.name(), field.name()), field.path());
                }
                for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
                    check(format!("{}.{}", message.name(), oneof.name()), oneof.path());
                }
            }
            for list in file.enums() {
                check(list.name().to_owned(), list.path());
                for value in list.values() {
                    check(value.name().to_owned(), value.path());
                }
            }
        }
        offences
    });
}

#[test]
fn aip_203_every_field_that_is_sent_or_kept_has_one_behaviour_and_its_comment_opens_with_it() {
    const OPENINGS: [(&str, &str); 5] = [
        ("REQUIRED", "Required. "),
        ("OPTIONAL", "Optional. "),
        ("OUTPUT_ONLY", "Output only. "),
        ("IDENTIFIER", "Identifier. "),
        ("IMMUTABLE", "Immutable. "),
    ];
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for message in contract.sent_or_kept() {
            let file = message.parent_file();
            // The choices of a oneof are neither required nor optional by themselves.
            for field in message.fields().filter(|field| field.containing_oneof().is_none()) {
                let behaviours = contract.behaviours(&field);
                let [behaviour] = behaviours.as_slice() else {
                    offences.push(by_field(&field, format!("needs one field_behavior, has {behaviours:?}")));
                    continue;
                };
                let opening =
                    OPENINGS.iter().find(|(name, _)| name == behaviour).map_or("?", |(_, words)| words);
                if !comment(&file, field.path()).starts_with(opening) {
                    offences
                        .push(by_field(&field, format!("its comment has to open with `{}`", opening.trim())));
                }
            }
            for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
                let text = comment(&file, oneof.path());
                if !text.starts_with("Required. ") && !text.starts_with("Optional. ") {
                    let place = format!("{}.{}", message.name(), oneof.name());
                    offences.push(by_place(
                        &file,
                        place,
                        "the comment of the oneof has to open with Required or Optional",
                    ));
                }
            }
        }
        offences
    });
}

#[test]
fn aip_216_a_state_is_output_only() {
    holds(&[], |contract| {
        let mut states = contract.fields();
        states.retain(|field| type_name(field).ends_with("State"));
        let wrong = states.iter().filter(|field| contract.behaviours(field) != ["OUTPUT_ONLY"]);
        wrong.map(|field| by_field(field, "only verbs change a state: OUTPUT_ONLY")).collect()
    });
}
