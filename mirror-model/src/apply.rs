//! Carries a decision out: one commit, conditional on every row the decision was made from.
//!
//! When somebody was faster, everything is read and decided again. The cache is told after the commit is durable,
//! and also when it is not known whether it is.

use namesake::{
    AccountId, AvatarUrl, Change, Suspicion, Timestamp,
    store::{Commit, Slot},
};

use crate::{
    MirrorModel, RegisterError, Username,
    budget::after,
    poller::renamed_lately,
    reconcile::{Decision, Holder, Known, reconcile},
    records::{Account, Confirmed, FormerHandle, Row, StoredToken},
    register::{ATTEMPTS, Outcome},
};

/// From this many former names on, an account forgets one with each name it takes.
const FORMER_KEPT: usize = 32;

/// How many confirmations are stored in the time after which a name is released: one an hour, by default.
const STORED_IN_A_TERM: u32 = 24;

/// What an answer of the upstream led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// As of when its name is confirmed, if this answer did so.
    pub(crate) confirmed: Option<Timestamp>,
    /// Whom to ask about at once.
    pub(crate) ask: Vec<AccountId>,
    /// Whether its name changed lately.
    pub(crate) renamed: bool,
}

/// The rows that an account and a name it may take stand in, as they were read.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The row of the name that the upstream says.
    named: Slot<Row>,
    /// The row of the name the account holds, when that is another.
    own: Option<Slot<Row>>,
    /// The row of the first name it held, when that is about to be forgotten.
    oldest: Option<Slot<Row>>,
    /// Whoever else holds the name that the upstream says.
    holder: Option<(Slot<Account>, Account, Confirmed)>,
    /// When the account's own name was confirmed, as it is stored.
    stored: Option<Confirmed>,
    /// The same, as it is known.
    confirmed: Option<Confirmed>,
}

