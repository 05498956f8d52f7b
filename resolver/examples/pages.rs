//! Writes every page in its main states, hostile text included, to look at in a browser (links have no `.html`, so open the files by name):
//!
//! ```text
//! cargo run --example pages && python3 -m http.server --bind 127.0.0.1 --directory target/pages
//! ```

use std::{fs, io, path::PathBuf};

use namesake_resolver::{api, pages};

#[path = "../src/pages/gallery.rs"]
#[expect(clippy::unwrap_used, reason = "fixtures")]
mod gallery;

fn main() -> io::Result<()> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/pages".to_owned()));
    fs::create_dir_all(directory.join("assets"))?;
    fs::write(directory.join(&pages::stylesheet_path()[1..]), pages::STYLESHEET)?;
    fs::write(directory.join(&pages::MARK_PATH[1..]), pages::MARK)?;
    for (name, page) in gallery::gallery() {
        fs::write(directory.join(format!("{name}.html")), page.into_string())?;
    }
    for kind in pages::PROBLEM_KINDS {
        let page = pages::problem_kind(kind.name).unwrap_or_default();
        fs::write(directory.join(format!("problem-kind-{}.html", kind.name)), page.into_string())?;
    }
    Ok(())
}
