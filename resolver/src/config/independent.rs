//! `[independent]`: accounts that live here, and what cannot be meant about them.

use std::time::Duration;

use namesake_independent::{
    Hostname,
    hosted::HostedSettings,
    webvh::{CLOCK_TOLERANCE, MAX_LOG_BYTES},
};
use serde::Deserialize;

use super::{Config, ConfigError};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Part of a log is kept for the recovery key; a log that has room for less than this would be full before it is used.
const ENTRIES_AT_LEAST: usize = 8;

/// `[independent]`. Accounts live here as soon as `id_domain` is set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Independent {
    /// Domains below which we give names, `alice.<domain>`. None: accounts go by domains of their own.
    pub handle_domains: Vec<String>,
    /// The domain of the identifiers we mint, `did:web:<label>.<id_domain>`. It cannot be changed later: identifiers are
    /// for ever. It may lie below a domain of handles.
    pub id_domain: Option<String>,
    /// Labels that nobody is given, beside those that nobody is given anywhere (`www`, `admin`, …) and those that our own
    /// hosts need.
    pub reserved: Vec<String>,
    /// The shortest label that is given, in characters.
    pub min_label: usize,
    /// Whether international labels, `xn--…`, are given; and then none that could be taken for a reserved one or for one in
    /// ASCII.
    pub allow_idn: bool,
    /// How long a name that was given up is held back; whoever gave it up may take it again.
    pub hold_days: u64,
    /// How long an entry may be under way: one whose `versionTime` is longer ago is not taken.
    pub max_entry_age_seconds: u64,
    /// How far the `versionTime` of an entry may be ahead of our clock. Some verifiers bear nothing.
    pub clock_tolerance_seconds: u64,
    /// The largest entry that is taken, in bytes.
    pub max_entry_bytes: usize,
    /// The longest log, in kibibytes: what other verifiers read.
    pub max_log_kib: usize,
    /// Entries of one account in an hour.
    pub entries_per_hour: u32,
    /// Entries of one account in a day.
    pub entries_per_day: u32,
    /// Entries of one account in a week.
    pub entries_per_week: u32,
    /// Profiles of one account in an hour.
    pub profiles_per_hour: u32,
    /// How often one client (an IPv4 address, an IPv6 /64) may register in an hour. Behind a proxy that is the proxy, so
    /// that this is the quota of everybody together.
    pub registrations_per_hour: u32,
}

impl Default for Independent {
    fn default() -> Self {
        Self {
            handle_domains: Vec::new(),
            id_domain: None,
            reserved: Vec::new(),
            min_label: 3,
            allow_idn: false,
            hold_days: 30,
            max_entry_age_seconds: 86_400,
            clock_tolerance_seconds: 0,
            max_entry_bytes: 4096,
            max_log_kib: 200,
            entries_per_hour: 10,
            entries_per_day: 30,
            entries_per_week: 100,
            profiles_per_hour: 30,
            registrations_per_hour: 20,
        }
    }
}

