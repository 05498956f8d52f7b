//! Sample pages, hostile text included: what the tests scan.

use maud::Markup;
use std::collections::BTreeMap;

use namesake::{
    Advice, Model, Namespace, Policy, ProfileState, Record, Scheme, Step, StepOutcome, Why,
    lab::{
        ColumnInfo, Contradiction, Documented, Grade, Mark, Report, RowReport, Section, Settings,
        TranscriptLine,
    },
};

use super::{api::*, pages::*};

/// What somebody would write to break out of a page, wherever text from outside goes.
pub(crate) const HOSTILE: &str =
    "\"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)";

/// Every page in its main states: a file name and the page.
pub(crate) fn gallery() -> Vec<(&'static str, Markup)> {
    let (mirror, independent) = (mirror(), independent());
    let threads = SchemeView { linkable: true, ..SchemeView::new(&mirror, Some("alice".into())) };
    let atproto = SchemeView::new(&independent, Some("alice.demo.test".into()));
    let hostile_scheme = SchemeView {
        name: HOSTILE.into(),
        summary: HOSTILE.into(),
        example: Some(HOSTILE.into()),
        linkable: true,
        ..threads.clone()
    };
    let schemes = vec![atproto.clone(), threads.clone()];
    let fresh = Freshness { age_seconds: 12, ttl_seconds: Some(288), stale: false };
    let stale = Freshness { age_seconds: 5_400, ttl_seconds: Some(0), stale: true };
    let none: &[String] = &[];
    let others = ["threads".to_owned()];
    let landing_with = |query: &str, outcome: Option<OutcomeView>| {
        let query = (!query.is_empty()).then(|| query.to_owned());
        landing(&LandingView {
            public_url: "http://127.0.0.1:8080".into(),
            query,
            schemes: schemes.clone(),
            outcome,
        })
    };
    let found = |resolution: Resolution, scheme: &SchemeView| OutcomeView::Answer {
        resolution: Box::new(resolution),
        scheme: scheme.clone(),
        freshness: Some(fresh),
    };
    vec![
        ("landing", landing_with("", None)),
        ("landing-found", landing_with("@alice", Some(found(alice_mirrored(), &threads)))),
        ("landing-problem", landing_with("nobody.demo.test", Some(OutcomeView::Problem(not_found())))),
        ("landing-hostile", landing_with(HOSTILE, Some(found(hostile(), &hostile_scheme)))),
        (
            "answer",
            answer(&alice(), AnswerContext { scheme: &atproto, other_schemes: &others, freshness: None }),
        ),
        (
            "answer-mirror",
            answer(
                &alice_mirrored(),
                AnswerContext { scheme: &threads, other_schemes: none, freshness: Some(stale) },
            ),
        ),
        (
            "answer-no-handle",
            answer(
                &without_handle(),
                AnswerContext { scheme: &threads, other_schemes: none, freshness: None },
            ),
        ),
        (
            "answer-plain",
            answer(&plain(), AnswerContext { scheme: &atproto, other_schemes: none, freshness: Some(fresh) }),
        ),
        (
            "answer-hostile",
            answer(
                &hostile(),
                AnswerContext { scheme: &hostile_scheme, other_schemes: &[HOSTILE.into()], freshness: None },
            ),
        ),
        ("explain", explain(&broken(), None)),
        ("explain-found", explain(&explained(alice(), fresh), None)),
        ("explain-hostile", explain(&explained_hostile(), None)),
        ("problem", problem(&not_found(), None)),
        ("problem-not-linked", problem(&not_linked(), None)),
        ("problem-unproven", problem(&unproven(), None)),
        ("problem-hostile", problem(&hostile_problem(), Some("/mirror/threads"))),
        ("mirror", mirror_visitor(&visitor(mirror_terms("threads", "https://graph.threads.net")))),
        ("mirror-oidc", mirror_visitor(&visitor(mirror_terms("oidc", "https://login.example.com/realm")))),
        ("mirror-hostile", mirror_visitor(&hostile_visitor())),
        ("mirror-own", mirror_owner(&owner())),
        ("mirror-own-problem", mirror_owner(&owner_refused())),
        ("mirror-own-hostile", mirror_owner(&hostile_owner())),
        ("compare", compare(&CompareView { report: &report(), columns: &[], numbers: &Numbers::default() })),
        (
            "compare-hostile",
            compare(&CompareView { report: &hostile_report(), columns: &["C".into()], numbers: &typed() }),
        ),
        ("compare-under-way", compare_under_way()),
        ("compare-failed", compare_failed()),
        ("story", told(&report(), 2, Played::Now)),
        ("story-end", told(&report(), 99, Played::BeforeQuota)),
        ("story-hostile", told(&hostile_report(), 99, Played::BeforeBusy)),
        ("paper", paper(&report())),
        ("paper-hostile", paper(&hostile_report())),
    ]
}

