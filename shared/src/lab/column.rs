//! What a scheme brings to the comparison.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LabError, LabFuture, Subject};

/// One policy to be compared: a scheme, under one way of using it.
pub trait Column: Send + Sync {
    /// How it is headed.
    fn info(&self) -> ColumnInfo;

    /// The settings that it knows, with what they are unless they are set: `mirror.poll_seconds` ⇒ `300`.
    fn settings(&self) -> Settings;

    /// A fresh private world, the same each time for the same settings and seed.
    fn begin<'a>(&'a self, settings: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>>;

    /// What is known about a row from elsewhere, where it cannot be observed here, or beside what is.
    fn documented(&self, row: &str) -> Option<Documented>;
}

/// How a column is headed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnInfo {
    /// A short name, unique among the columns: `A`.
    pub id: String,
    /// A few words: `Mirror`.
    pub title: String,
    /// A sentence for people who decide.
    pub summary: String,
    /// What it runs against, where that is not the real thing: `an emulator of Meta's documented API`.
    pub limits: Option<String>,
}

/// A statement with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Documented {
    /// What is said.
    pub text: String,
    /// Where: a page of the vendor, or a specification with its section.
    pub source: String,
    /// When that was last looked at: `2026-11-22`.
    pub checked: String,
}

/// Settings by name, as text: `mirror.poll_seconds` ⇒ `300`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// One more setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &dyn ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// The settings of all of `columns`, with `changes` in place of what they are otherwise.
    ///
    /// # Errors
    /// When a change names a setting that no column has.
    pub fn of(columns: &[&dyn Column], changes: &Self) -> Result<Self, LabError> {
        let mut all = Self(columns.iter().flat_map(|column| column.settings().0).collect());
        for (name, value) in &changes.0 {
            let known = all.0.keys().cloned().collect::<Vec<_>>().join(", ");
            let place = all.0.get_mut(name).ok_or(format!("no setting {name:?}; there are {known}"))?;
            value.clone_into(place);
        }
        Ok(all)
    }

    /// Reads `name=value`.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn parse(text: &str) -> Result<(String, String), LabError> {
        let (name, value) = text.split_once('=').ok_or(format!("{text:?} is not NAME=VALUE"))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    }

    /// A setting as a whole number.
    ///
    /// # Errors
    /// When it is missing, or no number of at least 1.
    pub fn number(&self, name: &str) -> Result<u64, LabError> {
        let value = self.0.get(name).ok_or(format!("no setting {name:?}"))?;
        let number = value.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("{name} is a whole number above 0, not {value:?}").into())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
