//! Ids that no two checkpoints or runs share.

use std::hash::{BuildHasher, RandomState};

/// 32 hexadecimal digits, never the same again. Their randomness is what the system seeds hash maps with.
pub(crate) fn new_id() -> String {
    let time = jiff::Timestamp::now().as_nanosecond();
    let number = |place: u8| RandomState::new().hash_one((place, time, std::process::id()));
    format!("{:016x}{:016x}", number(0), number(1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_long_and_differ() {
        let ids: HashSet<String> = (0..1000).map(|_| new_id()).collect();
        assert!(ids.len() == 1000 && ids.iter().all(|id| id.len() == 32));
    }
}
