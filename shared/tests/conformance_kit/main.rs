//! The kit itself: a good backend passes, and for each rule a backend that breaks it is told the rule's number.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod broken;
mod table;

use std::sync::Arc;

use broken::{Broken, Fault};
use namesake::{
    ChangedBy,
    conformance::backend::{Breakage, Held, Renamed, Report, Rule, check},
};
use table::{Table, World};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_good_backend_keeps_every_rule() {
    let report = check(&World::of(Table::new())).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.to_string(), "checked: R1 R2 R3 R4 R5 R6 R7 R8 R9");
}

#[tokio::test]
async fn what_was_not_checked_is_said_with_its_reason() {
    let mut table = Table::new();
    table.policy.changed_by = ChangedBy::Nobody;
    table.never_waits = true;
    let mut world = World::of(table);
    world.excuses = vec![Breakage::Down, Breakage::Nonsense];
    world.refuses_renames = true;
    let report = check(&world).await;
    assert!(!report.is_complete());
    assert!(!report.checked.contains(&Rule::R8) && !report.checked.contains(&Rule::R9), "{report}");
    let excused: Vec<_> = report.excused.iter().map(|excused| excused.rule).collect();
    assert_eq!(excused, [Rule::R7, Rule::R8, Rule::R9, Rule::R9, Rule::R5], "{report}");
    assert!(report.to_string().contains("excused: R9, a source that is down: it is a constant"), "{report}");
}

/// Runs the kit and gives what it panicked with. A paused clock makes a deadline pass as soon as nothing moves.
async fn complaint(world: World) -> String {
    let mut kit = JoinSet::<Report>::new();
    kit.spawn(async move { check(&world).await });
    match kit.join_next().await.unwrap() {
        Ok(report) => panic!("the kit found nothing wrong: {report}"),
        Err(fault) => *fault.into_panic().downcast::<String>().unwrap(),
    }
}

async fn complaint_about(fault: Fault) -> String {
    let table = Arc::new(Table::new());
    let mut world = World::of_shared(Arc::clone(&table));
    world.backend = Arc::new(Broken::new(table, fault));
    complaint(world).await
}

macro_rules! breaks {
    ($($rule:ident: $($fault:ident says $words:literal),+;)+) => {
        /// Every rule of the contract has a backend here that breaks it.
        #[test]
        fn no_rule_is_left_out() {
            assert_eq!([$(Rule::$rule),+], Rule::ALL);
        }

        #[expect(non_snake_case, reason = "a module per rule, called like the rule")]
        mod breaks {
            $(mod $rule {
                $(
                    #[expect(non_snake_case, reason = "called like the fault")]
                    #[tokio::test(start_paused = true)]
                    async fn $fault() {
                        let complaint = crate::complaint_about(crate::Fault::$fault).await;
                        assert!(complaint.starts_with(concat!(stringify!($rule), ": ")), "{complaint}");
                        assert!(complaint.contains($words), "{complaint}");
                    }
                )+
            })+
        }
    };
}

breaks! {
    R1: AnotherHandle says "expected the handle asked for",
        HeldIsAbsent says "expected it to be found, got absent (unknown)";
    R2: OneAccountForAll says "expected the account table:",
        SwappedAccounts says "expected the account table:";
    R3: AbsenceIsAFailure says "expected Ok(Absent), got failure (unavailable)",
        AbsentAccountIsAFailure says "profile(table:nobody): expected Ok(Absent)";
    R4: ForeignIsAbsent says "expected pass (not its namespace), got absent",
        ForeignCostsIo says "but the source was asked 1 times",
        ForeignAccountIsAbsent says "expected pass (not its kind), got absent",
        OwnIsPassed says "expected an answer inside the namespace, got pass";
    R5: ProfileHasNoHandle says "expected that account with @alice",
        OldNameStays says "expected it no longer to name table:",
        ProfileShowsTheOldName says "expected that account with @alicia";
    R6: AnotherScheme says "expected the policy's scheme, table",
        PathWithoutHandle says "expected a profile path with one {handle}",
        ChangingPolicy says "expected a constant",
        NamespaceOfEverything says "to leave out @alice.example: it does",
        UndeclaredBio says "expected no bio";
    R7: FailsWhenBusy says "but one, with",
        PanicsWhenBusy says "panicked",
        AnotherAnswerWhenTraced says "but one, with a trace";
    R8: KeepsPermits says "expected an end within 20 s",
        CountsTheDroppedAsBusy says "expected a later caller to get found",
        FlightDiesWithItsLeader says "expected a caller who waited behind one";
    R9: DownIsAbsent says "source down: expected a temporary failure",
        DownIsNonsense says "got failure (bad-answer)",
        DownIsAnsweredFromMemory says "source down: expected a temporary failure",
        NonsenseIsDown says "source talking nonsense: expected a failure of the kind bad-answer",
        NonsenseIsNoProfile says "profile(table:",
        NeverRecovers says "expected it to be found, got failure (unavailable)";
}

#[tokio::test]
async fn a_policy_that_says_somebody_may_rename_needs_a_rename() {
    let mut world = World::of(Table::new());
    world.refuses_renames = true;
    assert!(complaint(world).await.starts_with("R6: "));
}

#[tokio::test]
async fn a_fixture_that_proves_nothing_is_refused() {
    let mut unread = World::of(Table::new());
    unread.counter_stands_still = true;
    let mut lonely = World::of(Table::new());
    lonely.held.truncate(1);
    let mut silent = World::of(Table::new());
    (silent.excuses, silent.reason) = (vec![Breakage::Down], "");
    let mut stranger = World::of(Table::new());
    stranger.renamed = Renamed::new("zoe", "alicia");
    let mut swapped = World::of(Table::new());
    swapped.renamed = Renamed::new("alice", "bob");
    for world in [unread, lonely, silent, stranger, swapped] {
        let complaint = complaint(world).await;
        assert!(
            complaint.starts_with("fixture: expected") || complaint.starts_with("fixture: an"),
            "{complaint}"
        );
    }
}

#[test]
#[should_panic(expected = "fixture: \"no account\": ")]
fn a_fixture_of_texts_that_mean_nothing_is_refused() {
    let _ = Held::new("alice", "no account");
}
