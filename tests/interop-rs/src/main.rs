//! Has `didwebvh-rs` verify did:webvh logs: `namesake-interop-rs [<did.jsonl> …]`, the reference log if none is named.
//!
//! Its own word counts only together with the head: each log must amount to its last entry.

use std::{fs, path::PathBuf, process::ExitCode};

use didwebvh_rs::DIDWebVHState;

const REFERENCE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../independent-model/src/webvh/vectors/rotated.jsonl");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        files.push(REFERENCE.into());
    }
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match verify(&file).await {
            Ok(version) => println!("{}: {version}", file.display()),
            Err(why) => {
                println!("{}: refused: {why}", file.display());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// The versionId of the head.
async fn verify(file: &PathBuf) -> Result<String, String> {
    let log = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let last: serde_json::Value = log
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or("its last line is not JSON")?;
    let (did, head) =
        (last["state"]["id"].as_str().unwrap_or_default(), last["versionId"].as_str().unwrap_or_default());
    let resolved = DIDWebVHState::default().resolve_log_owned(did, &log, None).await;
    let (_, metadata) = resolved.map_err(|error| error.to_string())?;
    match metadata.version_id == head {
        true => Ok(metadata.version_id),
        false => Err(format!("it amounts to {}, not {head}", metadata.version_id)),
    }
}
