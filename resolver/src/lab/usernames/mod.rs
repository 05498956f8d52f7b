//! A column of a backend from outside: a table of usernames, as most sites have one. Nothing here is known to the lab.
//!
//! A name is its holder's to choose and to change; given up, it is anybody's at once.

mod site;
mod table;

use std::{fmt, sync::Arc, time::Duration};

use namesake::{
    ManualClock, Scheme, Timestamp,
    lab::{Column, ColumnInfo, Documented, LabFuture, Service, Settings, Subject},
};

use self::{site::Site, table::Usernames};

/// Names in a table.
pub struct UsernamesColumn {
    service: Arc<dyn Service>,
}

impl UsernamesColumn {
    /// The column, asked through `service`.
    #[must_use]
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service }
    }
}

impl fmt::Debug for UsernamesColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernamesColumn").finish_non_exhaustive()
    }
}

impl Column for UsernamesColumn {
    fn info(&self) -> ColumnInfo {
        ColumnInfo {
            id: "D".to_owned(),
            title: "Local usernames".to_owned(),
            summary:
                "A table of names, as most sites have one: its holder changes a name, and it is free at once."
                    .to_owned(),
            limits: Some(
                "A backend of a few lines, to compare with; it is no part of the service.".to_owned(),
            ),
        }
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn begin<'a>(&'a self, _: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            let clock = Arc::new(ManualClock::new(Timestamp::constant(1_767_603_600, 0)));
            let scheme = Scheme::parse("usernames")?;
            let mut made = None;
            let front =
                self.service.open(&scheme, clock.clone(), Duration::from_secs(600), &mut |invalidator| {
                    let table = Arc::new(Usernames::new(scheme.clone(), clock.clone(), seed, invalidator));
                    made = Some(Arc::clone(&table));
                    table
                })?;
            let table = made.ok_or("the service made no backend")?;
            Ok(Box::new(Site::new(clock, table, front)) as _)
        })
    }

    fn documented(&self, _: &str) -> Option<Documented> {
        None
    }
}
