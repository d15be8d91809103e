//! Names of resources, files and services: AIP-122, 123, 191.

use super::descriptor::{Offence, by_field, by_message, by_place, snake};
use super::holds;

#[test]
fn aip_122_every_resource_has_one_pattern_that_alternates_collection_and_id() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for resource in contract.resources() {
            let [pattern] = resource.patterns.as_slice() else {
                offences.push(by_message(&resource.message, "has to have exactly one pattern"));
                continue;
            };
            let last = format!("{}/{{{}}}", resource.plural, snake(&resource.singular));
            if !pattern.ends_with(&last) {
                offences.push(by_message(
                    &resource.message,
                    format!("pattern `{pattern}` has to end in `{last}`"),
                ));
            }
            let segments: Vec<_> = pattern.split('/').collect();
            let is_id = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
            let alternates = segments.iter().enumerate().all(|(at, segment)| is_id(segment) == (at % 2 == 1));
            if !alternates || segments.len() % 2 != 0 {
                offences
                    .push(by_message(&resource.message, format!("pattern `{pattern}` does not alternate")));
            }
        }
        offences
    });
}

#[test]
fn aip_122_every_resource_lives_at_the_top_or_below_another_resource() {
    holds(&[], |contract| {
        let patterns: Vec<_> =
            contract.resources().into_iter().flat_map(|resource| resource.patterns).collect();
        let orphan = |pattern: &String| {
            let parent = pattern.rsplitn(3, '/').nth(2).unwrap_or_default();
            !parent.is_empty() && !patterns.iter().any(|other| other == parent)
        };
        contract
            .resources()
            .iter()
            .filter(|resource| resource.patterns.iter().any(orphan))
            .map(|resource| by_message(&resource.message, "its pattern has a parent that is no resource"))
            .collect()
    });
}

#[test]
fn aip_122_every_resource_begins_with_a_name_that_identifies_it() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for resource in contract.resources() {
            let name = resource.message.get_field(1);
            let right = name.as_ref().is_some_and(|field| {
                field.name() == "name"
                    && contract.behaviours(field) == ["IDENTIFIER"]
                    && field.kind().as_message().is_none()
            });
            if !right {
                offences.push(by_message(&resource.message, "field 1 has to be `string name`, IDENTIFIER"));
            }
        }
        offences
    });
}

#[test]
fn aip_123_the_type_plural_and_singular_of_a_resource_follow_its_message() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for resource in contract.resources() {
            let name = resource.message.name();
            if resource.kind != format!("steward.dev/{name}") {
                offences.push(by_message(&resource.message, format!("type has to be `steward.dev/{name}`")));
            }
            if !resource.singular.eq_ignore_ascii_case(name) {
                offences
                    .push(by_message(&resource.message, format!("singular has to be `{name}` in camelCase")));
            }
            if resource.plural == resource.singular || resource.plural.is_empty() {
                offences.push(by_message(&resource.message, "plural has to differ from singular"));
            }
        }
        offences
    });
}

#[test]
fn aip_122_every_reference_leads_to_a_resource_that_exists() {
    holds(&[], |contract| {
        let kinds: Vec<_> = contract.resources().into_iter().map(|resource| resource.kind).collect();
        let dangling = |kind: &String| !kinds.contains(kind);
        let fields = contract.fields();
        let references = fields.iter().filter_map(|field| Some((field, contract.reference(field)?.1)));
        references
            .filter(|(_, kind)| dangling(kind))
            .map(|(field, kind)| by_field(field, format!("refers to `{kind}`, which is no resource")))
            .collect()
    });
}

#[test]
fn aip_122_a_field_that_holds_a_name_says_of_which_resource() {
    const PRINCIPALS: [&str; 2] = ["name", "parent"];
    holds(&[], |contract| {
        let inputs: Vec<_> = contract.methods().iter().map(|method| method.input()).collect();
        let fields = inputs.iter().flat_map(|input| input.fields().collect::<Vec<_>>());
        fields
            .filter(|field| PRINCIPALS.contains(&field.name()) && contract.reference(field).is_none())
            .map(|field| by_field(&field, "needs a resource_reference"))
            .collect()
    });
}

#[test]
fn aip_191_a_file_holds_at_most_one_service_and_is_named_after_its_noun() {
    holds(&[], |contract| {
        let mut offences: Vec<Offence> = Vec::new();
        for file in contract.files() {
            let services: Vec<_> = file.services().collect();
            if services.len() > 1 {
                offences.push(by_place(&file, "file", format!("holds {} services", services.len())));
            }
            for service in services {
                let Some(noun) = service.name().strip_suffix("Service") else {
                    offences.push(by_place(&file, service.name(), "has to end in `Service`"));
                    continue;
                };
                let expected = format!("steward/v1/{}.proto", snake(noun));
                if file.name() != expected {
                    offences.push(by_place(&file, service.name(), format!("belongs in {expected}")));
                }
            }
        }
        offences
    });
}
