//! What is remembered over a restart.

use std::{fs, path::PathBuf, time::Duration};

use namesake::{AccountId, Change, ErrorKind, Handle, Suspicion, Ttl, Why};
use namesake_resolver::SnapshotFile;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{Says, World};

const A: &str = "did:plc:aaa";
const B: &str = "did:plc:bbb";
const NAME: &str = "alice.example.com";
const DAY: u64 = 24 * 3600;

/// A world that knows who [`NAME`] is, and where it keeps that over a restart.
struct Before {
    world: World,
    file: SnapshotFile,
    _folder: TempDir,
}

impl Before {
    async fn new() -> Self {
        let world = World::new();
        world.independent.say(NAME, Says::Found(A, Ttl::Default));
        assert_eq!(world.who(NAME).await, A);
        let folder = TempDir::new().unwrap();
        let file = SnapshotFile {
            path: folder.path().join("answers"),
            max_bytes: 1 << 20,
            basis: "test".to_owned(),
        };
        Self { world, file, _folder: folder }
    }

    fn path(&self) -> &PathBuf {
        &self.file.path
    }

    /// How many answers are written, and how many of them come back after so many seconds; and the world then.
    fn restart(&self, seconds: u64) -> (usize, usize, World) {
        let written = self.world.namesake.save(&self.file).unwrap();
        self.world.wait(seconds);
        let after = self.world.restarted();
        let taken = after.namesake.restore(&self.file).unwrap();
        (written, taken, after)
    }
}

