//! As much of DAG-CBOR as an event needs: to walk a map and skip what does not matter. Pure, and total.
//!
//! DAG-CBOR is CBOR (RFC 8949) with definite lengths only. Nothing here allocates or recurses, and every step consumes
//! input, so the work is bounded by the length of the message, however deep its nesting claims to be. What the strict
//! form forbids beside that (order of keys, longer integers than needed) is let pass: it cannot mislead us.

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

/// Bytes that are no DAG-CBOR, or another kind of value than was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A value of the kinds events are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An integer that fits (others are [`Value::Other`]).
    Integer(i64),
    Text(&'a str),
    Bool(bool),
    /// Anything else: already skipped, with all that is in it.
    Other,
}

/// The beginning of an item: its major type, and its argument.
struct Head {
    major: u8,
    argument: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Begins a map; the pairs follow: [`Reader::text`], then [`Reader::value`], as often as it says.
    pub(super) fn map(&mut self) -> Result<u64, Malformed> {
        match self.head()? {
            Head { major: 5, argument } => Ok(argument),
            _ => Err(Malformed),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        match self.value()? {
            Value::Text(text) => Ok(text),
            _ => Err(Malformed),
        }
    }

    /// The next value, read or skipped.
    pub(super) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let Head { major, argument } = self.head()?;
        Ok(match major {
            0 => i64::try_from(argument).map_or(Value::Other, Value::Integer),
            // The argument n stands for -1 - n.
            1 => i64::try_from(argument).map_or(Value::Other, |n| Value::Integer(-1 - n)),
            3 => Value::Text(std::str::from_utf8(self.take(argument)?).map_err(|_| Malformed)?),
            7 if matches!(argument, 20 | 21) => Value::Bool(argument == 21),
            _ => {
                self.skip(major, argument)?;
                Value::Other
            }
        })
    }

    /// Skips the rest of an item whose head was read, without recursion: `open` counts the items still to come.
    fn skip(&mut self, major: u8, argument: u64) -> Result<(), Malformed> {
        let mut open = self.inside(major, argument)?;
        while open > 0 {
            let Head { major, argument } = self.head()?;
            let inside = self.inside(major, argument)?;
            open = (open - 1).checked_add(inside).ok_or(Malformed)?;
        }
        Ok(())
    }

    /// How many items an item holds; the bytes of a string are consumed.
    fn inside(&mut self, major: u8, argument: u64) -> Result<u64, Malformed> {
        match major {
            2 | 3 => self.take(argument).map(|_| 0),
            4 => Ok(argument),
            5 => argument.checked_mul(2).ok_or(Malformed),
            6 => Ok(1),
            _ => Ok(0),
        }
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let [first] = self.array()?;
        let (major, short) = (first >> 5, first & 31);
        let argument = match short {
            0..=23 => u64::from(short),
            24 => self.array().map(|[byte]: [u8; 1]| u64::from(byte))?,
            25 => self.array().map(u16::from_be_bytes)?.into(),
            26 => self.array().map(u32::from_be_bytes)?.into(),
            27 => self.array().map(u64::from_be_bytes)?,
            // Indefinite lengths, and what is reserved.
            _ => return Err(Malformed),
        };
        // A float's bits would read as an argument; simple values are written short.
        if major == 7 && short >= 24 {
            return Ok(Head { major, argument: u64::MAX });
        }
        Ok(Head { major, argument })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Reader, Value};

    fn value(bytes: &[u8]) -> Result<Value<'_>, Malformed> {
        Reader::new(bytes).value()
    }

    /// RFC 8949 appendix A.
    #[test]
    fn values() {
        assert_eq!(value(&[0x18, 0x64]), Ok(Value::Integer(100)));
        assert_eq!(value(&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0]), Ok(Value::Integer(1_000_000_000_000)));
        assert_eq!(value(&[0x39, 0x03, 0xe7]), Ok(Value::Integer(-1000)));
        assert_eq!(value(&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255]), Ok(Value::Other));
        assert_eq!(value(b"\x64IETF"), Ok(Value::Text("IETF")));
        assert_eq!(
            (value(&[0xf4]), value(&[0xf5]), value(&[0xf6])),
            (Ok(Value::Bool(false)), Ok(Value::Bool(true)), Ok(Value::Other))
        );
        // A float whose bits are 20 is no `false`.
        assert_eq!(value(&[0xfb, 0, 0, 0, 0, 0, 0, 0, 20]), Ok(Value::Other));
    }

    #[test]
    fn what_does_not_matter_is_skipped_whole() {
        // [1, {"a": h'0102'}, 42(h'00')], then 7
        let mut reader = Reader::new(b"\x83\x01\xa1\x61a\x42\x01\x02\xd8\x2a\x41\x00\x07");
        assert_eq!((reader.value(), reader.value()), (Ok(Value::Other), Ok(Value::Integer(7))));
    }

    #[test]
    fn what_is_cut_off_endless_or_absurd_is_refused() {
        let deep = vec![0x81; 1 << 20];
        for bytes in [
            &b""[..],
            b"\x18",
            b"\x64IET",
            b"\x61\xff",
            b"\x9f\x01\xff",
            b"\x1c",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            &deep,
        ] {
            assert_eq!(value(bytes), Err(Malformed));
        }
    }
}
