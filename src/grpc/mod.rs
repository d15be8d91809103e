//! The wire: read, call once, answer.

pub mod alias;
pub mod audit;
pub mod calendar;
mod card;
pub mod checkpoint;
pub mod consumer;
mod decision;
pub mod error;
pub mod evaluation;
pub mod field;
pub mod health;
pub mod identity;
pub mod incident;
pub mod layer;
pub mod lifecycle;
pub mod metric;
pub mod model;
pub mod monitor;
pub mod namespace;
pub mod otlp;
pub mod person;
pub mod policy;
pub mod proposal;
pub mod retraining;
pub mod serve;
pub mod subscription;
pub mod upstream;
pub mod version;
mod webhook;

use tonic::{Response, Status, codec::SingleMessageCompressionOverride};
use tonic_types::{ErrorDetails, StatusExt};

/// Domain of all `google.rpc.ErrorInfo` details.
pub const ERROR_DOMAIN: &str = "steward";

/// Largest message that is accepted, in bytes: a larger one is OUT_OF_RANGE, or
/// RESOURCE_EXHAUSTED if it is compressed and turns out larger when unpacked.
pub const MAX_RECEIVE_BYTES: usize = 4 << 20;

/// Largest message that is sent, in bytes before compression. Pages are cut so
/// that they stay far below it.
pub const MAX_SEND_BYTES: usize = 16 << 20;

/// Sets [`MAX_RECEIVE_BYTES`], [`MAX_SEND_BYTES`] and gzip on a generated server:
/// accepted always, sent to clients that say they take it where it pays (see [`answer`]).
///
/// A macro, because tonic generates these methods for each server without a
/// trait that they share.
macro_rules! limited {
    ($server:expr) => {
        $server
            .max_decoding_message_size($crate::grpc::MAX_RECEIVE_BYTES)
            .max_encoding_message_size($crate::grpc::MAX_SEND_BYTES)
            .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
            .send_compressed(tonic::codec::CompressionEncoding::Gzip)
    };
}
pub(crate) use limited;

/// The smallest answer that is compressed, in bytes. Below it gzip costs more
/// processor time than the whole call and saves no more than a packet or two;
/// and most clients offer gzip without being asked.
const MIN_GZIP_BYTES: usize = 4 << 10;

/// A unary answer, which is compressed only if it is large.
fn answer<M: prost::Message>(message: M) -> Response<M> {
    let is_small = message.encoded_len() < MIN_GZIP_BYTES;
    let mut response = Response::new(message);
    if is_small {
        response.extensions_mut().insert(SingleMessageCompressionOverride::Disable);
    }
    response
}

/// An INVALID_ARGUMENT about a metadata header, for a program and a reader.
fn bad_header(header: &'static str, allowed: &'static str) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info("INVALID_METADATA", ERROR_DOMAIN, [("header".to_owned(), header.to_owned())])
        .add_bad_request_violation(header, allowed);
    let message = format!("metadata header `{header}`: {allowed}");
    Status::with_error_details(tonic::Code::InvalidArgument, message, details)
}
