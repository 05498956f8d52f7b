//! Every kind of problem, once: its name, status, title, cause and remedies.

/// A kind of problem: what a problem document's `type` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The last part of the `type`.
    pub name: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// The kind in a few words: the document's `title`.
    pub title: &'static str,
    /// What has happened, for people.
    pub cause: &'static str,
    /// What can be done, one thing each.
    pub remedies: &'static [&'static str],
    /// Whether the steps of the lookup tell more.
    pub explains: bool,
}

impl ProblemKind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROBLEM_KINDS.iter().find(|kind| kind.name == name)
    }

    /// The kind a problem document's `type` stands for, whether relative or absolute.
    #[must_use]
    pub fn of(problem_type: &str) -> Option<&'static Self> {
        let (_, name) = problem_type.rsplit_once('/')?;
        Self::named(name)
    }

    /// The `type`, which is also the path of its page.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/problems/{}", self.name)
    }
}

const fn kind(
    name: &'static str,
    status: u16,
    title: &'static str,
    cause: &'static str,
    remedies: &'static [&'static str],
) -> ProblemKind {
    ProblemKind { name, status, title, cause, remedies, explains: false }
}

const fn explained(kind: ProblemKind) -> ProblemKind {
    ProblemKind { explains: true, ..kind }
}

