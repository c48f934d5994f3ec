//! Keeps requests that the server failed on: those with a status of 500 or more.

use tidemill_plugin::filter;

/// Whether the server failed.
#[filter]
pub fn is_error(status: i64) -> bool {
    status >= 500
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_did_wrong_is_no_error_of_the_server() {
        assert_eq!([200, 304, 404, 499, 500, 503].map(is_error), [false, false, false, false, true, true]);
    }
}
