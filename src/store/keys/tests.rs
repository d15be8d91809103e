//! The layout as yesterday's stores have it: a change here breaks them.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{
    name::{EvaluationName, UpstreamName, VersionNumber},
    person::Pseudonym,
};

fn model(id: &str) -> ModelName {
    ModelName { namespace: NamespaceId::new("default").unwrap(), model: ModelId::new(id).unwrap() }
}

fn version(id: &str, number: i64) -> VersionName {
    VersionName { model: model(id), number: VersionNumber::new(number).unwrap() }
}

#[test]
fn every_key_has_the_bytes_it_always_had() {
    let namespace = NamespaceId::new("default").unwrap();
    let time_1970 = Timestamp::from_micros(0).unwrap();
    let evaluation: EvaluationName = "namespaces/default/models/m/versions/2/evaluations/e1".parse().unwrap();
    let alias: AliasName = "namespaces/default/models/m/aliases/production".parse().unwrap();
    let policy: PolicyName = "namespaces/default/policies/standard".parse().unwrap();
    let named = |name: &str| state(&ResourceName::parse_any(&format!("namespaces/default/{name}")).unwrap());
    let rented: UpstreamName = "namespaces/default/upstreams/openai~api~eu~gpt-5".parse().unwrap();
    let ann = Pseudonym::from_bytes(&[b'p'; 16]).unwrap();
    let golden: [(&str, Bytes, &[u8]); 29] = [
        ("namespace", state(&ResourceName::Namespace("namespaces/default".parse().unwrap())), b"ndefault\0"),
        ("model", state(&model("m").into()), b"mdefault\0m\0"),
        ("version", state(&version("m", 2).into()), b"vdefault\0m\0\0\0\0\0\0\0\0\x02"),
        ("alias", state(&alias.into()), b"adefault\0m\0production\0"),
        ("evaluation", state(&evaluation.clone().into()), b"xdefault\0m\0\0\0\0\0\0\0\0\x02e1\0"),
        ("event", event(&namespace, 258), b"edefault\0\0\0\0\0\0\0\x01\x02"),
        ("history", history(&model("m").into(), 1), b"hmdefault\0m\0\0\0\0\0\0\0\0\x01"),
        ("time", time(&namespace, time_1970), b"tdefault\0\x80\0\0\0\0\0\0\0"),
        ("request", request(&namespace, "r-1"), b"qdefault\0r-1\0"),
        ("by creation", model_by_creation(&model("m"), time_1970), b"cdefault\0\x80\0\0\0\0\0\0\0m\0"),
        ("by update", model_by_update(&model("m"), time_1970), b"udefault\0\x80\0\0\0\0\0\0\0m\0"),
        ("counter", version_counter(&model("m")), b"kdefault\0m\0"),
        ("label", version_by_label(&model("m"), &VersionLabel::new("v1").unwrap()), b"ldefault\0m\0v1\0"),
        (
            "by window",
            evaluation_by_window(&evaluation, time_1970),
            b"wdefault\0m\0\0\0\0\0\0\0\0\x02\x80\0\0\0\0\0\0\0e1\0",
        ),
        ("policy", state(&policy.clone().into()), b"pdefault\0standard\0"),
        ("proposal", named("models/m/versions/2/proposals/p1"), b"rdefault\0m\0\0\0\0\0\0\0\0\x02p1\0"),
        ("retraining", named("models/m/retrainings/t-7"), b"Rdefault\0m\0t-7\0"),
        ("incident", named("models/m/incidents/i1"), b"idefault\0m\0i1\0"),
        ("consumer", named("models/m/consumers/chat"), b"odefault\0m\0chat\0"),
        ("upstream", state(&rented.clone().into()), b"sdefault\0openai~api~eu~gpt-5\0"),
        ("erased", named(&format!("persons/{}", "70".repeat(16))), b"Pdefault\0pppppppppppppppp"),
        ("person", person(&namespace, &ann), b"Ndefault\0pppppppppppppppp"),
        ("by text", person_by_text(&namespace, &[b'd'; 32]), b"Idefault\0dddddddddddddddddddddddddddddddd"),
        ("secret", secret(&namespace), b"Kdefault\0"),
        ("rules", policy_by_digest(&policy, "sha256:ab"), b"gdefault\0standard\0sha256:ab\0"),
        (
            "by upstream",
            version_by_upstream(&rented, &version("m", 2)),
            b"ydefault\0openai~api~eu~gpt-5\0m\0\0\0\0\0\0\0\0\x02",
        ),
        (
            "by replacement",
            version_by_replacement(&version("m", 3), &version("m", 2)),
            b"zdefault\0m\0\0\0\0\0\0\0\0\x03m\0\0\0\0\0\0\0\0\x02",
        ),
        (
            "series",
            series_point(&version("m", 2), "accuracy", b"0123456789abcdef", time_1970, ("e1", "strict")),
            b"fdefault\0m\0\0\0\0\0\0\0\0\x02accuracy\x000123456789abcdef\x80\0\0\0\0\0\0\0e1\0strict\0",
        ),
        (
            "due",
            due(&model("m").into(), time_1970),
            b"ddefault\0\x80\0\0\0\0\0\0\0namespaces/default/models/m\0",
        ),
    ];
    for (what, key, bytes) in golden {
        assert_eq!(key, bytes, "{what}");
    }
}

