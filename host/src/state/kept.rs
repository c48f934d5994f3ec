//! Something kept for each partition, looked at by one task at a time.

use std::sync::{Mutex, PoisonError};

/// What an operator keeps from batch to batch, partition by partition.
pub struct Kept<T>(Vec<Mutex<T>>);

impl<T> Kept<T> {
    /// For `partitions` partitions, each with what `make` makes.
    pub fn new(partitions: usize, make: impl Fn() -> T) -> Self {
        Self((0..partitions).map(|_| Mutex::new(make())).collect())
    }

    /// Looks at what is kept for a partition; none where there is no such partition.
    pub fn with<R>(&self, partition: usize, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.get(partition).map(|kept| act(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Looks at what is kept for each partition in turn.
    pub fn each<R>(&self, mut act: impl FnMut(&T) -> R) -> Vec<R> {
        self.0.iter().map(|kept| act(&kept.lock().unwrap_or_else(PoisonError::into_inner))).collect()
    }
}
