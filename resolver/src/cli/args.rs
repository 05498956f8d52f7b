//! What can be typed after `namesake`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use url::Url;

use super::identity::args::IdentityCommand;

/// Who is @handle, under which rules, and how do you know?
#[derive(Debug, Parser)]
#[command(name = "namesake", version, max_term_width = 100)]
pub(super) struct Cli {
    /// The configuration file [default: namesake.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve lookups over HTTP. Without configuration: a pure resolver of the AT Protocol's world
    Serve,
    /// Both models on a private world: needs nothing, leaves nothing
    Demo,
    /// Who is this handle? Exit code 0 found, 1 not found, 2 bad input, 3 temporary failure
    Resolve(Ask),
    /// The same with every step on the way, and what to change if it does not resolve
    Explain(Ask),
    /// An account of your own, whose keys never leave this machine
    Identity {
        /// What to do with it
        #[command(subcommand)]
        action: IdentityCommand,
    },
    /// The policies side by side, tried on private worlds. Exit code 1 where a policy says what is not so
    Compare(Compare),
    /// Look at the configuration
    Config {
        /// What to do with it
        #[command(subcommand)]
        action: ConfigAction,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigAction {
    /// Read it, report the first mistake, change nothing
    Check,
}

/// A question about one handle.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// `@alice`, `alice.example.com`, `at://…`, `did:…`, `acct:…` or a profile's URL
    pub handle: String,
    /// Ask this scheme: a backend's name, `mirror` or `independent`
    #[arg(long)]
    pub scheme: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Ask a running server instead of the sources
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
}

/// What to compare, and how to show it.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Print the whole report as JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print it as Markdown, with the report in it for --verify
    #[arg(long)]
    pub markdown: bool,
    /// One question alone, by its id
    #[arg(long, value_name = "ID")]
    pub row: Option<String>,
    /// Show what was done and seen, step by step
    #[arg(long)]
    pub transcript: bool,
    /// Change a setting, such as mirror.poll_seconds=60 (again for more)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// What the private worlds' randomness begins with
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Run again what a report or a paper says, and tell whether it is so (exit code 0) or what differs (1)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "markdown", "row", "transcript", "settings", "seed"])]
    pub verify: Option<PathBuf>,
}
