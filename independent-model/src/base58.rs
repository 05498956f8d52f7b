//! Base58 as Bitcoin has it, without a checksum (draft-msporny-base58): keys, hashes and signatures as text.
//!
//! A text is a number in base 58, and one `1` more for each zero byte in front. Libraries carry one digit at a time
//! through one byte at a time, which was a tenth of what a log entry costs; here it is five digits and four bytes.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// What each character is worth, or [`NO_DIGIT`].
const VALUES: [u8; 256] = values();
const NO_DIGIT: u8 = u8::MAX;

/// Five digits make a word of a text, and four bytes one of a number: two bases whose product fits into 64 bits.
const DIGITS: usize = 5;
const DIGITS_BASE: u64 = 58_u64.pow(5);
const BYTES: usize = 4;
const BYTES_BASE: u64 = 1 << 32;

/// The `N` bytes that `text` stands for; `None` if it is no base58, or of fewer or more bytes.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode_into(text, &mut bytes).map(|()| bytes)
}

/// The same into a place of the caller's, which for a secret is overwritten when it is dropped. `None`: nothing there counts.
pub(crate) fn decode_into<const N: usize>(text: &str, bytes: &mut [u8; N]) -> Option<()> {
    // More than is needed. Secret keys pass here, too.
    let mut room = Zeroizing::new([0; N]);
    let words = room.get_mut(..N.div_ceil(BYTES))?;
    for digits in groups(text.as_bytes(), DIGITS) {
        let mut word = 0;
        for character in digits {
            let digit = VALUES[usize::from(*character)];
            word = word * 58 + u64::from(Some(digit).filter(|digit| *digit != NO_DIGIT)?);
        }
        if !append::<DIGITS_BASE, BYTES_BASE>(words, word) {
            return None;
        }
    }
    let written = words.iter().flat_map(|word| word.to_le_bytes().into_iter().take(BYTES));
    let mut places = bytes.iter_mut().rev();
    for byte in written {
        match places.next() {
            Some(place) => *place = byte,
            None if byte != 0 => return None,
            None => {}
        }
    }
    (leading(text.as_bytes(), b'1') == leading(bytes, 0)).then_some(())
}

/// The text that stands for these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    // Four bytes have six digits at most, and so a word and a fifth.
    let mut words = Zeroizing::new(vec![0; bytes.len().div_ceil(BYTES) * 6 / DIGITS + 1]);
    for group in groups(bytes, BYTES) {
        let word = group.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        append::<BYTES_BASE, DIGITS_BASE>(&mut words, word);
    }
    let zeros = std::iter::repeat_n(0, leading(bytes, 0));
    let digits = words.iter().rev().flat_map(|word| digits_of(*word)).skip_while(|digit| *digit == 0);
    let mut text = String::with_capacity(words.len() * DIGITS + bytes.len());
    text.extend(zeros.chain(digits).map(|digit| char::from(ALPHABET[usize::from(digit)])));
    text
}

fn digits_of(mut word: u64) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for place in digits.iter_mut().rev() {
        [*place, ..] = (word % 58).to_le_bytes();
        word /= 58;
    }
    digits
}

/// Groups of so many, of which only the first may be smaller.
fn groups(bytes: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let (first, others) = bytes.split_at(bytes.len() % size);
    std::iter::once(first).chain(others.chunks_exact(size))
}

/// Makes of a number, in words of base `TO` with the least first, `FROM` times as much and `next`. Whether it fits.
fn append<const FROM: u64, const TO: u64>(words: &mut [u64], next: u64) -> bool {
    let mut carry = next;
    for word in words {
        carry += *word * FROM;
        *word = carry % TO;
        carry /= TO;
    }
    carry == 0
}

fn leading(bytes: &[u8], byte: u8) -> usize {
    bytes.iter().take_while(|other| **other == byte).count()
}

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 58 {
        values[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};

    /// The test vectors of the draft.
    #[test]
    fn base58_is_written_as_everybody_writes_it() {
        assert_eq!(encode(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(encode(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
        assert_eq!(decode(encode(&[]).as_str()), Some([]));
    }

    proptest! {
        /// Another implementation writes the same, whatever the length, and zeros in front.
        #[test]
        fn bytes_are_written_alike(zeros in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let bytes = [vec![0; zeros], bytes].concat();
            prop_assert_eq!(encode(&bytes), bs58::encode(&bytes).into_string());
        }

        /// Another implementation reads the same, whatever the text: no base58, too short, too long.
        #[test]
        fn texts_are_read_alike(text in "1{0,4}[1-9A-HJ-NP-Za-km-z]{0,12}|[1-9A-HJ-NP-Za-km-z]{40,50}|.{0,12}") {
            let read = bs58::decode(&text).into_vec().ok();
            prop_assert_eq!(decode::<0>(&text), read.clone().and_then(|bytes| bytes.try_into().ok()));
            prop_assert_eq!(decode::<3>(&text), read.clone().and_then(|bytes| bytes.try_into().ok()));
            prop_assert_eq!(decode::<4>(&text), read.clone().and_then(|bytes| bytes.try_into().ok()));
            prop_assert_eq!(decode::<8>(&text), read.clone().and_then(|bytes| bytes.try_into().ok()));
            prop_assert_eq!(decode::<34>(&text), read.and_then(|bytes| bytes.try_into().ok()));
        }

        /// Numbers on both sides of what fits.
        #[test]
        fn what_does_not_fit_is_not_read(last in any::<u8>(), over in any::<bool>()) {
            let (least, most) = ([vec![1], vec![0; 33], vec![last]].concat(), [vec![0xff; 33], vec![last]].concat());
            let text = bs58::encode(if over { &least } else { &most }).into_string();
            prop_assert_eq!(decode::<34>(&text), most.try_into().ok().filter(|_| !over));
        }

        #[test]
        fn what_is_written_is_read(zeros in 0_usize..64, fill in any::<[u8; 32]>()) {
            let mut bytes = [0; 64];
            for (place, byte) in bytes.iter_mut().skip(zeros).zip(fill.iter().cycle()) {
                *place = *byte;
            }
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