impl MirrorModel {
    /// Applies what the upstream said about an account that is stored.
    pub(crate) async fn apply(
        &self,
        account: &AccountId,
        name: &Username,
        picture: Option<&AvatarUrl>,
        when: Confirmed,
    ) -> Result<Applied, RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            // Deleted or cut off while the answer was on its way: nothing is left that could be confirmed.
            let Some(stored) = slot.value().filter(|stored| stored.token.is_some()) else {
                return Ok(Applied::default());
            };
            let rows = self.rows(stored, name).await?;
            let decision = decide(stored, true, &rows, name, when);
            if !matches!(decision, Decision::Confirm | Decision::Take | Decision::Displace) {
                return Ok(Applied { ask: rows.to_ask(decision, account), ..Applied::default() });
            }
            let mut next = Account { avatar: picture.cloned(), needs_login: false, ..stored.clone() };
            if decision == Decision::Confirm {
                // It counts from now on, also should it turn out that nothing can be written.
                self.freshness.note(account, name, when);
                // What is remembered elsewhere is as true as before, and shows an older time.
                let handle = Some(name.handle().clone());
                self.invalidator.suspect(&Suspicion::Account { account: account.clone(), handle });
            }
            if decision == Decision::Confirm && next == *stored && !rows.is_due_to_be_stored(self, when) {
                let renamed = renamed_lately(&next, when.received);
                return Ok(Applied { confirmed: Some(when.asked), renamed, ..Applied::default() });
            }
            let (commit, changes) = rows.carry_out(Commit::new(), decision, &mut next, name, when)?;
            let commit = if next == *stored { slot.unchanged(commit) } else { slot.put(commit, &next)? };
            let outcome = self.register.commit(commit).await?;
            if outcome == Outcome::Conflict {
                continue;
            }
            self.tell(&changes);
            if outcome == Outcome::Done {
                self.freshness.forget(account);
                let (renamed, ask) = (renamed_lately(&next, when.received), rows.to_ask(decision, account));
                return Ok(Applied { confirmed: Some(when.asked), ask, renamed });
            }
        }
        Err(RegisterError::Contended)
    }

    /// Reads the rows that decide whether `account` may go by `name`.
    pub(crate) async fn rows(&self, account: &Account, name: &Username) -> Result<Rows, RegisterError> {
        let named = self.register.row(name).await?;
        let own = match &account.handle {
            Some(own) if own != name => Some(self.register.row(own).await?),
            _ => None,
        };
        let mut holder = None;
        if let Some(Row::Held { account: other, confirmed }) = named.value()
            && *other != account.account
        {
            let slot = self.register.account(other).await?;
            if let Some(other) = slot.value().cloned() {
                let confirmed = self.freshness.newest(&other.account, name, *confirmed);
                holder = Some((slot, other, confirmed));
            }
        }
        let stored = match (own.as_ref().unwrap_or(&named)).value() {
            Some(Row::Held { account: by, confirmed }) if *by == account.account => Some(*confirmed),
            _ => None,
        };
        let newest = |stored| match &account.handle {
            Some(own) => self.freshness.newest(&account.account, own, stored),
            None => stored,
        };
        let oldest = match account.former.first() {
            Some(oldest) if account.former.len() >= FORMER_KEPT => {
                Some(self.register.row(&oldest.handle).await?)
            }
            _ => None,
        };
        Ok(Rows { named, own, oldest, holder, stored, confirmed: stored.map(newest) })
    }

    /// Takes the name of an account that nobody confirmed in time. Returns as of when it is confirmed, if it stays.
    pub(crate) async fn release_unconfirmed(
        &self,
        account: &AccountId,
    ) -> Result<Option<Timestamp>, RegisterError> {
        let now = self.clock.now();
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            let Some((stored, name)) = slot.value().and_then(|it| Some((it, it.handle.clone()?))) else {
                return Ok(None);
            };
            let row = self.register.row(&name).await?;
            let confirmed = self.last_confirmed(account, &name, &row);
            if let Some(confirmed) = confirmed.filter(|confirmed| self.deadline(confirmed.asked) > now) {
                return Ok(Some(confirmed.asked));
            }
            if let Some(token) = &stored.token {
                // What cannot be opened was not asked with: that is our failure, and no reason to release a name.
                self.opened(account, token)?;
            }
            // A token the upstream refused all this time is of no use any more.
            let token = if stored.needs_login { None } else { stored.token.clone() };
            let mut next = Account { needs_login: true, token, ..stored.clone() };
            let commit = give_up(Commit::new(), &mut next, &row, confirmed, now)?;
            if self.finish(slot.put(commit, &next)?, account, Some(&name)).await? {
                return Ok(None);
            }
        }
        Err(RegisterError::Contended)
    }

    /// The last time the name of `account` was confirmed, which its row and what is newer in memory know.
    fn last_confirmed(&self, account: &AccountId, name: &Username, row: &Slot<Row>) -> Option<Confirmed> {
        match row.value() {
            Some(Row::Held { account: by, confirmed }) if by == account => {
                Some(self.freshness.newest(account, name, *confirmed))
            }
            _ => None,
        }
    }

    /// Notes that the upstream no longer takes `used`. The name stays until its deadline, in case the upstream errs.
    pub(crate) async fn note_dead_token(
        &self,
        account: &AccountId,
        used: &StoredToken,
    ) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            match slot.value() {
                // Linked again meanwhile: the news is of the old token.
                Some(stored) if self.has_token(stored, used) && !stored.needs_login => {
                    let next = Account { needs_login: true, ..stored.clone() };
                    let name = stored.handle.as_ref();
                    if self.finish(slot.put(Commit::new(), &next)?, account, name).await? {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
        Err(RegisterError::Contended)
    }

    /// Cuts the link: no token, no name, at once. The profile stays.
    pub(crate) async fn unlink(&self, account: &AccountId) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            let Some(stored) = slot.value() else { return Ok(()) };
            let mut next = Account { needs_login: true, token: None, ..stored.clone() };
            let mut commit = Commit::new();
            if let Some(name) = &stored.handle {
                let row = self.register.row(name).await?;
                let confirmed = self.last_confirmed(account, name, &row);
                commit = give_up(commit, &mut next, &row, confirmed, self.clock.now())?;
            }
            if self.finish(slot.put(commit, &next)?, account, stored.handle.as_ref()).await? {
                return Ok(());
            }
        }
        Err(RegisterError::Contended)
    }

    fn has_token(&self, stored: &Account, used: &StoredToken) -> bool {
        stored.token.as_ref().is_some_and(|token| self.is_same_token(&stored.account, token, used))
    }

    /// Puts a refreshed token in the place of the one it was made from.
    pub(crate) async fn replace_token(
        &self,
        account: &AccountId,
        used: &StoredToken,
        fresh: StoredToken,
    ) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            match slot.value() {
                Some(stored) if self.has_token(stored, used) => {
                    let next = Account { token: Some(fresh.clone()), ..stored.clone() };
                    if self.register.commit(slot.put(Commit::new(), &next)?).await? == Outcome::Done {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
        Err(RegisterError::Contended)
    }

    /// Commits a change after which `account` answers differently. `false`: read and decide again.
    pub(crate) async fn finish(
        &self,
        commit: Commit,
        account: &AccountId,
        old: Option<&Username>,
    ) -> Result<bool, RegisterError> {
        let outcome = self.register.commit(commit).await?;
        if outcome != Outcome::Conflict {
            let old = old.map(|name| name.handle().clone());
            self.invalidator.tell(&Change { account: account.clone(), old, new: None });
        }
        Ok(outcome == Outcome::Done)
    }

    pub(crate) fn tell(&self, changes: &[Change]) {
        changes.iter().for_each(|change| self.invalidator.tell(change));
    }
}

/// Decides about a stored account, or one that is being linked.
pub(crate) fn decide(
    account: &Account,
    stored: bool,
    rows: &Rows,
    name: &Username,
    when: Confirmed,
) -> Decision {
    let confirmed = rows.confirmed.map(|confirmed| confirmed.received);
    let learnt_at = stored.then(|| confirmed.map_or(account.learnt_at, |at| at.max(account.learnt_at)));
    let holder = match (&rows.holder, rows.named.value()) {
        (Some((_, _, theirs)), _) => Holder::Another(*theirs),
        (None, Some(Row::Released { by, at })) if *by != account.account => Holder::Left(*at),
        _ => Holder::Nobody,
    };
    reconcile(Known { handle: account.handle.as_ref(), learnt_at }, name, when, holder)
}

impl Rows {
    /// Adds to `commit` what gives `account` its name, and says whose answers change.
    pub(crate) fn carry_out(
        &self,
        mut commit: Commit,
        decision: Decision,
        account: &mut Account,
        name: &Username,
        when: Confirmed,
    ) -> Result<(Commit, Vec<Change>), RegisterError> {
        let mut changes = Vec::new();
        let new = Some(name.handle().clone());
        let old = account.handle.as_ref().map(|name| name.handle().clone());
        if let (Decision::Displace, Some((slot, holder, theirs))) = (decision, &self.holder) {
            let mut displaced = holder.clone();
            // When it was last heard of stood in the row that is another's now.
            displaced.learnt_at = displaced.learnt_at.max(theirs.received);
            leave(&mut displaced, when.received);
            commit = slot.put(commit, &displaced)?;
            changes.push(Change { account: holder.account.clone(), old: new.clone(), new: None });
        }
        if let Some(own) = &self.own {
            commit = release(commit, own, account, when.received)?;
        }
        if let (false, Some(oldest)) = (account.handle.as_ref() == Some(name), &self.oldest) {
            account.former.remove(0);
            let elsewhere = [Some(&self.named), self.own.as_ref()].into_iter().flatten();
            let its = matches!(oldest.value(), Some(Row::Released { by, .. }) if *by == account.account);
            if its && elsewhere.into_iter().all(|row| row.key() != oldest.key()) {
                commit = oldest.clear(commit);
            }
        }
        if account.handle.as_ref() != Some(name) {
            leave(account, when.received);
            account.handle = Some(name.clone());
            account.learnt_at = when.received;
        }
        let row = Row::Held { account: account.account.clone(), confirmed: when };
        changes.push(Change { account: account.account.clone(), old, new });
        Ok((self.named.put(commit, &row)?, changes))
    }

    /// Whether the stored confirmation is so old that one more must be stored.
    fn is_due_to_be_stored(&self, model: &MirrorModel, when: Confirmed) -> bool {
        let every = model.settings.max_unconfirmed / STORED_IN_A_TERM;
        self.stored.is_none_or(|stored| after(stored.received, every) <= when.received)
    }

    /// Whom the decision says to ask about at once.
    pub(crate) fn to_ask(&self, decision: Decision, account: &AccountId) -> Vec<AccountId> {
        let holder = self.holder.iter().map(|(_, holder, _)| holder.account.clone());
        match decision {
            Decision::Keep | Decision::Confirm | Decision::Take => Vec::new(),
            Decision::Displace => holder.collect(),
            Decision::AskAgain => vec![account.clone()],
            Decision::AskBoth => holder.chain([account.clone()]).collect(),
        }
    }
}

/// Takes the name of `account` from it, and says in the name's row that it was released.
fn give_up(
    commit: Commit,
    account: &mut Account,
    row: &Slot<Row>,
    confirmed: Option<Confirmed>,
    now: Timestamp,
) -> Result<Commit, RegisterError> {
    // The row forgets it; an answer from before must still be known as old.
    account.learnt_at = confirmed.map_or(account.learnt_at, |it| it.received.max(account.learnt_at));
    leave(account, now);
    release(commit, row, account, now)
}

/// Says in the row of a name that `account` released it, unless it is somebody else's by now.
fn release(
    commit: Commit,
    row: &Slot<Row>,
    account: &Account,
    now: Timestamp,
) -> Result<Commit, RegisterError> {
    match row.value() {
        Some(Row::Held { account: by, .. }) if *by == account.account => {
            Ok(row.put(commit, &Row::Released { by: account.account.clone(), at: now })?)
        }
        _ => Ok(row.unchanged(commit)),
    }
}

/// The account has no name from now on, and remembers the one it had.
fn leave(account: &mut Account, now: Timestamp) {
    if let Some(handle) = account.handle.take() {
        account.former.push(FormerHandle { handle, from: account.handle_since, until: now });
    }
    account.handle_since = now;
}
