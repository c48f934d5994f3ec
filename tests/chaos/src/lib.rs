//! The real program, killed at random while senders push records, and what came of them compared with what was sent.
//!
//! Three sources feed one pipeline: frames, whose sender is told what is safe; files that are moved into a folder; and
//! lines over a plain connection, which are logged. Each record has a number of its own, from which its key and its
//! value follow, so that it can be told of each whether it came out, and how often:
//!
//! - a frame counts exactly once, and so does a record of a file;
//! - a plain connection can't acknowledge, so of its lines some may be lost that the program never had. None may come out
//!   twice; those of a connection that come out have to be the first ones of it, without a gap, for the program reads
//!   them in order; and they have to be at least as many as the program said in its log that it had logged.
//!
//! They go into files, into SQLite and into a PostgreSQL server, and all of this holds of each.
//!
//! Then minimum, maximum, sum and count of each key are those of the records, also those that an operator kept and both
//! databases have, a row a key; the states are the sums, and a window over all of it has their number.

mod accounts;
mod dice;
mod feed;
mod outputs;
mod pipeline;
mod program;
mod record;
mod run;
mod soak;
mod store;
mod tables;

pub use run::{Extent, Options, Report, run};
