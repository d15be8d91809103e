//! A witness (C2SP tlog-witness) in the process of the test: it remembers what it has cosigned last,
//! and can be told to misbehave.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use http::{StatusCode, header};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use steward_registry::audit::{
    key::{KeyName, SignatureType, VerifierKey},
    merkle::Hash,
    proof::verify_consistency,
    witness::AddCheckpoint,
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// When every witness cosigns, in seconds since 1970.
pub const TIME: u64 = 1_780_000_000;

/// What a witness does with what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// What the specification says.
    Right,
    /// Answers 503.
    Down,
    /// Sends its callers to somebody else.
    Redirects,
    /// Answers with more than anybody wants to read.
    Endless,
    /// Answers 409 to everything, and does not say why.
    Conflicts,
    /// Cosigns another text.
    SignsAnother,
    /// Names a size each time, and never the one that it was given.
    NamesSizes,
}

struct Inner {
    name: String,
    key: ed25519_dalek::SigningKey,
    manner: Mutex<Manner>,
    /// Size and root by log.
    last: Mutex<BTreeMap<String, (u64, Hash)>>,
    asked: Mutex<Vec<(u64, u64)>>,
    tell: UnboundedSender<u64>,
}

/// A running witness.
pub struct Witness {
    inner: Arc<Inner>,
    url: String,
    told: UnboundedReceiver<u64>,
}

impl Witness {
    pub async fn start(name: &str, seed: u8) -> Self {
        let (tell, told) = unbounded_channel();
        let inner = Arc::new(Inner {
            name: name.to_owned(),
            key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32]),
            manner: Mutex::new(Manner::Right),
            last: Mutex::default(),
            asked: Mutex::default(),
            tell,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/witness", listener.local_addr().unwrap());
        let app =
            Router::new().route("/witness/add-checkpoint", post(add_checkpoint)).with_state(inner.clone());
        tokio::spawn(async move { axum_serve(listener, app).await });
        Witness { inner, url, told }
    }

    pub fn behave(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// Has it know this tree of the one log that it knows.
    pub fn remember(&self, tree: (u64, Hash)) {
        *self.inner.last.lock().unwrap().first_entry().unwrap().get_mut() = tree;
    }

    /// Size and root that it has cosigned last of the one log that it knows.
    pub fn last(&self) -> (u64, Hash) {
        *self.inner.last.lock().unwrap().first_entry().unwrap().get()
    }

    /// Old and new size of each request since the last look.
    pub fn asked(&self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.inner.asked.lock().unwrap())
    }

    /// Waits until it is asked about a tree of at least this size.
    pub async fn is_asked_about(&mut self, size: u64) {
        while self.told.recv().await.unwrap() < size {}
    }

    /// Its line in a policy.
    pub fn line(&self) -> String {
        let Inner { name, key, .. } = &*self.inner;
        format!("witness {name} {} {}/\n", verifier(name, key), self.url)
    }
}

fn verifier(name: &str, key: &ed25519_dalek::SigningKey) -> VerifierKey {
    let name = KeyName::new(&format!("{name}.example")).unwrap();
    VerifierKey::new(name, SignatureType::Cosignature, &key.verifying_key().to_bytes()).unwrap()
}

async fn axum_serve(listener: TcpListener, app: Router) {
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::conn::auto::Builder,
        service::TowerToHyperService,
    };
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn add_checkpoint(State(witness): State<Arc<Inner>>, body: Bytes) -> Response {
    let request = AddCheckpoint::parse(&body).unwrap();
    let stated = request.checkpoint().checkpoint();
    witness.asked.lock().unwrap().push((request.old_size(), stated.size()));
    let manner = *witness.manner.lock().unwrap();
    let answer = match manner {
        Manner::Right => judge(&witness, &request),
        Manner::Conflicts => StatusCode::CONFLICT.into_response(),
        Manner::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Redirects => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/witness/add-checkpoint?")]).into_response()
        }
        Manner::Endless => "x".repeat(100_000).into_response(),
        Manner::SignsAnother => signature(&witness, "another text\n").into_response(),
        Manner::NamesSizes => size(stated.size() - 1 - request.old_size() % 2),
    };
    let _ = witness.tell.send(stated.size());
    answer
}

fn judge(witness: &Inner, request: &AddCheckpoint) -> Response {
    let stated = request.checkpoint().checkpoint();
    let mut last = witness.last.lock().unwrap();
    let last = last.entry(stated.origin().to_owned()).or_default();
    let (old, root) = *last;
    if request.old_size() != old {
        return size(old);
    }
    if old == stated.size() && root != *stated.root() {
        return StatusCode::CONFLICT.into_response();
    }
    if old > 0 && verify_consistency(old, stated.size(), request.proof(), &root, stated.root()).is_err() {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    *last = (stated.size(), *stated.root());
    signature(witness, &stated.to_string()).into_response()
}

fn size(size: u64) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
    (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
}

fn signature(witness: &Inner, text: &str) -> String {
    let key = verifier(&witness.name, &witness.key);
    let signature = witness.key.sign(format!("cosignature/v1\ntime {TIME}\n{text}").as_bytes()).to_bytes();
    let bytes = [&key.id().0[..], &TIME.to_be_bytes(), &signature].concat();
    format!("\u{2014} {} {}\n", key.name(), STANDARD.encode(bytes))
}
