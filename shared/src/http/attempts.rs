//! Which of a host's addresses are tried, in which order, and when (RFC 8305, "Happy Eyeballs").
//!
//! Families alternate, so one that does not work here costs a head start and not the connection.

use std::{
    future::{Future, poll_fn},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

/// The addresses that are tried, in turn: families alternate, beginning with the first address's, and each has its first
/// `per_family` (RFC 8305 section 4).
pub(super) fn in_turn(found: &[IpAddr], per_family: usize) -> Vec<IpAddr> {
    let begins_with_v6 = found.first().is_some_and(IpAddr::is_ipv6);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for address in found {
        let family = if address.is_ipv6() == begins_with_v6 { &mut one } else { &mut other };
        if family.len() < per_family && !family.contains(address) {
            family.push(*address);
        }
    }
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut order = Vec::new();
    while one.len() + other.len() > 0 {
        order.extend(one.next().into_iter().chain(other.next()));
    }
    order
}

/// The first connection that stands. An attempt begins when the one before has failed or has had its head start, and goes
/// on beside the later ones. How long all of them may take is the caller's business.
///
/// # Errors
/// Every failure, when no address takes a connection.
pub(super) async fn first<T, E, D: Future<Output = Result<T, E>>>(
    sockets: Vec<SocketAddr>,
    head_start: Duration,
    dial: impl Fn(SocketAddr) -> D,
) -> Result<T, Vec<E>> {
    let mut waiting = sockets.into_iter();
    let mut under_way = Vec::new();
    let mut failures = Vec::new();
    loop {
        under_way.extend(waiting.next().map(|socket| Box::pin(dial(socket))));
        let ended = if waiting.len() == 0 {
            next(&mut under_way).await
        } else {
            let Ok(ended) = timeout(head_start, next(&mut under_way)).await else { continue };
            ended
        };
        match ended {
            Some(Ok(connection)) => return Ok(connection),
            Some(Err(failure)) => failures.push(failure),
            None => return Err(failures),
        }
    }
}

/// What the first of them to end comes to; it is taken out. They are few, so all are polled.
async fn next<D: Future>(under_way: &mut Vec<Pin<Box<D>>>) -> Option<D::Output> {
    poll_fn(|context| {
        if under_way.is_empty() {
            return Poll::Ready(None);
        }
        let ended = under_way.iter_mut().enumerate().find_map(|(place, attempt)| {
            match attempt.as_mut().poll(context) {
                Poll::Ready(outcome) => Some((place, outcome)),
                Poll::Pending => None,
            }
        });
        ended.map_or(Poll::Pending, |(place, outcome)| {
            drop(under_way.swap_remove(place));
            Poll::Ready(Some(outcome))
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        io,
        net::{IpAddr, SocketAddr},
        sync::{Arc, Mutex},
        time::Duration,
    };

    use tokio::time::Instant;

    use super::{first, in_turn};

    const HEAD_START: Duration = Duration::from_millis(250);

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn sockets(texts: &[&str]) -> Vec<SocketAddr> {
        addresses(texts).into_iter().map(|address| SocketAddr::new(address, 443)).collect()
    }

    #[test]
    fn families_alternate_and_each_has_its_tries() {
        for (found, tried) in [
            (
                &["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2", "192.0.2.3"][..],
                &["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"][..],
            ),
            (&["192.0.2.1", "192.0.2.2", "2001:db8::1"], &["192.0.2.1", "2001:db8::1", "192.0.2.2"]),
            (&["2001:db8::1", "2001:db8::2", "2001:db8::3"], &["2001:db8::1", "2001:db8::2"]),
            (&["2001:db8::1", "2001:db8::1", "2001:db8::1", "2001:db8::2"], &["2001:db8::1", "2001:db8::2"]),
            (&["192.0.2.1"], &["192.0.2.1"]),
            (&[], &[]),
        ] {
            assert_eq!(in_turn(&addresses(found), 2), addresses(tried), "{found:?}");
        }
    }

    /// Who was tried, and when.
    type Log = Arc<Mutex<Vec<(SocketAddr, Duration)>>>;

    async fn try_all(
        found: &[&str],
        takes: fn(SocketAddr) -> Option<io::Result<SocketAddr>>,
    ) -> (Result<SocketAddr, usize>, Vec<(SocketAddr, Duration)>) {
        let (log, begun) = (Log::default(), Instant::now());
        let ended = first(sockets(found), HEAD_START, |socket| {
            log.lock().unwrap().push((socket, begun.elapsed()));
            async move {
                match takes(socket) {
                    Some(outcome) => outcome,
                    None => pending().await,
                }
            }
        });
        let ended = ended.await.map_err(|failures| failures.len());
        let tried = log.lock().unwrap().clone();
        (ended, tried)
    }

    #[tokio::test(start_paused = true)]
    async fn a_family_that_swallows_packets_costs_a_head_start() {
        let found = ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"];
        let (ended, tried) = try_all(&found, |socket| socket.is_ipv4().then_some(Ok(socket))).await;
        assert_eq!(ended, Ok(sockets(&["192.0.2.1"])[0]));
        assert_eq!(tried.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [Duration::ZERO, HEAD_START]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_family_that_is_not_there_costs_nothing() {
        let found = ["2001:db8::1", "192.0.2.1"];
        let unreachable = |socket: SocketAddr| match socket {
            SocketAddr::V4(_) => Some(Ok(socket)),
            SocketAddr::V6(_) => Some(Err(io::ErrorKind::NetworkUnreachable.into())),
        };
        let (ended, tried) = try_all(&found, unreachable).await;
        assert_eq!(ended, Ok(sockets(&["192.0.2.1"])[0]));
        assert!(tried.iter().all(|(_, at)| at.is_zero()), "{tried:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_is_not_given_up_for_those_after_it() {
        let found = ["2001:db8::1", "192.0.2.1", "192.0.2.2"];
        let dial = |socket: SocketAddr| async move {
            if socket.is_ipv6() {
                let _ = tokio::time::timeout(HEAD_START * 4, pending::<()>()).await;
                return Ok::<_, io::Error>(socket);
            }
            pending().await
        };
        let ended = first(sockets(&found), HEAD_START, dial).await;
        assert_eq!(ended.unwrap(), sockets(&found)[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_told() {
        let refuses = |_| Some(Err(io::ErrorKind::ConnectionRefused.into()));
        let found = ["2001:db8::1", "192.0.2.1", "192.0.2.2"];
        let (ended, tried) = try_all(&found, refuses).await;
        assert_eq!((ended, tried.len()), (Err(3), 3));
        assert_eq!(try_all(&[], refuses).await.0, Err(0));
    }
}
