//! Messages as a host writes them, for tests.

pub(super) fn text(text: &str) -> Vec<u8> {
    let mut bytes = head(3, text.len());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

pub(super) fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = head(5, pairs.len());
    for (key, value) in pairs {
        bytes.extend(text(key));
        bytes.extend_from_slice(value);
    }
    bytes
}

pub(super) fn number(number: u64) -> Vec<u8> {
    [&[0x1b][..], &number.to_be_bytes()].concat()
}

/// A message with this header and body.
pub(super) fn message(op: i8, kind: Option<&str>, body: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let op = match op {
        -1 => vec![0x20],
        op => vec![op.to_be_bytes()[0]],
    };
    let mut header = vec![("op", op)];
    header.extend(kind.map(|kind| ("t", text(kind))));
    [map(&header), map(body)].concat()
}

pub(super) fn identity(seq: u64, did: &str, handle: Option<&str>) -> Vec<u8> {
    let mut body = vec![("did", text(did)), ("seq", number(seq)), ("time", text("2026-11-01T00:00:00.000Z"))];
    body.extend(handle.map(|handle| ("handle", text(handle))));
    message(1, Some("#identity"), &body)
}

pub(super) fn account(seq: u64, did: &str) -> Vec<u8> {
    message(1, Some("#account"), &[("did", text(did)), ("seq", number(seq)), ("active", vec![0xf5])])
}

pub(super) fn commit(seq: u64) -> Vec<u8> {
    message(1, Some("#commit"), &[("seq", number(seq)), ("repo", text("did:plc:ewvi7nxzyoun6zhxrhs64oiz"))])
}

pub(super) fn info(name: &str) -> Vec<u8> {
    message(1, Some("#info"), &[("name", text(name))])
}

pub(super) fn error(name: &str) -> Vec<u8> {
    message(-1, None, &[("error", text(name)), ("message", text("why"))])
}

fn head(major: u8, argument: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(argument).unwrap().to_be_bytes();
    vec![(major << 5) | 25, high, low]
}