fn policy(scheme: &str, model: Model, summary: &str) -> Policy {
    let mut policy = Policy::new(Scheme::parse(scheme).unwrap(), model, Namespace::new("Names", |_| true));
    policy.summary = summary.into();
    policy
}

fn mirror() -> Policy {
    policy("threads", Model::Mirror, "A handle is whatever the linked Threads account is called.")
}

fn independent() -> Policy {
    policy("independent", Model::Independent, "A handle is what its holder claims and DNS confirms.")
}

fn resolution(handle: &str, account: &str, scheme: &str, method: &str) -> Resolution {
    Resolution {
        handle: Some(handle.into()),
        display_handle: None,
        reason: None,
        account: account.into(),
        scheme: scheme.into(),
        proof: Some(ProofBody {
            method: method.into(),
            checked_at: "2026-11-22T15:02:11.520Z".parse().unwrap(),
            provisional: false,
        }),
        profile: ProfileBody {
            display_name: None,
            description: None,
            avatar: None,
            url: format!("http://127.0.0.1:8080/@{handle}"),
            display: ProfileState::Current,
        },
        freshness: None,
    }
}

fn alice() -> Resolution {
    let mut alice =
        resolution("alice.demo.test", "did:plc:z72i7hdynmk6r22z27h6tvur", "independent", "dns-txt");
    alice.profile.display_name = Some("Alice Example".into());
    alice.profile.description =
        Some("Letterpress, maps, and the history of names.\nWrites on Tuesdays.\n\nעברית גם כן".into());
    alice.profile.url = "http://127.0.0.1:8080/profile/alice.demo.test".into();
    alice
}

fn alice_mirrored() -> Resolution {
    let mut alice = resolution("alice", "threads:k5w3cv6mgq2hzf4nnd7xw3a5ju", "threads", "upstream");
    alice.profile.display_name = Some("Alice 👩‍🎨".into());
    alice.profile.description = Some("Paints, mostly water.".into());
    alice.profile.avatar = Some("https://pictures.invalid/alice.jpg".into());
    alice
}

fn without_handle() -> Resolution {
    let mut account = alice_mirrored();
    account.handle = None;
    account.reason = Some(Why::Released);
    account.proof = None;
    account.profile.display = ProfileState::NeedsLogin;
    account.profile.url = "http://127.0.0.1:8080/v1/accounts/threads:k5w3cv6mgq2hzf4nnd7xw3a5ju".into();
    account
}

fn plain() -> Resolution {
    let handle =
        "a-remarkably-long-label-that-goes-on-and-on-for-sixty-characters.and-then-some-more.example.com";
    let mut plain = resolution(handle, "did:web:w2s7pd4m.id.example.com", "independent", "https-well-known");
    plain.profile.display = ProfileState::Unavailable;
    if let Some(proof) = &mut plain.proof {
        proof.provisional = true;
    }
    plain
}

fn hostile() -> Resolution {
    let mut hostile = resolution(HOSTILE, HOSTILE, HOSTILE, HOSTILE);
    hostile.profile.display_name = Some(HOSTILE.into());
    hostile.profile.description = Some(HOSTILE.into());
    hostile.profile.avatar = Some("javascript:alert(4)".into());
    hostile.profile.url = "javascript:alert(5)//\" onclick=\"alert(6)".into();
    hostile
}

fn trouble(name: &str, detail: &str, handle: &str, other_schemes: &[&str]) -> Problem {
    let kind = ProblemKind::named(name).unwrap();
    Problem {
        kind: kind.path(),
        title: kind.title.into(),
        status: kind.status,
        detail: detail.into(),
        handle: Some(handle.into()),
        other_schemes: other_schemes.iter().map(|&scheme| scheme.to_owned()).collect(),
        link_at: None,
        rule: None,
        now: None,
        head: None,
    }
}

fn not_found() -> Problem {
    let detail = "There is no TXT record at _atproto.nobody.demo.test and no file at its well-known address.";
    trouble("handle-not-found", detail, "nobody.demo.test", &["threads"])
}

fn not_linked() -> Problem {
    let detail = "Nobody who is called so at threads has linked that account here.";
    let link_at = Some("/mirror/threads".to_owned());
    Problem { link_at, ..trouble("handle-not-found", detail, "nobody_here", &[]) }
}

fn unproven() -> Problem {
    let detail =
        "The TXT record names did:plc:ewvi7nxzyoun6zhxrhs64oiz, whose DID document names another handle.";
    trouble("handle-unproven", detail, "broken.demo.test", &[])
}

