//! A question about a name, and what an answer to it means (RFC 1035, RFC 2308, RFC 6891). Pure.

use std::collections::HashSet;

use hickory_resolver::proto::{
    op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordType},
};

use crate::DnsFailure;

/// What the DNS says definitely.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// There are such records.
    Records {
        /// At least one.
        data: Vec<RData>,
        /// The least time to live on the way to them, aliases included, in seconds.
        ttl: u32,
    },
    /// There are none.
    No(No),
}

/// A definite no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    /// The name does not exist.
    Domain,
    /// It has no record of the kind.
    Data,
}

/// What a name server tells about a name.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Said(Said),
    /// The name is an alias of another, of which this answer says nothing.
    Alias {
        to: Name,
        ttl: u32,
    },
}

/// What an answer means.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    Told(Told),
    /// It was too long for a datagram.
    CutOff,
    /// The server does not understand extended questions.
    Unextended,
    Failed(DnsFailure),
}

/// Whether a question is extended by EDNS: then its answer may take more than 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extended {
    Yes,
    No,
}

/// With an id of its own, and the letters of the name in random case (draft-vixie-dnsext-dns0x20).
pub(super) fn question(name: &Name, kind: RecordType, extended: Extended) -> Message {
    let mut name = name.clone();
    name.randomize_label_case();
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    if extended == Extended::Yes {
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
        question.set_edns(edns);
    }
    question
}

/// What a message with the question's id has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The answer, to the letter.
    Answer,
    /// It would be the answer, if the name were written as it was asked.
    OtherLetters,
    /// Nothing.
    Foreign,
}

/// A server that does not understand EDNS may leave the question out of its complaint.
pub(super) fn likeness(question: &Message, answer: &Message) -> Likeness {
    let metadata = &answer.metadata;
    let is_response = metadata.message_type == MessageType::Response && metadata.op_code == OpCode::Query;
    let is_bare = answer.queries.is_empty() && complains_of_edns(metadata.response_code);
    match answer.queries == question.queries {
        _ if !is_response => Likeness::Foreign,
        true if same_letters(question, answer) => Likeness::Answer,
        true => Likeness::OtherLetters,
        false if is_bare => Likeness::Answer,
        false => Likeness::Foreign,
    }
}

fn same_letters(question: &Message, answer: &Message) -> bool {
    let names = question.queries.iter().zip(&answer.queries);
    names.map(|(asked, told)| (asked.name(), told.name())).all(|(asked, told)| asked.eq_case(told))
}

fn complains_of_edns(code: ResponseCode) -> bool {
    // 16 has two names, and is read as the other one.
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp)
        || u16::from(code) == u16::from(ResponseCode::BADVERS)
}

/// What the answer to a question about `name` means.
pub(super) fn meaning(answer: Message, name: &Name, kind: RecordType) -> Meaning {
    let code = answer.metadata.response_code;
    if complains_of_edns(code) {
        return Meaning::Unextended;
    }
    if answer.metadata.truncation {
        return Meaning::CutOff;
    }
    let has_authority = |kind| answer.authorities.iter().any(|record| record.record_type() == kind);
    let (has_soa, is_referral) = (has_authority(RecordType::SOA), has_authority(RecordType::NS));
    let alias = alias(name, &answer.answers);
    let found = records(name, kind, answer.answers);
    let said = match (code, found) {
        (ResponseCode::NoError, Some(said)) => said,
        (ResponseCode::NXDomain, None) => Said::No(No::Domain),
        // Of the name itself, or of one that it is an alias of.
        (ResponseCode::NoError, None) if has_soa => Said::No(No::Data),
        (ResponseCode::NoError, None) => match alias {
            Some(Alias::Of(to, ttl)) => return Meaning::Told(Told::Alias { to, ttl }),
            Some(Alias::Circle) => return Meaning::Failed(DnsFailure::Other),
            // A referral is no answer: that server does not look names up.
            None if is_referral => return Meaning::Failed(DnsFailure::Other),
            None => Said::No(No::Data),
        },
        (ResponseCode::ServFail, _) => return Meaning::Failed(DnsFailure::ServFail),
        (ResponseCode::Refused, _) => return Meaning::Failed(DnsFailure::Refused),
        _ => return Meaning::Failed(DnsFailure::Other),
    };
    Meaning::Told(Told::Said(said))
}

/// The records of this kind that belong to `name`, through the aliases of the answer; `None`: there are none.
pub(super) fn records(name: &Name, kind: RecordType, answers: Vec<Record>) -> Option<Said> {
    let aliased = aliased(name, &answers);
    let mut ttl = u32::MAX;
    let belongs = answers.iter().map(|record| {
        let belongs = record.name == *name || aliased.contains(&record.name);
        let belongs = belongs && record.dns_class == DNSClass::IN;
        ttl = if belongs { ttl.min(record.ttl) } else { ttl };
        belongs && record.record_type() == kind
    });
    let belongs: Vec<bool> = belongs.collect();
    let found =
        answers.into_iter().zip(belongs).filter_map(|(record, belongs)| belongs.then_some(record.data));
    let data: Vec<RData> = found.collect();
    (!data.is_empty()).then_some(Said::Records { data, ttl })
}

