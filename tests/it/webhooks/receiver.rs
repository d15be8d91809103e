//! A receiver of webhooks that answers as it is told, and keeps what it accepted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A status, with a Retry-After where there is one.
    Status(u16, Option<&'static str>),
    /// To somewhere else.
    Redirect,
    /// Nothing, until the sender gives up.
    Silence,
    /// The connection is closed.
    Close,
}

pub const FINE: Reply = Reply::Status(204, None);

/// A request.
#[derive(Clone, Debug)]
pub struct Got {
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    pub reply: Reply,
}

impl Got {
    pub fn is_accepted(&self) -> bool {
        matches!(self.reply, Reply::Status(200..=299, _))
    }
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub uri: String,
    got: Arc<Mutex<Vec<Got>>>,
    /// Whether the newest request was accepted.
    well: watch::Receiver<bool>,
}

impl Receiver {
    /// One that answers its n-th request, from 0, as it is told.
    pub async fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/hook", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (got.clone(), Arc::new(reply));
        let (sender, well) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, kept.clone(), sender.clone(), reply.clone()));
            }
        });
        Receiver { uri, got, well }
    }

    /// Whether the newest request was accepted.
    pub fn is_well(&self) -> bool {
        *self.well.borrow()
    }

    /// Until the newest request is one that was not accepted.
    pub async fn failed(&self) {
        self.well.clone().wait_for(|well| !well).await.unwrap();
    }

    /// Everything that came.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The bodies that it accepted.
    pub fn accepted(&self) -> Vec<Vec<u8>> {
        self.got().into_iter().filter(Got::is_accepted).map(|got| got.body).collect()
    }
}

async fn serve(
    mut socket: TcpStream,
    kept: Arc<Mutex<Vec<Got>>>,
    well: watch::Sender<bool>,
    reply: Arc<impl Fn(usize) -> Reply + Send + Sync + 'static>,
) {
    let Some((headers, body)) = read(&mut socket).await else { return };
    let reply = {
        let mut kept = kept.lock().unwrap();
        let reply = reply(kept.len());
        let got = Got { headers, body, reply };
        well.send_replace(got.is_accepted());
        kept.push(got);
        reply
    };
    let answer = match reply {
        Reply::Status(status, None) => {
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Reply::Status(status, Some(pause)) => format!(
            "HTTP/1.1 {status} X\r\nretry-after: {pause}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        Reply::Redirect => {
            "HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                .to_owned()
        }
        Reply::Close => return,
        Reply::Silence => {
            // Until the sender gives up.
            let _ = socket.read(&mut [0]).await;
            return;
        }
    };
    let _ = socket.write_all(answer.as_bytes()).await;
}

async fn read(socket: &mut TcpStream) -> Option<(BTreeMap<String, String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < end + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((headers, bytes[end..].to_vec()))
}
