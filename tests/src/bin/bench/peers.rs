//! Other implementations in their own processes, where they are installed: names from their memory, and cold names over
//! our name server. See `tests/bench-peers/README.md`.

use std::{path::Path, process::Command};

use crate::{Rig, name_server::NameServer};

/// The program, relative to the folder, and the script.
const PEERS: [(&str, &str); 2] = [("node", "labs.mjs"), ("venv/bin/python", "pypi.py")];

pub(crate) fn run(rig: &Rig) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-peers");
    let dns = NameServer::of_proofs();
    for (program, script) in PEERS {
        let program = if program.contains('/') { folder.join(program) } else { program.into() };
        let said = Command::new(&program)
            .arg(folder.join(script))
            .args([
                dns.address.to_string(),
                rig.scale(10, 2000).to_string(),
                rig.scale(10, 200_000).to_string(),
            ])
            .output();
        match said {
            Ok(said) if said.status.success() => print!("{}", String::from_utf8_lossy(&said.stdout)),
            _ => println!("{script}: skipped, since it is not installed (tests/bench-peers/README.md)"),
        }
    }
}
