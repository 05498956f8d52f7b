//! Reading the configuration: defaults, then the file, then the environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::Config;

/// Read when `--config` names no other, if it is there.
const DEFAULT_FILE: &str = "namesake.toml";
/// `NAMESAKE_<SECTION>__<KEY>`, and `NAMESAKE_MIRROR__<NAME>__<KEY>`.
const PREFIX: &str = "NAMESAKE_";

/// A configuration that cannot be used: which key, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// A value that cannot be meant.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self(format!("{} cannot be read: {error}", file.display()))
    }
}

/// The configuration of `file` (or of `namesake.toml`, if it is there), overlaid with `environment`.
///
/// # Errors
/// [`ConfigError`] names the key that is unknown or the value that cannot be meant.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(file) => read(file)?,
        None if Path::new(DEFAULT_FILE).exists() => read(&PathBuf::from(DEFAULT_FILE))?,
        None => Table::new(),
    };
    for (name, value) in environment {
        overlay(&mut table, &name, &value)?;
    }
    let config: Config = Value::Table(table).try_into().map_err(|error| ConfigError(format!("{error}")))?;
    check(config)
}

fn read(file: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(file).map_err(|error| ConfigError::unreadable(file, &error))?;
    text.parse().map_err(|error| ConfigError(format!("{}: {error}", file.display())))
}

/// Sets one key from the environment; names without our prefix, or without a section, are not ours.
fn overlay(table: &mut Table, name: &str, value: &str) -> Result<(), ConfigError> {
    let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) else { return Ok(()) };
    let path = path.to_ascii_lowercase();
    let mut keys: Vec<_> = path.split("__").collect();
    let Some(last) = keys.pop() else { return Ok(()) };
    let mut inner = table;
    for key in keys {
        let section = inner.entry(key).or_insert_with(|| Value::Table(Table::new()));
        inner =
            section.as_table_mut().ok_or_else(|| ConfigError(format!("{name}: {key} is not a section")))?;
    }
    inner.insert(last.to_owned(), typed(value));
    Ok(())
}

/// A value of the environment: a TOML list, number or boolean if it reads as one, otherwise text.
fn typed(value: &str) -> Value {
    let as_toml =
        format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match as_toml {
        Some(typed @ (Value::Array(_) | Value::Integer(_) | Value::Boolean(_) | Value::String(_))) => typed,
        _ => Value::String(value.to_owned()),
    }
}

