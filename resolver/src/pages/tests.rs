//! What holds for every page, whatever is written on it.

use namesake::AvatarUrl;

use super::{CONTENT_SECURITY_POLICY, MARK, PROBLEM_KINDS, STYLESHEET, problem_kind, stylesheet_path};
use crate::{api, pages};
use gallery::gallery;

#[path = "gallery.rs"]
mod gallery;

fn every_page() -> Vec<(String, String)> {
    let samples = gallery().into_iter().map(|(name, page)| (name.to_owned(), page.into_string()));
    let kinds =
        PROBLEM_KINDS.iter().map(|kind| (kind.path(), problem_kind(kind.name).unwrap().into_string()));
    samples.chain(kinds).collect()
}

/// The tags of a page, between `<` and `>`: what is outside them is text. Escaping makes this cut exact.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<').skip(1).filter_map(|rest| rest.split('>').next())
}

/// The names of a tag's attributes.
fn attributes(tag: &str) -> impl Iterator<Item = &str> {
    // Values stand in double quotes, so every other piece is outside them.
    tag.split('"')
        .step_by(2)
        .flat_map(|outside| outside.split_whitespace())
        .filter_map(|name| name.strip_suffix('='))
}

#[test]
fn no_page_runs_or_styles_anything_inline() {
    for (name, page) in every_page() {
        for tag in tags(&page) {
            assert!(!tag.starts_with("script") && !tag.starts_with("style"), "{name}: {tag}");
            for attribute in attributes(tag) {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {tag}");
            }
        }
        assert!(!page.contains("href=\"javascript:") && !page.contains("src=\"javascript:"), "{name}");
    }
}

#[test]
fn text_from_outside_stays_text() {
    for (name, page) in every_page() {
        assert!(
            !page.contains(gallery::HOSTILE) && !page.contains("<script") && !page.contains("<img src=\"x"),
            "{name}"
        );
        if name.ends_with("hostile") {
            assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{name}");
        }
    }
}

#[test]
fn every_page_is_a_whole_document() {
    for (name, page) in every_page() {
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{name}");
        for (piece, count) in
            [("<title>", 1), ("<h1", 1), ("name=\"viewport\"", 1), ("<main", 1), ("<h1></h1>", 0)]
        {
            assert_eq!(page.matches(piece).count(), count, "{name}: {piece}");
        }
        assert!(page.contains(stylesheet_path()), "{name}");
    }
}

#[test]
fn ids_are_unique_and_what_refers_to_them_finds_them() {
    for (name, page) in every_page() {
        let values = |attribute: &str| -> Vec<String> {
            let from = format!(" {attribute}=\"");
            page.split(&from).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
        };
        let mut ids = values("id");
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: an id is there twice");
        for reference in values("aria-labelledby").into_iter().chain(values("for")) {
            assert!(ids.contains(&reference), "{name}: {reference}");
        }
    }
}

#[test]
fn no_tag_has_an_attribute_twice() {
    for (name, page) in every_page() {
        for tag in tags(&page) {
            let mut names: Vec<_> = attributes(tag).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{name}: {tag}");
        }
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere_but_pictures_over_https() {
    for (name, page) in every_page() {
        for tag in tags(&page).filter(|tag| tag.starts_with("img") || tag.starts_with("link")) {
            let address =
                tag.split_once("src=\"").or(tag.split_once("href=\"")).unwrap().1.split('"').next().unwrap();
            let ours = address.starts_with("/assets/");
            assert!(
                ours || (tag.contains("referrerpolicy=\"no-referrer\"")
                    && AvatarUrl::clean(address).is_some()),
                "{name}: {tag}"
            );
        }
    }
    for outside in ["http:", "https:", "@import", "url("] {
        assert!(!STYLESHEET.contains(outside), "{outside}");
    }
    assert!(!MARK.contains("<style") && !MARK.contains("style=") && !MARK.contains("<script"));
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe") && !CONTENT_SECURITY_POLICY.contains("script-src"));
}

#[test]
fn an_answer_tells_its_age_only_to_whom_it_was_written_for() {
    let pages = every_page();
    let page = |wanted: &str| pages.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    assert!(!page("answer").contains(" old,"), "a prepared page gives absolute times");
    assert!(
        page("answer")
            .contains("<time datetime=\"2026-11-22T15:02:11.52Z\">15:02:11 UTC, 22 Nov 2026</time>")
    );
    assert!(page("answer-mirror").contains("90 minutes old, and past its time"));
    assert!(page("answer-mirror").contains(">Stale<"));
}

#[test]
fn an_explanation_gives_the_record_exactly() {
    let page = gallery().into_iter().find(|(name, _)| *name == "explain").unwrap().1.into_string();
    for exact in ["_atproto.broken.demo.test", "did=did:plc:z72i7hdynmk6r22z27h6tvur"] {
        assert!(page.contains(&format!("<pre class=\"copy\"><code>{exact}</code></pre>")), "{exact}");
    }
}

#[test]
fn there_is_no_page_for_a_kind_that_does_not_exist() {
    assert!(problem_kind("../landing").is_none());
}
