//! The interfaces of the contract that a plugin may export.

/// The package that our interfaces are in.
pub(super) const PACKAGE: &str = "tidemill:plugin/";

/// An interface of the contract that a plugin may export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// `transform`
    Transform,
    /// `reduce`
    Reduce,
    /// `inverse`
    Inverse,
    /// `aggregate`
    Aggregate,
    /// `cogroup`
    Cogroup,
    /// `update-state`
    UpdateState,
    /// `migrate-state`
    MigrateState,
}

impl Interface {
    /// All that the host calls.
    pub const ALL: [Self; 7] = [
        Self::Transform,
        Self::Reduce,
        Self::Inverse,
        Self::Aggregate,
        Self::Cogroup,
        Self::UpdateState,
        Self::MigrateState,
    ];

    /// The name in `wit/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Reduce => "reduce",
            Self::Inverse => "inverse",
            Self::Aggregate => "aggregate",
            Self::Cogroup => "cogroup",
            Self::UpdateState => "update-state",
            Self::MigrateState => "migrate-state",
        }
    }

    /// Whether it only goes with another interface, whose `open` opens an instance for both.
    pub const fn is_companion(self) -> bool {
        matches!(self, Self::Inverse | Self::MigrateState)
    }

    /// Whether a component's export is this interface.
    pub(super) fn is(self, export: &str) -> bool {
        export.strip_prefix(PACKAGE).and_then(|rest| rest.split('@').next()) == Some(self.name())
    }
}
