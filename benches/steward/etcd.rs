//! etcd, one node on the same disk, doing what a recorded evaluation is in a
//! store: three new keys in one transaction, if the first of them is not there.

use super::{Failure, client::Client, population::framed, process::processor_seconds};
use bytes::Bytes;
use prost::{Message, Oneof};
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep},
};

/// Path of etcd's transaction.
pub const TXN: &str = "/etcdserverpb.KV/Txn";
/// Bytes of the values: those of an event, a state and a request id in the benchmark's store.
const VALUES: [usize; 3] = [960, 400, 150];
/// How long etcd may take to start.
const START: Duration = Duration::from_secs(20);

/// A node in a process of its own.
pub struct Etcd {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Etcd {
    /// Starts a node over a directory; `None` where etcd is not installed.
    pub async fn start(dir: &Path) -> Result<Option<Self>, Failure> {
        let (address, peers) = (free_address().await?, free_address().await?);
        let (clients, peers) = (format!("http://{address}"), format!("http://{peers}"));
        let started = Command::new("etcd")
            .arg("--data-dir")
            .arg(dir.join("etcd"))
            .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
            .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("default={peers}"), "--log-level", "error"])
            // As much as it takes, so that it never has to stop for want of room.
            .args(["--quota-backend-bytes", "8589934592"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let etcd = Etcd { address, child };
        etcd.ready().await?;
        Ok(Some(etcd))
    }

    /// Until a transaction succeeds.
    async fn ready(&self) -> Result<(), Failure> {
        let begin = Instant::now();
        loop {
            let tried = match Client::connect(self.address, 1).await {
                Ok(client) => client.one(TXN, request("ready", 0)?).await,
                Err(error) => Err(error),
            };
            match tried {
                Ok(()) => return Ok(()),
                Err(error) if begin.elapsed() > START => return Err(error),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Processor time that the node has used so far, in seconds.
    pub fn processor_seconds(&self) -> f64 {
        processor_seconds(self.child.id())
    }

    /// Ends the node.
    pub async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}

/// An address that nobody listens on. Somebody may take it before etcd does; then etcd does not start.
async fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

/// The n-th transaction.
pub fn request(word: &str, index: usize) -> Result<Bytes, Failure> {
    let key = |kind: &str| format!("{kind}/{word}-{index:012}").into_bytes();
    let keys = ["event", "state", "request"];
    let put = |(kind, bytes)| RequestOp { put: Some(Put { key: key(kind), value: vec![b'x'; bytes] }) };
    framed(&Txn {
        // Created at revision 0 means: not there.
        compare: vec![Compare {
            target: CREATED,
            key: key(keys[0]),
            expected: Some(Expected::CreateRevision(0)),
        }],
        success: keys.into_iter().zip(VALUES).map(put).collect(),
    })
}

/// `Compare.CompareTarget.CREATE`.
const CREATED: i32 = 1;

/// The parts of etcd's `rpc.proto` that the transaction needs.
#[derive(Clone, PartialEq, Message)]
struct Txn {
    #[prost(message, repeated, tag = "1")]
    compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    success: Vec<RequestOp>,
}

#[derive(Clone, PartialEq, Message)]
struct Compare {
    #[prost(int32, tag = "2")]
    target: i32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(oneof = "Expected", tags = "5")]
    expected: Option<Expected>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Expected {
    #[prost(int64, tag = "5")]
    CreateRevision(i64),
}

#[derive(Clone, PartialEq, Message)]
struct RequestOp {
    #[prost(message, optional, tag = "2")]
    put: Option<Put>,
}

#[derive(Clone, PartialEq, Message)]
struct Put {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}
