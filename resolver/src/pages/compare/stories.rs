//! What happens, step by step, in two lanes: the mirror and an independent way. A step is part of the address.

use maud::{Markup, html};
use namesake::lab::{ColumnInfo, Report, RowReport, TranscriptLine};

use super::{Page, answer, class, layout, name};
use crate::pages::words::span;

/// A story: one row's transcripts of two columns, side by side.
#[derive(Debug)]
pub struct Plot {
    /// Its name in links.
    pub id: &'static str,
    /// The row that is played.
    pub row: &'static str,
    title: &'static str,
    /// The column of the second lane, unless the reader wants another.
    pub with: &'static str,
}

/// The first lane, and what may stand in the second.
const FIRST: &str = "A";
const SECOND: &[&str] = &["B", "C"];

/// Seconds of a private world that pass with preparations.
const BEGINNING: u64 = 5;

const PLOTS: &[Plot] = &[
    Plot { id: "rename", row: "time-to-change", title: "Somebody changes their name", with: "B" },
    Plot { id: "stranger", row: "freed-name", title: "A stranger takes the old name", with: "B" },
    Plot { id: "ban", row: "ban-service", title: "The upstream bans this service", with: "C" },
    Plot { id: "domain", row: "lapse", title: "What carries the name changes hands", with: "C" },
];

/// All stories.
pub fn plots() -> impl Iterator<Item = &'static Plot> {
    PLOTS.iter()
}

/// The story of this name.
#[must_use]
pub fn plot(id: &str) -> Option<&'static Plot> {
    plots().find(|plot| plot.id == id)
}

/// The column of the second lane that a reader asked for; `None`: it is none that can stand there.
#[must_use]
pub fn lane(asked: &str) -> Option<&'static str> {
    SECOND.iter().find(|column| **column == asked).copied()
}

impl Plot {
    fn link(&self, step: usize, second: &str) -> String {
        let with = if second == self.with { String::new() } else { format!("&with={second}") };
        format!("/compare?story={}&step={step}{with}", self.id)
    }
}

/// A story up to a step.
#[derive(Debug, Clone, Copy)]
pub struct StoryView<'a> {
    /// Which.
    pub plot: &'static Plot,
    /// What the columns are called.
    pub report: &'a Report,
    /// The row, as it was played.
    pub row: &'a RowReport,
    /// Who played it.
    pub played: Played,
    /// How far; past the end means the end.
    pub step: usize,
    /// The column of the second lane.
    pub second: &'static str,
}

/// Where the transcripts of a story are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// A world of the reader's own, just now.
    Now,
    /// The stored report, since this reader has asked for too much in the last minute.
    BeforeQuota,
    /// The stored report, since too many readers play at once.
    BeforeBusy,
    /// The stored report, since the play did not come to its end.
    BeforeFailed,
}

pub(super) fn section() -> Markup {
    html! {
        section aria-labelledby="stories" {
            h2 #stories { "Stories" }
            p {
                "What happens, step by step: the mirror in one lane, an independent way in the other. Each is played for you "
                "on a private copy of the world; the address of a step can be sent to somebody."
            }
            ul.cards { @for plot in PLOTS { li { h3 { a href=(plot.link(1, plot.with)) { (plot.title) } } p { "Two lanes: " (FIRST) " and " (plot.with) "." } } } }
        }
    }
}

/// The page `/compare?story=&step=&with=`.
#[must_use]
pub fn story(view: &StoryView<'_>) -> Markup {
    let (plot, second) = (view.plot, view.second);
    let lines = lines(view.row, second);
    let last = lines.len();
    let step = view.step.clamp(1, last.max(1));
    let lanes: Vec<_> =
        [FIRST, second].iter().filter_map(|id| view.report.columns.iter().find(|c| c.id == *id)).collect();
    let body = html! {
        p.eyebrow { a href="/compare#stories" { "Comparison: stories" } }
        h1 { (plot.title) }
        @if view.row.question != plot.title { p.lead { (view.row.question) } }
        (played(view.played))
        nav.choices aria-label="Second lane" {
            @for id in SECOND {
                a.button href=(plot.link(step, id)) aria-current=[(*id == second).then_some("true")] { (FIRST) " and " (id) }
            }
        }
        section aria-labelledby="steps" {
            h2 #steps { "Step " (step) " of " (last) }
            (stepping(plot, step, last, second))
            div.lanes aria-hidden="true" { @for lane in &lanes { p class={ "badge " (class(lane)) } { (name(lane)) } } }
            ol.timeline {
                @for (at, (column, line)) in lines.iter().take(step).enumerate() {
                    @if let Some(lane) = lanes.iter().find(|lane| lane.id == *column) { (told(lane, line, at + 1 == step)) }
                }
            }
            @if step < last { p.hint { (last - step) " more to come." } } @else { (end(view.row, &lanes)) }
        }
    };
    layout(plot.title, Page::Compare, &body)
}

