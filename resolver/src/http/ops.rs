//! For operators: is it alive, is it ready, what has it done.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, StatusCode};
use metrics::Counter;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::{
    Site,
    reply::{self, Reply},
    route::Kind,
};
use crate::problem::Refusal;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Prometheus' text format.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Makes Prometheus the recorder of this process. Call it once, before [`crate::Builder::build`].
///
/// # Errors
/// When the process already has a recorder.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)?
        .install_recorder()
}

pub(super) fn alive() -> Reply {
    reply::bytes(StatusCode::OK, TEXT, "ok\n")
}

/// Ready once all that is promised answers. What is down outside is answered for, stale or with a failure.
pub(super) fn ready(site: &Site) -> Reply {
    let started = site.options.ready.as_ref().is_none_or(|ready| *ready.borrow());
    match (site.resolver.directory().policies().is_empty(), started) {
        (false, true) => reply::bytes(StatusCode::OK, TEXT, "ready\n"),
        (false, false) => reply::bytes(StatusCode::SERVICE_UNAVAILABLE, TEXT, "starting\n"),
        (true, _) => reply::bytes(StatusCode::SERVICE_UNAVAILABLE, TEXT, "no backend is configured\n"),
    }
}

pub(super) fn metrics(site: &Site) -> Result<Reply, Refusal> {
    let recorder = site.metrics.as_ref().ok_or(Refusal::NoSuchPage)?;
    site.counters.tell();
    Ok(reply::bytes(StatusCode::OK, METRICS, recorder.render()))
}

/// Requests by route and class of status: labels come from the route table, never from a path.
///
/// Counted here, and told to the recorder every now and then: its own counters take several times as long.
#[derive(Debug)]
pub(crate) struct RequestCounters(Vec<[RequestCounter; 5]>);

#[derive(Debug)]
struct RequestCounter {
    counted: AtomicU64,
    recorder: Counter,
}

impl RequestCounters {
    pub(crate) fn register() -> Self {
        let recorder = |kind: Kind, class: &'static str| metrics::counter!("namesake_http_requests_total", "route" => kind.name(), "status" => class);
        let counter =
            |kind, class| RequestCounter { counted: AtomicU64::new(0), recorder: recorder(kind, class) };
        let classes = |kind| ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| counter(kind, class));
        Self(Kind::ALL.iter().map(|kind| classes(*kind)).collect())
    }

    pub(crate) fn count(&self, kind: Kind, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.0.get(kind as usize).and_then(|classes| classes.get(class)) {
            counter.counted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells the recorder what was counted since it was told.
    pub(crate) fn tell(&self) {
        for RequestCounter { counted, recorder } in self.0.iter().flatten() {
            match counted.swap(0, Ordering::Relaxed) {
                0 => {}
                more => recorder.increment(more),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let counters = metrics::with_local_recorder(&recorder, RequestCounters::register);
        let line =
            |count| format!("namesake_http_requests_total{{route=\"handle\",status=\"2xx\"}} {count}\n");
        for count in [2, 4] {
            counters.count(Kind::Handle, StatusCode::OK);
            counters.count(Kind::Handle, StatusCode::NO_CONTENT);
            counters.count(Kind::Resolve, StatusCode::OK);
            counters.tell();
            let text = recorder.handle().render();
            assert!(text.contains(&line(count)), "{text}");
        }
    }
}
