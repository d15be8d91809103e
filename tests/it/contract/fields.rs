//! Names and types of fields: AIP-140 to 148.

use super::descriptor::{by_field, by_place, type_name};
use super::holds;
use prost_reflect::FieldDescriptor;

const TIMESTAMP: &str = "google.protobuf.Timestamp";

fn is_integer(field: &FieldDescriptor) -> bool {
    matches!(type_name(field).as_str(), "int32" | "int64" | "uint32" | "uint64")
}

fn words(field: &FieldDescriptor) -> Vec<String> {
    field.name().split('_').map(str::to_owned).collect()
}

#[test]
fn aip_140_field_names_are_lower_snake_case() {
    holds(&[], |contract| {
        let tidy = |name: &str| {
            let begins = name.chars().next().is_some_and(|letter| letter.is_ascii_lowercase());
            let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            begins && plain && !name.ends_with('_') && !name.contains("__")
        };
        let fields = contract.fields();
        let wrong = fields.iter().filter(|field| !tidy(field.name()));
        wrong.map(|field| by_field(field, "is not lower_snake_case")).collect()
    });
}

#[test]
fn aip_140_field_names_have_no_prepositions_and_say_uri_not_url() {
    // `order_by` is AIP-132's own name.
    const REFUSED: [&str; 14] =
        ["at", "by", "for", "from", "in", "into", "of", "on", "to", "with", "within", "after", "url", "urls"];
    const SAID: &str = "a requirement is called as people say it: at least 0.9";
    const EXCEPT: super::Exceptions = &[
        ("Gate.at_least", SAID),
        ("Gate.at_most", SAID),
        ("Gate.not_below_production_by", SAID),
        ("Gate.not_above_production_by", SAID),
        ("ModelCard.vendor_trains_on_data", "the question of the card, which is answered yes or no"),
    ];
    holds(EXCEPT, |contract| {
        let mut fields = contract.fields();
        fields.retain(|field| field.name() != "order_by");
        let wrong =
            fields.iter().filter(|field| words(field).iter().any(|word| REFUSED.contains(&word.as_str())));
        wrong.map(|field| by_field(field, "has a word that AIP-140 refuses")).collect()
    });
}

#[test]
fn aip_140_a_boolean_has_no_is_before_its_name() {
    holds(&[], |contract| {
        let fields = contract.fields();
        let wrong =
            fields.iter().filter(|field| type_name(field) == "bool" && field.name().starts_with("is_"));
        wrong.map(|field| by_field(field, "leave `is_` away")).collect()
    });
}

#[test]
fn aip_140_a_list_has_a_plural_name() {
    holds(&[], |contract| {
        let fields = contract.fields();
        let wrong = fields.iter().filter(|field| field.is_list() && !field.name().ends_with('s'));
        wrong.map(|field| by_field(field, "is a list with a singular name")).collect()
    });
}

#[test]
fn aip_141_a_number_of_things_is_called_count() {
    const CELL: &str = "a cell of the confusion matrix, under the name that every reader of one knows";
    const USAGE: &str = "a quantity with its unit behind it, as the providers' bills name it";
    const EXCEPT: super::Exceptions = &[
        ("ConfusionCounts.true_positives", CELL),
        ("ConfusionCounts.false_positives", CELL),
        ("ConfusionCounts.true_negatives", CELL),
        ("ConfusionCounts.false_negatives", CELL),
        ("UsagePoint.requests", USAGE),
        ("UsagePoint.input_tokens", USAGE),
        ("UsagePoint.output_tokens", USAGE),
        ("UsagePoint.outcomes", USAGE),
        ("Policy.approvals", "what an approval takes, beside the other rules, which are nouns too"),
    ];
    holds(EXCEPT, |contract| {
        let unit = |field: &FieldDescriptor| {
            ["bytes", "micros", "days", "minutes"].iter().any(|unit| field.name().ends_with(unit))
        };
        let mut fields = contract.fields();
        fields.retain(|field| is_integer(field) && !field.is_list() && !unit(field));
        let wrong =
            fields.iter().filter(|field| field.name().ends_with('s') || field.name().starts_with("num_"));
        wrong.map(|field| by_field(field, "a number of things is called `…_count`")).collect()
    });
}