/// Where the aliases of an answer lead to.
enum Alias {
    /// To a name that the answer says nothing of, and the least time to live on the way.
    Of(Name, u32),
    Circle,
}

fn alias(name: &Name, answers: &[Record]) -> Option<Alias> {
    let aliased = aliased(name, answers);
    let is_alias = |name: &Name| {
        answers.iter().any(|record| record.name == *name && record.record_type() == RecordType::CNAME)
    };
    let on_the_way = answers.iter().filter(|record| record.name == *name || aliased.contains(&record.name));
    let ttl = on_the_way.map(|record| record.ttl).min()?;
    let last = aliased.iter().find(|name| !is_alias(name));
    match last {
        Some(last) => Some(Alias::Of((*last).clone(), ttl)),
        None if aliased.is_empty() => None,
        None => Some(Alias::Circle),
    }
}

/// The names that CNAMEs of the answer lead to from `name`: mostly none.
fn aliased<'a>(name: &Name, answers: &'a [Record]) -> HashSet<&'a Name> {
    let mut names = HashSet::new();
    // A chain is as long as the answer at most, in whatever order its records come.
    for _ in answers {
        let before = names.len();
        for record in answers {
            if let RData::CNAME(target) = &record.data
                && (record.name == *name || names.contains(&record.name))
            {
                names.insert(&target.0);
            }
        }
        if names.len() == before {
            break;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::{CNAME, TXT};

    use super::*;

    const KIND: RecordType = RecordType::TXT;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn asked() -> Name {
        name("_atproto.alice.example.com.")
    }

    fn txt(owner: &Name, ttl: u32) -> Record {
        Record::from_rdata(owner.clone(), ttl, RData::TXT(TXT::new(vec!["did=x".to_owned()])))
    }

    fn cname(owner: &Name, ttl: u32, target: &Name) -> Record {
        Record::from_rdata(owner.clone(), ttl, RData::CNAME(CNAME(target.clone())))
    }

    fn answer(code: ResponseCode, answers: Vec<Record>) -> Message {
        let mut answer = question(&asked(), KIND, Extended::Yes);
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.response_code = code;
        answer.answers = answers;
        answer
    }

    fn means(answer: Message) -> Meaning {
        meaning(answer, &asked(), KIND)
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let mut no = answer(ResponseCode::NXDomain, vec![]);
        no.metadata.truncation = true;
        assert_eq!(means(no), Meaning::CutOff);
    }

    #[test]
    fn of_all_times_to_live_on_the_way_the_least_counts() {
        let (middle, end) = (name("middle.example.net."), name("end.example.org."));
        for ttls in [[7, 300, 600], [600, 7, 300], [300, 600, 7]] {
            let [first, second, third] = ttls;
            let chain = [cname(&asked(), first, &middle), cname(&middle, second, &end), txt(&end, third)];
            // What belongs to nobody who was asked about does not count.
            let whole = chain.iter().rev().cloned().chain([txt(&name("other.example."), 1)]).collect();
            let Meaning::Told(Told::Said(Said::Records { data, ttl })) =
                means(answer(ResponseCode::NoError, whole))
            else {
                panic!("no records: {ttls:?}")
            };
            assert_eq!((data.len(), ttl), (1, 7), "{ttls:?}");
            let Meaning::Told(Told::Alias { to, ttl }) =
                means(answer(ResponseCode::NoError, chain[..2].to_vec()))
            else {
                panic!("no alias: {ttls:?}")
            };
            assert_eq!((to, ttl), (end.clone(), first.min(second)));
        }
    }

    #[test]
    fn aliases_in_a_circle_lead_nowhere() {
        let other = name("other.example.net.");
        for circle in
            [vec![cname(&asked(), 9, &asked())], vec![cname(&asked(), 9, &other), cname(&other, 9, &asked())]]
        {
            assert_eq!(means(answer(ResponseCode::NoError, circle)), Meaning::Failed(DnsFailure::Other));
        }
    }

    #[test]
    fn a_name_that_does_not_exist_has_no_records() {
        assert_eq!(
            means(answer(ResponseCode::NXDomain, vec![])),
            Meaning::Told(Told::Said(Said::No(No::Domain)))
        );
        let contradiction = answer(ResponseCode::NXDomain, vec![txt(&asked(), 9)]);
        assert_eq!(means(contradiction), Meaning::Failed(DnsFailure::Other));
    }

    #[test]
    fn a_complaint_about_edns_may_leave_the_question_out_and_nothing_else_may() {
        let question = question(&asked(), KIND, Extended::Yes);
        for (code, is_one) in [
            (ResponseCode::FormErr, true),
            (ResponseCode::NotImp, true),
            (ResponseCode::BADVERS, true),
            (ResponseCode::NoError, false),
            (ResponseCode::NXDomain, false),
            (ResponseCode::Refused, false),
        ] {
            let mut bare = answer(code, vec![]);
            (bare.metadata.id, bare.queries) = (question.metadata.id, vec![]);
            let read = Message::from_vec(&bare.to_vec().unwrap()).unwrap();
            assert_eq!(likeness(&question, &read) == Likeness::Answer, is_one, "{code}");
            assert_eq!(means(read) == Meaning::Unextended, is_one, "{code}");
        }
    }
}
