//! Sinks through the real program: what arrives at the other end, whoever crashes, and what is said of what doesn't fit.

mod files;
mod guarantees;
mod postgres;
mod pipeline;
mod sqlite;
mod tcp;
