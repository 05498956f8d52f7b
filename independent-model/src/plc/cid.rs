//! What the hash of an operation is called: its CID, and the DID of a genesis operation.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};

/// CIDv1, dag-cbor, sha2-256 of 32 bytes.
const PREFIX: [u8; 4] = [0x01, 0x71, 0x12, 0x20];

/// The CID of these canonical bytes ("Operation Serialization, Signing, and Validation").
pub(crate) fn cid(bytes: &[u8]) -> String {
    let mut content = PREFIX.to_vec();
    content.extend(Sha256::digest(bytes));
    format!("b{}", base32(&content))
}

/// The DID that these canonical bytes are the signed genesis operation of ("DID Creation").
pub(crate) fn did(bytes: &[u8]) -> String {
    let hash = base32(&Sha256::digest(bytes));
    format!("did:plc:{}", hash.get(..24).unwrap_or_default())
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}
