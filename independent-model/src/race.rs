//! Asking DNS and HTTPS in parallel, and when to stop waiting.
//!
//! * Both are asked before any time passes: the web host when everything else that is ready on the runtime has had its
//!   turn, and I/O was looked for. What the DNS has answered by then spares the web host a question, and us the making.
//!   (Whatever wakes the lookup counts as that turn. A name server that is asked over TLS is not so quick.)
//! * The DNS answers with a DID: that is the answer, at once; the web host is not waited for.
//! * HTTPS is first with a DID: the DNS gets a short grace, then the HTTPS answer goes out as *provisional*.
//! * Anything else: both are needed.
//! * A listening [`Trace`] waits for both, always: so does whoever asks again, after a provisional answer, for the late
//!   word of the DNS.

use std::{future::Future, sync::OnceLock, time::Duration};

use metrics::Counter;
use namesake::{StepOutcome, Trace};
use tokio::{task::yield_now, time::timeout};

use crate::{
    Hostname, IndependentSettings, Ports, explain,
    proof::{DnsVerdict, Evidence, NoTxt, WebVerdict, judge_txt, judge_web},
};

/// Asks both sources about `host`, for as long as it is worth it.
pub(crate) async fn ask(
    ports: &Ports,
    host: &Hostname,
    settings: &IndependentSettings,
    tally: &Tally,
    trace: &Trace,
) -> Evidence {
    let (dns, web) = (ask_dns(ports, host, settings, tally, trace), ask_web(ports, host, tally, trace));
    if trace.is_on() {
        let (dns, web) = tokio::join!(dns, web);
        return Evidence { dns: Some(dns), web: Some(web) };
    }
    let web = async {
        yield_now().await;
        web.await
    };
    first_word(dns, web, settings.grace).await
}

async fn first_word(
    dns: impl Future<Output = DnsVerdict>,
    web: impl Future<Output = WebVerdict>,
    grace: Duration,
) -> Evidence {
    tokio::pin!(dns, web);
    tokio::select! {
        biased;
        dns = &mut dns => {
            let web = match dns {
                DnsVerdict::One(..) | DnsVerdict::Ambiguous(_) => None,
                DnsVerdict::None(_) | DnsVerdict::Failed(_) => Some(web.await),
            };
            Evidence { dns: Some(dns), web }
        }
        web = &mut web => {
            let dns = match web {
                WebVerdict::One(_) => timeout(grace, dns).await.ok(),
                WebVerdict::None(_) | WebVerdict::Failed(..) => Some(dns.await),
            };
            Evidence { dns, web: Some(web) }
        }
    }
}

async fn ask_dns(
    ports: &Ports,
    host: &Hostname,
    settings: &IndependentSettings,
    tally: &Tally,
    trace: &Trace,
) -> DnsVerdict {
    let Some(name) = host.txt_name() else {
        return DnsVerdict::None(NoTxt::TooLong);
    };
    let verdict = judge_txt(ports.dns.txt(&name).await);
    let outcome = match &verdict {
        DnsVerdict::One(..) => StepOutcome::Found,
        DnsVerdict::None(_) => StepOutcome::Absent,
        DnsVerdict::Ambiguous(_) | DnsVerdict::Failed(_) => StepOutcome::Failed,
    };
    tally.dns.count("dns", outcome);
    trace.step("dns", || format!("TXT {name}"), outcome, || explain::dns(&verdict, settings));
    verdict
}

async fn ask_web(ports: &Ports, host: &Hostname, tally: &Tally, trace: &Trace) -> WebVerdict {
    let answer = ports.well_known.fetch(host).await;
    let cause = answer.as_ref().err().and_then(|error| error.cause.clone());
    let verdict = judge_web(answer);
    let outcome = match &verdict {
        WebVerdict::One(_) => StepOutcome::Found,
        WebVerdict::None(_) => StepOutcome::Absent,
        WebVerdict::Failed(..) => StepOutcome::Failed,
    };
    tally.https.count("https", outcome);
    trace.step(
        "https",
        || format!("GET {}", explain::well_known_url(host)),
        outcome,
        || explain::web(trace, &verdict, cause.as_ref()),
    );
    verdict
}

/// Lookups by source and outcome: labels are bounded.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    dns: Outcomes,
    https: Outcomes,
}

/// The counters of one source. To find a counter takes far longer than to count, so each is looked for once.
#[derive(Debug, Default)]
struct Outcomes {
    found: OnceLock<Counter>,
    absent: OnceLock<Counter>,
    failed: OnceLock<Counter>,
    note: OnceLock<Counter>,
}

impl Outcomes {
    fn count(&self, source: &'static str, outcome: StepOutcome) {
        let (counter, outcome) = match outcome {
            StepOutcome::Found => (&self.found, "found"),
            StepOutcome::Absent => (&self.absent, "absent"),
            StepOutcome::Failed => (&self.failed, "failed"),
            StepOutcome::Note => (&self.note, "note"),
        };
        let find =
            || metrics::counter!("namesake_world_lookups_total", "source" => source, "outcome" => outcome);
        counter.get_or_init(find).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc, task::Poll, time::Duration};

    use namesake::{Trace, http::HttpError};

    use super::{Tally, ask, first_word};
    use crate::{
        Did, Dns, DnsFailure, Hostname, IndependentSettings, PortFuture, PrivateWorld, TxtAnswer, TxtRecord,
        WellKnown, WellKnownReply,
        proof::{DnsVerdict, NoTxt, WebVerdict},
    };

