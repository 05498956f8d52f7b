//! A whole log, checked from its first entry to its last.

use namesake::{Handle, Timestamp};

use super::{Entry, Fault, Head, InvalidLog, MAX_LOG_BYTES};
use crate::plc::HeldHandle;

/// A log, every entry of which holds.
#[derive(Debug)]
pub struct Log {
    head: Head,
    lines: Vec<String>,
    /// What was claimed from when on: one for each entry.
    claims: Vec<(Timestamp, Option<Handle>)>,
}

/// Checks a log in JSON Lines, as `did.jsonl` has it, at the moment `now`. Where it came from does not matter.
///
/// Lines end with a line feed, the last perhaps without; a carriage return before it is white space, as JSON Lines and
/// all other verifiers have it. What is kept of a line is its canonical form.
///
/// What a good log proves: every entry was signed by a key that the entries before it allow, back to the one whose
/// hash the DID is. What it cannot prove is that no newer entry is withheld.
///
/// # Errors
/// [`InvalidLog`] names the entry and the rule it breaks.
pub fn verify(bytes: &[u8], now: Timestamp) -> Result<Log, InvalidLog> {
    if bytes.len() > MAX_LOG_BYTES {
        return Err(InvalidLog { entry: None, fault: Fault::TooLarge });
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut log: Option<Log> = None;
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let failed = |fault| InvalidLog { entry: Some(place + 1), fault };
        if line.trim_ascii().is_empty() {
            return Err(failed(Fault::EmptyLine));
        }
        let entry = Entry::read(line).map_err(failed)?;
        let head = match &log {
            None => Head::begin(&entry, now),
            Some(log) => log.head.follow(&entry, now),
        };
        let head = head.map_err(failed)?;
        let claim = (head.time, head.handle().filter(|_| !head.deactivated));
        let (mut lines, mut claims) = log.map_or_else(Default::default, |log| (log.lines, log.claims));
        lines.push(entry.line().to_owned());
        claims.push(claim);
        log = Some(Log { head, lines, claims });
    }
    log.ok_or(InvalidLog { entry: None, fault: Fault::EmptyLine })
}

impl Log {
    /// What it amounts to.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Its entries in canonical form, without line breaks; at least one.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The handles it claimed, the oldest first.
    #[must_use]
    pub fn handles(&self) -> Vec<HeldHandle> {
        HeldHandle::from_claims(self.claims.iter().cloned())
    }
}
