//! Names at their limits.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_name_reads_back_as_it_was_written() {
    for id in ["chatbot", "donor chatbot (EU)", "a", "ünïcode-模型", "x.y_z+1:2@3", &"é".repeat(250)] {
        let name =
            ModelName { namespace: NamespaceId::new("default").unwrap(), model: ModelId::new(id).unwrap() };
        assert_eq!(name.to_string().parse::<ModelName>().unwrap(), name);
        assert_eq!(name.to_string().matches('/').count(), 3, "an id is one segment");
    }
}

#[test]
fn unencoded_characters_are_understood_too() {
    let name: ModelName = "namespaces/default/models/donor chatbot (EU)".parse().unwrap();
    assert_eq!(name.model.as_str(), "donor chatbot (EU)");
    assert_eq!(name.to_string(), "namespaces/default/models/donor%20chatbot%20%28EU%29");
}

#[test]
fn bad_model_ids_do_not_exist() {
    for id in ["", " a", "a ", ".", "..", "a/b", "a%b", "a\0", "a\n", "e\u{301}", "🦀", &"x".repeat(251)] {
        assert!(ModelId::new(id).is_err(), "{id:?}");
    }
}

#[test]
fn bad_namespaces_aliases_and_labels_do_not_exist() {
    for id in ["", "Default", "1st", "a_b", &"x".repeat(64)] {
        assert!(NamespaceId::new(id).is_err(), "{id:?}");
    }
    for id in ["", "Production", "1st", "a b", &"x".repeat(64)] {
        assert!(AliasId::new(id).is_err(), "{id:?}");
    }
    for label in ["", "42", " v1", &"x".repeat(129)] {
        assert!(VersionLabel::new(label).is_err(), "{label:?}");
    }
    assert!(VersionLabel::new("1.0.0-rc.1+build").is_ok());
}

#[test]
fn bad_names_are_refused_with_the_form_that_is_allowed() {
    for text in [
        "",
        "default",
        "namespaces/default",
        "namespaces/default/models/",
        "namespaces/default/models/a/b",
        "namespaces//models/a",
        "models/a/namespaces/b",
        "/namespaces/default/models/a",
        "namespaces/default/models/a%2",
        "namespaces/default/models/a%zz",
        "namespaces/default/models/%ff",
        "namespaces/default/models/a%2Fb",
        "namespaces/default/models/a%00",
    ] {
        assert!(text.parse::<ModelName>().is_err(), "{text:?}");
    }
    let error = "x".parse::<AliasName>().unwrap_err().to_string();
    assert_eq!(
        error,
        "\"x\" is not a name of the form namespaces/{namespace}/models/{model}/aliases/{alias}"
    );
}

#[test]
fn a_version_number_is_written_in_one_way_only() {
    for number in ["0", "01", "-1", "+1", "1.0", "", "4294967296", "one"] {
        assert!(
            format!("namespaces/d/models/m/versions/{number}").parse::<VersionName>().is_err(),
            "{number:?}"
        );
    }
    let name: VersionName = "namespaces/d/models/m/versions/4294967295".parse().unwrap();
    assert_eq!(name.number.get(), u32::MAX);
}
