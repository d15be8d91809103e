//! A load generator that is little more than HTTP/2: requests are ready to
//! send, answers are counted and not decoded. So what it costs is small beside
//! what it measures, and the same for everything that is compared.

use super::Failure;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use http_body::Body as _;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinSet, time::Instant};

/// Some connections to a server.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    connections: Vec<SendRequest<Body>>,
}

/// What the callers of one turn did.
#[derive(Debug, Default)]
pub struct Turn {
    /// How long the turn took.
    pub elapsed: Duration,
    /// Bytes of all answers.
    pub bytes: usize,
    /// Microseconds of each call.
    pub micros: Vec<u64>,
}

impl Turn {
    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64()
    }
}

impl Client {
    /// Connects so many times.
    pub async fn connect(address: SocketAddr, connections: usize) -> Result<Self, Failure> {
        let mut client = Client { address, connections: Vec::new() };
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
            // Its errors reach the calls that it carries.
            tokio::spawn(connection);
            client.connections.push(sender);
        }
        Ok(client)
    }

    /// Calls one method for a while, with so many callers that each wait for
    /// their answer before they call again. `request` makes the n-th request.
    pub async fn turn<R>(
        &self,
        path: &str,
        headers: &[(&'static str, &'static str)],
        callers: usize,
        length: Duration,
        request: R,
    ) -> Result<Turn, Failure>
    where
        R: Fn(usize) -> Result<Bytes, Failure> + Clone + Send + 'static,
    {
        let template = self.template(path, headers)?;
        let next = Arc::new(AtomicUsize::new(0));
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let connection = self.connections[caller % self.connections.len()].clone();
            let (template, next, request) = (template.clone(), next.clone(), request.clone());
            tasks.spawn(async move {
                let mut turn = Turn::default();
                let mut connection = connection;
                while begin.elapsed() < length {
                    let body = request(next.fetch_add(1, Ordering::Relaxed))?;
                    let start = Instant::now();
                    turn.bytes += call(&mut connection, &template, body).await?;
                    turn.micros.push(u64::try_from(start.elapsed().as_micros())?);
                }
                Ok::<Turn, Failure>(turn)
            });
        }
        let mut all = Turn::default();
        while let Some(turn) = tasks.join_next().await {
            let turn = turn??;
            all.bytes += turn.bytes;
            all.micros.extend(turn.micros);
        }
        all.elapsed = begin.elapsed();
        Ok(all)
    }

    /// Has another connection carry the next call of [`Client::one`].
    pub fn rotate(&mut self) {
        self.connections.rotate_left(1);
    }

    /// One call.
    pub async fn one(mut self, path: &'static str, body: Bytes) -> Result<(), Failure> {
        let template = self.template(path, &[])?;
        let connection = self.connections.first_mut().ok_or("there is no connection")?;
        call(connection, &template, body).await.map(|_| ())
    }

    fn template(&self, path: &str, headers: &[(&'static str, &'static str)]) -> Result<Template, Failure> {
        let mut map = HeaderMap::new();
        map.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        map.insert(header::TE, HeaderValue::from_static("trailers"));
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        Ok(Template { uri: format!("http://{}{path}", self.address).parse()?, headers: map })
    }
}

/// What all requests of a turn share.
#[derive(Clone)]
struct Template {
    uri: Uri,
    headers: HeaderMap,
}

/// One call; answers how many bytes came back. Anything but OK is a failure.
async fn call(
    connection: &mut SendRequest<Body>,
    template: &Template,
    body: Bytes,
) -> Result<usize, Failure> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = template.uri.clone();
    *request.headers_mut() = template.headers.clone();
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let mut status = response.headers().get(tonic::Status::GRPC_STATUS).cloned();
    let mut bytes = 0;
    let mut body = pin!(response.into_body());
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame?;
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if let Some(trailers) = frame.trailers_ref() {
            status = trailers.get(tonic::Status::GRPC_STATUS).cloned();
        }
    }
    match status {
        Some(status) if status.as_bytes() == b"0" => Ok(bytes),
        status => Err(format!("{} answered with status {status:?}", template.uri.path()).into()),
    }
}