/// What the types alone do not say.
fn check(config: Config) -> Result<Config, ConfigError> {
    for url in config.server.public_url.iter() {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || url.path() != "/" {
            return Err(ConfigError::invalid(
                "server.public_url must be http(s)://host[:port] without a path",
            ));
        }
    }
    config.server.proxies()?;
    let atproto = &config.atproto;
    if let Some(url) = &atproto.events_url
        && (!matches!(url.scheme(), "ws" | "wss") || url.host_str().is_none() || url.query().is_some())
    {
        return Err(ConfigError::invalid(
            "atproto.events_url must be ws(s)://host[:port][/path] without a query",
        ));
    }
    if atproto.events_url.is_none() && atproto.events_cursor_file.is_some() {
        return Err(ConfigError::invalid("atproto.events_cursor_file needs atproto.events_url"));
    }
    if atproto.events_idle_seconds == 0 || atproto.events_max_backoff_seconds == 0 {
        return Err(ConfigError::invalid(
            "atproto.events_idle_seconds and atproto.events_max_backoff_seconds must be above 0",
        ));
    }
    if !(1..=4096).contains(&config.cache.snapshot_max_mib) {
        return Err(ConfigError::invalid("cache.snapshot_max_mib must be between 1 and 4096"));
    }
    if config.http_client.addresses_per_family == 0 {
        return Err(ConfigError::invalid("http_client.addresses_per_family must be above 0"));
    }
    let server = &config.server;
    for (key, is_none) in [
        ("max_connections", server.max_connections == 0),
        ("max_connections_per_client", server.max_connections_per_client == Some(0)),
        ("header_timeout_ms", server.header_timeout_ms == 0),
        ("body_timeout_ms", server.body_timeout_ms == 0),
        ("write_timeout_ms", server.write_timeout_ms == 0),
    ] {
        if is_none {
            return Err(ConfigError::invalid(format!("server.{key} must be above 0")));
        }
    }
    if config.server.max_header_bytes < 8192 {
        return Err(ConfigError::invalid("server.max_header_bytes must be at least 8192"));
    }
    if !(1..=100).contains(&config.server.client_share_percent) {
        return Err(ConfigError::invalid("server.client_share_percent must be between 1 and 100"));
    }
    if config.server.change_heartbeat_seconds == 0 || config.server.change_stall_seconds == 0 {
        return Err(ConfigError::invalid(
            "server.change_heartbeat_seconds and server.change_stall_seconds must be above 0",
        ));
    }
    for (name, mirror) in &config.mirror {
        mirror.upstream_at(name)?;
        let (lower, slower) = (mirror.poll_seconds, mirror.max_unconfirmed_seconds);
        if lower == 0 || mirror.polls_per_minute == 0 || slower <= lower {
            return Err(ConfigError::invalid(format!(
                "mirror.{name}: poll_seconds and polls_per_minute must be above 0, and max_unconfirmed_seconds above poll_seconds"
            )));
        }
        if mirror.signed_request_seconds == 0 {
            return Err(ConfigError::invalid(format!(
                "mirror.{name}.signed_request_seconds must be above 0"
            )));
        }
        if mirror.deletion_record_days == 0 {
            return Err(ConfigError::invalid(format!("mirror.{name}.deletion_record_days must be above 0")));
        }
    }
    config.hosted()?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Config, ConfigError, load};
    use crate::config::UpstreamAt;

    fn from_file(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        load(Some(file.path()), environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = from_file(
            "[server]\nlisten = \"127.0.0.1:1\"\n[cache]\nttl_seconds = 5\n",
            &[
                ("NAMESAKE_SERVER__LISTEN", "127.0.0.1:2"),
                ("NAMESAKE_DNS__NAMESERVERS", "[\"127.0.0.1:53\"]"),
                ("NAMESAKE_ATPROTO__ALLOW_TEST_TLD", "true"),
                ("NAMESAKE_LOG", "debug"),
                ("PATH", "/bin"),
            ],
        )
        .unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.cache.ttl_seconds, 5);
        assert_eq!(config.dns.nameservers, ["127.0.0.1:53"]);
        assert!(config.atproto.allow_test_tld);
    }

    #[test]
    fn unknown_keys_are_errors_that_name_them() {
        let message = from_file("[cache]\nttl_secnds = 5\n", &[]).unwrap_err().to_string();
        assert!(message.contains("ttl_secnds"), "{message}");
        let message = from_file("", &[("NAMESAKE_SERVER__LISTN", "x")]).unwrap_err().to_string();
        assert!(message.contains("listn"), "{message}");
    }

    const MIRROR: &str = "[mirror.threads]\nkind = \"threads\"\nauthorize_url = \"https://threads.com/oauth/authorize\"\napi_url = \"https://graph.threads.net\"\n";

    #[test]
    fn a_number_from_the_environment_can_be_a_client_id_and_secrets_are_not_shown() {
        let config = from_file(
            MIRROR,
            &[
                ("NAMESAKE_MIRROR__THREADS__CLIENT_ID", "4711"),
                ("NAMESAKE_MIRROR__THREADS__CLIENT_SECRET", "hush"),
            ],
        )
        .unwrap();
        let mirror = &config.mirror["threads"];
        assert_eq!(mirror.client_id, "4711");
        assert_eq!(mirror.client_secret("threads").unwrap(), "hush");
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn a_secret_has_one_source() {
        let both = format!("{MIRROR}client_id = \"1\"\nclient_secret = \"a\"\nclient_secret_file = \"/b\"\n");
        let config = from_file(&both, &[]).unwrap();
        assert!(
            config.mirror["threads"].client_secret("threads").unwrap_err().to_string().contains("keep one")
        );
        let none = from_file(&format!("{MIRROR}client_id = \"1\"\n"), &[]).unwrap();
        assert!(none.mirror["threads"].client_secret("threads").is_err());
    }

    const OIDC: &str = "[mirror.staff]\nkind = \"oidc\"\nclient_id = \"1\"\nclient_secret = \"hush\"\n";

    #[test]
    fn the_kind_of_an_upstream_says_which_keys_it_has() {
        let issuer = "issuer = \"https://id.example/realms/staff\"\n";
        let config = from_file(&format!("{OIDC}{issuer}"), &[]).unwrap();
        let at = config.mirror["staff"].upstream_at("staff").unwrap();
        assert_eq!(at, UpstreamAt::Issuer("https://id.example/realms/staff"));
        for (text, said) in [
            (OIDC.to_owned(), "mirror.staff needs issuer"),
            (format!("{OIDC}{issuer}api_url = \"https://id.example\"\n"), "needs no authorize_url"),
            (format!("{OIDC}{issuer}verify_token = \"x\"\n"), "no OpenID provider sends webhooks"),
            (format!("{OIDC}{issuer}old_client_secrets = [\"x\"]\n"), "no OpenID provider sends webhooks"),
            (format!("{MIRROR}client_id = \"1\"\n{issuer}"), "mirror.threads has an issuer"),
            (
                format!("{MIRROR}client_id = \"1\"\ntrusted_audiences = [\"x\"]\n"),
                "mirror.threads has trusted_audiences",
            ),
            (OIDC.replace("oidc", "threads"), "needs authorize_url and api_url"),
        ] {
            let message = from_file(&text, &[]).unwrap_err().to_string();
            assert!(message.contains(said), "{text}: {message}");
        }
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused() {
        for text in [
            "[server]\npublic_url = \"ftp://x\"\n",
            "[server]\npublic_url = \"https://x/path\"\n",
            "[server]\nmax_header_bytes = 10\n",
            "[server]\nmax_connections = 0\n",
            "[server]\nmax_connections_per_client = 0\n",
            "[server]\nheader_timeout_ms = 0\n",
            "[server]\nbody_timeout_ms = 0\n",
            "[server]\nwrite_timeout_ms = 0\n",
            "[http_client]\naddresses_per_family = 0\n",
            "[http_client]\nallow_ports = [65536]\n",
            "[server]\nchange_heartbeat_seconds = 0\n",
            "[server]\nchange_stall_seconds = 0\n",
            "[atproto]\nevents_url = \"https://relay.example.com\"\n",
            "[atproto]\nevents_cursor_file = \"cursor\"\n",
            "[atproto]\nevents_idle_seconds = 0\n",
            "[cache]\nsnapshot_max_mib = 0\n",
            "[cache]\nsnapshot_max_mib = 4097\n",
            "[independent]\nhandle_domains = [\"a.example\"]\n",
            &format!("{MIRROR}client_id = \"1\"\npoll_seconds = 0\n"),
            &format!("{MIRROR}client_id = \"1\"\nsigned_request_seconds = 0\n"),
            &format!("{MIRROR}client_id = \"1\"\ndeletion_record_days = 0\n"),
        ] {
            assert!(from_file(text, &[]).is_err(), "{text}");
        }
    }
}
