//! A question in one datagram and its answer in another: how nearly every lookup of a proof goes.
//!
//! What makes an answer hard to forge for those who do not see the question (RFC 5452): a port of its own, which the
//! kernel chooses at random; a random id; and letters in random case, which have to come back as they were sent. Once the
//! question is out, the kernel hands over no datagram from another address. Whatever else arrives is no answer.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Socket},
    task::Poll,
};

use hickory_resolver::proto::{
    op::{DEFAULT_MAX_PAYLOAD_LEN, Message},
    rr::{Name, RecordType},
};
use tokio::{io::Interest, net::UdpSocket};

use super::question::{Extended, Likeness, likeness, question};

/// A question that is out.
pub(super) struct Sent<S = Socket> {
    socket: S,
    question: Message,
    datagram: Vec<u8>,
    odd: Odd,
}

/// Whether something arrived that is not the answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Odd {
    pub(super) anything: bool,
    /// The answer, were it not for the letters: the server does not keep them, or it is not the server.
    pub(super) other_letters: bool,
}

impl Sent {
    pub(super) fn new(
        server: SocketAddr,
        name: &Name,
        kind: RecordType,
        extended: Extended,
    ) -> io::Result<Self> {
        let question = question(name, kind, extended);
        let datagram = question.to_vec().map_err(io::Error::other)?;
        let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = Socket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        socket.send(&datagram)?;
        Ok(Self { socket, question, datagram, odd: Odd::default() })
    }

    /// The answer, if it is there.
    pub(super) fn look(&mut self) -> io::Result<Poll<Message>> {
        hear(&self.question, &mut self.odd, |datagram| self.socket.recv(datagram))
    }

    /// To be waited for. To watch a socket, and to end that, takes as long as the question and the answer.
    pub(super) fn watched(self) -> io::Result<Sent<UdpSocket>> {
        let Self { socket, question, datagram, odd } = self;
        Ok(Sent { socket: UdpSocket::from_std(socket)?, question, datagram, odd })
    }
}

impl Sent<UdpSocket> {
    /// The answer, whenever it comes. A call that is dropped loses nothing.
    pub(super) async fn answer(&mut self) -> io::Result<Message> {
        loop {
            let heard = hear(&self.question, &mut self.odd, |datagram| self.socket.try_recv(datagram))?;
            if let Poll::Ready(answer) = heard {
                return Ok(answer);
            }
            if self.socket.ready(Interest::READABLE | Interest::ERROR).await?.is_error() {
                return Err(self.socket.take_error()?.unwrap_or(io::ErrorKind::Other.into()));
            }
        }
    }

    /// Sends the question again, as it was: one of the two datagrams may have been lost.
    pub(super) async fn again(&self) -> io::Result<()> {
        self.socket.send(&self.datagram).await.map(drop)
    }

    pub(super) fn odd(&self) -> Odd {
        self.odd
    }
}

/// The answer, if it is among what is there to hear.
fn hear(
    question: &Message,
    odd: &mut Odd,
    receive: impl Fn(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Poll<Message>> {
    let mut datagram = [0; DEFAULT_MAX_PAYLOAD_LEN as usize];
    loop {
        let datagram = match receive(&mut datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Poll::Pending),
            length => datagram.get(..length?).unwrap_or_default(),
        };
        // Of another id, it may be no message at all.
        if datagram.starts_with(&question.metadata.id.to_be_bytes())
            && let Ok(answer) = Message::from_vec(datagram)
        {
            match likeness(question, &answer) {
                Likeness::Answer => return Ok(Poll::Ready(answer)),
                Likeness::OtherLetters => odd.other_letters = true,
                Likeness::Foreign => {}
            }
        }
        odd.anything = true;
    }
}
