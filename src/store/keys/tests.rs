//! The layout as yesterday's stores have it: a change here breaks them.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::name::VersionNumber;

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
    let golden: [(&str, Bytes, &[u8]); 14] = [
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
