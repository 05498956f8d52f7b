//! The mirror's own routes: linking an account, the upstream's callbacks, and the owner's account.
//!
//! The page `/mirror/{name}` and its forms are in `mirror_page`.
//!
//! | path below `/mirror/{name}` | what happens |
//! |---|---|
//! | `GET /connect` | off to the upstream, with the sign-in sealed in a cookie of this browser: nothing is stored |
//! | `GET /callback` | back from it: the account is linked, its owner signed in |
//! | `GET /webhook`, `POST /webhook` | the upstream subscribes; it tells that something happened |
//! | `POST /deauthorize`, `POST /delete`, `GET /delete?code=` | it passes on that a person wants to be gone |
//!
//! What to say about a handle is decided in the
//! mirror; here is only how HTTP carries it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use namesake::{AccountId, Why};
use namesake_mirror::{
    CallbackQuery, ChallengeQuery, Edit, Linked, MirrorModel, OwnError, OwnProfile, WebhookError,
};
use serde_json::json;

use super::{
    Site, mirror_page,
    reply::{self, Reply},
    request::{Asked, Sender},
    request_body::{FORM, WEBHOOK},
    session::{LINKING, SESSION, browser_session, cookie, session, set_cookie},
};
use crate::{
    api::{FormerHandle, OwnAccount},
    pages::{self, Done, Follows},
    percent,
    problem::Refusal,
    query::InvalidQuery,
};

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

pub(super) async fn connect(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let connect = mirror.connect(session(&mirror, asked).as_ref()).await?;
    let mut reply = see_other(connect.location.as_str());
    set_cookie(&mut reply, &cookie(LINKING, &mirror), &connect.browser, connect.max_age);
    Ok(reply)
}

pub(super) async fn callback(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let parameters = asked.parameters()?;
    let text = |name: &str| Ok::<_, Refusal>(parameters.one(name)?.map(str::to_owned));
    let query = CallbackQuery {
        code: text("code")?,
        state: text("state")?,
        error: text("error")?,
        error_description: text("error_description")?,
        iss: text("iss")?,
    };
    let browser = asked.cookie(&cookie(LINKING, &mirror));
    let linked = match mirror.callback(query, browser, session(&mirror, asked).as_ref()).await {
        Ok(linked) => linked,
        Err(error) if asked.prefers_html() => {
            let token = browser_session(&mirror, asked);
            return mirror_page::explain(&mirror, token.as_ref(), error.into(), None).await;
        }
        Err(error) => return Err(error.into()),
    };
    let mut reply = if asked.prefers_html() { see_other(&own_page(&mirror, &linked)) } else { told(&linked) };
    let lasts = mirror.settings().session_ttl.as_secs();
    set_cookie(&mut reply, &cookie(SESSION, &mirror), linked.token.expose(), lasts);
    set_cookie(&mut reply, &cookie(LINKING, &mirror), "", 0);
    Ok(reply)
}

/// Where its owner sees what was linked.
fn own_page(mirror: &MirrorModel, linked: &Linked) -> String {
    mirror_page::path(mirror, if linked.created { Done::Linked } else { Done::SignedIn })
}

/// For clients without a browser: the token is theirs to keep, and is not said again.
fn told(linked: &Linked) -> Reply {
    let status = if linked.created { StatusCode::CREATED } else { StatusCode::OK };
    let handle = linked.handle.as_ref().map(ToString::to_string);
    reply::json(
        status,
        &json!({ "account": linked.account, "handle": handle, "token": linked.token.expose() }),
    )
}

pub(super) fn subscribe(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let parameters = asked.parameters()?;
    let text = |name: &str| Ok::<_, Refusal>(parameters.one(name)?.map(str::to_owned));
    let query = ChallengeQuery {
        mode: text("hub.mode")?,
        challenge: text("hub.challenge")?,
        verify_token: text("hub.verify_token")?,
    };
    let challenge = mirror.webhook_challenge(query)?;
    Ok(reply::bytes(StatusCode::OK, HeaderValue::from_static("text/plain; charset=utf-8"), challenge))
}

pub(super) async fn webhook(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    // Whoever does not sign is not listened to.
    let signature = asked.header(&SIGNATURE).ok_or(WebhookError::Signature)?.to_owned();
    let hinted = mirror.webhook(Some(&signature), &asked.body(site, WEBHOOK).await?).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "hinted": hinted })))
}

pub(super) async fn deauthorize(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    site.mirror(name)?.deauthorize(&asked.body(site, FORM).await?).await?;
    Ok(reply::json(StatusCode::OK, &json!({})))
}

pub(super) async fn delete(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    let receipt = site.mirror(name)?.delete_requested(&asked.body(site, FORM).await?).await?;
    Ok(reply::json(StatusCode::OK, &receipt))
}

pub(super) async fn deletion_status(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let parameters = asked.parameters()?;
    let code =
        parameters.one("code")?.ok_or_else(|| Refusal::Request("the parameter `code` is missing".into()))?;
    let at = mirror.deletion_status(code).await?;
    if asked.prefers_html() {
        return Ok(reply::page(StatusCode::OK, pages::deleted(at)));
    }
    Ok(reply::json(StatusCode::OK, &json!({ "status": "deleted", "deletedAt": at })))
}