#[test]
fn aip_142_every_timestamp_is_called_time_and_every_time_is_a_timestamp() {
    const DECIDED: &str = "the moment of the one thing that the message is about";
    const EXCEPT: super::Exceptions = &[
        ("AliasChange.time", DECIDED),
        ("Approval.time", DECIDED),
        ("ProposalAct.time", DECIDED),
        ("AuditHead.time", DECIDED),
        ("Decision.time", DECIDED),
        ("PropertyValue.time_value", "one of five kinds of value, all called `…_value`"),
    ];
    holds(EXCEPT, |contract| {
        let mut offences = Vec::new();
        for field in contract.fields() {
            let (stamp, named) = (type_name(&field) == TIMESTAMP, field.name().ends_with("_time"));
            if stamp && !named {
                offences.push(by_field(&field, "is a timestamp: call it `…_time`"));
            }
            if named && !stamp {
                offences.push(by_field(&field, "is called `…_time` and is no timestamp"));
            }
        }
        offences
    });
}

#[test]
fn aip_142_times_are_imperative_and_not_in_the_past_tense() {
    holds(&[], |contract| {
        const PAST: [&str; 5] = ["created", "updated", "deleted", "expired", "published"];
        let mut fields = contract.fields();
        fields.retain(|field| type_name(field) == TIMESTAMP);
        let wrong =
            fields.iter().filter(|field| words(field).iter().any(|word| PAST.contains(&word.as_str())));
        wrong.map(|field| by_field(field, "say `create_time`, not `created_time`")).collect()
    });
}

#[test]
fn aip_142_a_length_of_time_is_a_duration() {
    holds(&[], |contract| {
        const LENGTHS: [&str; 5] = ["interval", "duration", "timeout", "ttl", "delay"];
        let mut fields = contract.fields();
        fields.retain(|field| words(field).last().is_some_and(|word| LENGTHS.contains(&word.as_str())));
        let wrong = fields.iter().filter(|field| type_name(field) != "google.protobuf.Duration");
        wrong.map(|field| by_field(field, "has to be a google.protobuf.Duration")).collect()
    });
}

#[test]
fn aip_145_what_starts_also_ends() {
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for message in contract.messages() {
            for field in message.fields().filter(|field| type_name(field) == TIMESTAMP) {
                // A stream starts at a time and ends at a position, if ever.
                let starts = field.name().contains("start_") && field.containing_oneof().is_none();
                let end = field.name().replace("start_", "end_");
                if starts && message.get_field_by_name(&end).is_none() {
                    offences.push(by_field(&field, format!("needs `{end}` beside it")));
                }
            }
        }
        offences
    });
}

#[test]
fn aip_146_no_field_takes_anything_whatever() {
    holds(&[], |contract| {
        const LOOSE: [&str; 3] = ["google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value"];
        let fields = contract.fields();
        let wrong = fields.iter().filter(|field| LOOSE.contains(&type_name(field).as_str()));
        wrong.map(|field| by_field(field, "could carry rows, prompts or answers: give it a type")).collect()
    });
}

#[test]
fn aip_148_standard_fields_have_their_standard_types() {
    const STANDARD: [(&str, &str); 15] = [
        ("name", "string"),
        ("parent", "string"),
        ("display_name", "string"),
        ("description", "string"),
        ("create_time", TIMESTAMP),
        ("update_time", TIMESTAMP),
        ("delete_time", TIMESTAMP),
        ("etag", "string"),
        ("request_id", "string"),
        ("validate_only", "bool"),
        ("page_size", "int32"),
        ("page_token", "string"),
        ("next_page_token", "string"),
        ("update_mask", "google.protobuf.FieldMask"),
        ("audit_position", "uint64"),
    ];
    holds(&[], |contract| {
        let mut offences = Vec::new();
        for field in contract.fields() {
            let standard = STANDARD.iter().find(|(name, _)| *name == field.name());
            if let Some((_, kind)) =
                standard.filter(|(_, kind)| type_name(&field) != *kind || field.is_list())
            {
                offences.push(by_field(&field, format!("has to be a {kind}")));
            }
        }
        offences
    });
}

#[test]
fn aip_148_every_resource_says_when_it_was_created_and_updated() {
    const NEVER: &str = "never changes after it was created";
    const NAMED: &str =
        "what is kept of a person is as little as can be; the event at its position has a time";
    const EXCEPT: super::Exceptions =
        &[("Evaluation.update_time", NEVER), ("Person.create_time", NAMED), ("Person.update_time", NAMED)];
    holds(EXCEPT, |contract| {
        let mut offences = Vec::new();
        for resource in contract.resources() {
            for name in ["create_time", "update_time", "audit_position"] {
                let field = resource.message.get_field_by_name(name);
                if field.is_none_or(|field| contract.behaviours(&field) != ["OUTPUT_ONLY"]) {
                    let place = format!("{}.{name}", resource.message.name());
                    offences.push(by_place(
                        &resource.message.parent_file(),
                        place,
                        "is missing or not OUTPUT_ONLY",
                    ));
                }
            }
        }
        offences
    });
}