/// Every kind there is, by status.
pub const PROBLEM_KINDS: &[ProblemKind] = &[
    kind(
        "invalid-handle",
        400,
        "That is not a handle",
        "The text cannot be read as a handle, an account id, or the address of a profile.",
        &[
            "Write it as @alice, alice.example.com, did:…, acct:alice@…, or paste the address of a profile.",
            "A handle has no spaces and no invisible characters, and at most 253 bytes.",
            "A domain's labels have a-z, 0-9 and inner hyphens, with one dot between two; a username has 1 to 30 of a-z, 0-9, _ and inner dots.",
            "No handle ends in .invalid: that is what applications show when a handle could not be proved.",
        ],
    ),
    kind(
        "invalid-request",
        400,
        "The request cannot be read",
        "A parameter is missing, is there twice, or has a value this service does not know.",
        &["Compare the request with /openapi.json, which lists every parameter and its form."],
    ),
    kind(
        "text-too-long",
        400,
        "A text is too long",
        "A text is longer than what is kept of it. Nothing of the request was done, so that nothing is lost without a word.",
        &["Shorten the text and send it again. A form still has all that was typed."],
    ),
    kind(
        "sign-in-required",
        401,
        "Sign in first",
        "This is for the owner of the account, and the request does not show that it comes from them.",
        &[
            "Sign in with the upstream account behind the profile: /mirror/{name}.",
            "A sign-in ends when the account is linked again elsewhere.",
        ],
    ),
    kind(
        "refused",
        403,
        "That is not allowed",
        "The request was understood, and a rule forbids it.",
        &["The detail of this answer says which rule, and what to do instead."],
    ),
    kind(
        "handle-is-mirrored",
        403,
        "This handle is read-only here",
        "The handle belongs to a linked account elsewhere and follows whatever that account is called. Nobody can \
         change it here, its owner included.",
        &[
            "Rename the account where it lives; the new name appears here by itself, without signing in again.",
            "To hold a name that depends on nobody else, register an independent handle or use a domain of your own.",
        ],
    ),
    kind(
        "reserved-handle",
        403,
        "This name is reserved",
        "The name is kept back because people would take its holder for the service itself.",
        &["Choose another name.", "A name under a domain of your own is always yours to use."],
    ),
    kind(
        "not-found",
        404,
        "There is no such page",
        "Nothing is served at this address.",
        &["Look the handle up below.", "The addresses that exist are listed in /openapi.json."],
    ),
    explained(kind(
        "handle-not-found",
        404,
        "Nobody holds this handle",
        "Every source that could know this name was asked, and each said that there is nobody.",
        &[
            "Check the spelling: one letter makes it another name.",
            "If it is yours, publish the record that proves it. “Show every step” gives it ready to copy.",
            "A record that was just made may take as long as the old answer's lifetime to be seen.",
        ],
    )),
    kind(
        "account-not-found",
        404,
        "There is no such account",
        "No account has this identifier. It may have been deleted; identifiers are never given out again.",
        &[
            "Look up the handle instead: it leads to today's account.",
            "Check that the identifier is complete.",
        ],
    ),
    explained(kind(
        "handle-released",
        404,
        "Nobody holds this handle any more",
        "Somebody held this name and gave it up, or it could not be confirmed for too long. Whoever holds it next may \
         be another person.",
        &[
            "Ask the person for their new handle, or use the account id if you kept it: that one does not change.",
            "If it was yours and the link to the account upstream has lapsed, sign in there again.",
        ],
    )),
    explained(kind(
        "handle-unproven",
        404,
        "This handle is not proved",
        "The name and the account do not point at each other: one side names the other, and the other side does not \
         confirm it. Applications show such a handle as “invalid”.",
        &[
            "If it is yours: “Show every step” says which of the two is wrong and gives the exact record to create.",
            "Change one side only: the record at the name, or the handle in the account's DID document.",
            "If it is not yours: do not trust the claim until it is proved.",
        ],
    )),
    kind(
        "namespace-not-served",
        404,
        "No scheme here takes this name",
        "The name is well formed, and none of the naming schemes served here is responsible for names of its form.",
        &[
            "Check that the name is complete: alice.example.com, rather than alice.example.",
            "The schemes, and the names each takes, are on the front page.",
        ],
    ),
    kind(
        "method-not-allowed",
        405,
        "This address does not take that method",
        "The address exists, and not for this kind of request.",
        &["The Allow header of the answer lists the methods that it takes."],
    ),
    kind(
        "handle-taken",
        409,
        "Somebody else holds this handle",
        "The name was registered first by another account, or it was released a short while ago and is held back for \
         whoever gave it up.",
        &["Choose another name.", "Use a domain of your own: nobody else can register a name there."],
    ),
    kind(
        "stale-head",
        409,
        "Something changed in between",
        "The entry builds on a version of the log that is no longer the last one, or the profile has a newer revision.",
        &[
            "Read the log again, build the entry on its last version, sign it and send it once more.",
            "`head` in this answer is the last version, or for a profile the last revision: the next one is greater.",
        ],
    ),
    kind(
        "account-deactivated",
        410,
        "This account was closed",
        "Its holder closed the account for good. The identifier is never given to anybody else.",
        &[
            "Look for the person under another handle.",
            "Remove references to this account where you keep them.",
        ],
    ),
    kind(
        "too-large",
        413,
        "The request is too large",
        "The body is longer than this service reads.",
        &[
            "Send less at a time; /openapi.json gives the limits.",
            "A signed entry says all of its document: leave out of it what nobody needs.",
        ],
    ),
    kind(
        "invalid-entry",
        422,
        "The entry does not verify",
        "The signed entry or record was understood, and it does not hold: a signature, a hash or a rule is broken.",
        &[
            "The detail says which rule failed, and `rule` names it. Correct that, sign again, send again.",
            "If the time is the trouble, your clock is fast: `now` is the time here, to sign with.",
            "Check an entire log with: namesake identity verify FILE",
        ],
    ),
    kind(
        "too-many-requests",
        429,
        "Too many requests",
        "This way of asking has a quota, because each request makes this service ask others, or keep something for good.",
        &[
            "Wait as long as the Retry-After header says.",
            "What is in memory is answered all the same, and costs nothing.",
        ],
    ),
    kind(
        "internal",
        500,
        "Something broke here",
        "It is our fault, not yours, and says nothing about the handle.",
        &["Try again in a minute.", "If it stays, give the operator the request id from the answer."],
    ),
    kind(
        "unsupported",
        501,
        "That is not supported here",
        "The identifier or the operation is a real one, and this service does not do it.",
        &["Use another form: a handle, or an identifier that begins with did:plc: or did:web:."],
    ),
    explained(kind(
        "bad-answer",
        502,
        "A source answered nonsense",
        "A source that this answer depends on gave something contradictory or unreadable. That is neither yes nor no, \
         so nothing is concluded from it.",
        &[
            "If the name is yours: “Show every step” names the source and what it said. Two different TXT records are \
             the usual cause: delete one.",
            "Otherwise try again later: its owner has to correct it.",
        ],
    )),
    kind(
        "busy",
        503,
        "Too busy right now",
        "More is asked of this service, or sent to it, than it can deal with in time, and it takes no more until some of that is done.",
        &["Wait as long as the Retry-After header says, and send it again."],
    ),
    explained(kind(
        "unavailable",
        503,
        "A source is out of reach",
        "A source that this answer depends on does not respond. The handle may well be fine.",
        &["Try again in a minute.", "Nothing needs to be changed at the handle."],
    )),
    explained(kind(
        "timeout",
        504,
        "A source took too long",
        "A source that this answer depends on did not answer within its time. The handle may well be fine.",
        &[
            "Try again in a minute.",
            "If it is yours and stays so: check that its name servers and web server answer.",
        ],
    )),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{PROBLEM_KINDS, ProblemKind};

    #[test]
    fn every_kind_of_the_http_interface_is_there_once() {
        let names: HashSet<_> = PROBLEM_KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), PROBLEM_KINDS.len());
        for name in [
            "invalid-handle",
            "handle-not-found",
            "handle-released",
            "handle-unproven",
            "namespace-not-served",
            "handle-is-mirrored",
            "reserved-handle",
            "handle-taken",
            "stale-head",
            "account-deactivated",
            "too-many-requests",
            "unsupported",
            "bad-answer",
            "busy",
            "unavailable",
            "timeout",
            "internal",
        ] {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn every_kind_says_what_to_do_and_has_a_status_of_failure() {
        for kind in PROBLEM_KINDS {
            assert!((400..600).contains(&kind.status), "{}", kind.name);
            assert!(
                !kind.title.is_empty() && !kind.cause.is_empty() && !kind.remedies.is_empty(),
                "{}",
                kind.name
            );
            assert_eq!(ProblemKind::of(&kind.path()), Some(kind));
        }
        assert_eq!(ProblemKind::of("about:blank"), None);
    }
}