/// Asks until the refresh behind the answer has come.
async fn refreshed(world: &World, old: &str) -> String {
    loop {
        let who = world.who(NAME).await;
        if who != old {
            return who;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_comes_back_stale_and_is_asked_for_behind_its_first_asker() {
    let before = Before::new().await;
    let (written, taken, after) = before.restart(30);
    assert_eq!((written, taken), (1, 1));
    assert_eq!(after.independent.calls(), 1, "nobody is asked for it");

    after.independent.say(NAME, Says::Found(B, Ttl::Default));
    after.independent.hold();
    let query = after.namesake.query(NAME, None).unwrap();
    let first = after.namesake.resolve(&query, false).await.unwrap();
    let freshness = first.freshness.unwrap();
    assert_eq!((freshness.stale, freshness.age_seconds, freshness.ttl_seconds), (true, 30, Some(0)));
    // The whole answer is back.
    assert_eq!((first.account.as_str(), first.handle.as_deref()), (A, Some(NAME)));
    assert_eq!(first.proof.unwrap().method, "dns-txt");
    assert_eq!(first.profile.display_name.as_deref(), Some("Somebody <b>bold</b>"));
    assert_eq!(first.profile.url, "https://names.example/profile/alice.example.com");
    after.independent.asked(2).await;
    after.independent.release();
    assert_eq!(refreshed(&after, &format!("~{A}")).await, B);
    assert_eq!(after.independent.calls(), 2);
}

#[tokio::test]
async fn a_thousand_askers_after_a_restart_make_one_lookup() {
    let before = Before::new().await;
    let (_, _, after) = before.restart(DAY / 2);
    after.independent.hold();
    let mut askers = JoinSet::new();
    for _ in 0..1000 {
        let namesake = after.namesake.clone();
        askers.spawn(async move {
            let query = namesake.query(NAME, None).unwrap();
            let found = namesake.resolve(&query, false).await.unwrap();
            (found.account, found.freshness.unwrap().stale)
        });
    }
    while let Some(asker) = askers.join_next().await {
        assert_eq!(asker.unwrap(), (A.to_owned(), true), "at once, while the sources are slow");
    }
    after.independent.asked(2).await;
    after.independent.release();
    assert_eq!(refreshed(&after, &format!("~{A}")).await, A);
    assert_eq!(after.independent.calls(), 2);
}

#[tokio::test]
async fn a_failure_keeps_it_stale_as_long_as_any_other_and_the_time_away_counts() {
    let before = Before::new().await;
    let (_, _, after) = before.restart(DAY - 60);
    after.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    assert_eq!(after.who(NAME).await, format!("~{A}"));
    after.independent.asked(2).await;
    after.wait(59);
    assert_eq!(after.who(NAME).await, format!("~{A}"));
    after.wait(1);
    assert_eq!(after.who(NAME).await, "!504");
}

#[tokio::test]
async fn what_is_too_old_is_not_taken_back() {
    for (seconds, expected) in [(DAY - 1, 1), (DAY, 0)] {
        let before = Before::new().await;
        let (_, taken, after) = before.restart(seconds);
        assert_eq!((taken, after.independent.calls()), (expected, 1));
    }
    // Nor written; also not over two restarts.
    let before = Before::new().await;
    let (_, _, after) = before.restart(DAY - 1);
    after.wait(1);
    assert_eq!(after.namesake.save(&before.file).unwrap(), 0);
    // Nor is what seems to come from the future.
    let before = Before::new().await;
    before.world.namesake.save(&before.file).unwrap();
    let another = World::new();
    before.world.wait(10);
    before.world.ask(NAME, true).await;
    before.world.namesake.save(&before.file).unwrap();
    assert_eq!(another.namesake.restore(&before.file).unwrap(), 0);
}

#[tokio::test]
async fn a_purge_after_the_restart_ends_it() {
    let before = Before::new().await;
    let handle = || Some(Handle::parse(NAME).unwrap());
    let account = || AccountId::parse(A).unwrap();
    for change in [
        Change { account: account(), old: None, new: None },
        Change { account: AccountId::parse(B).unwrap(), old: None, new: handle() },
    ] {
        let (_, taken, after) = before.restart(1);
        assert_eq!(taken, 1);
        after.independent.say(NAME, Says::Absent(Why::Unknown, Ttl::Default));
        after.events.tell(&change);
        assert_eq!(after.who(NAME).await, "!404");
    }
    // One before it, too.
    before.world.events.tell(&Change { account: account(), old: None, new: None });
    assert_eq!(before.restart(1).0, 0);
}

#[tokio::test]
async fn a_suspicion_outlives_the_restart() {
    let before = Before::new().await;
    before.world.events.suspect(&Suspicion::Account { account: AccountId::parse(A).unwrap(), handle: None });
    let (written, _, once) = before.restart(1);
    assert_eq!(once.namesake.save(&before.file).unwrap(), written);
    let after = once.restarted();
    assert_eq!(after.namesake.restore(&before.file).unwrap(), 1);
    after.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    assert_eq!(after.who(NAME).await, format!("~{A}"));
    assert_eq!(after.independent.calls(), 2, "asked first");
    after.wait(100);
    after.independent.say(NAME, Says::Found(B, Ttl::Default));
    assert_eq!(after.who(NAME).await, B);
}

#[tokio::test]
async fn nonsense_ends_it_and_a_silenced_source_does_not_choose_the_holder() {
    let before = Before::new().await;
    let (_, _, after) = before.restart(1);
    after.independent.say(NAME, Says::Provisional(B));
    for _ in 0..3 {
        assert_eq!(after.who(NAME).await, format!("~{A}"));
        after.wait(11);
    }
    after.independent.say(NAME, Says::Fails(ErrorKind::BadAnswer));
    assert_eq!(refreshed(&after, &format!("~{A}")).await, "!502");
}

#[tokio::test]
async fn only_what_was_found_in_the_world_and_proved_is_written() {
    let before = Before::new().await;
    let world = &before.world;
    let minute = Ttl::For(Duration::from_secs(60));
    for (name, says) in [
        ("until-purged.example.com", Says::Found(B, Ttl::UntilPurged)),
        ("provisional.example.com", Says::Provisional("did:plc:ccc")),
        ("absent.example.com", Says::Absent(Why::Unknown, Ttl::Default)),
        ("failing.example.com", Says::Fails(ErrorKind::Timeout)),
    ] {
        world.independent.say(name, says);
        world.who(name).await;
    }
    // A mirror's people are its store's to forget, even where their answers are short-lived.
    world.mirror.say("bob", Says::Found("threads:1", minute));
    world.mirror.say("carol", Says::Found("threads:2", Ttl::UntilPurged));
    world.who("bob").await;
    world.who("carol").await;
    // Somebody whose handle is not proved.
    assert_eq!(world.who("did:plc:nobody").await, "did:plc:nobody");
    assert_eq!(world.namesake.save(&before.file).unwrap(), 1);
    let text = fs::read_to_string(before.path()).unwrap();
    assert!(text.contains(NAME) && !text.contains("threads"), "{text}");
}

#[tokio::test]
async fn a_file_is_used_once() {
    let before = Before::new().await;
    let (_, taken, _) = before.restart(1);
    assert_eq!((taken, before.path().exists()), (1, false));
    assert_eq!(before.world.restarted().namesake.restore(&before.file).unwrap(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_written_is_a_cold_start() {
    let before = Before::new().await;
    before.world.namesake.save(&before.file).unwrap();
    let good = fs::read(before.path()).unwrap();
    let damaged = [&good[..good.len() - 3], b"x}\n"].concat();
    let other_basis = SnapshotFile { basis: "other sources".to_owned(), ..before.file.clone() };
    let short = SnapshotFile { max_bytes: good.len() - 1, ..before.file.clone() };
    for (bytes, file, expected) in [
        (&b""[..], &before.file, "Foreign"),
        (&good[..good.len() / 2], &before.file, "Damaged"),
        (&damaged, &before.file, "Damaged"),
        (&good, &other_basis, "OtherBasis"),
        (&good, &short, "TooLarge"),
    ] {
        fs::write(before.path(), bytes).unwrap();
        let after = before.world.restarted();
        let error = format!("{:?}", after.namesake.restore(file).unwrap_err());
        assert!(error.starts_with(expected), "{expected}: {error}");
        let calls = after.independent.calls();
        assert_eq!((after.who(NAME).await.as_str(), after.independent.calls()), (A, calls + 1), "{expected}");
    }
}

#[tokio::test]
async fn the_latest_answers_are_written_when_not_all_fit() {
    let before = Before::new().await;
    before.world.namesake.save(&before.file).unwrap();
    let one = usize::try_from(fs::metadata(before.path()).unwrap().len()).unwrap();
    before.world.wait(5);
    before.world.independent.say("later.example.com", Says::Found(B, Ttl::Default));
    before.world.who("later.example.com").await;
    let file = SnapshotFile { max_bytes: one + 20, ..before.file.clone() };
    assert_eq!(before.world.namesake.save(&file).unwrap(), 1);
    assert!(fs::metadata(before.path()).unwrap().len() <= u64::try_from(file.max_bytes).unwrap());
    assert!(fs::read_to_string(before.path()).unwrap().contains("later.example.com"));
}