impl Config {
    /// What the accounts that live here are told; `None` when none do.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and what is wrong with it.
    pub fn hosted(&self) -> Result<Option<HostedSettings>, ConfigError> {
        let keys = &self.independent;
        let Some(id_domain) = &keys.id_domain else {
            return match keys.handle_domains.is_empty() {
                true => Ok(None),
                false => Err(ConfigError::invalid("independent.handle_domains needs independent.id_domain")),
            };
        };
        keys.check_limits(self.server.max_body_bytes)?;
        let id_domain = self.domain("id_domain", id_domain)?;
        let handle_domains: Result<Vec<_>, _> =
            keys.handle_domains.iter().map(|text| self.domain("handle_domains", text)).collect();
        let handle_domains = handle_domains?;
        let public_url = self.server.public_url();
        let own = public_url.host_str().and_then(|host| Hostname::parse(host).ok());
        if own.as_ref().is_some_and(|own| is_at_or_below(own, &id_domain)) {
            return Err(ConfigError::invalid(format!(
                "independent.id_domain: the service's own host would be among the identifiers below {id_domain}"
            )));
        }
        if let Some(inside) = handle_domains.iter().find(|domain| is_at_or_below(domain, &id_domain)) {
            return Err(ConfigError::invalid(format!(
                "independent.handle_domains: names below {inside} would be among the identifiers below {id_domain}"
            )));
        }
        let reserved = keys.reserved.iter().map(|label| reserved_label(label)).collect::<Result<_, _>>()?;
        let mut settings = HostedSettings {
            reserved,
            min_label: keys.min_label,
            allow_idn: keys.allow_idn,
            hold: u32::try_from(keys.hold_days).map_or(Duration::MAX, |days| DAY * days),
            max_entry_age: Duration::from_secs(keys.max_entry_age_seconds),
            clock_tolerance: Duration::from_secs(keys.clock_tolerance_seconds),
            max_entry_bytes: keys.max_entry_bytes,
            max_log_bytes: keys.max_log_kib << 10,
            entries_per_hour: keys.entries_per_hour,
            entries_per_day: keys.entries_per_day,
            entries_per_week: keys.entries_per_week,
            profiles_per_hour: keys.profiles_per_hour,
            allow_test_tld: self.resolves_test(),
            ..HostedSettings::new(handle_domains, id_domain)
        };
        let servers = self.dns.nameservers.iter().filter_map(|server| server.rsplit_once('#'));
        let servers = servers.filter_map(|(_, name)| Hostname::parse(name).ok());
        reserve_our_hosts(&mut settings, own.into_iter().chain(servers));
        Ok(Some(settings))
    }

    /// Whether names below `test` are resolved: also where we give such names, which nobody does but in development.
    pub(crate) fn resolves_test(&self) -> bool {
        let keys = &self.independent;
        let mut ours = keys.handle_domains.iter().chain(&keys.id_domain);
        self.atproto.allow_test_tld || ours.any(|domain| domain.to_ascii_lowercase().ends_with(".test"))
    }

    fn domain(&self, key: &str, text: &str) -> Result<Hostname, ConfigError> {
        let wrong = |why: &str| ConfigError::invalid(format!("independent.{key}: {text:?} {why}"));
        let domain = Hostname::parse(text).map_err(|error| wrong(&format!("is no domain: {error}")))?;
        match domain.is_reserved(true) {
            true => Err(wrong("is below a reserved name, so that nothing below it would ever resolve")),
            false => Ok(domain),
        }
    }
}

impl Independent {
    fn check_limits(&self, max_body_bytes: usize) -> Result<(), ConfigError> {
        let most_entry = HostedSettings::MOST_ENTRY_BYTES.min(max_body_bytes);
        let (log, most_log) = (self.max_log_kib, MAX_LOG_BYTES >> 10);
        for (key, value, most) in [
            ("min_label", self.min_label, 63),
            ("max_entry_bytes", self.max_entry_bytes, most_entry),
            ("max_log_kib", log, most_log),
        ] {
            if value == 0 || value > most {
                return Err(ConfigError::invalid(format!("independent.{key} must be from 1 to {most}")));
            }
        }
        if log << 10 < ENTRIES_AT_LEAST * self.max_entry_bytes {
            return Err(ConfigError::invalid(format!(
                "independent.max_log_kib must have room for {ENTRIES_AT_LEAST} entries of max_entry_bytes"
            )));
        }
        if self.clock_tolerance_seconds > CLOCK_TOLERANCE.as_secs() {
            let most = CLOCK_TOLERANCE.as_secs();
            return Err(ConfigError::invalid(format!(
                "independent.clock_tolerance_seconds must be at most {most}: no verifier bears more"
            )));
        }
        for (key, value) in [
            ("hold_days", self.hold_days),
            ("max_entry_age_seconds", self.max_entry_age_seconds),
            ("entries_per_hour", self.entries_per_hour.into()),
            ("entries_per_day", self.entries_per_day.into()),
            ("entries_per_week", self.entries_per_week.into()),
            ("profiles_per_hour", self.profiles_per_hour.into()),
            ("registrations_per_hour", self.registrations_per_hour.into()),
        ] {
            if value == 0 {
                return Err(ConfigError::invalid(format!("independent.{key} must be above 0")));
            }
        }
        Ok(())
    }
}

