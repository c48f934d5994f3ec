//! The sessions that a process had which is gone, or that its connection had before it broke.
//!
//! A server that isn't told of an end, because a machine or the way to it is gone, takes such a session for alive for
//! hours, with its transaction and its locks. So each session marks itself by an advisory lock, which is shared, so that
//! nobody ever waits for it. Its number follows from pipeline, sink and checkpoint, and these have one session at a
//! time: others with that mark are left over, and are ended. What they had not committed comes again.

use tokio_postgres::{Client, Error};
use xxhash_rust::xxh3::xxh3_64;

use super::session::EpochKey;

/// Those of this database that have the mark.
const END: &str = "
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = $1";

/// Marks the session of `client`, which is the one for `key` from now on, and ends those before it.
pub(super) async fn take_over(client: &Client, key: &EpochKey) -> Result<(), Error> {
    let mark = mark(key);
    match client.query(END, &[&mark]).await {
        Ok(ended) if ended.is_empty() => {}
        Ok(ended) => tracing::debug!(sessions = ended.len(), "ended sessions that were left over"),
        // Those of another user may be for others to end. The server does it once it sees that the client is gone.
        Err(error) if error.as_db_error().is_some() => {
            tracing::warn!(%error, "cannot end the sessions that a run before left over");
        }
        Err(error) => return Err(error),
    }
    client.execute("SELECT pg_advisory_lock_shared($1)", &[&mark]).await.map(|_| ())
}

/// The number of the lock.
fn mark(key: &EpochKey) -> i64 {
    let parts = [&key.pipeline, &key.sink, &key.checkpoint];
    let lengths = parts.map(|part| part.len().to_string()).join(",");
    let text = format!("tidemill {lengths} {}", parts.map(String::as_str).concat());
    xxh3_64(text.as_bytes()).cast_signed()
}
