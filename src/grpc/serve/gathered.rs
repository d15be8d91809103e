//! A connection on which HTTP/2 frames are gathered before they are sent.
//!
//! hyper's HTTP/2 keeps a buffer of 16 KiB for what is to be sent. A payload of
//! more than 256 bytes does not go into it where the connection can write
//! several buffers at once, so that each answer of a usual size costs a system
//! call, and a packet, of its own. Where it cannot, payloads of up to 1,024
//! bytes go into the buffer, and one system call takes the answers of many calls.
//! What is a little larger is cut into [`super::pieces`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Passes everything on but the ability to write several buffers at once.
#[derive(Debug)]
pub(super) struct Gathered<T>(pub(super) T);

impl<T: AsyncRead + Unpin> AsyncRead for Gathered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

/// The methods that are not here are those for several buffers: as the trait
/// provides them, there are none.
impl<T: AsyncWrite + Unpin> AsyncWrite for Gathered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
