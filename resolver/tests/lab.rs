//! The policy lab: what it observes is so, repeats, moves with the settings, and finds out a policy that lies.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Bound, ChangedBy, FieldRule, Handle, Link, OldName, Policy, Recreation, Source, Timestamp,
    Uniqueness,
    lab::{
        Act, Column, ColumnInfo, Documented, Front, Grade, LabFuture, Outcome, Person, Report, Settings,
        Subject,
    },
};
use namesake_resolver::lab::{Question, SEED, columns, observe, verify};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn row(id: &str, settings: Settings) -> Report {
    let question = Question { settings, seed: SEED, row: Some(id.to_owned()) };
    observe(columns(), question).await.unwrap()
}

async fn cell(id: &str, column: &str, settings: Settings) -> String {
    let report = row(id, settings).await;
    assert_eq!(report.contradictions, []);
    report.rows[0].observed[column].clone()
}

#[tokio::test]
async fn every_policy_says_what_is_so_and_every_run_says_the_same() {
    let whole = |seed| observe(columns(), Question { seed, ..Question::default() });
    let report = whole(SEED).await.unwrap();
    assert_eq!(report.contradictions, []);
    for row in &report.rows {
        for column in ["A", "B", "C", "D"] {
            let observed = row.grade[column] == Grade::Observed;
            assert_eq!(observed, row.observed.contains_key(column), "{} {column}", row.id);
            let told = row.transcript.get(column).is_some_and(|lines| !lines.is_empty());
            assert_eq!(observed, told, "{} {column}", row.id);
            let documented = row.grade[column] == Grade::Documented;
            assert!(!documented || row.documented.contains_key(column), "{} {column}", row.id);
        }
    }
    let bytes = |report: &Report| serde_json::to_string(report).unwrap();
    assert_eq!(bytes(&report), bytes(&whole(SEED).await.unwrap()));
    let other = whole(SEED + 1).await.unwrap();
    assert_eq!(other.contradictions, []);
    assert_ne!(bytes(&report), bytes(&other), "the seed is in it");
}

#[tokio::test]
async fn observations_move_with_the_settings() {
    let poll = |seconds: u64| Settings::default().with("mirror.poll_seconds", &seconds);
    let seconds = async |interval| {
        let text = cell("time-without-hints", "A", poll(interval)).await;
        let words: Vec<&str> = text.split(' ').collect();
        let at = words.iter().position(|word| *word == "after").unwrap();
        let unit = if words[at + 2].starts_with("minute") { 60 } else { 1 };
        unit * words[at + 1].parse::<u64>().unwrap()
    };
    let (slow, quick) = (seconds(300).await, seconds(60).await);
    assert!((270..=300).contains(&slow) && (54..=60).contains(&quick), "{slow} {quick}");

    let hold = |days: u64| Settings::default().with("independent.hold_days", &days);
    let (week, month) = (cell("freed-name", "B", hold(7)).await, cell("freed-name", "B", hold(30)).await);
    assert!(week.contains("day 14: the stranger has it"), "{week}");
    assert!(month.contains("day 14: refused") && month.contains("day 30: the stranger has it"), "{month}");

    let hours = |hours: u64| Settings::default().with("mirror.max_unconfirmed_hours", &hours);
    let outage = cell("outage-week", "A", hours(48)).await;
    assert!(outage.contains("answered for 2 days"), "{outage}");
    let short = |letters: u64| Settings::default().with("independent.min_label", &letters);
    assert!(cell("short-name", "B", short(3)).await.starts_with("refused"));
    assert_eq!(cell("short-name", "B", short(2)).await, "given");
    let ttl = |seconds: u64| Settings::default().with("cache.ttl_seconds", &seconds);
    assert_ne!(cell("lapse", "C", ttl(60)).await, cell("lapse", "C", ttl(600)).await);
}