fn hostile_problem() -> Problem {
    Problem {
        kind: format!("/problems/{HOSTILE}"),
        title: HOSTILE.into(),
        status: 404,
        detail: HOSTILE.into(),
        handle: Some(HOSTILE.into()),
        other_schemes: vec![HOSTILE.into()],
        link_at: None,
        rule: None,
        now: None,
        head: None,
    }
}

fn step(at_ms: u64, source: &str, asked: &str, outcome: StepOutcome, detail: &str) -> Step {
    Step { at_ms, source: source.into(), asked: asked.into(), outcome, detail: detail.into() }
}

fn broken() -> Explanation {
    let did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    let record = |value: &str| Record {
        kind: "TXT".into(),
        name: "_atproto.broken.demo.test".into(),
        value: value.into(),
    };
    Explanation {
        handle: "broken.demo.test".into(),
        scheme: Some("independent".into()),
        verdict: "Not proved: your TXT record says did:plc:ewvi7nxzyoun6zhxrhs64oiz, and that account's DID document says \
                  old.demo.test. Change one."
            .into(),
        resolution: None,
        problem: Some(unproven()),
        steps: vec![
            step(3, "dns", "TXT _atproto.broken.demo.test", StepOutcome::Found, "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz, for 300 s"),
            step(41, "https", "https://broken.demo.test/.well-known/atproto-did", StepOutcome::Failed, "connection refused"),
            step(58, "directory", did, StepOutcome::Found, "a document with one handle and one data server"),
            step(58, "document", "alsoKnownAs of did:plc:ewvi7nxzyoun6zhxrhs64oiz", StepOutcome::Absent, "it names at://old.demo.test, not at://broken.demo.test"),
            step(58, "verdict", "do both sides agree?", StepOutcome::Note, "handle names account, account names another handle"),
        ],
        advice: vec![
            Advice { text: "If broken.demo.test is the name you want: in your application, change your handle to it. That changes your DID document.".into(), record: None },
            Advice { text: "If another account should hold this name: make the record point at that account.".into(), record: Some(record("did=did:plc:z72i7hdynmk6r22z27h6tvur")) },
            Advice {
                text: "No DNS at hand? Serve this file instead, as plain text.".into(),
                record: Some(Record { kind: "file".into(), name: "https://broken.demo.test/.well-known/atproto-did".into(), value: did.into() }),
            },
        ],
        remembered: Some(Freshness { age_seconds: 41, ttl_seconds: Some(19), stale: false }),
        took_ms: 58,
    }
}

fn explained(resolution: Resolution, remembered: Freshness) -> Explanation {
    Explanation {
        verdict: "Proved: DNS names the account, and the account names the handle.".into(),
        handle: resolution.handle.clone().unwrap_or_default(),
        resolution: Some(resolution),
        problem: None,
        advice: Vec::new(),
        remembered: Some(remembered),
        ..broken()
    }
}

fn explained_hostile() -> Explanation {
    Explanation {
        handle: HOSTILE.into(),
        scheme: Some(HOSTILE.into()),
        verdict: HOSTILE.into(),
        resolution: Some(hostile()),
        problem: Some(hostile_problem()),
        steps: vec![step(1, HOSTILE, HOSTILE, StepOutcome::Found, HOSTILE)],
        advice: vec![Advice {
            text: HOSTILE.into(),
            record: Some(Record { kind: HOSTILE.into(), name: HOSTILE.into(), value: HOSTILE.into() }),
        }],
        remembered: None,
        took_ms: 2,
    }
}

fn told(report: &Report, step: usize, played: Played) -> Markup {
    let (plot, row) = (plot("ban").unwrap(), &report.rows[1]);
    story(&StoryView { plot, report, row, played, step, second: "C" })
}

fn typed() -> Numbers {
    let mut numbers = Numbers::default();
    numbers.set("users".into(), HOSTILE);
    numbers.set("renames".into(), "120");
    numbers
}

fn column(id: &str, title: &str, limits: Option<&str>) -> ColumnInfo {
    let summary = "A name is what it is here.".to_owned();
    ColumnInfo { id: id.into(), title: title.into(), summary, limits: limits.map(Into::into) }
}