/// `/v1/mirror/accounts/{id}`
pub(super) async fn account(site: &Site, asked: Asked, part: &str) -> Result<Reply, Refusal> {
    let (account, mirror) = site.mirrored(part)?;
    let token = session(&mirror, &asked).ok_or(OwnError::SignIn)?;
    if !matches!(*asked.method(), Method::GET | Method::HEAD) {
        site.check_origin(&asked)?;
    }
    let own = match *asked.method() {
        Method::DELETE => {
            mirror.delete(&account, &token).await?;
            let mut reply = reply::bytes(StatusCode::NO_CONTENT, reply::JSON, Bytes::new());
            set_cookie(&mut reply, &cookie(SESSION, &mirror), "", 0);
            return Ok(reply);
        }
        Method::PATCH => {
            // Nobody's edit is not read.
            mirror.signed_in(&token).await.map_err(OwnError::from)?.ok_or(OwnError::SignIn)?;
            let edit = Edit::from_json(&asked.body(site, FORM).await?, &mirror)?;
            mirror.edit(&account, &token, edit).await?
        }
        _ => mirror.own(&account, &token).await?,
    };
    Ok(reply::json(StatusCode::OK, &as_body(own)))
}

/// `PUT /v1/mirror/accounts/{id}/handle`: whoever asks, signed in or not, for an account that is there or not, the rule
/// is the same for everybody.
pub(super) fn set_handle(site: &Site, part: &str) -> Result<Reply, Refusal> {
    let (_, mirror) = site.mirrored(part)?;
    Err(mirror.handle_is_mirrored().into())
}

/// What the owner of `account` sees of it, if that is who asks.
pub(super) async fn own_profile(
    site: &Site,
    asked: &Asked,
    account: &AccountId,
) -> Result<OwnProfile, Refusal> {
    let scheme = account.as_str().split(':').next().unwrap_or_default();
    let nobody = || Refusal::Absent { handle: None, why: Why::Unknown, others: Vec::new(), link: None };
    let mirror = site.mirror(scheme).map_err(|_| nobody())?;
    let token = session(&mirror, asked).ok_or(OwnError::SignIn)?;
    Ok(mirror.own(account, &token).await?)
}

pub(super) fn as_body(own: OwnProfile) -> OwnAccount {
    let profile = own.profile;
    OwnAccount {
        account: profile.account.to_string(),
        handle: profile.handle.as_ref().map(ToString::to_string),
        handle_since: own.handle_since,
        display_name: profile.display_name.as_ref().map(ToString::to_string),
        description: profile.bio.as_ref().map(ToString::to_string),
        avatar: profile.avatar.as_ref().map(|avatar| avatar.as_str().to_owned()),
        display: profile.state,
        linked_at: own.linked_at,
        former_handles: own
            .former_handles
            .into_iter()
            .map(|former| FormerHandle {
                handle: former.handle.to_string(),
                from: former.from,
                until: former.until,
            })
            .collect(),
    }
}

pub(super) fn see_other(location: &str) -> Reply {
    let mut reply = reply::bytes(StatusCode::SEE_OTHER, HeaderValue::from_static("text/plain"), Bytes::new());
    let headers = reply.headers_mut();
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

impl Site {
    pub(super) fn mirror(&self, name: &str) -> Result<Arc<MirrorModel>, Refusal> {
        let mut mirrors = self.mirrors.iter();
        mirrors.find(|mirror| mirror.settings().scheme.as_str() == name).cloned().ok_or(Refusal::NoSuchPage)
    }

    /// What the mirror of this name promises of its names; `None` if there is no such mirror.
    pub(super) fn follows(&self, name: &str) -> Option<Follows> {
        let mirror = self.mirror(name).ok()?;
        Some(Follows {
            within_seconds: mirror.shows_within().as_secs(),
            unconfirmed_seconds: mirror.settings().max_unconfirmed.as_secs(),
        })
    }

    /// The account a path names, and the mirror that keeps accounts of its kind.
    fn mirrored(&self, id: &str) -> Result<(AccountId, Arc<MirrorModel>), Refusal> {
        let id = percent::decode(id).ok_or(InvalidQuery::Encoding)?;
        let account = AccountId::parse(&id).map_err(|_| InvalidQuery::Account)?;
        let mirror = self.mirror(account.as_str().split(':').next().unwrap_or_default())?;
        Ok((account, mirror))
    }

    /// Another site's page does not act for the owner.
    fn check_origin(&self, asked: &Asked) -> Result<(), Refusal> {
        match asked.sender(&self.origin()) {
            Sender::OurPage | Sender::Unsaid => Ok(()),
            Sender::Stranger => Err(Refusal::Origin),
        }
    }

    /// Where our own pages come from.
    pub(super) fn origin(&self) -> String {
        self.resolver.directory().public_url().origin().ascii_serialization()
    }
}
