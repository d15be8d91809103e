//! What witnesses cosign is served, and one that is down stops nothing.

use super::{
    grow,
    node::{Node, TWO_OF_THREE, names, policy, size, three},
    steward,
    witness::{Manner, TIME, Witness},
};
use crate::support::{NAMESPACE, TestServer};
use std::sync::Arc;
use steward_registry::{
    audit::{checkpoint::SignedCheckpoint, policy::Policy},
    cli::serve::{EngineKind, ServeArgs},
    proto::v1::{self, Quorum},
    registry::witness::Round,
    store::{
        beside::{Beside, Kept},
        memory::MemoryEngine,
    },
};
use tonic::Code;

#[tokio::test]
async fn two_of_three_are_enough_when_one_is_down_and_their_checkpoint_is_served() {
    let witnesses = three().await;
    witnesses[1].behave(Manner::Down);
    let text = policy(&witnesses, TWO_OF_THREE);
    let node = Node::start(&text).await;
    node.grow(5).await;
    let first = node.plain().await.unwrap();
    assert_eq!((first.quorum(), first.cosignatures.len()), (Quorum::Open, 0));
    assert_eq!(node.served().await.0, 503, "not cosigned, and served");
    let early = node.cosigned(0).await.unwrap_err();
    assert!(early.code() == Code::Unavailable && early.message().contains("too few witnesses"), "{early}");

    assert_eq!(node.ask().await, Round::Open(5));
    let cosigned = node.plain().await.unwrap();
    assert_eq!((cosigned.quorum(), names(&cosigned)), (Quorum::Reached, vec!["north", "east"]));
    assert_eq!(cosigned.cosignatures[0].cosign_time.unwrap().seconds, TIME as i64);
    // A stranger's policy, which has the log's key, accepts what is served.
    let stranger: Policy = format!("log {}\n{text}", cosigned.verifier_keys[0]).parse().unwrap();
    let accepted = |note: &str| {
        let signed = SignedCheckpoint::parse(note.as_bytes()).unwrap();
        stranger.check(&signed).map(|accepted| accepted.checkpoint.size())
    };
    assert_eq!(accepted(&node.served().await.1), Ok(5));

    // The log goes on; what enough have cosigned is what it was, and what was proven goes with it.
    node.grow(300).await;
    let newest = node.plain().await.unwrap();
    assert_eq!((newest.size, newest.quorum()), (300, Quorum::Open));
    assert_eq!(node.cosigned(5).await.unwrap().note, cosigned.note);
    assert_eq!(node.cosigned(6).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(node.served().await.1, cosigned.note);
    let bundle = v1::GetProofBundleRequest { parent: NAMESPACE.to_owned(), position: 4 };
    let bundle = node.server.checkpoints().get_proof_bundle(bundle).await.unwrap().into_inner().bundle;
    assert!(bundle.ends_with(&cosigned.note), "{bundle}");

    witnesses[1].behave(Manner::Right);
    assert_eq!(node.ask().await, Round::Cosigned(300));
    assert_eq!(node.cosigned(300).await.unwrap().cosignatures.len(), 3);
    assert_eq!(accepted(&node.served().await.1), Ok(300));
    assert_eq!(witnesses[0].asked(), [(0, 5), (5, 300)]);
    assert_eq!(witnesses[1].asked(), [(0, 5), (0, 300)]);
    node.stop().await;
}

#[tokio::test]
async fn a_folder_is_published_as_far_as_enough_have_cosigned() {
    let witnesses = three().await;
    let (engine, beside) = (Arc::new(MemoryEngine::new()), Beside::in_memory());
    let text = policy(&witnesses, TWO_OF_THREE);
    let node = Node::over(engine.clone(), beside.clone(), &text).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let publish =
        async |node: &Node| steward(&node.server, &["audit", "publish", path.to_str().unwrap()]).await;
    let published = || std::fs::read_to_string(path.join("checkpoint")).unwrap();
    node.grow(4).await;
    assert!(publish(&node).await.unwrap_err().contains("too few witnesses"));
    node.ask().await;
    node.grow(9).await;
    publish(&node).await.unwrap();
    assert_eq!(published(), node.cosigned(0).await.unwrap().note);
    assert!(size(&published()) == 4 && path.join("tile/entries/000.p/4").exists());

    let shown = steward(&node.server, &["audit", "checkpoint"]).await.unwrap();
    assert_eq!(size(&shown), 9);
    let shown = steward(&node.server, &["audit", "checkpoint", "--require-quorum"]).await.unwrap();
    assert_eq!(shown, published());
    node.stop().await;

    // Without a quorum the folder gets ahead of it; then it stays as it is until the quorum has come.
    let none = policy(&witnesses, "quorum none\n");
    let node = Node::over(engine.clone(), beside.clone(), &none).await;
    publish(&node).await.unwrap();
    let ahead = published();
    assert_eq!(size(&ahead), 9);
    node.stop().await;
    let node = Node::over(engine, beside, &text).await;
    assert_eq!(node.cosigned(0).await.unwrap().size, 4);
    publish(&node).await.unwrap();
    assert_eq!(published(), ahead);
    node.ask().await;
    publish(&node).await.unwrap();
    assert_eq!(published(), node.cosigned(9).await.unwrap().note);
    node.stop().await;
}

#[tokio::test]
async fn a_restart_serves_what_was_cosigned_and_goes_on_from_there() {
    let witnesses = three().await;
    let (engine, beside) = (Arc::new(MemoryEngine::new()), Beside::in_memory());
    let text = policy(&witnesses, TWO_OF_THREE);
    let node = Node::over(engine.clone(), beside.clone(), &text).await;
    node.grow(7).await;
    node.ask().await;
    let before = node.cosigned(7).await.unwrap();
    node.stop().await;
    witnesses.iter().for_each(|witness| drop(witness.asked()));

    let node = Node::over(engine.clone(), beside.clone(), &text).await;
    assert_eq!(node.cosigned(7).await.unwrap().note, before.note);
    assert_eq!(node.served().await.1, before.note);
    node.grow(9).await;
    assert_eq!(node.ask().await, Round::Cosigned(9));
    assert_eq!(witnesses[2].asked(), [(7, 9)]);
    node.stop().await;

    // Who has forgotten what a witness knows is told by it.
    beside.discard(Kept::Cosigned, "default").unwrap();
    let node = Node::over(engine.clone(), beside.clone(), &text).await;
    assert_eq!(node.cosigned(0).await.unwrap_err().code(), Code::Unavailable);
    node.grow(12).await;
    assert_eq!(node.ask().await, Round::Cosigned(12));
    assert_eq!(witnesses[2].asked(), [(0, 12), (9, 12)]);
    node.stop().await;

    // Another policy, which asks for more than what was kept has.
    let more = Witness::start("west", 9).await;
    let more = text.replace(TWO_OF_THREE, "") + &more.line() + "quorum west\n";
    let node = Node::over(engine, beside, &more).await;
    assert_eq!(node.cosigned(0).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(node.plain().await.unwrap().quorum(), Quorum::Open);
    node.stop().await;
}

#[tokio::test]
async fn a_witness_that_answers_with_nonsense_is_passed_over() {
    let witnesses = three().await;
    let node = Node::start(&policy(&witnesses, TWO_OF_THREE)).await;
    node.grow(6).await;
    let manners =
        [Manner::Conflicts, Manner::Redirects, Manner::Endless, Manner::SignsAnother, Manner::NamesSizes];
    for pair in manners.windows(2) {
        witnesses[0].behave(pair[0]);
        witnesses[1].behave(pair[1]);
        assert_eq!(node.ask().await, Round::Open(6), "{pair:?}");
        let newest = node.plain().await.unwrap();
        assert_eq!((newest.quorum(), names(&newest)), (Quorum::Open, vec!["east"]), "{pair:?}");
        assert!(witnesses[0].asked().len() <= 3 && witnesses[1].asked().len() <= 3);
    }
    witnesses[0].behave(Manner::Right);
    assert_eq!(node.ask().await, Round::Open(6));
    assert_eq!(node.plain().await.unwrap().quorum(), Quorum::Reached);
    node.stop().await;
}

#[tokio::test]
async fn the_server_takes_every_log_that_grows_to_its_witnesses() {
    let mut witness = Witness::start("north", 1).await;
    let dir = tempfile::tempdir().unwrap();
    let (file, config) = (dir.path().join("witnesses.policy"), dir.path().join("steward.toml"));
    std::fs::write(&file, format!("{}quorum north\n", witness.line())).unwrap();
    std::fs::write(&config, format!("witness_policy = {file:?}\nwitness_seconds = 0\n")).unwrap();
    let flags = ServeArgs { config: Some(config), engine: Some(EngineKind::Memory), ..ServeArgs::default() };
    let server = TestServer::run(flags).await;
    // What it is asked the second time is asked after the first was taken in.
    for size in [1, 2, 3] {
        grow(&server, size).await;
        witness.is_asked_about(size).await;
    }
    let parent = NAMESPACE.to_owned();
    let request = v1::GetCheckpointRequest { parent, min_size: 2, require_quorum: true };
    let cosigned = server.checkpoints().get_checkpoint(request).await.unwrap().into_inner();
    assert!(cosigned.size >= 2 && names(&cosigned) == ["north"], "{cosigned:?}");

    // A log that begins later is taken there as well.
    drop(witness.asked());
    let namespace_id = "later".to_owned();
    let create = v1::CreateNamespaceRequest { namespace_id, ..Default::default() };
    server.namespaces().create_namespace(create).await.unwrap();
    witness.is_asked_about(1).await;
    assert!(witness.asked().contains(&(0, 1)));
    server.stop().await;
}
