//! Answers in pieces that are gathered: see [`super::gathered`]. An answer that
//! is somewhat larger than what goes into the buffer would cost a system call, and a packet,
//! of its own; in pieces it goes in.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Bytes of a piece: fewer than the 1,024 from which h2 leaves a payload where it is.
const PIECE: usize = 1_000;
/// Most bytes of what is cut: of more pieces each costs more than a system call for all.
const MOST: usize = 4 * PIECE;

pin_project! {
    /// A body whose data comes in pieces, unless there is much of it.
    pub(super) struct Pieces<B> {
        #[pin]
        inner: B,
        rest: Bytes,
    }
}

impl<B> Pieces<B> {
    pub(super) fn new(inner: B) -> Self {
        Pieces { inner, rest: Bytes::new() }
    }
}

impl<B: Body<Data = Bytes>> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.inner.poll_frame(context)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) if (PIECE + 1..=MOST).contains(&data.len()) => *this.rest = data,
                Some(Ok(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Err(other)) => return Poll::Ready(Some(Ok(other))),
                None => return Poll::Ready(None),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut all = SizeHint::new();
        if let Some(upper) = inner.upper() {
            all.set_upper(upper.saturating_add(rest));
        }
        all.set_lower(inner.lower().saturating_add(rest));
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use http::HeaderMap;
    use std::{collections::VecDeque, convert::Infallible, future::poll_fn};

    /// A body of these frames.
    struct Script(VecDeque<Frame<Bytes>>);

    impl Body for Script {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            let data = self.0.iter().filter_map(Frame::data_ref);
            SizeHint::with_exact(data.map(|data| data.len() as u64).sum())
        }
    }

    fn data(length: usize) -> Frame<Bytes> {
        Frame::data((0..length).map(|index| (index % 251) as u8).collect())
    }

    /// What comes of frames: the lengths of the pieces, the whole data, the trailers.
    async fn cut(frames: impl IntoIterator<Item = Frame<Bytes>>) -> (Vec<usize>, Vec<u8>, Option<HeaderMap>) {
        let mut body = Pieces::new(Script(frames.into_iter().collect()));
        let (mut lengths, mut all, mut trailers) = (Vec::new(), Vec::new(), None);
        let length = body.size_hint().exact().unwrap();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some(length - all.len() as u64));
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.unwrap().unwrap();
            match frame.into_data() {
                Ok(data) => {
                    assert!(trailers.is_none(), "data behind the trailers");
                    lengths.push(data.len());
                    all.extend_from_slice(&data);
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        (lengths, all, trailers)
    }

    #[tokio::test]
    async fn what_is_neither_small_nor_large_comes_in_pieces() {
        let expected: [(usize, &[usize]); 6] = [
            (1, &[1]),
            (1_000, &[1_000]),
            (1_001, &[1_000, 1]),
            (2_500, &[1_000, 1_000, 500]),
            (4_000, &[1_000; 4]),
            (4_001, &[4_001]),
        ];
        for (length, lengths) in expected {
            let (found, all, _) = cut([data(length)]).await;
            assert_eq!(found, lengths);
            assert_eq!(all, data(length).into_data().unwrap());
        }
    }

    #[tokio::test]
    async fn messages_and_trailers_keep_their_order() {
        let end = HeaderMap::from_iter([(http::header::AGE, http::HeaderValue::from(7))]);
        let (lengths, _, trailers) = cut([data(1_500), data(10), Frame::trailers(end.clone())]).await;
        assert_eq!((lengths, trailers), (vec![1_000, 500, 10], Some(end)));
    }
}
