//! `GET /compare`: the comparison as a page, or with `?story=` one of its stories. `GET /compare/paper`: as two sheets.

use http::StatusCode;
use maud::Markup;
use namesake::lab::{Report, RowReport};

use super::{
    Site,
    reply::{self, Reply},
    request::{Asked, Parameters},
};
use crate::{
    lab::{NotPlayed, State},
    pages::{self, CompareView, Numbers, Played, Plot, StoryView},
    problem::Refusal,
    quota::Purpose,
};

/// `GET /compare?columns=&story=&step=&with=`, and the inputs of the calculator.
pub(super) async fn compare(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let told = Told::asked(&parameters)?;
    let report = match made(site) {
        Ok(report) => report,
        Err((status, page)) => return Ok(reply::page(status, page)),
    };
    if let Some(told) = told {
        return story(site, report, told).await;
    }
    let mut numbers = Numbers::default();
    for name in Numbers::names(report) {
        if let Some(text) = parameters.one(&name)? {
            numbers.set(name, text);
        }
    }
    let columns = columns(report, parameters.one("columns")?)?;
    let view = CompareView { report, columns: &columns, numbers: &numbers };
    Ok(reply::page(StatusCode::OK, pages::compare(&view)))
}

pub(super) fn paper(site: &Site) -> Reply {
    let (status, page) = match made(site) {
        Ok(report) => (StatusCode::OK, pages::paper(report)),
        Err(instead) => instead,
    };
    reply::page(status, page)
}

/// The report; or what there is to see instead.
fn made(site: &Site) -> Result<&Report, (StatusCode, Markup)> {
    site.comparison.begin();
    match site.comparison.state() {
        State::Made(made) => Ok(&made.report),
        State::UnderWay => Err((StatusCode::OK, pages::compare_under_way())),
        State::Failed => Err((StatusCode::INTERNAL_SERVER_ERROR, pages::compare_failed())),
    }
}

/// The columns asked for, `A,C`; none: all of them.
fn columns(report: &Report, asked: Option<&str>) -> Result<Vec<String>, Refusal> {
    let asked = asked.unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
    let known = |id: &str| report.columns.iter().any(|column| column.id == id);
    asked
        .map(|id| {
            known(id)
                .then(|| id.to_owned())
                .ok_or_else(|| no_such("column", id, report.columns.iter().map(|column| column.id.as_str())))
        })
        .collect()
}

/// A step of a story.
struct Told {
    plot: &'static Plot,
    step: usize,
    second: &'static str,
}

impl Told {
    /// `None`: no story is asked for; nonsense about one is refused all the same.
    fn asked(parameters: &Parameters<'_>) -> Result<Option<Self>, Refusal> {
        let whole = |text: &str| {
            let step = text.parse::<u32>().ok().and_then(|step| usize::try_from(step).ok());
            step.ok_or_else(|| Refusal::Request("`step` is a whole number".to_owned()))
        };
        let lane =
            |text: &str| pages::lane(text).ok_or_else(|| Refusal::Request("`with` is `B` or `C`".to_owned()));
        let step = parameters.one("step")?.map(whole).transpose()?.unwrap_or(1);
        let with = parameters.one("with")?.map(lane).transpose()?;
        let Some(id) = parameters.one("story")? else { return Ok(None) };
        let plot = pages::plot(id).ok_or_else(|| no_such("story", id, pages::plots().map(|plot| plot.id)))?;
        Ok(Some(Self { plot, step, second: with.unwrap_or(plot.with) }))
    }
}

async fn story(site: &Site, report: &Report, told: Told) -> Result<Reply, Refusal> {
    let Told { plot, step, second } = told;
    let stored = report.rows.iter().find(|row| row.id == plot.row).ok_or(Refusal::NoSuchPage)?;
    let (fresh, played) = play(site, plot).await;
    let row = fresh.as_ref().unwrap_or(stored);
    Ok(reply::page(StatusCode::OK, pages::story(&StoryView { plot, report, row, played, step, second })))
}

/// Plays it for this reader, within the quota of explanations; beyond, what was played before is as good.
async fn play(site: &Site, plot: &Plot) -> (Option<RowReport>, Played) {
    if site.quotas.spend(Purpose::Explain).is_err() {
        return (None, Played::BeforeQuota);
    }
    match site.plays.row(plot.row).await {
        Ok(row) => (Some(row), Played::Now),
        Err(NotPlayed::Busy) => (None, Played::BeforeBusy),
        Err(NotPlayed::Late | NotPlayed::Failed) => (None, Played::BeforeFailed),
    }
}

fn no_such<'a>(what: &str, id: &str, known: impl Iterator<Item = &'a str>) -> Refusal {
    Refusal::Request(format!(
        "no {what} is called {id:?}; there are {}",
        known.collect::<Vec<_>>().join(", ")
    ))
}
