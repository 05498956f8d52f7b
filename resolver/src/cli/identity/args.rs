//! What can be typed after `namesake identity`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

/// What to do with an account of one's own.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IdentityCommand {
    /// Make an account: its keys here, its signed log at the server
    New(New),
    /// Go by another handle, below a domain of the server's or your own
    SetHandle(SetHandle),
    /// Use the next key from now on; with the recovery key: take the account back, with new keys
    Rotate(Rotate),
    /// Close the account for good
    Deactivate(Deactivate),
    /// Say what is shown of the account
    Profile(Profile),
    /// Say what this folder holds, and finish what was interrupted
    Show(Show),
    /// Print the log of an account, once it is verified
    Log(ShowLog),
    /// Verify a log offline: exit code 0 only if all of it holds; prints the versionId of its head
    Verify(Verify),
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(in crate::cli) struct Keeping {
    /// The folder of the identity
    #[arg(long, value_name = "DIR", default_value = "namesake-identity")]
    pub dir: PathBuf,
    /// A file whose first line is the passphrase of the keys; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// The server the account is to live at
    #[arg(long, value_name = "URL")]
    pub server: Url,
    /// `alice`, or the whole name; without it the account goes by none
    #[arg(long)]
    pub handle: Option<String>,
    /// The personal data server that its document names
    #[arg(long, value_name = "URL")]
    pub pds: Option<Url>,
    /// Write the recovery key to this new file instead of showing it
    #[arg(long, value_name = "FILE")]
    pub recovery_key_out: Option<PathBuf>,
    /// Yes, an account whose log is public for good; needed where nobody is at a terminal to be asked
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetHandle {
    /// `alice`, a whole name below a domain of the server's, or a domain of your own
    #[arg(long, required_unless_present = "none", conflicts_with = "none")]
    pub handle: Option<String>,
    /// Go by no handle
    #[arg(long)]
    pub none: bool,
    /// For a domain of your own: look for the record again until this many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u32,
    /// For a domain of your own: post the claim although nothing proves it yet
    #[arg(long)]
    pub force: bool,
    /// The server [default: the one that the folder names]
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// The file of the recovery key, `-` for standard input: all keys are made anew, the recovery key too
    #[arg(long, value_name = "FILE")]
    pub recovery_key_file: Option<PathBuf>,
    /// Write the new recovery key to this new file instead of showing it
    #[arg(long, value_name = "FILE", requires = "recovery_key_file")]
    pub recovery_key_out: Option<PathBuf>,
    /// The account, when the folder with its keys is lost; needs --server
    #[arg(long, requires_all = ["recovery_key_file", "server"])]
    pub did: Option<String>,
    /// The server [default: the one that the folder names]
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Deactivate {
    /// The file of the recovery key; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub recovery_key_file: PathBuf,
    /// Yes, for good; needed where nobody is at a terminal to be asked
    #[arg(long)]
    pub yes: bool,
    /// The server [default: the one that the folder names]
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Profile {
    /// The display name; empty for none
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// A few words; empty for none
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The https address of a picture; empty for none
    #[arg(long, value_name = "URL")]
    pub avatar: Option<String>,
    /// Whether visitors of your former handles are sent to the present one
    #[arg(long)]
    pub redirect: Option<bool>,
    /// The server [default: the one that the folder names]
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    pub keeping: Keeping,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowLog {
    /// Either DID of the account [default: the folder's]
    pub did: Option<String>,
    /// The server [default: the one that the folder names]
    #[arg(long, value_name = "URL")]
    pub server: Option<Url>,
    /// A folder that may remember the account's head
    #[arg(long, value_name = "DIR", default_value = "namesake-identity")]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// A log in JSON Lines (`did.jsonl`); `-` is standard input
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