    const GRACE: Duration = Duration::from_millis(300);

    fn settings() -> IndependentSettings {
        IndependentSettings { grace: GRACE, ..IndependentSettings::default() }
    }

    fn did() -> Did {
        Did::parse("did:web:example.com").unwrap()
    }

    /// A port nobody may ask.
    #[derive(Debug)]
    struct Nobody;

    impl Dns for Nobody {
        fn txt<'a>(&'a self, name: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
            panic!("nobody should ask the DNS for {name}")
        }
    }

    impl WellKnown for Nobody {
        fn fetch<'a>(&'a self, host: &'a Hostname) -> PortFuture<'a, WellKnownReply, HttpError> {
            panic!("nobody should ask {host}")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_did_from_the_dns_waits_for_nobody() {
        let dns = async { DnsVerdict::One(did(), Duration::ZERO) };
        let evidence = first_word(dns, pending(), GRACE).await;
        assert!(matches!((evidence.dns, evidence.web), (Some(DnsVerdict::One(..)), None)));
        let dns = async { DnsVerdict::Ambiguous(vec![]) };
        assert!(first_word(dns, pending(), GRACE).await.web.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_did_from_the_web_waits_for_the_dns_as_long_as_the_grace() {
        let web = || async { WebVerdict::One(did()) };
        let begun = tokio::time::Instant::now();
        assert!(first_word(pending(), web(), GRACE).await.dns.is_none());
        assert_eq!(begun.elapsed(), GRACE);
        let in_time = async {
            let _ = tokio::time::timeout(Duration::from_millis(200), pending::<()>()).await;
            DnsVerdict::None(NoTxt::NoData)
        };
        assert!(first_word(in_time, web(), GRACE).await.dns.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_did_from_the_web_the_dns_has_all_its_time() {
        let late = async {
            let _ = tokio::time::timeout(Duration::from_secs(2), pending::<()>()).await;
            DnsVerdict::One(did(), Duration::ZERO)
        };
        let web = async { WebVerdict::None(crate::proof::Miss::NoHost) };
        assert!(matches!(first_word(late, web, GRACE).await.dns, Some(DnsVerdict::One(..))));
    }

    #[tokio::test]
    async fn a_name_too_long_for_a_record_skips_the_dns() {
        let label = "a".repeat(63);
        let host = Hostname::parse(&format!("{label}.{label}.{label}.{}", "a".repeat(53))).unwrap();
        let ports = crate::Ports { dns: Arc::new(Nobody), ..PrivateWorld::new().ports() };
        let evidence = ask(&ports, &host, &settings(), &Tally::default(), &Trace::OFF).await;
        assert_eq!(evidence.dns, Some(DnsVerdict::None(NoTxt::TooLong)));
    }

    /// A DNS that answers when others have had a turn.
    #[derive(Debug)]
    struct Nearby;

    impl Dns for Nearby {
        fn txt<'a>(&'a self, _: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                let records = vec![TxtRecord(vec![b"did=did:web:example.com".to_vec()])];
                Ok(TxtAnswer::Records { records, ttl: Duration::ZERO })
            })
        }
    }

    /// A DNS that never answers.
    #[derive(Debug)]
    struct Silent;

    impl Dns for Silent {
        fn txt<'a>(&'a self, _: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
            Box::pin(pending())
        }
    }

    /// A DNS that wakes who asked it again and again, and never answers.
    #[derive(Debug)]
    struct Restless;

    impl Dns for Restless {
        fn txt<'a>(&'a self, _: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
            Box::pin(std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::Pending
            }))
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_there_at_the_next_turn_spares_the_web_host() {
        let host = Hostname::parse("alice.example.com").unwrap();
        let world = PrivateWorld::new();
        let ports = crate::Ports { dns: Arc::new(Nearby), well_known: Arc::new(Nobody), ..world.ports() };
        let evidence = ask(&ports, &host, &settings(), &Tally::default(), &Trace::OFF).await;
        assert_eq!(evidence.dns, Some(DnsVerdict::One(did(), Duration::ZERO)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_web_host_is_asked_before_any_time_passes() {
        let host = Hostname::parse("alice.example.com").unwrap();
        let world = PrivateWorld::new();
        world.set_well_known(host.as_str(), 200, "did:web:example.com");
        for dns in [Arc::new(Silent) as Arc<dyn Dns>, Arc::new(Restless)] {
            let begun = tokio::time::Instant::now();
            let ports = crate::Ports { dns, ..world.ports() };
            let settings = IndependentSettings { grace: Duration::ZERO, ..settings() };
            let evidence = ask(&ports, &host, &settings, &Tally::default(), &Trace::OFF).await;
            assert!(matches!((evidence.dns, evidence.web), (None, Some(WebVerdict::One(_)))));
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn a_quick_dns_spares_the_web_host_and_a_listener_hears_both() {
        let host = Hostname::parse("alice.example.com").unwrap();
        let world = PrivateWorld::new();
        world.set_txt(host.as_str(), &["did=did:web:example.com"]);
        let ports = crate::Ports { well_known: Arc::new(Nobody), ..world.ports() };
        let (settings, tally) = (settings(), Tally::default());
        assert!(ask(&ports, &host, &settings, &tally, &Trace::OFF).await.web.is_none());
        assert!(ask(&world.ports(), &host, &settings, &tally, &Trace::on()).await.web.is_some());
        assert_eq!((world.calls().dns, world.calls().well_known), (2, 1));
    }
}
