//! How a store is, for whoever watches over the process.

/// What a store can do at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreHealth {
    /// It reads and writes.
    #[default]
    Well,
    /// It reads. It writes again as soon as there is room on its disk.
    Full,
    /// After an error of its disk it is being opened again; meanwhile it neither reads nor writes.
    Reopening,
    /// It writes no more, for this reason, and perhaps does not read either: the process has to end.
    Ended(String),
}
