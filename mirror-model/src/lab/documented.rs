//! What is known of Meta from its own pages, beside what the sandbox can show.

use namesake::lab::Documented;

/// When the pages were last looked at, and how: not live.
const CHECKED: &str = "2026-11-22, in stored copies of these pages";

pub(super) fn of(row: &str) -> Option<Documented> {
    let (text, source) = match row {
        "belief-webhook" | "time-without-hints" => (
            "Threads sends webhooks about replies, mentions, deleted and published posts; none announces a change of a username",
            "https://developers.facebook.com/documentation/threads/webhooks",
        ),
        "display-name" | "bio" | "picture" => (
            "The API shows name, threads_biography and threads_profile_picture_url of the account; whether they follow Instagram's it does not say",
            "https://developers.facebook.com/documentation/threads/threads-profiles",
        ),
        "order" => (
            "Whoever owns a registered trademark reports it to Instagram by a form of its own",
            "https://help.instagram.com/222826637847963",
        ),
        "erasure" => (
            "The upstream tells an app that somebody wants their data deleted, and expects a page that says what became of it",
            "https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback",
        ),
        _ => return None,
    };
    Some(Documented { text: text.to_owned(), source: source.to_owned(), checked: CHECKED.to_owned() })
}
