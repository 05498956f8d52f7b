//! Linking: a person signs in at the upstream, and the account here that mirrors theirs is found or made.
//!
//! OAuth 2.0 authorization code (RFC 6749 section 4.1). The state is random, and waits with the PKCE verifier (RFC 7636,
//! for the upstreams that know it; Meta does not, and the client secret stands in) in a sealed cookie of the browser that
//! began: see `pending`. So beginning writes nothing, and ending writes one commit, which has the mark that the state was
//! used.

use std::fmt;

use namesake::{
    AccountId, AvatarUrl, Bio, Change, DisplayName, Handle, Timestamp,
    store::{Commit, Slot},
};
use serde::Deserialize;
use url::Url;

use crate::{
    LinkError, MirrorModel, RegisterError, SessionToken, Username,
    apply::decide,
    budget::after,
    pending::{Pending, Used},
    reconcile::Decision,
    records::{Account, Confirmed, ForeignKey, Session},
    register::{ATTEMPTS, Outcome},
    schedule::Next,
    secret::random_text,
    upstream::{Sighting, SignIn, Token, UpstreamFailure, UpstreamPerson},
};

/// Where to send a browser that wants to link. `Debug` tells neither the state nor the sealed sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// The upstream's authorize page.
    pub location: Url,
    /// The sign-in, sealed: what the browser has to bring back, as a cookie (`HttpOnly`, `SameSite=Lax`, for
    /// [`Connect::max_age`]).
    pub browser: String,
    /// For how long, in seconds.
    pub max_age: u64,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.location.host_str();
        f.debug_struct("Connect").field("host", &host).field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

/// What the upstream's redirect carries (RFC 6749 sections 4.1.2 and 4.1.2.1). `Debug` tells neither code nor state.
#[derive(Clone, Default, Deserialize)]
pub struct CallbackQuery {
    /// The code, when the person agreed.
    pub code: Option<String>,
    /// The state we gave.
    pub state: Option<String>,
    /// The kind of refusal, when they did not.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Who sent the browser back, if they say so (RFC 9207).
    pub iss: Option<String>,
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackQuery").field("error", &self.error).finish_non_exhaustive()
    }
}

/// A link that was made, or made again.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The account here.
    pub account: AccountId,
    /// What it goes by; `None` while another account's claim to the name is being cleared up.
    pub handle: Option<Handle>,
    /// The owner's sign-in. Every earlier one of this account has ended.
    pub token: SessionToken,
    /// Whether the account is new.
    pub created: bool,
}

impl MirrorModel {
    /// Begins a link, in a browser that may be signed in already. Nothing is stored.
    ///
    /// # Errors
    /// [`LinkError::Upstream`] when the upstream must be asked for its authorize page and does not say;
    /// [`LinkError::Register`] when it is not known who is signed in.
    pub async fn connect(&self, session: Option<&SessionToken>) -> Result<Connect, LinkError> {
        let sign_in = SignIn::begin(self.redirect(), &*self.randomness);
        let location = self.upstream.authorize_url(&sign_in).await.map_err(LinkError::Upstream)?;
        let expires = after(self.clock.now(), self.settings.state_ttl);
        let pending = Pending::new(&sign_in, self.whose(session).await?, expires);
        let browser = pending.seal(&self.register.keys, &self.sealer, &*self.randomness)?;
        Ok(Connect { location, browser, max_age: self.settings.state_ttl.as_secs() })
    }

