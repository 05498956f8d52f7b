//! The signed profile of an account: not in the log, so that words can be changed and forgotten.

use namesake::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::webvh::{SecretKey, sign};

/// What is shown of an account, before it is signed. What is absent is not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProfileRecord {
    /// Counts up; a record replaces those of lower numbers.
    pub rev: u64,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The `https` address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Whether visitors of former handles are sent to the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<bool>,
}

impl ProfileRecord {
    /// The record of the account `did` (its did:web), signed by a key of the log's head.
    ///
    /// # Errors
    /// None in practice: it is plain data.
    pub fn sign(&self, did: &str, key: &SecretKey, at: Timestamp) -> Result<Value, serde_json::Error> {
        let mut record = serde_json::to_value(self)?;
        record["did"] = did.into();
        record["proof"] = sign(&record, key, at);
        Ok(record)
    }
}
