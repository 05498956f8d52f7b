//! Randomness as an argument.

use std::fmt::Debug;

/// A source of random bytes.
pub trait Randomness: Debug + Send + Sync + 'static {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

#[cfg(feature = "system")]
pub use system::{SeededRandomness, SystemRandomness};

#[cfg(feature = "system")]
mod system {
    use std::sync::Mutex;

    use super::Randomness;

    /// The operating system's generator: for keys, ids and states.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct SystemRandomness;

    impl Randomness for SystemRandomness {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
        #[expect(clippy::expect_used, reason = "without entropy no secret can be made: there is no way on")]
        fn fill(&self, bytes: &mut [u8]) {
            getrandom::fill(bytes).expect("the operating system gives randomness");
        }
    }

    /// The same bytes in every run from one seed: for private worlds, never for secrets that matter.
    #[derive(Debug)]
    pub struct SeededRandomness(Mutex<u64>);

    impl SeededRandomness {
        /// A generator that always begins the same way for this seed.
        #[must_use]
        pub fn new(seed: u64) -> Self {
            Self(Mutex::new(seed))
        }
    }

    impl Randomness for SeededRandomness {
        /// SplitMix64 (Steele, Lea, Flood 2014): every step a full-period counter through a mixing function.
        fn fill(&self, bytes: &mut [u8]) {
            let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for chunk in bytes.chunks_mut(8) {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^= mixed >> 31;
                chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
            }
        }
    }
}
