//! The bodies of answers: nearly all are bytes at hand; a stream is written while it is sent.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::event_stream::EventStream;

/// The most that is given to hyper at once: it copies a piece behind what it has still to send, and keeps the room.
const PIECE: usize = 16 << 10;

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Full(Bytes),
    /// What is written to it, until its writer is gone.
    Stream {
        /// A few pieces at the most: who reads too slowly makes the writer wait, not the memory grow.
        pieces: mpsc::Receiver<Bytes>,
        /// The connection takes it and has it write.
        writer: Option<Box<EventStream>>,
    },
}

impl Body {
    /// Who writes it, if it is a stream that nobody has begun to write.
    pub(crate) fn take_writer(&mut self) -> Option<Box<EventStream>> {
        match self {
            Self::Full(_) => None,
            Self::Stream { writer, .. } => writer.take(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Full(Bytes::new())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Full(rest) if rest.is_empty() => Poll::Ready(None),
            Self::Full(rest) => {
                let piece = rest.split_to(rest.len().min(PIECE));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Self::Stream { pieces, .. } => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(rest) => rest.is_empty(),
            Self::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(rest) => SizeHint::with_exact(rest.len() as u64),
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}
