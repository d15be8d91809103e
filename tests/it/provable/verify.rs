//! `steward audit verify`: what it accepts, and what it finds.

use super::{grow, steward};
use crate::{
    ask::one_of_each,
    support::{TestServer, create_model, version_name},
};
use std::{fs, path::Path};
use steward_registry::{
    audit::{
        checkpoint::{Checkpoint, SignedCheckpoint},
        key::{KeyName, SigningKey},
        merkle::{Frontier, leaf_hash},
    },
    domain::canonical,
    proto::v1,
};

/// A registry that has been through everything that can be asked of it.
async fn lived_in() -> TestServer {
    let server = TestServer::start().await;
    for ask in one_of_each("because") {
        ask.send(&server.channel).await.unwrap();
    }
    server
}

async fn key(server: &TestServer) -> String {
    steward(server, &["audit", "key"]).await.unwrap().lines().next().unwrap().to_owned()
}

async fn export(server: &TestServer, to: &Path) -> Vec<Vec<u8>> {
    steward(server, &["export", "--file", to.to_str().unwrap()]).await.unwrap();
    fs::read(to)
        .unwrap()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

#[tokio::test]
async fn a_log_is_verified_of_a_server_a_folder_the_web_and_an_export() {
    let server = lived_in().await;
    grow(&server, 300).await;
    let size = server.size().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let key = key(&server).await;
    let note = steward(&server, &["audit", "checkpoint", "--min-size", &size.to_string()]).await.unwrap();
    fs::write(path("checkpoint"), note).unwrap();
    steward(&server, &["audit", "publish", &path("log")]).await.unwrap();
    export(&server, &dir.path().join("log.jsonl")).await;
    let url = format!("http://{}", server.address);
    let sources = [
        vec![],
        vec![path("log")],
        vec![url],
        vec![path("log.jsonl"), "--checkpoint".to_owned(), path("checkpoint")],
    ];
    for source in sources {
        let mut arguments = vec!["audit", "verify", "--key", &key];
        arguments.extend(source.iter().map(String::as_str));
        let said = steward(&server, &arguments).await.unwrap();
        assert!(said.starts_with(&format!("{size} events, without a gap; root ")), "{said}");
        let decisions = said
            .lines()
            .find_map(|line| line.strip_suffix(" decisions were made again and came to the same end."));
        assert!(decisions.unwrap().parse::<u32>().unwrap() >= 20, "{said}");
        assert!(said.contains("has signed it."), "{said}");
    }
    let said = steward(&server, &["audit", "verify", &path("log")]).await.unwrap_err();
    assert!(said.contains("To believe a checkpoint, its log's public key is needed"), "{said}");
    let told = steward(&server, &["audit", "verify"]).await.unwrap();
    assert!(told.contains("has signed it."), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn a_proof_stands_by_itself() {
    let server = TestServer::start().await;
    grow(&server, 20).await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (proof, leaf, key) = (path("proof"), path("leaf"), key(&server).await);
    steward(&server, &["audit", "prove", "#7", "--proof", &proof, "--leaf", &leaf]).await.unwrap();
    let arguments = ["audit", "verify", &proof, "--leaf", &leaf, "--key", &key];
    let said = steward(&server, &arguments).await.unwrap();
    assert!(said.starts_with("The event is at position 7 of steward:logs/"), "{said}");
    let mut other = fs::read(&leaf).unwrap();
    other[30] ^= 1;
    fs::write(&leaf, other).unwrap();
    let said = steward(&server, &arguments).await.unwrap_err();
    assert!(said.contains("leaf and proof give the root"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn an_earlier_checkpoint_has_to_be_contained() {
    let server = TestServer::start().await;
    grow(&server, 10).await;
    let dir = tempfile::tempdir().unwrap();
    let earlier = dir.path().join("earlier");
    let path = earlier.to_str().unwrap();
    fs::write(&earlier, steward(&server, &["audit", "checkpoint", "--min-size", "10"]).await.unwrap())
        .unwrap();
    grow(&server, 40).await;
    steward(&server, &["audit", "checkpoint", "--min-size", "40"]).await.unwrap();
    steward(&server, &["audit", "verify", "--earlier", path]).await.unwrap();
    // The same key, the same size, another history.
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let mut forger = Forger::new(&leaves);
    let (log, note, key) = forger.write(dir.path());
    let root = leaf_hash(b"another history");
    fs::write(&earlier, forger.sign(10, root)).unwrap();
    let arguments = ["audit", "verify", &log, "--checkpoint", &note, "--key", &key, "--earlier", path];
    let said = steward(&server, &arguments).await.unwrap_err();
    assert!(said.contains("The 10 events have the root"), "{said}");
    assert!(said.contains(&format!("but the earlier checkpoint states {}", hex::encode(root))), "{said}");
    server.stop().await;
}

/// Somebody who has the key and can write what they like.
struct Forger {
    leaves: Vec<serde_json::Value>,
    key: SigningKey,
}

impl Forger {
    fn new(leaves: &[Vec<u8>]) -> Self {
        let leaves: Vec<serde_json::Value> =
            leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect();
        let name = KeyName::new(leaves[0]["source"].as_str().unwrap()).unwrap();
        Forger { leaves, key: SigningKey::from_seed(name, &[7; 32]) }
    }

    fn position(&self, kind: &str) -> usize {
        let word = format!("steward.v1.{kind}");
        self.leaves.iter().position(|leaf| leaf["type"] == word).unwrap()
    }

    fn sign(&self, size: u64, root: [u8; 32]) -> String {
        let stated = Checkpoint::new(self.key.verifier().name().as_str(), size, root).unwrap();
        SignedCheckpoint::sign(stated, &self.key).unwrap().to_string()
    }

    /// Makes all digests and hashes right again, and signs.
    fn write(&mut self, dir: &Path) -> (String, String, String) {
        let mut states = std::collections::HashMap::<String, (usize, String)>::new();
        for (position, leaf) in self.leaves.iter_mut().enumerate() {
            for change in leaf["data"]["changes"].as_array_mut().unwrap() {
                let name = change["name"].as_str().unwrap().to_owned();
                if let Some((at, digest)) = states.get(&name) {
                    change["before"] = serde_json::json!({"digest": digest, "position": at});
                }
                if let Some(after) = change.get("after") {
                    let digest = canonical::digest(&canonical::to_vec(after).unwrap());
                    states.insert(name, (position, digest));
                } else {
                    states.remove(&name);
                }
            }
        }
        let leaves: Vec<Vec<u8>> = self.leaves.iter().map(|leaf| canonical::to_vec(leaf).unwrap()).collect();
        let mut tree = Frontier::empty();
        leaves.iter().for_each(|leaf| tree.append(leaf_hash(leaf)));
        let (export, note) = (dir.join("forged.jsonl"), dir.join("forged.checkpoint"));
        fs::write(&export, [leaves.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        fs::write(&note, self.sign(tree.size(), tree.root())).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        (text(&export), text(&note), self.key.verifier().to_string())
    }
}

/// What is said of a log after a forgery whose hashes and signature are right.
async fn forged(
    server: &TestServer,
    leaves: &[Vec<u8>],
    forge: impl FnOnce(&mut Forger),
) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let mut forger = Forger::new(leaves);
    forge(&mut forger);
    let (export, note, key) = forger.write(dir.path());
    steward(server, &["audit", "verify", &export, "--checkpoint", &note, "--key", &key]).await
}

#[tokio::test]
async fn a_decision_that_does_not_follow_from_the_evidence_is_found_although_all_hashes_match() {
    let server = TestServer::start().await;
    judged(&server).await;
    let dir = tempfile::tempdir().unwrap();
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let untouched = forged(&server, &leaves, |_| {}).await.unwrap();
    assert!(untouched.contains("2 decisions were made again"), "{untouched}");

    let approval = Forger::new(&leaves).position("VersionApproved");
    let swapped = forged(&server, &leaves, |forger| {
        let evidence = forger.position("EvaluationRecorded");
        let point = &mut forger.leaves[evidence]["data"]["changes"][0]["after"]["points"][0];
        point["rate"]["k"] = 500.into();
    });
    let said = swapped.await.unwrap_err();
    assert!(said.contains(&format!("position {approval}: ")), "{said}");
    assert!(said.contains("the rules do not allow it over what was recorded before"), "{said}");

    let better = forged(&server, &leaves, |forger| {
        let evidence = forger.position("EvaluationRecorded");
        let point = &mut forger.leaves[evidence]["data"]["changes"][0]["after"]["points"][0];
        point["rate"]["k"] = 999.into();
    });
    let said = better.await.unwrap_err();
    assert!(said.contains("does not follow from what was recorded before: `review.gates[0]"), "{said}");

    let alone = forged(&server, &leaves, |forger| {
        let submission = forger.position("VersionSubmitted");
        let submitter = forger.leaves[submission]["authid"].clone();
        forger.leaves[approval]["authid"] = submitter.clone();
        forger.leaves[approval]["data"]["changes"][0]["after"]["review"]["actor"] = submitter;
    });
    let said = alone.await.unwrap_err();
    assert!(
        said.contains(&format!("position {approval}: ")) && said.contains("the rules do not allow it"),
        "{said}"
    );
    server.stop().await;
}

#[tokio::test]
async fn no_decision_hides_behind_another_as_a_part_of_it() {
    let server = TestServer::start().await;
    judged(&server).await;
    let dir = tempfile::tempdir().unwrap();
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let submission = Forger::new(&leaves).position("VersionSubmitted");
    let count = leaves.len() - submission;
    let said = forged(&server, &leaves, |forger| {
        // The approval, with what it led to, as more events of the submission, which leads to one.
        assert_eq!(forger.position("VersionApproved"), submission + 1);
        for (index, leaf) in forger.leaves[submission..].iter_mut().enumerate() {
            leaf["data"]["mutation"] = serde_json::json!({"count": count, "index": index});
        }
    });
    let said = said.await.unwrap_err();
    let expected = format!("VersionSubmitted has {count} events on record, but leads to 1");
    assert!(said.contains(&format!("position {submission}: ")) && said.contains(&expected), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn a_gap_a_changed_state_and_a_changed_digest_are_named_by_their_position() {
    let server = TestServer::start().await;
    judged(&server).await;
    let dir = tempfile::tempdir().unwrap();
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let without = [&leaves[..2], &leaves[3..]].concat();
    let gap = forged(&server, &without, |_| {}).await.unwrap_err();
    assert!(gap.contains("position 2: the event at position 2 says that it stands at"), "{gap}");
    let policy = forged(&server, &leaves, |forger| {
        let at = forger.position("PolicyUpdated");
        forger.leaves[at]["data"]["changes"][0]["after"]["gates"][0]["at_least"] = 0.5.into();
    });
    let said = policy.await.unwrap_err();
    assert!(said.contains("says that its digest is sha256:"), "{said}");
    // Nobody made the digests right here: a state that names another one before it.
    let mut chained = Forger::new(&leaves);
    let at = chained.position("VersionSubmitted");
    chained.leaves[at]["data"]["changes"][0]["before"]["position"] = 1.into();
    let mut lines: Vec<Vec<u8>> =
        chained.leaves.iter().map(|leaf| canonical::to_vec(leaf).unwrap()).collect();
    // It is the first that is named, also where what follows cannot even be read.
    lines.push(b"nonsense".to_vec());
    let export = dir.path().join("chained.jsonl");
    fs::write(&export, lines.join(&b'\n')).unwrap();
    let said = steward(&server, &["audit", "verify", export.to_str().unwrap()]).await.unwrap_err();
    assert!(said.contains(&format!("position {at}: the event says that it replaces")), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_is_about_something_else_than_it_changes_is_named() {
    let server = TestServer::start().await;
    judged(&server).await;
    let dir = tempfile::tempdir().unwrap();
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let at = Forger::new(&leaves).position("VersionApproved");
    let other = version_name("m", 7);
    let subject = forged(&server, &leaves, |forger| forger.leaves[at]["subject"] = other.clone().into());
    let said = subject.await.unwrap_err();
    assert!(said.contains(&format!("position {at}: the event says that it is about {other}")), "{said}");
    let state = forged(&server, &leaves, |forger| {
        forger.leaves[at]["subject"] = other.clone().into();
        forger.leaves[at]["data"]["changes"][0]["name"] = other.clone().into();
    });
    let said = state.await.unwrap_err();
    assert!(said.contains(&format!("position {at}: the event changes {other}, but gives")), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn retirements_by_the_clock_and_by_people_are_made_again() {
    let server = crate::support::TestServer::unwatched(std::sync::Arc::new(
        steward_registry::store::memory::MemoryEngine::new(),
    ))
    .await;
    server.model("m").await;
    server.approved("m").await;
    server.approved("m").await;
    let end = crate::support::BEGIN + 100 * crate::support::DAY;
    crate::ask::deprecate(&version_name("m", 1), "old", end).send(&server.channel).await.unwrap();
    server.clock.set(end + crate::support::DAY);
    while server.carry_out_due().await > 0 {}
    let dir = tempfile::tempdir().unwrap();
    let leaves = export(&server, &dir.path().join("log.jsonl")).await;
    let said = forged(&server, &leaves, |_| {}).await.unwrap();
    assert!(said.contains("decisions were made again and came to the same end"), "{said}");
    let retired = Forger::new(&leaves).position("VersionRetired");
    let said = forged(&server, &leaves, |forger| {
        // A sunset half a year later, so that the retirement comes too early.
        for leaf in &mut forger.leaves {
            for change in leaf["data"]["changes"].as_array_mut().unwrap() {
                if let Some(end) = change.pointer_mut("/after/deprecation/sunset_time") {
                    *end = "2026-12-24T00:00:00Z".into();
                }
            }
        }
    });
    let said = said.await.unwrap_err();
    assert!(said.contains("position ") && !said.contains(&format!("position {}", retired + 1)), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn a_hold_that_names_the_way_back_is_made_again() {
    let server = TestServer::start().await;
    server.model("m").await;
    for number in [1, 2] {
        server.approved("m").await;
        crate::ask::set_alias("m", "production", number, "").send(&server.channel).await.unwrap();
    }
    let (name, reason) = (version_name("m", 2), "complaints".to_owned());
    let request = v1::HoldVersionRequest { name, reason, ..Default::default() };
    let held = server.lifecycle().hold_version(request).await.unwrap().into_inner();
    assert_eq!(held.hold.unwrap().way_back, version_name("m", 1));
    let said = steward(&server, &["audit", "verify"]).await.unwrap();
    assert!(said.contains("5 decisions were made again"), "{said}");
    server.stop().await;
}

/// A version that was approved on evidence.
async fn judged(server: &TestServer) {
    use crate::ask;
    server.models().create_model(create_model("m")).await.unwrap();
    ask::require_accuracy(0.9).send(&server.channel).await.unwrap();
    let version = server.version("m").await;
    server.evaluations().record_evaluation(ask::record(&version.name, "exam", 950)).await.unwrap();
    ask::submit(&version.name, "ready").send(&server.channel).await.unwrap();
    ask::approve(&version.name, "good").send(&server.channel).await.unwrap();
}
