//! How long a client may keep its place without doing its part: sending the head of a request, and taking its answers.
//!
//! hyper can tell when a head is late, and to be able to it looks for the next head once more after every answer, and makes
//! and drops a timer each time: the largest cost between the socket and a remembered answer. About writing it knows nothing:
//! who takes nothing keeps it waiting for ever. Here heads and bytes are only counted, and the connection's one timer looks
//! now and then what became of them.
//!
//! (The body of a request has a deadline of its own, in `request`.)

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::settings::Limits;

/// How often it looks within the shorter limit. Whoever is late is noticed when late by one part of so many, at most.
const LOOKS: u32 = 4;

/// What happened on a connection. Only its task counts.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The heads that came.
    heads: AtomicU64,
    /// The bytes that the client took, or the system for it.
    taken: AtomicU64,
    /// Whether more can go out only when the client has taken some.
    is_full: AtomicBool,
    /// Held by every answer that is not out at once.
    under_way: Arc<()>,
}

/// While it is there, no head is waited for.
#[derive(Debug)]
pub(super) struct UnderWay {
    _held: Arc<()>,
}

/// What a client did not do in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// Send a head.
    Head,
    /// Take what waits for it.
    Reader,
}

/// What one look sees.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    heads: u64,
    taken: u64,
    is_full: bool,
    is_under_way: bool,
}

impl Pace {
    /// A head has come, and its answer goes out at once.
    pub(super) fn answered(&self) {
        self.heads.store(self.heads.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A head has come, and its answer takes its time.
    pub(super) fn under_way(&self) -> UnderWay {
        self.answered();
        UnderWay { _held: Arc::clone(&self.under_way) }
    }

    fn took(&self, bytes: usize) {
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(bytes as u64), Ordering::Relaxed);
        self.is_full.store(false, Ordering::Relaxed);
    }

    fn is_full(&self) {
        self.is_full.store(true, Ordering::Relaxed);
    }

    fn look(&self) -> Seen {
        Seen {
            heads: self.heads.load(Ordering::Relaxed),
            taken: self.taken.load(Ordering::Relaxed),
            is_full: self.is_full.load(Ordering::Relaxed),
            is_under_way: Arc::strong_count(&self.under_way) > 1,
        }
    }

    /// Ready when a head was waited for as long as the limit, or when a client that something waits for took too little of
    /// it for as long as that limit; in both cases or a little later.
    pub(super) async fn late(&self, limits: &Limits) -> Late {
        let (for_head, for_reader) = (limits.header_timeout, limits.write_timeout);
        let part = (for_head.min(for_reader) / LOOKS).max(Duration::from_millis(1));
        let (for_head, for_reader) = (parts(for_head, part), parts(for_reader, part));
        let least = u128::from(limits.min_write_bytes_per_second) * limits.write_timeout.as_millis() / 1000;
        let (mut before, mut without_head, mut full, mut taken) = (Seen::default(), 0, 0, 0);
        let mut looks = interval_at(Instant::now() + part, part);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let seen = self.look();
            let was_busy = |seen: Seen| seen.is_under_way || seen.is_full;
            let waited = seen.heads == before.heads && !was_busy(seen) && !was_busy(before);
            without_head = if waited { without_head + 1 } else { 0 };
            if without_head >= for_head {
                return Late::Head;
            }
            let has_waited = seen.is_full && before.is_full;
            full = if has_waited { full + 1 } else { 0 };
            taken = if has_waited { taken } else { seen.taken };
            if full >= for_reader {
                // To take nothing is too little whatever the least is.
                if u128::from(seen.taken.wrapping_sub(taken)) < least.max(1) {
                    return Late::Reader;
                }
                (full, taken) = (0, seen.taken);
            }
            before = seen;
        }
    }
}

/// How many parts a limit has.
fn parts(limit: Duration, part: Duration) -> u128 {
    limit.as_nanos().div_ceil(part.as_nanos().max(1)).max(1)
}

/// A client's end of a connection, which counts what the client takes.
#[derive(Debug)]
pub(super) struct Paced<'a, S> {
    stream: S,
    pace: &'a Pace,
}

impl<'a, S> Paced<'a, S> {
    pub(super) fn new(stream: S, pace: &'a Pace) -> Self {
        Self { stream, pace }
    }

    fn counted(&self, taken: &Poll<io::Result<usize>>) {
        match taken {
            Poll::Ready(Ok(bytes)) => self.pace.took(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pace.is_full(),
        }
    }
}

impl<S: Read + Unpin> Read for Paced<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Paced<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.counted(&taken);
        taken
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.counted(&taken);
        taken
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(16);
    const PART: Duration = Duration::from_secs(4);
    const MOMENT: Duration = Duration::from_secs(1);

