//! The columns of this model in the policy comparison: one model, used in two ways.
//!
//! ```text
//!   holder      somebody with keys, who writes entries
//!   world       the model, its register and an internet in memory, with a service in front
//!   subject     the verbs of life
//!   documented  what is known from elsewhere
//! ```

mod documented;
mod holder;
mod subject;
mod world;

use std::{fmt, sync::Arc, time::Duration};

use namesake::lab::{Column, ColumnInfo, Documented, LabFuture, Service, Settings, Subject};

use self::{subject::Independent, world::World};
use crate::hosted::HostedSettings;

const HOLD: &str = "independent.hold_days";
const MIN_LABEL: &str = "independent.min_label";
const TTL: &str = "cache.ttl_seconds";

/// How somebody goes by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By one below a domain of the platform: `ann.names.example.com`.
    BelowPlatform,
    /// By a domain of their own: `ann.test`.
    OwnDomain,
}

/// A handle is what its holder claims and DNS confirms.
pub struct IndependentColumn {
    service: Arc<dyn Service>,
    way: Way,
}

impl IndependentColumn {
    /// The column of this way, asked through `service`.
    #[must_use]
    pub fn new(service: Arc<dyn Service>, way: Way) -> Self {
        Self { service, way }
    }
}

impl fmt::Debug for IndependentColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndependentColumn").field("way", &self.way).finish_non_exhaustive()
    }
}

impl Column for IndependentColumn {
    fn info(&self) -> ColumnInfo {
        let (id, title, summary) = match self.way {
            Way::BelowPlatform => (
                "B",
                "Independent, a name of the platform",
                "Whoever asks first has a name below the platform's domain, and changes it with one signed entry.",
            ),
            Way::OwnDomain => (
                "C",
                "Independent, one's own domain",
                "A name is a domain of the holder's own; its DNS names the account, and the account names it back.",
            ),
        };
        ColumnInfo {
            id: id.to_owned(),
            title: title.to_owned(),
            summary: summary.to_owned(),
            limits: Some(
                "Accounts live here, as signed logs (did:webvh). The DNS is one in memory: a record is seen as soon as it is written."
                    .to_owned(),
            ),
        }
    }

    fn settings(&self) -> Settings {
        let defaults = HostedSettings::new(Vec::new(), world::id_domain());
        Settings::default()
            .with(HOLD, &(defaults.hold.as_secs() / (24 * 3600)))
            .with(MIN_LABEL, &defaults.min_label)
            .with(TTL, &600)
    }

    fn begin<'a>(&'a self, settings: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            // The names in the scenarios have three letters.
            let min_label = match settings.number(MIN_LABEL)? {
                letters @ 1..=3 => usize::try_from(letters)?,
                letters => {
                    return Err(format!("{MIN_LABEL} is at most 3 here, and not {letters}: people in the scenarios have such names").into());
                }
            };
            let hold = Duration::from_secs(settings.number(HOLD)?.saturating_mul(24 * 3600));
            let ttl = Duration::from_secs(settings.number(TTL)?);
            let world = World::start(&*self.service, self.way, min_label, hold, ttl)?;
            Ok(Box::new(Independent::new(world, seed)) as _)
        })
    }

    fn documented(&self, row: &str) -> Option<Documented> {
        documented::of(row, self.way)
    }
}