fn told(lane: &ColumnInfo, line: &TranscriptLine, newest: bool) -> Markup {
    html! {
        li class={ (class(lane)) @if lane.id == FIRST { " first" } @else { " second" } @if newest { " newest" } } aria-current=[newest.then_some("step")] {
            span.of { (lane.id) span.unseen { ", " (lane.title) } }
            span.when { (moment(line.at_seconds)) }
            p { (line.text) }
        }
    }
}

fn end(row: &RowReport, lanes: &[&ColumnInfo]) -> Markup {
    html! {
        h3 { "What came of it" }
        dl.lines {
            @for lane in lanes {
                div class=(class(lane)) { dt { (lane.id) } dd { (answer(row, &lane.id)) } }
            }
        }
        p { a href={ "/compare#row-" (row.id) } { "All columns on this question" } }
    }
}

fn stepping(plot: &Plot, step: usize, last: usize, second: &str) -> Markup {
    html! {
        nav.actions aria-label="Steps" {
            @if step > 1 {
                a.button href=(plot.link(1, second)) { "Begin again" }
                a.button rel="prev" href=(plot.link(step - 1, second)) { "Previous" }
            }
            @if step < last {
                a.button.strong rel="next" href=(plot.link(step + 1, second)) { "Next" }
                a.button href=(plot.link(last, second)) { "To the end" }
            }
        }
    }
}

fn played(played: Played) -> Markup {
    let reason = match played {
        Played::Now => {
            return html! { p.hint { "Played just now, in a private world that nobody else is in. Its clock is its own: a day passes in no time." } };
        }
        Played::BeforeQuota => "You have asked for many plays in the last minute",
        Played::BeforeBusy => "Many readers play at the moment",
        Played::BeforeFailed => "The play did not come to its end",
    };
    html! { p.notice role="status" { (reason) ": this is what was played when the service began. It is the same story." } }
}

/// The lines of both lanes in the order in which they happened, in turns where they happened together. The two worlds are
/// no part of each other: what seconds there are between them at the beginning means nothing.
fn lines<'a>(row: &'a RowReport, second: &'a str) -> Vec<(&'a str, &'a TranscriptLine)> {
    let lane = |id: &'a str| {
        row.transcript.get(id).into_iter().flatten().enumerate().map(move |(place, line)| (place, id, line))
    };
    let mut lines: Vec<_> = lane(FIRST).chain(lane(second)).collect();
    lines.sort_by_key(|(place, _, line)| match line.at_seconds {
        0..BEGINNING => (0, *place),
        later => (later, *place),
    });
    lines.into_iter().map(|(_, id, line)| (id, line)).collect()
}

fn moment(seconds: u64) -> String {
    match seconds {
        0..BEGINNING => "at the beginning".to_owned(),
        _ => format!("after {}", span(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_is_a_row_that_both_lanes_play() {
        for plot in plots() {
            let row = namesake::lab::rows().find(|row| row.id == plot.row).unwrap();
            assert!(row.scenario.is_some(), "{}", plot.id);
            assert_eq!(lane(plot.with), Some(plot.with));
        }
        assert!(plot("nonsense").is_none() && lane(FIRST).is_none());
    }

    #[test]
    fn moments_are_said_as_people_say_them() {
        assert_eq!(moment(2), "at the beginning");
        assert_eq!(moment(661), "after 11 minutes");
        assert_eq!(moment(86_400), "after 24 hours");
    }
}