#[test]
fn a_neighbour_with_a_longer_id_stays_outside_the_range() {
    let inside = state(&version("a", 1).into());
    for neighbour in ["ab", "a-", "a b", "A"] {
        let outside = state(&version(neighbour, 1).into());
        assert!(versions(&model("a")).contains(&inside));
        assert!(!versions(&model("a")).contains(&outside), "{neighbour:?}");
    }
    let history_of_a = history_before(&model("a").into(), u64::MAX);
    assert!(history_of_a.contains(&history(&model("a").into(), 7)));
    assert!(!history_of_a.contains(&history(&model("ab").into(), 7)));
}

#[test]
fn times_sort_as_bytes_do_also_before_1970() {
    let namespace = NamespaceId::new("default").unwrap();
    let keys: Vec<Bytes> = [Timestamp::MIN.micros(), -1, 0, 1, Timestamp::MAX.micros()]
        .into_iter()
        .map(|micros| time(&namespace, Timestamp::from_micros(micros).unwrap()))
        .collect();
    assert!(keys.is_sorted());
}

#[test]
fn positions_and_aliases_are_read_back_from_their_keys() {
    assert_eq!(position_of(&history(&model("m").into(), 77)), Some(77));
    let alias: AliasName = "namespaces/default/models/m/aliases/production".parse().unwrap();
    assert_eq!(alias_of(&model("m"), &state(&alias.clone().into())), Some(alias));
}

#[test]
fn what_is_due_is_found_from_its_time_on_and_read_back() {
    let namespace = NamespaceId::new("default").unwrap();
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let names = [
        "namespaces/default/models/m",
        "namespaces/default/models/donor%20chat/versions/2",
        "namespaces/default/models/m/aliases/production",
        "namespaces/default/models/m/versions/2/proposals/p1",
    ];
    for name in names {
        let name = ResourceName::parse_any(name).unwrap();
        let key = due(&name, at(-5));
        assert_eq!(read_due(&namespace, &key), Some((at(-5), name)));
        assert!(!due_until(&namespace, at(-6)).contains(&key));
        assert!(due_until(&namespace, at(-5)).contains(&key), "at its very moment");
        assert!(due_until(&namespace, at(7)).contains(&key));
        assert!(all_due(&namespace).contains(&key));
    }
    assert_eq!(read_due(&namespace, b"ddefault\0\x80"), None);
    assert_eq!(read_due(&NamespaceId::new("other").unwrap(), &due(&model("m").into(), at(0))), None);
}

