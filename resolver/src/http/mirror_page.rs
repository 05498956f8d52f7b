//! The page of a mirror and its forms, for people with a browser and nothing else.
//!
//! | path | what happens |
//! |---|---|
//! | `GET /mirror/{name}` | what linking means; for whoever is signed in, their own profile |
//! | `POST /mirror/{name}/profile` | changes their texts |
//! | `POST /mirror/{name}/sign-out` | ends their sign-in |
//! | `POST /mirror/{name}/leave` | deletes their account |
//!
//! A form is taken from our own pages only, and in the name of the cookie's owner. Whatever is done answers 303 back to
//! the page; whatever is not is explained there, above what was typed. The rules are those of
//! `/v1/mirror/accounts/{id}`.

use http::{HeaderValue, StatusCode, header};
use namesake_mirror::{Edit, MirrorModel, OwnError, SessionToken};

use super::{
    Site, mirror,
    reply::{self, Reply},
    request::{Asked, Parameters, Sender},
    request_body::{FORM as LONGEST, Received},
    route::{Kind, Route},
    session::{LINKING, SESSION, browser_session, cookie, set_cookie},
};
use crate::{
    api::{OwnAccount, Problem},
    pages::{self, Done, MirrorTerms, OwnerView, Page, Texts, VisitorView},
    problem::Refusal,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// Where the page of a mirror is, with a word on what was done.
pub(super) fn path(mirror: &MirrorModel, done: Done) -> String {
    format!("{}?done={}", pages::mirror_path(mirror.settings().scheme.as_str()), done.name())
}

/// `GET /mirror/{name}`
pub(super) async fn page(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let done = asked.parameters()?.one("done")?.and_then(Done::named);
    let account = owner(&mirror, browser_session(&mirror, asked).as_ref()).await?;
    Ok(show(StatusCode::OK, View { mirror: &mirror, account, done, problem: None, typed: None }))
}

/// `POST /mirror/{name}/profile`
pub(super) async fn save(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let form = Form::of(site, &mirror, asked).await?;
    let fields = form.fields()?;
    let saved = async {
        // First, since what is mirrored is refused to everybody.
        let edit = Edit::from_form(fields.iter(), &mirror)?;
        let token = form.token.as_ref().ok_or(OwnError::SignIn)?;
        let account = mirror.signed_in(token).await?.ok_or(OwnError::SignIn)?;
        mirror.edit(&account, token, edit).await
    };
    match saved.await {
        Ok(_) => Ok(mirror::see_other(&path(&mirror, Done::Saved))),
        Err(error) => form.explain(&mirror, error.into(), Some(typed(&fields))).await,
    }
}

/// `POST /mirror/{name}/sign-out`. Whoever is signed out already stays so.
pub(super) async fn sign_out(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let form = Form::of(site, &mirror, asked).await?;
    if let Some(token) = &form.token
        && let Err(error) = mirror.sign_out(token).await
    {
        return form.explain(&mirror, OwnError::from(error).into(), None).await;
    }
    let mut reply = mirror::see_other(&path(&mirror, Done::SignedOut));
    set_cookie(&mut reply, &cookie(SESSION, &mirror), "", 0);
    // A sign-in under way was begun as whoever was signed in.
    set_cookie(&mut reply, &cookie(LINKING, &mirror), "", 0);
    Ok(reply)
}

/// `POST /mirror/{name}/leave`
pub(super) async fn leave(site: &Site, asked: Asked, name: &str) -> Result<Reply, Refusal> {
    let mirror = site.mirror(name)?;
    let form = Form::of(site, &mirror, asked).await?;
    let fields = form.fields()?;
    let left = async {
        if !fields.iter().eq([("confirm", "yes")]) {
            let why = "nothing was deleted: tick the box that says so, and press the button again";
            return Err(OwnError::Malformed(why.to_owned()));
        }
        let token = form.token.as_ref().ok_or(OwnError::SignIn)?;
        let account = mirror.signed_in(token).await?.ok_or(OwnError::SignIn)?;
        mirror.delete(&account, token).await
    };
    match left.await {
        Ok(()) => {
            let mut reply = mirror::see_other(&path(&mirror, Done::Deleted));
            set_cookie(&mut reply, &cookie(SESSION, &mirror), "", 0);
            Ok(reply)
        }
        Err(error) => form.explain(&mirror, error.into(), None).await,
    }
}

/// A form that one of our own pages sent.
struct Form {
    token: Option<SessionToken>,
    body: Received,
    html: bool,
}

impl Form {
    async fn of(site: &Site, mirror: &MirrorModel, asked: Asked) -> Result<Self, Refusal> {
        check_sender(site, &asked)?;
        let kind = asked.header(&header::CONTENT_TYPE).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM) {
            return Err(Refusal::Request(format!("a form ({FORM}) is needed")));
        }
        let (token, html) = (browser_session(mirror, &asked), asked.prefers_html());
        Ok(Self { token, html, body: asked.body(site, LONGEST).await? })
    }

    fn fields(&self) -> Result<Parameters<'_>, Refusal> {
        let text = std::str::from_utf8(&self.body);
        Parameters::parse(text.map_err(|_| Refusal::Request("the form is not text".to_owned()))?)
    }

    /// Why it was not done, on the page that it came from.
    async fn explain(
        &self,
        mirror: &MirrorModel,
        refusal: Refusal,
        typed: Option<Texts>,
    ) -> Result<Reply, Refusal> {
        if !self.html {
            return Err(refusal);
        }
        explain(mirror, self.token.as_ref(), refusal, typed).await
    }
}

