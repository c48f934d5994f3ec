//! Who may ask: whoever knows the token, and no web page in disguise.
//!
//! A browser on this machine reaches loopback too. A page that was led here by a name of its own says that name in
//! `Host`, and one from elsewhere says where it is from in `Origin`; both are turned away.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::refuse;
use super::routes::App;

/// Paths that tell no more than that somebody is there.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// Lets a request pass, or turns it away.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app, request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, problem)) => refuse(status, problem),
    }
}

fn check(app: &App, path: &str, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    if app.is_loopback && !is_local(host) {
        return Err((StatusCode::FORBIDDEN, "the request names another host; ask 127.0.0.1 or localhost"));
    }
    let origin = headers.get(header::ORIGIN);
    if origin.is_some()
        && text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, at)| at) != Some(host)
    {
        return Err((StatusCode::FORBIDDEN, "the request comes from a page of another origin"));
    }
    let Some(token) = app.token.as_ref().filter(|_| !OPEN.contains(&path)) else { return Ok(()) };
    match text(header::AUTHORIZATION).and_then(|said| said.strip_prefix("Bearer ")) {
        Some(said) if token.is(said) => Ok(()),
        _ => Err((
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong; send `Authorization: Bearer TOKEN`",
        )),
    }
}

/// Whether `host`, which may have a port, is a name of this machine that nobody else can have.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let is_loopback = |name: &str| name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_loopback(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_others_can_have_are_not_local() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:80", "127.1.2.3"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:80", "127.0.0.1.nip.io", "10.0.0.1", "[::2]"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