/// Nobody is given a label below a domain of handles that a host of our own has, or is below. What leads to the domains
/// themselves is never given.
fn reserve_our_hosts(settings: &mut HostedSettings, hosts: impl Iterator<Item = Hostname>) {
    for host in hosts {
        let labels = settings.handle_domains.iter().filter_map(|domain| label_below(&host, domain));
        settings.reserved.extend(labels.map(str::to_owned));
    }
}

/// The label right below `domain` that `host` has, or is below.
fn label_below<'a>(host: &'a Hostname, domain: &Hostname) -> Option<&'a str> {
    let below = host.as_str().strip_suffix(domain.as_str())?.strip_suffix('.')?;
    below.rsplit('.').next()
}

fn is_at_or_below(host: &Hostname, domain: &Hostname) -> bool {
    host == domain || label_below(host, domain).is_some()
}

/// A label as it is stored: one in Unicode in its ASCII form.
fn reserved_label(label: &str) -> Result<String, ConfigError> {
    let name = Hostname::from_unicode(&format!("{label}.test"));
    let labels: Vec<_> = name.iter().flat_map(|name| name.as_str().split('.')).collect();
    match labels.as_slice() {
        [label, _] => Ok((*label).to_owned()),
        _ => Err(ConfigError::invalid(format!("independent.reserved: {label:?} is not one label of a name"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn hosted(text: &str) -> Result<Option<HostedSettings>, ConfigError> {
        config(text).hosted()
    }

    #[test]
    fn nobody_lives_here_by_default() {
        assert!(hosted("").unwrap().is_none());
    }

    #[test]
    fn every_key_arrives() {
        let settings = hosted(
            "[independent]\nhandle_domains = [\"Names.Example.com\"]\nid_domain = \"id.example.com\"\n\
             reserved = [\"Boss\", \"Büro\"]\nmin_label = 4\nallow_idn = true\nhold_days = 7\nmax_entry_bytes = 5000\n\
             max_log_kib = 100\nmax_entry_age_seconds = 60\nclock_tolerance_seconds = 5\n\
             entries_per_hour = 1\nentries_per_day = 2\nentries_per_week = 3\nprofiles_per_hour = 9\n",
        )
        .unwrap()
        .unwrap();
        assert_eq!(settings.handle_domains, [Hostname::parse("names.example.com").unwrap()]);
        assert_eq!(settings.id_domain.as_str(), "id.example.com");
        assert_eq!(settings.reserved, ["boss", "xn--bro-hoa"]);
        assert_eq!((settings.min_label, settings.allow_idn, settings.hold), (4, true, 7 * DAY));
        let times = (settings.max_entry_age, settings.clock_tolerance);
        assert_eq!(times, (Duration::from_secs(60), Duration::from_secs(5)));
        assert_eq!((settings.max_entry_bytes, settings.max_log_bytes), (5000, 100 << 10));
        let entries = (settings.entries_per_hour, settings.entries_per_day, settings.entries_per_week);
        assert_eq!((entries, settings.profiles_per_hour), ((1, 2, 3), 9));
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        let ours = hosted("[independent]\nid_domain = \"id.example.com\"\n").unwrap().unwrap();
        let theirs = HostedSettings::new(Vec::new(), ours.id_domain.clone());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        assert_eq!(
            Independent::default().registrations_per_hour,
            crate::Limits::default().registrations_per_hour
        );
    }

    #[test]
    fn labels_of_our_own_hosts_are_reserved() {
        let settings = hosted(
            "[server]\npublic_url = \"https://app.example.com\"\n[dns]\nnameservers = [\"tls://192.0.2.1:853#ns1.example.com\"]\n\
             [independent]\nhandle_domains = [\"example.com\"]\nid_domain = \"id.example.com\"\n",
        )
        .unwrap()
        .unwrap();
        assert_eq!(settings.reserved, ["app", "ns1"]);
    }

    #[test]
    fn the_service_may_be_at_a_domain_of_handles_and_above_the_identifiers() {
        for url in ["https://example.com", "https://names.example.net", "http://127.0.0.1:8080"] {
            let text = format!(
                "[server]\npublic_url = \"{url}\"\n\
                 [independent]\nhandle_domains = [\"example.com\"]\nid_domain = \"id.example.com\"\n"
            );
            assert!(hosted(&text).unwrap().is_some(), "{url}");
        }
    }

    #[test]
    fn whoever_gives_names_below_test_resolves_them() {
        assert!(!config("[independent]\nid_domain = \"id.example.com\"\n").resolves_test());
        let text = "[independent]\nhandle_domains = [\"Demo.test\"]\nid_domain = \"id.example.com\"\n";
        assert!(config(text).resolves_test());
        assert!(hosted(text).unwrap().is_some_and(|settings| settings.allow_test_tld));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_key() {
        let ids = "[independent]\nid_domain = \"id.example.com\"\n";
        for (text, key) in [
            ("[independent]\nhandle_domains = [\"example.com\"]\n", "handle_domains"),
            ("[independent]\nid_domain = \"localhost\"\n", "id_domain"),
            ("[independent]\nid_domain = \"id.demo.local\"\n", "id_domain"),
            ("[independent]\nid_domain = \"192.0.2.1\"\n", "id_domain"),
            (&format!("{ids}handle_domains = [\"https://example.com\"]\n"), "handle_domains"),
            (&format!("{ids}handle_domains = [\"example.com.\"]\n"), "handle_domains"),
            (&format!("{ids}handle_domains = [\"id.example.com\"]\n"), "handle_domains"),
            (&format!("{ids}handle_domains = [\"a.id.example.com\"]\n"), "handle_domains"),
            (&format!("[server]\npublic_url = \"https://id.example.com\"\n{ids}"), "id_domain"),
            (&format!("[server]\npublic_url = \"https://a.id.example.com\"\n{ids}"), "id_domain"),
            (&format!("{ids}reserved = [\"a.b\"]\n"), "reserved"),
            (&format!("{ids}reserved = [\"\"]\n"), "reserved"),
            (&format!("{ids}min_label = 0\n"), "min_label"),
            (&format!("{ids}min_label = 64\n"), "min_label"),
            (&format!("{ids}hold_days = 0\n"), "hold_days"),
            (&format!("{ids}reserved = [\"bü ro\"]\n"), "reserved"),
            (&format!("{ids}max_entry_age_seconds = 0\n"), "max_entry_age_seconds"),
            (&format!("{ids}clock_tolerance_seconds = 301\n"), "clock_tolerance_seconds"),
            (&format!("{ids}max_entry_bytes = 0\n"), "max_entry_bytes"),
            (&format!("{ids}max_entry_bytes = 16385\n"), "max_entry_bytes"),
            (&format!("[server]\nmax_body_bytes = 4095\n{ids}"), "max_entry_bytes"),
            (&format!("{ids}max_log_kib = 0\n"), "max_log_kib"),
            (&format!("{ids}max_log_kib = 5121\n"), "max_log_kib"),
            (&format!("{ids}max_log_kib = 31\n"), "max_log_kib"),
            (&format!("{ids}entries_per_hour = 0\n"), "entries_per_hour"),
            (&format!("{ids}entries_per_day = 0\n"), "entries_per_day"),
            (&format!("{ids}entries_per_week = 0\n"), "entries_per_week"),
            (&format!("{ids}profiles_per_hour = 0\n"), "profiles_per_hour"),
            (&format!("{ids}registrations_per_hour = 0\n"), "registrations_per_hour"),
        ] {
            let message = hosted(text).unwrap_err().to_string();
            assert!(message.starts_with(&format!("independent.{key}")), "{text} gives {message}");
        }
    }
}