/// One lie for each way in which an observation is compared with a policy.
#[tokio::test]
async fn a_policy_that_lies_is_found_out() {
    type Lie = fn(&mut Policy);
    let lies: &[(usize, &str, Lie)] = &[
        (0, "source-of-name", |policy| policy.source = Source::Holder),
        (1, "source-of-name", |policy| policy.source = Source::Upstream),
        (0, "who-can-change", |policy| policy.changed_by = ChangedBy::Holder),
        (3, "who-can-change", |policy| policy.changed_by = ChangedBy::Nobody),
        (0, "time-without-hints", |policy| policy.visible_within = Bound::Immediately),
        (0, "time-without-hints", |policy| policy.visible_within = Bound::Within(Duration::from_secs(100))),
        (0, "freed-name", |policy| policy.old_name = OldName::FreeAtOnce),
        (0, "freed-name", |policy| policy.old_name = OldName::HeldFor(DAY)),
        (1, "freed-name", |policy| policy.old_name = OldName::NeverReused),
        (1, "freed-name", |policy| policy.old_name = OldName::HeldFor(DAY)),
        (1, "freed-name", |policy| policy.old_name = OldName::HeldFor(60 * DAY)),
        (2, "freed-name", |policy| policy.old_name = OldName::NeverReused),
        (3, "freed-name", |policy| policy.old_name = OldName::SourceDecides),
        (0, "outage-week", |policy| policy.unconfirmed_for = Some(2 * DAY)),
        (2, "outage-week", |policy| policy.unconfirmed_for = Some(DAY / 2)),
        (0, "display-name", |policy| policy.display_name = FieldRule::Upstream),
        (1, "bio", |policy| policy.bio = FieldRule::CopiedThenOwn),
        (0, "picture", |policy| policy.picture = FieldRule::Own),
        (0, "link", |policy| policy.link = Link::None),
        (3, "link", |policy| policy.link = Link::OnePermanent),
        (0, "delete-and-return", |policy| policy.recreation = Recreation::IdentifierIsGone),
        (2, "delete-and-return", |policy| policy.recreation = Recreation::NewAccountCurrentHandle),
        (1, "uniqueness", |policy| policy.uniqueness = Uniqueness::Dns),
        (2, "uniqueness", |policy| policy.uniqueness = Uniqueness::Register),
        (3, "profile-url", |policy| policy.profile_path = "/profile/{handle}".to_owned()),
    ];
    for (place, row, lie) in lies {
        let honest = columns().remove(*place);
        let id = honest.info().id;
        let question = Question { seed: SEED, row: Some((*row).to_owned()), ..Question::default() };
        let report = observe(vec![Box::new(Liar { honest, lie: *lie })], question).await.unwrap();
        let [found] = report.contradictions.as_slice() else { panic!("{row} {id}: {report:?}") };
        assert_eq!((found.row.as_str(), &found.column), (*row, &id));
        assert_eq!(found.declared, report.rows[0].declared[&id]);
        assert_eq!(found.observed, report.rows[0].observed[&id]);
    }
}

#[tokio::test]
async fn what_nobody_knows_is_refused_in_words() {
    let refusal = async |settings: Settings, row: Option<&str>| {
        let question = Question { settings, seed: SEED, row: row.map(str::to_owned) };
        observe(columns(), question).await.unwrap_err().to_string()
    };
    let set = |name: &str, value: &str| Settings::default().with(name, &value);
    let unknown = refusal(set("mirror.poll", "1"), None).await;
    assert!(unknown.contains("\"mirror.poll\"") && unknown.contains("mirror.poll_seconds"), "{unknown}");
    let nothing = refusal(set("mirror.poll_seconds", "0"), Some("bio")).await;
    assert!(nothing.contains("mirror.poll_seconds is a whole number above 0"), "{nothing}");
    let long = refusal(set("independent.min_label", "4"), Some("bio")).await;
    assert!(long.contains("at most 3"), "{long}");
    assert_eq!(refusal(Settings::default(), Some("nonsense")).await, "no row is called \"nonsense\"");
}

#[tokio::test]
async fn a_report_is_confirmed_or_not() {
    let report = row("freed-name", Settings::default().with("independent.hold_days", &7)).await;
    let mut text = serde_json::to_string(&report).unwrap();
    let verdict = verify(columns(), &text).await.unwrap();
    assert_eq!((verdict.cells, verdict.differences), (4, vec![]));
    // In a paper, after other braces.
    text = format!("# A paper {{ with {{}} braces }}\n<!-- {text} -->");
    assert_eq!(verify(columns(), &text).await.unwrap().differences, Vec::<String>::new());
    // Said of other settings than it is of.
    let other = text.replace("\"independent.hold_days\":\"7\"", "\"independent.hold_days\":\"30\"");
    let verdict = verify(columns(), &other).await.unwrap();
    assert!(
        verdict.differences.iter().any(|line| line.starts_with("freed-name, B, observed")),
        "{verdict:?}"
    );
    assert!(verify(columns(), "{}").await.is_err());
}

/// A column whose policy says what is not so.
struct Liar {
    honest: Box<dyn Column>,
    lie: fn(&mut Policy),
}

impl Column for Liar {
    fn info(&self) -> ColumnInfo {
        self.honest.info()
    }

    fn settings(&self) -> Settings {
        self.honest.settings()
    }

    fn begin<'a>(&'a self, settings: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            let honest = self.honest.begin(settings, seed).await?;
            let mut policy = honest.policy().clone();
            (self.lie)(&mut policy);
            Ok(Box::new(Lying { honest, policy }) as _)
        })
    }

    fn documented(&self, row: &str) -> Option<Documented> {
        self.honest.documented(row)
    }
}

struct Lying {
    honest: Box<dyn Subject>,
    policy: Policy,
}

impl Subject for Lying {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn handle(&self, wish: &str) -> Handle {
        self.honest.handle(wish)
    }

    fn account(&self, who: Person) -> Option<AccountId> {
        self.honest.account(who)
    }

    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome> {
        self.honest.act(act)
    }

    fn front(&self) -> Arc<dyn Front> {
        self.honest.front()
    }

    fn now(&self) -> Timestamp {
        self.honest.now()
    }

    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()> {
        self.honest.pass(time)
    }
}
