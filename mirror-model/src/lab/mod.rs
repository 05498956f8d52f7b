//! The column of this model in the policy comparison: a real mirror of the sandbox, over real HTTP.

mod documented;
mod subject;
mod world;

use std::{fmt, sync::Arc, time::Duration};

use namesake::lab::{Column, ColumnInfo, Documented, LabFuture, Service, Settings, Subject};

use self::{subject::Mirrored, world::World};

const POLL: &str = "mirror.poll_seconds";
const UNCONFIRMED: &str = "mirror.max_unconfirmed_hours";

/// A handle is what the upstream says it is.
pub struct MirrorColumn {
    service: Arc<dyn Service>,
}

impl MirrorColumn {
    /// The column, asked through `service`.
    #[must_use]
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service }
    }
}

impl fmt::Debug for MirrorColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorColumn").finish_non_exhaustive()
    }
}

impl Column for MirrorColumn {
    fn info(&self) -> ColumnInfo {
        ColumnInfo {
            id: "A".to_owned(),
            title: "Mirror".to_owned(),
            summary: "A name is whatever the linked account of an upstream is called, as in Threads.".to_owned(),
            limits: Some(
                "The upstream is an emulator of Meta's documented API. It keeps no name for its former holder, as Meta does for 14 days."
                    .to_owned(),
            ),
        }
    }

    fn settings(&self) -> Settings {
        Settings::default().with(POLL, &300).with(UNCONFIRMED, &24)
    }

    fn begin<'a>(&'a self, settings: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            let poll_interval = Duration::from_secs(settings.number(POLL)?);
            let max_unconfirmed = Duration::from_secs(settings.number(UNCONFIRMED)?.saturating_mul(3600));
            let world = World::start(&*self.service, poll_interval, max_unconfirmed, seed).await?;
            Ok(Box::new(Mirrored::new(world)) as _)
        })
    }

    fn documented(&self, row: &str) -> Option<Documented> {
        documented::of(row)
    }
}
