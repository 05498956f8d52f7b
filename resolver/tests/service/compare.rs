//! The comparison as a page: what its addresses mean, and what is told beyond the limits.

use super::support::{Reply, Server, World};

/// Asks until the comparison is there.
async fn page(server: &Server, path: &str) -> Reply {
    loop {
        let reply = server.get(path).await;
        if !reply.body.contains("http-equiv=\"refresh\"") {
            return reply;
        }
    }
}

#[tokio::test]
async fn a_page_says_that_the_comparison_is_being_made_and_then_shows_it() {
    let server = World::new().serve().await;
    let early = server.get("/compare").await;
    assert_eq!((early.status, early.body.contains("http-equiv=\"refresh\" content=\"3\"")), (200, true));
    let whole = page(&server, "/compare").await;
    assert_eq!(whole.status, 200);
    let csp = whole.header("content-security-policy");
    assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
    for row in namesake::lab::rows() {
        assert!(whole.body.contains(&format!("id=\"row-{}\"", row.id)), "{}", row.id);
    }
    let paper = page(&server, "/compare/paper").await;
    for part in ["Recommendation", "Accepted risks", "mirror.poll_seconds=300", "seed 1"] {
        assert!(paper.body.contains(part), "{part}");
    }
}

#[tokio::test]
async fn the_table_shows_the_columns_asked_for_and_the_calculator_only_what_was_typed() {
    let server = World::new().serve().await;
    let cells = |reply: &Reply| reply.body.matches("> of A: ").count();
    let (all, without) = (page(&server, "/compare").await, page(&server, "/compare?columns=B,C").await);
    assert!(cells(&all) > 30, "{}", cells(&all));
    assert_eq!(cells(&without), 0);
    assert!(without.body.contains(">Show A<") && without.body.contains(">Hide B<"));

    let typed = page(&server, "/compare?users=2000&domain-price=12.5&renames=many").await.body;
    assert!(typed.contains("<b>25\u{202f}000</b>") && typed.contains("aria-invalid"), "{typed}");
    assert!(!all.body.contains("aria-invalid") && all.body.contains(">your number<"));
    for wrong in ["columns=A,E", "users=1&users=2", "story=nonsense", "story=ban&step=-1", "story=ban&with=A"]
    {
        let refused = page(&server, &format!("/compare?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_story_is_played_for_each_reader_and_told_from_memory_beyond_the_quota() {
    let server = World::limited(|limits| limits.explain_per_minute = 1).serve().await;
    page(&server, "/compare").await;
    let played = server.get("/compare?story=ban&step=2").await.body;
    assert!(played.contains("Played just now") && played.contains("Step 2 of "), "{played}");
    assert_eq!(played.matches("<li class=\"mirror first").count(), 1, "a lane each in turn");
    let told = server.get("/compare?story=ban&step=4000000000").await;
    assert_eq!(told.status, 200);
    assert!(told.body.contains("You have asked for many plays"), "{}", told.body);
    assert!(told.body.contains("What came of it") && !told.body.contains(">Next<"));
}
