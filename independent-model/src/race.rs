//! Asking DNS and HTTPS in parallel, and when to stop waiting.
//!
//! * The DNS answers with a DID: that is the answer, at once; the web host is not waited for.
//! * HTTPS is first with a DID: the DNS gets a short grace, then the HTTPS answer goes out as *provisional*.
//! * Anything else: both are needed.
//! * A listening [`Trace`] waits for both, always.
//!
//! **For the cache in front.** A provisional answer says `Proof::provisional` and lives at most 30 s. It must not
//! replace a remembered answer proved by DNS with another account, or silencing the DNS would choose the holder. The
//! lookup that the grace cut short is dropped; whoever wants the DNS's own word afterwards asks again with a trace
//! that listens, which has no grace.

use std::{future::Future, time::Duration};

use namesake::{StepOutcome, Trace};
use tokio::time::timeout;

use crate::{
    Hostname, Ports, explain,
    proof::{DnsVerdict, Evidence, NoTxt, WebVerdict, judge_txt, judge_web},
};

/// Asks both sources about `host`, for as long as it is worth it.
pub(crate) async fn ask(ports: &Ports, host: &Hostname, grace: Duration, trace: &Trace) -> Evidence {
    let (dns, web) = (ask_dns(ports, host, trace), ask_web(ports, host, trace));
    if trace.is_on() {
        let (dns, web) = tokio::join!(dns, web);
        return Evidence { dns: Some(dns), web: Some(web) };
    }
    first_word(dns, web, grace).await
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

async fn ask_dns(ports: &Ports, host: &Hostname, trace: &Trace) -> DnsVerdict {
    let Some(name) = host.txt_name() else {
        return DnsVerdict::None(NoTxt::TooLong);
    };
    let verdict = judge_txt(ports.dns.txt(&name).await);
    let outcome = match &verdict {
        DnsVerdict::One(..) => StepOutcome::Found,
        DnsVerdict::None(_) => StepOutcome::Absent,
        DnsVerdict::Ambiguous(_) | DnsVerdict::Failed(_) => StepOutcome::Failed,
    };
    count("dns", outcome);
    trace.step("dns", || format!("TXT {name}"), outcome, || explain::dns(&verdict));
    verdict
}

async fn ask_web(ports: &Ports, host: &Hostname, trace: &Trace) -> WebVerdict {
    let verdict = judge_web(ports.well_known.fetch(host).await);
    let outcome = match &verdict {
        WebVerdict::One(_) => StepOutcome::Found,
        WebVerdict::None(_) => StepOutcome::Absent,
        WebVerdict::Failed(..) => StepOutcome::Failed,
    };
    count("https", outcome);
    trace.step(
        "https",
        || format!("GET {}", explain::well_known_url(host)),
        outcome,
        || explain::web(&verdict),
    );
    verdict
}

/// Labels are bounded: two sources, four outcomes.
fn count(source: &'static str, outcome: StepOutcome) {
    let outcome = match outcome {
        StepOutcome::Found => "found",
        StepOutcome::Absent => "absent",
        StepOutcome::Failed => "failed",
        StepOutcome::Note => "note",
    };
    metrics::counter!("namesake_world_lookups_total", "source" => source, "outcome" => outcome).increment(1);
}
