//! Makes a request of a line of a server's log: `IP METHOD PATH STATUS TIME`, with spaces between them.
//!
//! A line that isn't one is refused with the reason. What stands behind `?` in a path is left out, as it is another one
//! each time.

use std::net::IpAddr;

use tidemill_plugin::{Reject, Row, Timestamp, map};

/// The methods of HTTP.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// A request.
#[derive(Debug, PartialEq, Row)]
pub struct Request<'a> {
    ip: &'a str,
    method: &'a str,
    path: &'a str,
    status: i64,
    at: Timestamp,
}

/// The request that `line` tells of.
#[map]
pub fn parse_request(line: &str) -> Result<Request<'_>, Reject> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[ip, method, target, status, at] = fields.as_slice() else {
        return Err(Reject::new(format!("5 fields are wanted, and there are {}", fields.len())));
    };
    if ip.parse::<IpAddr>().is_err() {
        return Err(Reject::new(format!("`{ip}` is no IP address")));
    }
    if !METHODS.contains(&method) {
        return Err(Reject::new(format!("`{method}` is no method")));
    }
    let path = target.split('?').next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Reject::new(format!("`{target}` is no path")));
    }
    let Some(status) = status.parse().ok().filter(|status| (100..600).contains(status)) else {
        return Err(Reject::new(format!("`{status}` is no status")));
    };
    let at = at.parse().map_err(|_| Reject::new(format!("`{at}` is no time")))?;
    Ok(Request { ip, method, path, status, at })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_request_and_its_query_is_left_out() {
        let request = parse_request("10.0.0.7 GET /mill?grain=rye 200 2026-01-05T09:30:01Z").unwrap();
        assert_eq!((request.ip, request.method, request.path), ("10.0.0.7", "GET", "/mill"));
        assert_eq!(request.status, 200);
        let six = parse_request("2001:db8::1 POST / 503 2026-01-05T09:30:01.5Z").unwrap();
        assert_eq!(six.at, "2026-01-05T09:30:01.5Z".parse().unwrap());
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_reason() {
        for (line, reason) in [
            ("", "5 fields are wanted, and there are 0"),
            ("10.0.0.7 GET / 200 2026-01-05T09:30:01Z more", "5 fields are wanted, and there are 6"),
            ("10.0.0.700 GET / 200 2026-01-05T09:30:01Z", "`10.0.0.700` is no IP address"),
            ("10.0.0.7 get / 200 2026-01-05T09:30:01Z", "`get` is no method"),
            ("10.0.0.7 GET ?a=b 200 2026-01-05T09:30:01Z", "`?a=b` is no path"),
            ("10.0.0.7 GET / 600 2026-01-05T09:30:01Z", "`600` is no status"),
            ("10.0.0.7 GET / OK 2026-01-05T09:30:01Z", "`OK` is no status"),
            ("10.0.0.7 GET / 200 yesterday", "`yesterday` is no time"),
        ] {
            assert_eq!(parse_request(line).map_err(|reject| reject.to_string()), Err(reason.to_owned()));
        }
    }
}
