//! The program, in a folder of its own.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A holder's machine: one folder, which the commands are typed in.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_namesake"));
        command.env_clear().current_dir(self.folder.path()).stdin(Stdio::null()).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Types `namesake identity …`.
    pub(crate) fn identity(&self, arguments: &[&str]) -> Typed {
        let arguments: Vec<&str> = ["identity"].iter().chain(arguments).copied().collect();
        Typed::of(&self.command(&arguments).output().unwrap())
    }

    /// The same, if it is done.
    pub(crate) fn done(&self, arguments: &[&str]) -> Typed {
        let typed = self.identity(arguments);
        assert_eq!(typed.code, 0, "{arguments:?}: {typed:?}");
        typed
    }

    /// Types something, and this into it.
    pub(crate) fn piped(&self, arguments: &[&str], input: &str) -> Typed {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have ended before it read anything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Typed::of(&child.wait_with_output().unwrap())
    }

    pub(crate) fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("namesake-identity/identity.json")).unwrap()).unwrap()
    }
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Typed {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("{output:?}"));
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn says(&self, code: i32, words: &str) {
        let all = format!("{}{}", self.out, self.err);
        assert!(self.code == code && all.contains(words), "{code}, {words:?}: {self:?}");
    }
}

/// Copies a folder as a thief, or a backup, does.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