#[test]
fn what_belongs_to_a_neighbour_with_a_longer_id_stays_outside() {
    let named = |name: &str| state(&ResourceName::parse_any(&format!("namespaces/default/{name}")).unwrap());
    let a = model("a");
    for (range, below) in [
        (proposals_of_model(&a), "versions/1/proposals/p"),
        (proposals(&version("a", 1)), "versions/1/proposals/p"),
        (incidents(&a), "incidents/i"),
        (retrainings(&a), "retrainings/r"),
        (consumers(&a), "consumers/c"),
    ] {
        assert!(range.contains(&named(&format!("models/a/{below}"))), "{below}");
        assert!(!range.contains(&named(&format!("models/ab/{below}"))), "{below}");
    }
    assert!(!proposals(&version("a", 1)).contains(&named("models/a/versions/2/proposals/p")));
    let upstream =
        |name: &str| -> UpstreamName { format!("namespaces/default/upstreams/{name}").parse().unwrap() };
    let (short, long) = (upstream("openai~api~eu~gpt"), upstream("openai~api~eu~gpt-5"));
    let of_long = version_by_upstream(&long, &version("a", 1));
    assert!(versions_by_upstream(&long).contains(&of_long));
    assert!(!versions_by_upstream(&short).contains(&of_long));
}

#[test]
fn a_point_is_found_by_version_metric_slice_and_time_and_by_nothing_else() {
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let (all, part) = ([0; 16], [7; 16]);
    let point =
        |version: &VersionName, metric, slice, end| series_point(version, metric, slice, at(end), ("e", ""));
    let second = version("m", 2);
    let inside = point(&second, "accuracy", &all, 5);
    assert!(series(&second, "accuracy", &all, Some(at(5)), Some(at(6))).contains(&inside));
    assert!(!series(&second, "accuracy", &all, Some(at(6)), None).contains(&inside));
    assert!(!series(&second, "accuracy", &all, None, Some(at(5))).contains(&inside));
    assert!(series_of_metric(&second, "accuracy").contains(&inside));
    assert!(series_of_version(&second).contains(&inside) && series_of_model(&model("m")).contains(&inside));
    for outside in [
        point(&second, "accuracy", &part, 5),
        point(&second, "accuracy/top5", &all, 5),
        point(&version("m", 3), "accuracy", &all, 5),
        point(&version("mm", 2), "accuracy", &all, 5),
    ] {
        assert!(!series(&second, "accuracy", &all, None, None).contains(&outside));
        assert_ne!(group_of_series(&second, &outside), group_of_series(&second, &inside));
    }
    assert_eq!(version_of_series(&model("m"), &inside), Some(second.clone()));
    assert_eq!(version_of_series(&model("mm"), &inside), None);
    let group = group_of_series(&second, &inside).unwrap();
    assert_eq!(Some(&group), group_of_series(&second, &point(&second, "accuracy", &all, 6)).as_ref());
    assert!(inside.starts_with(&group) && inside < after_prefix(&group));
}

#[test]
fn what_is_kept_of_subscriptions_has_the_bytes_it_always_had() {
    let name: crate::domain::name::SubscriptionName =
        "namespaces/default/subscriptions/trainer".parse().unwrap();
    let (two, seven) = ("\0\0\0\0\0\0\0\u{2}", "\0\0\0\0\0\0\0\u{7}");
    let known = [
        (state(&name.clone().into()), "Sdefault\0trainer\0".to_owned()),
        (cursor(&name, 2), format!("Cdefault\0trainer\0{two}")),
        (delivery(&name, 2), format!("Ddefault\0trainer\0{two}")),
        (attempt(&name, 2, 7), format!("Adefault\0trainer\0{two}{seven}")),
        (webhook_secrets(&name), "Wdefault\0trainer\0".to_owned()),
    ];
    for (key, bytes) in known {
        assert_eq!(key, bytes.as_bytes());
    }
}
