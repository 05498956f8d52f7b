//! What holds at every moment, and what holds in the end.

use std::collections::{HashMap, HashSet};

use namesake::{
    AccountId, Clock as _, Handle, HandleResolver as _, Identity, Profile, ProfileState, Timestamp, Trace,
};
use std::sync::Arc;

use super::{
    NAMES,
    world::{World, block_on},
};
use crate::{records::Account, upstream::UpstreamFailure};

/// What was answered, and the earliest moment at which it can have been said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    account: AccountId,
    name: &'static str,
    at: Timestamp,
}

impl World {
    /// No two accounts have one name, no account has two; a name is answered for nobody whom the upstream did not
    /// call that within the time an answer may be old; what a profile shows is what a lookup finds. And no older word
    /// of the upstream ever takes the place of a newer one.
    pub(super) fn check(&mut self) {
        let now = self.clock.now();
        let oldest = now.saturating_sub(self.model.settings().max_unconfirmed).unwrap();
        let accounts = self.accounts();
        let people: HashSet<_> = accounts.values().map(|account| &account.foreign.id).collect();
        assert_eq!(people.len(), accounts.len(), "two accounts mirror one person");

        let (mut holders, mut answered) = (HashMap::new(), HashMap::new());
        for name in NAMES {
            let Some(identity) = self.holder(name) else { continue };
            let account = accounts.get(&identity.account).expect("the holder of a name is an account");
            let truth = self.upstream.truth();
            let person = truth.people.iter().find(|person| person.id == account.foreign.id).unwrap();
            let checked = identity.proof.checked_at;
            assert!(checked > oldest, "@{name} was confirmed too long ago");
            assert!(person.was_called(name, checked, now), "@{name} is not what {person:?} was called");
            let said =
                Said { account: identity.account.clone(), name, at: person.called_since(name, checked) };
            for before in [self.by_name.get(name), self.by_account.get(&said.account)].into_iter().flatten() {
                let changed = before.account != said.account || before.name != said.name;
                let newer = person.was_called(name, before.at, now);
                assert!(newer || !changed, "{said:?} is older than {before:?}");
            }
            self.by_account.insert(said.account.clone(), said.clone());
            answered.insert(name, said);
            let other = holders.insert(identity.account.clone(), name);
            assert_eq!(other, None, "{} has two names", identity.account);
        }
        // Of a name that was released, anybody's last word counts.
        self.by_name = answered;
        for (id, account) in &accounts {
            let profile = self.profile(id);
            let shown = profile.handle.as_ref().map(Handle::as_str);
            assert_eq!(shown, holders.get(id).copied(), "the name shown is the name found");
            if account.token.is_none() {
                assert_eq!((shown, profile.state), (None, ProfileState::NeedsLogin), "nothing to ask with");
            }
            if account.handle.is_some() && shown.is_none() {
                assert_eq!(profile.state, ProfileState::NeedsLogin, "its time is up");
            }
        }
    }

    /// Once a visit heard that a token is dead, the profile says so.
    pub(super) fn check_visited(&self, account: &AccountId) {
        let accounts = self.accounts();
        let Some(stored) = accounts.get(account) else { return };
        let Some(token) = &stored.token else { return };
        let token = self.model.sealer.open(account.as_str(), &token.sealed).unwrap();
        let heard = self.upstream.truth().weather == super::upstream::Weather::Fair
            && self.upstream.last_failure(&token) == Some(UpstreamFailure::Dead);
        if heard && !self.upstream.works(&token) {
            assert_eq!(self.profile(account).state, ProfileState::NeedsLogin, "its token is dead");
        }
    }

    /// In the end: exactly the upstream's truth for everybody whose token works.
    pub(super) fn check_truth(&self) {
        let accounts = self.accounts();
        for account in accounts.values() {
            let Some(token) = &account.token else { continue };
            let token = self.model.sealer.open(account.account.as_str(), &token.sealed).unwrap();
            let truth = self.upstream.truth();
            let person = truth.people.iter().find(|person| person.id == account.foreign.id).unwrap();
            let (name, banned) = (person.name().map(str::to_owned), person.banned);
            drop(truth);
            if let (Some(name), false, true) = (name, banned, self.upstream.works(&token)) {
                let holder = self.holder(&name).map(|identity| identity.account);
                assert_eq!(holder.as_ref(), Some(&account.account), "@{name} is theirs");
                assert_eq!(self.profile(&account.account).state, ProfileState::Current);
            }
        }
    }

    /// What a profile says that an account is called.
    pub(super) fn shown(&self, account: &AccountId) -> Option<String> {
        self.profile(account).handle.clone().map(String::from)
    }

    pub(super) fn state(&self, account: &AccountId) -> ProfileState {
        self.profile(account).state
    }

    fn accounts(&self) -> HashMap<AccountId, Account> {
        let prefix = self.model.register.keys.accounts();
        let page = block_on(self.model.register.page::<Account>(&prefix, None)).unwrap();
        let account = |account: &Account| (account.account.clone(), account.clone());
        page.records.iter().filter_map(|slot| slot.value().map(account)).collect()
    }

    fn holder(&self, name: &str) -> Option<Identity> {
        block_on(self.model.resolve(&Handle::parse(name).unwrap(), &Trace::OFF)).unwrap().found()
    }

    fn profile(&self, account: &AccountId) -> Arc<Profile> {
        block_on(self.model.profile(account, &Trace::OFF))
            .unwrap()
            .found()
            .expect("a stored account is shown")
    }
}
