//! What sinks promise of rows that are given to them again.

/// What becomes of the rows of a batch that a sink is given again after a crash, because nobody knows whether they were
/// seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The sink knows the batches that it has: each is seen once, whole or not at all.
    Once,
    /// They are seen again.
    Again,
    /// They are seen again, and rows that were on their way when a connection broke may never be.
    Unconfirmed,
    /// Nothing outlives the process.
    Nowhere,
}
