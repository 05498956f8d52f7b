//! Two futures in one task, of which one has nearly all the work.
//!
//! `select!` polls both whenever either was woken. A connection is woken for every request, and what goes on beside it (its
//! deadline, a shutdown, a stream) hardly ever: here that has a bell of its own, and is polled only when it rang.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::future::Either;

/// What `busy` gives, or what `rare` gives, if that is ready first.
pub(super) async fn beside<B: Future, R: Future>(
    mut busy: Pin<&mut B>,
    rare: R,
) -> Either<B::Output, R::Output> {
    let mut rare = pin!(rare);
    let bell = Arc::new(Bell { rings: AtomicBool::new(true), task: Mutex::default() });
    let ringing = Waker::from(Arc::clone(&bell));
    let mut known: Option<Waker> = None;
    poll_fn(move |context| {
        if let Poll::Ready(output) = busy.as_mut().poll(context) {
            return Poll::Ready(Either::Left(output));
        }
        // A task has one waker for all its life, mostly.
        if !known.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            known = Some(context.waker().clone());
            bell.is_heard_by(context.waker());
        }
        // Looked at after the task is known: a bell that rings later wakes it. The look is cheap, to answer it is not.
        if !bell.rings.load(Ordering::Relaxed) || !bell.rings.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        rare.as_mut().poll(&mut Context::from_waker(&ringing)).map(Either::Right)
    })
    .await
}

/// Wakes the task, and leaves word for whom.
struct Bell {
    rings: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Bell {
    fn is_heard_by(&self, task: &Waker) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.clone());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use tokio::{sync::mpsc, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn the_rare_one_is_polled_when_it_is_woken_and_not_otherwise() {
        let polls = Cell::new(0);
        let (sender, mut news) = mpsc::channel(1);
        let rare = async {
            let mut sum = 0;
            while let Some(number) =
                poll_fn(|context| (polls.set(polls.get() + 1), news.poll_recv(context)).1).await
            {
                sum += number;
            }
            sum
        };
        let busy = async {
            for number in [3, 4] {
                for _ in 0..100 {
                    yield_now().await;
                }
                sender.send(number).await.unwrap();
            }
            assert_eq!(polls.get(), 3, "at first; for the first number, and to wait for another");
            drop(sender);
            pending::<()>().await;
        };
        assert!(matches!(beside(pin!(busy), rare).await, Either::Right(7)));
    }

    #[tokio::test]
    async fn the_busy_one_goes_first() {
        assert!(matches!(beside(pin!(async { 1 }), async { 2 }).await, Either::Left(1)));
        assert!(matches!(beside(pin!(pending::<()>()), async { 2 }).await, Either::Right(2)));
    }
}
