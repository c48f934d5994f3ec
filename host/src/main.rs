//! The `tidemill` program; everything it does is in the library.

use std::process::ExitCode;

/// The system's allocator gives the pages of large, short-lived columns back at once and faults them in again;
/// this one keeps them for the next block.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidemill::cli::main()
}
