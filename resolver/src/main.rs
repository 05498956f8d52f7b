//! The `namesake` program: see `namesake --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    namesake_resolver::cli::run()
}
