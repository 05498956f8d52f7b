//! What an answer of the upstream means for what is stored. Pure: no clock, no store, no upstream.
//!
//! Names are recycled, so a name is not a person: only *the same id under another name* is a rename. Two accounts can
//! claim one name when one of the two answers is old; the claim that was **asked for after the other was received**
//! is certainly the newer one and wins, and if neither is, both are asked again. Swaps and cycles settle that way.

use std::time::Duration;

use namesake::{AvatarUrl, Timestamp};

use crate::{
    Username,
    records::Confirmed,
    upstream::{UpstreamFailure, UpstreamPerson},
};

/// What is stored of the account that was asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The name it holds.
    pub(crate) handle: Option<&'a Username>,
    /// When the newest answer about this account was received; `None` when it is being linked.
    pub(crate) learnt_at: Option<Timestamp>,
}

/// Who holds the name that the upstream says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder {
    /// Nobody, or nobody any more.
    Nobody,
    /// Another account, last confirmed then.
    Another(Confirmed),
    /// Nobody since then, when it was taken from another account.
    Left(Timestamp),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: what is known is newer, and says the same.
    Keep,
    /// The name stands, and is confirmed as of this answer.
    Confirm,
    /// The account takes the name, which nobody holds.
    Take,
    /// The account takes the name; whoever holds it keeps its profile, without a name, and is asked at once.
    Displace,
    /// The answer is older than what is known of the account or of the name: ask again.
    AskAgain,
    /// Two answers claim the name and neither is certainly newer: ask about both accounts again.
    AskBoth,
}

/// Decides. `when` is when the answer was asked for, and when it was received.
pub(crate) fn reconcile(known: Known<'_>, name: &Username, when: Confirmed, holder: Holder) -> Decision {
    let outdated = known.learnt_at.is_some_and(|learnt_at| when.asked < learnt_at);
    match (known.handle == Some(name), holder) {
        // A slow answer that says the same must not move the confirmation back in time.
        (true, _) if outdated => Decision::Keep,
        (true, _) => Decision::Confirm,
        (false, _) if outdated => Decision::AskAgain,
        (false, Holder::Nobody) => Decision::Take,
        // Asked before it was known that the last holder had left: it may be of a time before they came.
        (false, Holder::Left(at)) if when.asked < at => Decision::AskAgain,
        (false, Holder::Left(_)) => Decision::Take,
        (false, Holder::Another(theirs)) if when.asked > theirs.received => Decision::Displace,
        (false, Holder::Another(_)) => Decision::AskBoth,
    }
}

/// What the upstream's answer says about the account with the id `linked`: its name, and where its picture is.
///
/// A failed lookup says nothing, and neither does an answer about another id or without a name that can be a handle.
/// None of them is ever a rename.
pub(crate) fn heard(
    linked: &str,
    answer: Result<UpstreamPerson, UpstreamFailure>,
) -> Result<(Username, Option<AvatarUrl>), UpstreamFailure> {
    let person = answer?;
    let name = Username::parse(&person.username).map_err(|_| UpstreamFailure::Nonsense)?;
    let picture = person.picture.as_deref().and_then(AvatarUrl::clean);
    if person.id == linked { Ok((name, picture)) } else { Err(UpstreamFailure::Nonsense) }
}

/// When a name stops resolving that was last confirmed by an answer asked for at `asked`: a late answer may be as old
/// as its question.
pub(crate) fn deadline(asked: Timestamp, max_unconfirmed: Duration) -> Timestamp {
    asked.saturating_add(max_unconfirmed).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use namesake::Timestamp;

    use super::{Decision, Holder, Known, heard, reconcile};
    use crate::{
        Username,
        records::Confirmed,
        upstream::{UpstreamFailure, UpstreamPerson},
    };

    fn at(asked: i64, received: i64) -> Confirmed {
        let at = |second| Timestamp::from_second(second).unwrap();
        Confirmed { asked: at(asked), received: at(received) }
    }

    #[test]
    fn every_rule() {
        use Decision::{AskAgain, AskBoth, Confirm, Displace, Keep, Take};
        use Holder::{Another, Left, Nobody};
        let alice = &Username::parse("alice").unwrap();
        let bob = &Username::parse("bob").unwrap();
        let (linking, nameless) = ((None, None), (None, Some(10)));
        let as_alice = (Some(alice), Some(10));
        let second = |second| Timestamp::from_second(second).unwrap();
        for (rule, (handle, learnt), name, when, holder, decision) in [
            ("an unchanged name is confirmed", as_alice, alice, at(20, 21), Nobody, Confirm),
            ("at the very same moment too", as_alice, alice, at(10, 10), Nobody, Confirm),
            ("but never back in time", as_alice, alice, at(9, 21), Nobody, Keep),
            ("another name of the same id is a rename", as_alice, bob, at(20, 21), Nobody, Take),
            ("unless the answer is old", as_alice, bob, at(9, 21), Nobody, AskAgain),
            ("a new account takes a free name", linking, bob, at(1, 2), Nobody, Take),
            ("a displaced one too", nameless, bob, at(20, 21), Nobody, Take),
            ("unless the answer is from before", nameless, bob, at(9, 21), Nobody, AskAgain),
            ("a fresh claimant displaces", as_alice, bob, at(20, 21), Another(at(18, 19)), Displace),
            ("also one that is being linked", linking, bob, at(20, 21), Another(at(18, 19)), Displace),
            ("asked as theirs came: unclear", as_alice, bob, at(20, 21), Another(at(18, 20)), AskBoth),
            ("asked while theirs was asked", as_alice, bob, at(20, 25), Another(at(18, 23)), AskBoth),
            ("asked before theirs", as_alice, bob, at(20, 25), Another(at(22, 23)), AskBoth),
            ("a name somebody left is free", linking, bob, at(20, 21), Left(second(20)), Take),
            ("but not to whoever asked before", linking, bob, at(19, 25), Left(second(20)), AskAgain),
            ("old answers claim nothing", as_alice, bob, at(9, 21), Another(at(1, 2)), AskAgain),
        ] {
            let learnt_at = learnt.map(|second| Timestamp::from_second(second).unwrap());
            assert_eq!(reconcile(Known { handle, learnt_at }, name, when, holder), decision, "{rule}");
        }
    }

    #[test]
    fn only_the_linked_id_with_a_name_is_heard() {
        let person = |id: &str, username: &str| UpstreamPerson {
            id: id.to_owned(),
            username: username.to_owned(),
            ..UpstreamPerson::default()
        };
        let alice = Username::parse("alice").unwrap();
        assert_eq!(heard("1", Ok(person("1", "Alice"))), Ok((alice, None)));
        assert_eq!(heard("1", Ok(person("2", "alice"))), Err(UpstreamFailure::Nonsense), "another id");
        assert_eq!(heard("1", Ok(person("1", "not a name"))), Err(UpstreamFailure::Nonsense));
        for failure in [UpstreamFailure::Gone, UpstreamFailure::Down, UpstreamFailure::Dead] {
            assert_eq!(heard("1", Err(failure)), Err(failure), "a failed lookup is no rename");
        }
    }
}
