//! How many files the process may have open, and how many of them connections may take: each is one, and so is each question
//! to the DNS, each call to a host, and each file of the store.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Limits;

/// The limits with which connections leave `reserved` files to the rest of the process, after the system's soft limit of
/// open files was raised to its hard one.
pub(super) fn within(limits: Limits, reserved: u64) -> Limits {
    let Some(files) = raise() else { return limits };
    let max_connections = connections(files, reserved, limits.max_connections);
    let asked = limits.max_connections;
    if max_connections < asked {
        tracing::warn!(
            files.limit = files,
            files.reserved = files - max_connections as u64,
            connections.asked = asked,
            connections.most = max_connections,
            "serve.connections_limited"
        );
    } else {
        tracing::info!(files.limit = files, connections.most = max_connections, "serve.open_files");
    }
    Limits { max_connections, ..limits }
}

/// How many files may be open from now on; `None`: as many as one likes.
fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(error.message = %error, "serve.open_files_not_raised");
            current
        }
    }
}

/// The connections that `files` allow. The reserve is half of them at most: a service that takes nobody is of no use.
fn connections(files: u64, reserved: u64, asked: usize) -> usize {
    let left = files - reserved.min(files / 2);
    asked.min(usize::try_from(left).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn connections_leave_a_reserve_and_never_more_than_half() {
        for (files, reserved, asked, most) in [
            (1 << 20, 1024, 10_000, 10_000),
            (11_024, 1024, 10_000, 10_000),
            (11_023, 1024, 10_000, 9_999),
            (1024, 1024, 10_000, 512),
            (64, 1024, 10_000, 32),
            (64, 1024, 10, 10),
            (1024, 0, 10_000, 1024),
        ] {
            assert_eq!(connections(files, reserved, asked), most, "{files} {reserved} {asked}");
        }
    }
}
