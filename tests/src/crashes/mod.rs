//! What a crash at each point of a batch, a start and an end leaves, and what a bad disk does: nothing that was told to
//! be safe is lost, and nothing counts twice.

mod chaos;
mod damage;
mod disk;
mod ends;
mod matrix;
mod victim;
