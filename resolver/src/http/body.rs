//! The bodies of answers: nearly all are bytes at hand; a stream is written while it is sent.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::{event_stream::EventStream, pace::UnderWay};

/// The most that is given to hyper at once: it copies a piece behind what it has still to send, and keeps the room.
const PIECE: usize = 16 << 10;

/// What an answer carries.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    /// Gone with it when hyper has all of it.
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
enum Content {
    /// All of it.
    Full(Bytes),
    /// What is written to it, until its writer is gone.
    Stream {
        pieces: mpsc::Receiver<Bytes>,
        /// The connection takes it and has it write.
        writer: Option<Box<EventStream>>,
    },
}

impl Body {
    /// Who writes it, if it is a stream that nobody has begun to write.
    pub(crate) fn take_writer(&mut self) -> Option<Box<EventStream>> {
        match &mut self.content {
            Content::Full(_) => None,
            Content::Stream { writer, .. } => writer.take(),
        }
    }

    /// All of it, if it is at hand.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match &self.content {
            Content::Full(bytes) => Some(bytes.clone()),
            Content::Stream { .. } => None,
        }
    }

    /// A few pieces at the most: who reads too slowly makes the writer wait, not the memory grow.
    pub(crate) fn stream(pieces: mpsc::Receiver<Bytes>, writer: EventStream) -> Self {
        Content::Stream { pieces, writer: Some(Box::new(writer)) }.into()
    }

    /// Until all of it is out, the client owes no head.
    pub(super) fn is_out_with(&mut self, under_way: UnderWay) {
        self.under_way = Some(under_way);
    }
}

impl From<Content> for Body {
    fn from(content: Content) -> Self {
        Self { content, under_way: None }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Content::Full(bytes).into()
    }
}

impl Default for Body {
    fn default() -> Self {
        Bytes::new().into()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().content {
            Content::Full(rest) if rest.is_empty() => Poll::Ready(None),
            Content::Full(rest) => {
                let piece = rest.split_to(rest.len().min(PIECE));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Content::Stream { pieces, .. } => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Full(rest) => rest.is_empty(),
            Content::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(rest) => SizeHint::with_exact(rest.len() as u64),
            Content::Stream { .. } => SizeHint::default(),
        }
    }
}