/// A row of the columns A and C; A was tried, and C if there is an answer.
fn row(id: &str, question: &str, a: &str, c: Option<&str>) -> RowReport {
    let cells = |cells: &[(&str, Option<&str>)]| -> BTreeMap<String, String> {
        cells.iter().filter_map(|(id, text)| Some(((*id).to_owned(), (*text)?.to_owned()))).collect()
    };
    let line = |at_seconds, text: &str| TranscriptLine { at_seconds, text: text.to_owned() };
    let grade = if c.is_some() { Grade::Observed } else { Grade::Unknown };
    RowReport {
        id: id.into(),
        section: Section::Failures,
        question: question.into(),
        verdict: true,
        mark: Some(Mark::Outdated),
        declared: cells(&[("A", Some(a))]),
        observed: cells(&[("A", Some(a)), ("C", c)]),
        not_tried: cells(&[("C", c.is_none().then_some("it depends on somebody else"))]),
        grade: [("A".to_owned(), Grade::Observed), ("C".to_owned(), grade)].into(),
        documented: [(
            "A".to_owned(),
            Documented {
                text: a.into(),
                source: "https://example.com/spec".into(),
                checked: "2026-11-22".into(),
            },
        )]
        .into(),
        transcript: [
            ("A".to_owned(), vec![line(0, "Ann signs up as ann"), line(86_400, a)]),
            ("C".to_owned(), vec![line(1, "Ann signs up as ann"), line(2, c.unwrap_or("nothing"))]),
        ]
        .into(),
    }
}

fn report() -> Report {
    Report {
        commit: "v0".into(),
        seed: 1,
        settings: Settings::default().with("mirror.poll_seconds", &300),
        columns: vec![
            column("A", "Mirror", Some("The upstream is an emulator.")),
            column("C", "Independent, one's own domain", None),
        ],
        rows: vec![
            row("time-to-change", "How many steps is a change?", "1 step; at once", Some("2 steps; at once")),
            row(
                "ban-service",
                "The upstream bans this service",
                "every name stops after 1 day",
                Some("nobody can"),
            ),
            row("lost-mail", "Somebody loses the mailbox", "nothing", None),
        ],
        contradictions: Vec::new(),
    }
}

fn hostile_report() -> Report {
    let mut report = report();
    let wrong = Contradiction {
        row: HOSTILE.into(),
        column: HOSTILE.into(),
        declared: HOSTILE.into(),
        observed: HOSTILE.into(),
    };
    report.contradictions = vec![wrong];
    report.commit = HOSTILE.into();
    report.columns.push(column(HOSTILE, HOSTILE, Some(HOSTILE)));
    report.settings = Settings::default().with(HOSTILE, &HOSTILE);
    report.rows[1] = row("ban-service", HOSTILE, HOSTILE, Some(HOSTILE));
    report.rows[2] = row(HOSTILE, HOSTILE, HOSTILE, None);
    report
}

fn mirror_terms(kind: &str, origin: &str) -> MirrorTerms {
    let (minute, day) = (std::time::Duration::from_secs(60), std::time::Duration::from_secs(86_400));
    MirrorTerms::new(kind, kind, origin, 5 * minute, day)
}

fn visitor(terms: MirrorTerms) -> VisitorView {
    VisitorView { terms, done: Some(Done::Deleted), problem: None, typed: None }
}

fn owner() -> OwnerView {
    let from = "2026-11-02T09:00:00Z".parse().unwrap();
    OwnerView {
        terms: mirror_terms("threads", "https://graph.threads.net"),
        account: OwnAccount {
            account: "threads:k3v9q2x7m1".into(),
            handle: Some("alice".into()),
            handle_since: from,
            display_name: Some("Alice Ito".into()),
            description: Some("Ceramics.\nKyoto.".into()),
            avatar: Some("https://pictures.example/alice.jpg".into()),
            display: ProfileState::Current,
            linked_at: from,
            former_handles: vec![FormerHandle { handle: "alice.ito".into(), from, until: from }],
        },
        texts: Texts { display_name: "Alice Ito".into(), description: "Ceramics.\nKyoto.".into() },
        done: Some(Done::Linked),
        problem: None,
    }
}

fn owner_refused() -> OwnerView {
    let mut view = owner();
    view.account.handle = None;
    view.account.display_name = None;
    view.account.avatar = None;
    view.account.former_handles.clear();
    view.account.display = ProfileState::NeedsLogin;
    view.texts.display_name = "What I typed".into();
    OwnerView { done: None, problem: Some(not_found()), ..view }
}

fn hostile_texts() -> Texts {
    Texts { display_name: HOSTILE.into(), description: HOSTILE.into() }
}

fn hostile_visitor() -> VisitorView {
    let terms = mirror_terms("oidc", HOSTILE);
    VisitorView { terms, done: None, problem: Some(hostile_problem()), typed: Some(hostile_texts()) }
}

fn hostile_owner() -> OwnerView {
    let mut view = owner();
    view.account.handle = Some(HOSTILE.into());
    view.account.display_name = Some(HOSTILE.into());
    view.account.avatar = Some(HOSTILE.into());
    view.account.former_handles[0].handle = HOSTILE.into();
    OwnerView { texts: hostile_texts(), problem: Some(hostile_problem()), ..view }
}
