//! `steward audit verify`: a log before somebody who trusts neither Steward nor whoever runs
//! it. Everything is checked here, of a folder, a web server, an export, a proof or a
//! running server; nothing that is read is believed.

mod source;

use std::path::{Path, PathBuf};

use clap::Args;

use self::source::Source;
use super::{
    checkpoint,
    client::Session,
    error::Failure,
    file,
    output::{note, write},
};
use crate::{
    audit::{
        bundle::ProofBundle,
        checkpoint::SignedCheckpoint,
        key::VerifierKey,
        merkle::{Frontier, Hash},
        note::NoteError,
        policy::{Policy, PolicyError},
        tile::Whole,
    },
    registry::{
        environment::SystemEntropy,
        recheck::{Counts, Finding, ReadEvent, Recheck},
        states::Store,
    },
    store::{engine::Engine, memory::MemoryEngine},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Arguments of `steward audit verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// What to verify: a folder (`steward audit publish`), the URL of a log, an export
    /// (`steward export`), a proof (`steward audit prove`); the server when absent
    #[arg(value_name = "DIR|URL|FILE")]
    source: Option<String>,

    /// The log's public key (`steward audit key`), from somebody you trust; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<VerifierKey>,

    /// Which logs and how many witnesses to believe: a policy file (C2SP tlog-policy)
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    policy: Option<PathBuf>,

    /// A signed checkpoint that an export has to end with
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// A signed checkpoint from earlier: the log has to contain what it states; may be repeated
    #[arg(long, value_name = "FILE")]
    earlier: Vec<PathBuf>,

    /// The event's exact bytes, for a proof
    #[arg(long, value_name = "FILE")]
    leaf: Option<PathBuf>,
}

/// Carries out the command.
pub async fn run(session: &Session, args: VerifyArgs) -> Result<(), Failure> {
    let trust = trust(&args)?;
    match args.source.as_deref() {
        Some(path) if is_proof(path) => proof(Path::new(path), &args, trust.as_ref()),
        source => log(Source::of(session, source)?, session, &args, trust).await,
    }
}

/// Whom to believe; nobody is named where only what needs no signature is to be checked.
fn trust(args: &VerifyArgs) -> Result<Option<Policy>, Failure> {
    match &args.policy {
        None if args.keys.is_empty() => Ok(None),
        None => Ok(Some(Policy::of_logs(args.keys.clone()))),
        Some(path) => match file::read(path)?.parse() {
            Ok(policy) => Ok(Some(policy)),
            Err(error) => Err(Failure::Usage(format!("{} is no policy: {error}.", path.display()))),
        },
    }
}

fn is_proof(path: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"c2sp.org/tlog-proof@"))
}

fn proof(path: &Path, args: &VerifyArgs, trust: Option<&Policy>) -> Result<(), Failure> {
    let trust = trust.ok_or_else(|| needs_key("a proof"))?;
    let leaf = args.leaf.as_ref();
    let leaf =
        leaf.ok_or_else(|| Failure::Usage("A proof needs the event: give it with --leaf.".to_owned()))?;
    let leaf = std::fs::read(leaf).map_err(|error| Failure::file("read", leaf, error))?;
    let bundle = ProofBundle::parse(file::read(path)?.as_bytes()).map_err(|error| unproven(&error))?;
    let accepted = bundle.verify(&leaf, trust).map_err(|error| unproven(&error))?;
    let (size, origin) = (accepted.checkpoint.size(), accepted.checkpoint.origin());
    say(&format!("The event is at position {} of {origin}, which had {size} events then.", bundle.index))?;
    cosigned(&accepted.cosigned)
}

async fn log(
    source: Source<'_>,
    session: &Session,
    args: &VerifyArgs,
    trust: Option<Policy>,
) -> Result<(), Failure> {
    let signed = match (&args.checkpoint, source.checkpoint().await?) {
        (Some(path), _) => Some(read_checkpoint(path)?),
        (None, signed) => signed,
    };
    let told = trust.is_none() && source.is_server();
    let trust = match trust {
        None if told => Some(told_by(session).await?),
        None if signed.is_some() => return Err(needs_key("a checkpoint")),
        trust => trust,
    };
    let mut expected = Expected::default();
    let mut witnesses = Vec::new();
    if let (Some(signed), Some(trust)) = (&signed, &trust) {
        let accepted = trust.check(signed).map_err(|error| not_signed(&error))?;
        expected.add(accepted.checkpoint.size(), *accepted.checkpoint.root(), "the checkpoint");
        witnesses = accepted.cosigned;
    }
    for path in &args.earlier {
        let earlier = read_checkpoint(path)?;
        let trust = trust.as_ref().ok_or_else(|| needs_key("a checkpoint"))?;
        trust.check(&earlier).map_err(|error| unproven(&error))?;
        let stated = earlier.checkpoint();
        let is_same_log =
            signed.as_ref().is_none_or(|signed| signed.checkpoint().origin() == stated.origin());
        if !is_same_log {
            return Err(Failure::Unproven(format!("{} is of another log.", path.display())));
        }
        expected.add(stated.size(), *stated.root(), "the earlier checkpoint");
    }
    let size = signed.as_ref().map(|signed| signed.checkpoint().size());
    let (counts, root) = read(&source, size, &mut expected).await?;
    say(&format!("{} events, without a gap; root {}.", counts.events, hex::encode(root)))?;
    say("The states follow from the events, each from the one before it.")?;
    say(&format!("{} decisions were made again and came to the same end.", counts.decisions))?;
    match &signed {
        Some(signed) => say(&format!("{} has signed it.", signed.checkpoint().origin()))?,
        None => {
            note("Nobody's signature was checked: give a checkpoint with --checkpoint and a key with --key.")
        }
    }
    if told {
        note("The key is the server's own word: give it with --key to be independent of it.");
    }
    cosigned(&witnesses)
}

/// Reads all events and checks them; gives what was found right, and the root.
async fn read(
    source: &Source<'_>,
    size: Option<u64>,
    expected: &mut Expected,
) -> Result<(Counts, Hash), Failure> {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let store = Store::from(engine);
    let mut recheck = Recheck::new(&store, &SystemEntropy);
    let mut whole = Whole::default();
    let mut pages = source.pages(size)?;
    expected.check(recheck.tree())?;
    let (mut position, mut before) = (0, None);
    loop {
        let fetched = pages.next(&mut whole).await;
        // The page is read on another processor while the one before it is checked, and what
        // is wrong with it is said after what is wrong with that.
        let fetched = fetched.map(|page| page.map(|page| reading(&mut position, page)));
        if let Some(read) = before.take() {
            check(&mut recheck, read, expected).await?;
        }
        match fetched? {
            Some(read) => before = Some(read),
            None => break,
        }
    }
    pages.finish(whole).await?;
    let (size, root) = (recheck.tree().size(), recheck.tree().root());
    let counts = recheck.finish().await.map_err(|finding| unproven(&finding))?;
    expected.finish(size)?;
    Ok((counts, root))
}

/// A page that is being read.
type Reading = JoinHandle<Vec<Result<ReadEvent, Finding>>>;

fn reading(position: &mut u64, page: Vec<Vec<u8>>) -> Reading {
    let first = *position;
    *position += page.len() as u64;
    spawn_blocking(move || {
        let leaves = (first..).zip(page);
        leaves.map(|(position, leaf)| ReadEvent::of(position, Bytes::from(leaf))).collect()
    })
}

/// Checks the events of a page against those before them.
async fn check(recheck: &mut Recheck<'_>, read: Reading, expected: &Expected) -> Result<(), Failure> {
    let page = read.await.map_err(|error| Failure::Contract(format!("{error}.")))?;
    for event in page {
        let event = event.map_err(|finding| unproven(&finding))?;
        recheck.add(event).await.map_err(|finding| unproven(&finding))?;
        expected.check(recheck.tree())?;
    }
    Ok(())
}

/// Roots that the log has to have at some sizes.
#[derive(Default)]
struct Expected(Vec<(u64, Hash, &'static str)>);

impl Expected {
    fn add(&mut self, size: u64, root: Hash, whose: &'static str) {
        self.0.push((size, root, whose));
    }

    /// A root is computed only where one is expected.
    fn check(&self, tree: &Frontier) -> Result<(), Failure> {
        let size = tree.size();
        match self.0.iter().find(|(at, expected, _)| *at == size && *expected != tree.root()) {
            None => Ok(()),
            Some((_, expected, whose)) => Err(Failure::Unproven(format!(
                "The {size} events have the root {}, but {whose} states {}.",
                hex::encode(tree.root()),
                hex::encode(expected)
            ))),
        }
    }

    fn finish(&self, size: u64) -> Result<(), Failure> {
        match self.0.iter().find(|(at, _, _)| *at > size) {
            None => Ok(()),
            Some((at, _, whose)) => {
                Err(Failure::Unproven(format!("The log has {size} events, but {whose} states {at}.")))
            }
        }
    }
}

/// The keys that a server names as its own.
async fn told_by(session: &Session) -> Result<Policy, Failure> {
    let told = checkpoint::get(session, 0, false).await?.verifier_keys;
    let keys: Result<Vec<VerifierKey>, _> = told.iter().map(|key| key.parse()).collect();
    keys.map(Policy::of_logs).map_err(|error| Failure::Contract(format!("The server's key: {error}.")))
}

fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, error))?;
    SignedCheckpoint::parse(&bytes).map_err(|error| unproven(&error))
}

fn unproven(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unproven(format!("{error}."))
}

/// A log whose keys are all others than those that are known has changed them, or is not the same.
fn not_signed(error: &PolicyError) -> Failure {
    match error {
        PolicyError::Note(NoteError::NoKnownSignature { .. }) => Failure::Unproven(format!(
            "{error}. A log that changes its key says why in an event CheckpointKeyRotated, which whoever holds only \
             older keys need not believe: have the key that signs now told by somebody you trust, and give it with \
             --key beside the older one and an --earlier checkpoint that the older one has signed."
        )),
        error => unproven(error),
    }
}

fn needs_key(what: &str) -> Failure {
    Failure::Usage(format!(
        "To believe {what}, its log's public key is needed, from somebody you trust: give --key, or --policy."
    ))
}

fn cosigned(witnesses: &[(&str, u64)]) -> Result<(), Failure> {
    witnesses.iter().try_for_each(|(name, time)| {
        let time = jiff::Timestamp::from_second(i64::try_from(*time).unwrap_or(i64::MAX));
        let when = time.map(|time| format!(" on {time}")).unwrap_or_default();
        say(&format!("The witness {name} has cosigned it{when}."))
    })
}

fn say(sentence: &str) -> Result<(), Failure> {
    write(&format!("{sentence}\n"))
}
