//! The command line.

mod args;
mod ask;
mod compare;
mod identity;
mod log;
mod open_files;
mod serve;
mod show;
mod signals;
mod store_watch;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use namesake::{escape_for_terminal, escape_json_for_terminal};
use serde::Serialize;

use self::{
    args::{Cli, Command, ConfigAction},
    identity::IdentityError,
    signals::{HangUps, Signals},
};
use crate::{
    compose::{self, ComposeError},
    config::{self, ConfigError},
    demo::{self, WorldError},
};

/// What the exit code says: 0 found or done, 1 not found or not so, 2 bad input, 3 temporary failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done = 0,
    NotFound = 1,
    BadInput = 2,
    Failed = 3,
}

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error("{0}")]
    Demo(WorldError),
    #[error("cannot listen on {address}")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    #[error("the service stopped")]
    Serve(#[source] io::Error),
    #[error("stopped at once, as the second signal asked; what was under way did not end")]
    CutShort,
    #[error("the store ended, and the service with it: {0}")]
    StoreEnded(String),
    #[error("{0}")]
    Server(String),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("{0}")]
    Compare(String),
    #[error("cannot read {file}")]
    Read { file: String, source: io::Error },
    #[error("cannot print")]
    Print(#[source] io::Error),
}

impl CommandError {
    fn outcome(&self) -> Outcome {
        match self {
            // A store that is in use, or a disk that fails: nothing is wrong with what was typed.
            Self::Compose(ComposeError::Store(_)) => Outcome::Failed,
            Self::Identity(error) => error.outcome(),
            Self::Config(_) | Self::Compose(_) | Self::Compare(_) | Self::Read { .. } => Outcome::BadInput,
            _ => Outcome::Failed,
        }
    }
}

/// Runs the command that was typed.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(dispatch(cli));
            if let Err(CommandError::CutShort) = done {
                // Otherwise it would wait for threads that are at work.
                runtime.shutdown_background();
            }
            done
        }
        Err(error) => Err(CommandError::Serve(error)),
    };
    let outcome = done.unwrap_or_else(|error| {
        complain(&error);
        error.outcome()
    });
    ExitCode::from(outcome as u8)
}

async fn dispatch(cli: Cli) -> Result<Outcome, CommandError> {
    let config = config::load(cli.config.as_deref(), environment())?;
    match cli.command {
        Command::Serve => serve::serve(&config).await,
        Command::Demo => {
            let signals = Signals::listen(HangUps::outlived());
            let limits = open_files::within(compose::limits(&config), config.server.reserved_files);
            let ran = signals.until_stopped(|stop| demo::run(&config, limits, stop.told()));
            ran.await.ok_or(CommandError::CutShort)?.map_err(CommandError::Demo)?;
            Ok(Outcome::Done)
        }
        Command::Resolve(asked) => ask::resolve(&config, &asked).await,
        Command::Explain(asked) => ask::explain(&config, &asked).await,
        Command::Identity { action } => identity::run(&config, &action).await,
        Command::Compare(asked) => compare::compare(&asked).await,
        Command::Config { action: ConfigAction::Check } => {
            compose::check(&config)?;
            print("the configuration can be used\n")?;
            Ok(Outcome::Done)
        }
    }
}

/// Variables whose names or values are not Unicode are not ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A reader that has gone away is no failure.
fn print(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Print(error)),
        _ => Ok(()),
    }
}

/// A value as JSON. Text from outside is in it, and a terminal may be what reads it.
fn print_json<T: Serialize + ?Sized>(value: &T) -> Result<(), CommandError> {
    let json = serde_json::to_string_pretty(value).map_err(|error| CommandError::Print(error.into()))?;
    print(&(escape_json_for_terminal(&json) + "\n"))
}

/// The error and its causes, a line each.
fn complain(error: &dyn Error) {
    let mut text = format!("namesake: {}\n", escape_for_terminal(&error.to_string()));
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("  because: {}\n", escape_for_terminal(&error.to_string())));
        cause = error.source();
    }
    // With nowhere to write to, there is nobody to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}