    async fn pass(time: Duration) {
        let _ = timeout(time, pending::<()>()).await;
    }

    fn limits() -> Limits {
        Limits {
            header_timeout: LIMIT,
            write_timeout: LIMIT,
            min_write_bytes_per_second: 100,
            ..Limits::default()
        }
    }

    /// When a connection ends on which this happens, and why.
    async fn ends_of(limits: Limits, what: impl AsyncFn(&Pace)) -> Option<(Late, Duration)> {
        let (pace, begun) = (Pace::default(), Instant::now());
        let happens = async {
            what(&pace).await;
            pending::<()>().await;
        };
        let late = timeout(20 * LIMIT, pace.late(&limits));
        tokio::select! {
            biased;
            () = happens => None,
            late = late => Some((late.ok()?, begun.elapsed())),
        }
    }

    async fn ends(what: impl AsyncFn(&Pace)) -> (Late, Duration) {
        ends_of(limits(), what).await.unwrap()
    }

    fn assert_in_time(waited: Duration, told: &str) {
        assert!((LIMIT..=LIMIT + PART).contains(&waited), "{waited:?}, {told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_no_head_has_exactly_so_long() {
        assert_eq!(ends(async |_| ()).await, (Late::Head, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_answer_it_has_so_long_again_and_a_part_more_at_most() {
        for moment in 1..64 {
            let between = moment * MOMENT / 5;
            let ended = ends(async |pace| {
                for _ in 0..3 {
                    pass(between).await;
                    pace.answered();
                }
            });
            let (late, ended) = ended.await;
            assert_eq!(late, Late::Head);
            assert_in_time(ended - 3 * between, &format!("three times {between:?}"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_an_answer_is_under_way_no_head_is_waited_for() {
        for moment in 1..64 {
            let last = 3 * LIMIT + moment * MOMENT / 2;
            let ended = ends(async |pace| {
                let under_way = pace.under_way();
                pass(last).await;
                drop(under_way);
            });
            let (late, ended) = ended.await;
            assert_eq!(late, Late::Head);
            assert_in_time(ended - last, &format!("after {last:?}"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_of_its_answer_has_so_long_and_a_part_more_at_most() {
        for moment in 1..64 {
            let begins = moment * MOMENT / 5;
            for is_under_way in [true, false] {
                let ended = ends(async |pace| {
                    pass(begins).await;
                    let under_way = pace.under_way();
                    pace.is_full();
                    if is_under_way {
                        pending::<()>().await;
                    }
                    // All of it is hyper's, and none of it the client's.
                    drop(under_way);
                });
                let (late, ended) = ended.await;
                assert_eq!(late, Late::Reader);
                assert_in_time(ended - begins, &format!("full after {begins:?}"));
            }
        }
    }

    /// What happens to a client that takes `bytes` of a long answer each second.
    async fn reader(bytes: usize) -> Option<(Late, Duration)> {
        ends_of(limits(), async |pace| {
            let _under_way = pace.under_way();
            pace.is_full();
            loop {
                pass(MOMENT).await;
                pace.took(bytes);
                pace.is_full();
            }
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_less_than_the_least_is_let_go_and_one_that_takes_more_is_not() {
        for bytes in [1, 50, 90] {
            let (late, ended) = reader(bytes).await.unwrap();
            assert_eq!(late, Late::Reader);
            assert_in_time(ended, &format!("{bytes} bytes a second"));
        }
        for bytes in [110, 10_000] {
            assert_eq!(reader(bytes).await, None, "{bytes} bytes a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_one_behind_the_other_do_not_buy_time_for_a_client_that_takes_nothing() {
        let ended = ends(async |pace| {
            pace.is_full();
            loop {
                pass(MOMENT).await;
                pace.answered();
            }
        });
        let (late, ended) = ended.await;
        assert_eq!(late, Late::Reader);
        assert_in_time(ended, "a head a second");
    }

    #[tokio::test(start_paused = true)]
    async fn each_limit_counts_for_itself() {
        for (head, write) in [(2, 60), (60, 2), (7, 5)] {
            let seconds = Duration::from_secs;
            let limits = Limits { header_timeout: seconds(head), write_timeout: seconds(write), ..limits() };
            let slack = seconds(head.min(write)) / LOOKS;
            let (late, ended) = ends_of(limits, async |_| ()).await.unwrap();
            assert_eq!(late, Late::Head);
            assert!((seconds(head)..=seconds(head) + slack).contains(&ended), "{ended:?} {head} {write}");
            let (late, ended) = ends_of(limits, async |pace| pace.is_full()).await.unwrap();
            assert_eq!(late, Late::Reader);
            // Seen to be full at the first look.
            let slack = slack * 2;
            assert!((seconds(write)..=seconds(write) + slack).contains(&ended), "{ended:?} {head} {write}");
        }
    }
}