    /// Ends a link: the browser is back from the upstream, with what [`MirrorModel::connect`] gave it.
    ///
    /// # Errors
    /// [`LinkError`] says why there is no link. Nothing was stored then.
    pub async fn callback(
        &self,
        query: CallbackQuery,
        browser: Option<&str>,
        session: Option<&SessionToken>,
    ) -> Result<Linked, LinkError> {
        let state = query.state.as_deref().ok_or(LinkError::Malformed)?;
        let pending = self.pending(state, browser).await?;
        let code = match (query.code, query.error) {
            (_, Some(error)) => {
                let reason = query.error_description.unwrap_or(error);
                return Err(LinkError::Denied(namesake::clean_line(&reason, 200)));
            }
            (Some(code), None) => code,
            (None, None) => return Err(LinkError::Malformed),
        };
        // Meta appends `#_` to its redirect; some clients hand it on as part of the code.
        let code = code.strip_suffix("#_").unwrap_or(&code);
        let (began_as, expires) = (pending.signed_in.clone(), pending.expires);
        let mut sign_in = pending.resume(self.redirect());
        sign_in.sender = query.iss;
        let token = self.upstream.exchange(code, &sign_in).await.map_err(|error| match error.failure {
            UpstreamFailure::Foreign => LinkError::Sender,
            _ => LinkError::Upstream(error),
        })?;
        let asked = self.clock.now();
        let Sighting { person, .. } = self.upstream.who(&token.secret).await.map_err(LinkError::Upstream)?;
        let when = Confirmed { asked, received: self.clock.now() };
        // Signed in when it began or when it ends: either way there is an account that stays what it is.
        let mut signed_in = self.whose(session).await?;
        if let (None, Some(account)) = (&signed_in, began_as) {
            signed_in = self.register.account(&account).await?.value().map(|_| account);
        }
        self.link(&person, &token, when, signed_in, (state, expires)).await
    }

    fn redirect(&self) -> Url {
        self.settings.public("callback")
    }

    async fn whose(&self, session: Option<&SessionToken>) -> Result<Option<AccountId>, RegisterError> {
        match session {
            Some(session) => self.signed_in(session).await,
            None => Ok(None),
        }
    }

    /// The sign-in that a browser began, if it is this one, not over, and not used. Whoever saw its state alone can
    /// neither end nor spoil it.
    async fn pending(&self, state: &str, browser: Option<&str>) -> Result<Pending, LinkError> {
        let keys = &self.register.keys;
        let pending = browser.and_then(|cookie| Pending::open(cookie, keys, &self.sealer));
        let now = self.clock.now();
        // Sealed by a clock that was ahead, it would be good for longer than any.
        let in_time = |expires| now < expires && expires <= after(now, self.settings.state_ttl);
        let pending = pending.filter(|it| it.is_of(state) && in_time(it.expires)).ok_or(LinkError::State)?;
        // Looked at once more in the commit; here it spares the upstream a code that was used.
        match self.used(state).await?.value() {
            None => Ok(pending),
            Some(_) => Err(LinkError::State),
        }
    }

    async fn used(&self, state: &str) -> Result<Slot<Used>, RegisterError> {
        self.register.read(self.register.keys.used_state(state)?).await
    }

