//! The scenarios of atproto identity resolution: the whole product, asked over HTTP, on a small internet of its own.
//!
//! Numbers 1–30 are the scenarios of the resolution rules, in their order; letters are the rules that have none there.
//! `cargo test -p namesake-tests --test scenarios -- redirect` runs the rows whose name has that word.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dns;
mod documents;
mod freshness;
mod https;
mod input;
mod load;
mod provisional;
mod strangers;
mod verification;

use std::process::ExitCode;

use namesake_tests::atproto::Table;

fn main() -> ExitCode {
    Table::default()
        .run("1", "two TXT records with different DIDs, HTTPS has one: ambiguous", dns::s01_ambiguous)
        .run("2", "`did=garbage` beside a valid `did=`: the valid one", dns::s02_garbage_beside_a_did)
        .run("3", "several character-strings, SPF and non-UTF-8 beside: joined", dns::s03_character_strings)
        .run("4", "CNAME into another zone; truncated: followed; TCP", dns::s04_alias_and_truncation)
        .run("5", "NXDOMAIN, HTTPS 200: found by HTTPS", https::s05_found_by_https)
        .run("6", "NXDOMAIN, HTTPS 404, asked twice: identical, from the cache", freshness::s06_absent_twice)
        .run("7", "SERVFAIL or DNS timeout, HTTPS 404: temporary; stale served", freshness::s07_temporary)
        .run("8", "DNS in 5 ms, the web host is silent: answered at once", dns::s08_silent_web_host)
        .run("9", "DNS hangs, HTTPS in 50 ms: within the grace, marked", provisional::s09_within_the_grace)
        .run("10", "DNS and HTTPS disagree: DNS, explained", dns::s10_disagreement)
        .run("11", "web page with 200; DID under 404 or 500: rejected", https::s11_no_did)
        .run("12", "spaces and CR LF around the DID: accepted", https::s12_white_space)
        .run("13", "endless chunked body: rejected, bounded read", https::s13_endless_body)
        .run("14", "redirects: at most 5, https, never to a private address", https::s14_redirects)
        .run("15", "expired, self-signed, wrong-name certificate: HTTPS fails", https::s15_certificates)
        .run("16", "bad handles, upper case, `@`, `at://`: 400 without I/O, or normal", input::s16_handles)
        .run("17", "document `id` differs: rejected", documents::s17_foreign_id)
        .run("18", "the first valid at:// is the claim", documents::s18_first_valid_claim)
        .run("19", "no, foreign, reserved claim: `handle.invalid`; failure", verification::s19_claims)
        .run("20", "PLC 410, 404 of both kinds, 429, 503", documents::s20_directory)
        .run("21", "did:web with path, port, IP, reserved host: without I/O", documents::s21_odd_did_web)
        .run("22", "did:web 503 or timeout versus 404", documents::s22_did_web)
        .note("23", "false handle in an event; unusable document", "see the tests of events")
        .run("24", "50 askers at once: 1 resolution, 50 answers", load::s24_fifty_askers)
        .run("25", "the first asker disconnects: the others get theirs", load::s25_first_asker_leaves)
        .run("26", "a handle moves from A to B: A `handle.invalid`, both purged", verification::s26_move)
        .run("27", "directory down for an hour: stale, bounded, recovers", freshness::s27_directory_down)
        .run("28", "one host drips a byte a second: nobody else is slower", load::s28_dripping_host)
        .note("29", "node 2 after a purge on node 1", "not offered: one node")
        .run("30", "refresh after a negative answer: sees the new record", freshness::s30_refresh)
        .run("a", "253 characters: no DNS question, HTTPS answers", dns::a_longest_name)
        .run("b", "no search list: only absolute names are asked", dns::b_absolute_names)
        .run("c", "equal DIDs count once", dns::c_equal_dids)
        .run("d", "records of another zone in the answer's place are no proof", dns::d_no_data)
        .run("e", "the last 2 KiB are read, one byte more is not", https::e_body_cap)
        .run("f", "any 2xx counts, content type unseen", https::f_any_success)
        .run("g", "provisional: a remembered DNS proof is not replaced", provisional::g_proof_stays)
        .run("h", "provisional: the late word of the DNS replaces it", provisional::h_late_word)
        .run("i", "provisional: a late ambiguous DNS ends it", provisional::i_late_ambiguity)
        .run("j", "provisional: no verdict on a claim", provisional::j_no_verdict)
        .run("k", "provisional: a handle that moved is seen despite a slow DNS", provisional::k_slow_dns)
        .run("l", "reserved names: nobody is asked", input::l_reserved)
        .run("m", "`test` only where allowed", input::m_test_names)
        .run("n", "input forms: case, IDN, `@`, at://, URL", input::n_forms)
        .run("o", "XRPC errors have their shape and names", input::o_error_shapes)
        .run("p", "found 10 min, absent 2 min, failure 10 s", freshness::p_ttls)
        .run("x", "found for the record's TTL, at least 60 s, at most 10 min", freshness::x_record_ttls)
        .run("q", "stale for at most 24 h", freshness::q_stale_bound)
        .run("r", "ambiguity is never served stale", freshness::r_ambiguity_is_strict)
        .run("s", "a name that changes its address: judged each time", https::s_rebinding)
        .run("t", "refreshIdentity: a quota, and it purges", freshness::t_refresh_quota)
        .run("u", "refreshIdentity: a failure spoils nothing", freshness::u_failed_refresh)
        .run("v", "a name server that refuses is no absence", dns::v_refused)
        .run("w", "the claim cannot be checked: the last handle, stale", verification::w_unchecked)
        .run("x", "texts for strangers: what failed, at their host; nothing of ours", strangers::x_words)
        .run("y", "a host inside is a host that is not there", strangers::y_inside)
        .run("z", "a picture is linked and never fetched", strangers::z_pictures)
        .main()
}
