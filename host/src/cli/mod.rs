//! The command line: what can be asked, and what is shown on a terminal meanwhile.

pub mod args;
pub mod live;