    /// Finds or makes the account that mirrors `person`, in one commit with its name, its sign-in, and the mark that the
    /// state was used.
    async fn link(
        &self,
        person: &UpstreamPerson,
        token: &Token,
        when: Confirmed,
        signed_in: Option<AccountId>,
        (state, expires): (&str, Timestamp),
    ) -> Result<Linked, LinkError> {
        let name = Username::parse(&person.username).map_err(LinkError::Username)?;
        let foreign = ForeignKey { source: self.upstream.source().clone(), id: person.id.clone() };
        let fresh = AccountId::mint(&self.settings.scheme, &*self.randomness);
        let session = SessionToken::mint(&*self.randomness);
        let keys = &self.register.keys;
        let mark = Used { expires, by: random_text(&*self.randomness) };
        for _ in 0..ATTEMPTS {
            let used = self.used(state).await?;
            match used.value() {
                None => (),
                Some(used) if *used == mark => return self.was_linked(&foreign, &fresh, session).await,
                Some(_) => return Err(LinkError::State),
            }
            let link = self.register.foreign(&foreign).await?;
            let id = link.value().unwrap_or(&fresh);
            if signed_in.as_ref().is_some_and(|signed_in| signed_in != id) {
                return Err(LinkError::LinkedToAnother);
            }
            let slot = self.register.account(id).await?;
            let mut account = match slot.value() {
                Some(account) => account.clone(),
                None => new_account(id.clone(), foreign.clone(), person, when),
            };
            let rows = self.rows(&account, &name).await?;
            let decision = decide(&account, slot.value().is_some(), &rows, &name, when);

            let mut commit = used.put(Commit::new(), &mark).map_err(RegisterError::from)?;
            commit = link.put(commit, id).map_err(RegisterError::from)?;
            let mut changes = Vec::new();
            if matches!(decision, Decision::Confirm | Decision::Take | Decision::Displace) {
                (commit, changes) = rows.carry_out(commit, decision, &mut account, &name, when)?;
            }
            if let Some(old) = account.session.take().filter(|old| old.hash != session.hash()) {
                commit = self
                    .register
                    .read::<AccountId>(keys.session(&old.hash).map_err(RegisterError::from)?)
                    .await?
                    .clear(commit);
            }
            let row = self.register.read(keys.session(&session.hash()).map_err(RegisterError::from)?).await?;
            commit = row.put(commit, id).map_err(RegisterError::from)?;
            let expires = after(self.clock.now(), self.settings.session_ttl);
            account.session = Some(Session { hash: session.hash(), expires });
            account.token = Some(self.store_token(id, token)?);
            account.needs_login = false;
            account.avatar = person.picture.as_deref().and_then(AvatarUrl::clean);
            commit = slot.put(commit, &account).map_err(RegisterError::from)?;

            let outcome = self.register.commit(commit).await?;
            if outcome == Outcome::Conflict {
                continue;
            }
            // The picture and the state may be new also where the name is not.
            changes.push(Change {
                account: id.clone(),
                old: None,
                new: account.handle.clone().map(Handle::from),
            });
            self.tell(&changes);
            if outcome == Outcome::Unknown {
                continue;
            }
            let confirmed = account.handle.as_ref().filter(|handle| **handle == name).map(|_| when.asked);
            let poll_at = self.next_poll(self.clock.now());
            let lapse_at = confirmed.map(|at| self.deadline(at));
            self.schedule.plan(id, Next { poll_at: Some(poll_at), lapse_at, ..Next::default() });
            rows.to_ask(decision, id).iter().for_each(|id| self.schedule.hint(id, self.clock.now()));
            let handle = account.handle.map(Handle::from);
            return Ok(Linked { created: *id == fresh, account: id.clone(), handle, token: session });
        }
        Err(RegisterError::Contended.into())
    }

    /// What a commit led to that ended in doubt and left its mark. None of it is done again: an account that was deleted
    /// since would come back.
    async fn was_linked(
        &self,
        foreign: &ForeignKey,
        fresh: &AccountId,
        token: SessionToken,
    ) -> Result<Linked, LinkError> {
        let stored = match self.register.foreign(foreign).await?.value() {
            Some(id) => self.register.account(id).await?.into_value(),
            None => None,
        };
        let Account { account, handle, .. } = stored.ok_or(LinkError::State)?;
        // The visit plans the rest.
        self.schedule.plan(&account, Next { poll_at: Some(self.clock.now()), ..Next::default() });
        Ok(Linked { created: account == *fresh, account, handle: handle.map(Handle::from), token })
    }
}

/// An account that mirrors `person`: the name follows, the texts are its own from now on.
fn new_account(account: AccountId, foreign: ForeignKey, person: &UpstreamPerson, when: Confirmed) -> Account {
    Account {
        account,
        foreign,
        handle: None,
        handle_since: when.received,
        learnt_at: when.received,
        former: Vec::new(),
        display_name: person.name.as_deref().and_then(DisplayName::clean),
        bio: person.bio.as_deref().and_then(Bio::clean),
        avatar: None,
        token: None,
        needs_login: false,
        session: None,
        linked_at: when.received,
    }
}
