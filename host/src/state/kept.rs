//! Something kept for each partition, looked at by one task at a time.

use std::sync::{Mutex, PoisonError};

/// What an operator keeps from batch to batch, partition by partition.
pub struct Kept<T>(Vec<Mutex<T>>);

impl<T> Kept<T> {
    /// For `partitions` partitions, each with what `make` makes.
    pub fn new(partitions: usize, make: impl Fn() -> T) -> Self {
        Self((0..partitions).map(|_| Mutex::new(make())).collect())
    }

    /// For `partitions` partitions, each with what `make` makes, or why it can't be made.
    pub fn try_new<E>(partitions: usize, make: impl Fn() -> Result<T, E>) -> Result<Self, E> {
        Ok(Self((0..partitions).map(|_| make().map(Mutex::new)).collect::<Result<_, E>>()?))
    }

    /// How many partitions there are.
    pub fn num_partitions(&self) -> usize {
        self.0.len()
    }

    /// Looks at what is kept for a partition; none where there is no such partition.
    pub fn with<R>(&self, partition: usize, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.get(partition).map(|kept| act(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// What `kept` holds, a partition each.
    pub fn of(kept: Vec<T>) -> Self {
        Self(kept.into_iter().map(Mutex::new).collect())
    }

    /// Changes what is kept for each partition in turn.
    pub fn each_mut<R>(&self, mut act: impl FnMut(&mut T) -> R) -> Vec<R> {
        self.0.iter().map(|kept| act(&mut kept.lock().unwrap_or_else(PoisonError::into_inner))).collect()
    }

    /// Looks at what is kept for each partition in turn.
    pub fn each<R>(&self, mut act: impl FnMut(&T) -> R) -> Vec<R> {
        self.0.iter().map(|kept| act(&kept.lock().unwrap_or_else(PoisonError::into_inner))).collect()
    }
}
