//! What sources can say again after a crash.

/// What becomes, after a crash, of rows that a source handed over and that no batch has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// With a checkpoint they are read again, and none twice. Without one, all that is there is read again where
    /// `from_start` says so, else only what is new.
    ReadAgain {
        /// Whether a run without a checkpoint begins at the start.
        from_start: bool,
    },
    /// They are logged, and the sender was told so; what it was not told of it sends again.
    Acknowledged,
    /// They are logged; what was on its way is lost, and the sender can't tell.
    Logged,
    /// They are lost.
    Lost,
}