/// Why something was not done, on the page of the mirror, which has the ways on: to sign in, to sign out, to mend what was
/// typed.
pub(super) async fn explain(
    mirror: &MirrorModel,
    token: Option<&SessionToken>,
    refusal: Refusal,
    typed: Option<Texts>,
) -> Result<Reply, Refusal> {
    let problem = refusal.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // The page of an internal error says under which id the log has it.
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        return Err(refusal);
    }
    // Should this fail as well, the first reason is the one to tell.
    let account = owner(mirror, token).await.ok().flatten();
    let mut reply = show(status, View { mirror, account, done: None, problem: Some(problem), typed });
    if let Some(seconds) = refusal.retry_after_seconds() {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(reply)
}

/// The page of the mirror that a route is about, for whoever was refused there.
pub(super) fn way_back(site: &Site, Route { kind, part }: Route<'_>) -> Option<String> {
    let name = match kind {
        Kind::MirrorSave
        | Kind::MirrorSignOut
        | Kind::MirrorLeave
        | Kind::MirrorConnect
        | Kind::MirrorCallback
        | Kind::MirrorDelete => part,
        Kind::MirrorAccount | Kind::MirrorHandle => part.split([':', '%']).next().unwrap_or_default(),
        _ => return None,
    };
    let mirror = site.mirror(name).ok()?;
    Some(pages::mirror_path(mirror.settings().scheme.as_str()))
}

/// Only our own pages act for the owner. Every browser says where a form comes from; one that does not cannot be told from
/// a stranger, and clients that are none have `/v1/mirror/accounts/{id}`.
fn check_sender(site: &Site, asked: &Asked) -> Result<(), Refusal> {
    match asked.sender(&site.origin()) {
        Sender::OurPage => Ok(()),
        Sender::Stranger | Sender::Unsaid => Err(Refusal::Origin),
    }
}

/// The account of whoever is signed in.
async fn owner(mirror: &MirrorModel, token: Option<&SessionToken>) -> Result<Option<OwnAccount>, OwnError> {
    let Some(token) = token else { return Ok(None) };
    let Some(account) = mirror.signed_in(token).await? else { return Ok(None) };
    match mirror.own(&account, token).await {
        Ok(own) => Ok(Some(mirror::as_body(own))),
        // Signed out, or gone, between the two.
        Err(OwnError::SignIn) => Ok(None),
        Err(error) => Err(error),
    }
}

struct View<'a> {
    mirror: &'a MirrorModel,
    account: Option<OwnAccount>,
    done: Option<Done>,
    problem: Option<Problem>,
    typed: Option<Texts>,
}

fn show(status: StatusCode, view: View<'_>) -> Reply {
    let View { mirror, account, done, problem, typed } = view;
    let terms = terms(mirror);
    let page = match account {
        Some(account) => {
            let texts = typed.unwrap_or_else(|| stored(&account));
            pages::mirror_owner(&OwnerView { terms, account, texts, done, problem })
        }
        None => pages::mirror_visitor(&VisitorView { terms, done, problem, typed }),
    };
    let mut reply = reply::page(status, page);
    let headers = reply.headers_mut();
    // One person's own: no cache keeps it, and "back" after leaving shows it no more.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(Page::Mirror.referrer_policy()));
    reply
}

fn terms(mirror: &MirrorModel) -> MirrorTerms {
    let (settings, source) = (mirror.settings(), mirror.source());
    let name = settings.scheme.as_str();
    MirrorTerms::new(name, &source.kind, &source.origin, settings.poll_interval, settings.max_unconfirmed)
}

fn stored(account: &OwnAccount) -> Texts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Texts { display_name: text(&account.display_name), description: text(&account.description) }
}

fn typed(fields: &Parameters<'_>) -> Texts {
    let text = |name| fields.iter().find(|(field, _)| *field == name).map_or("", |(_, text)| text).to_owned();
    Texts { display_name: text("displayName"), description: text("description") }
}
