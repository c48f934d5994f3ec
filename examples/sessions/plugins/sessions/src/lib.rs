//! Follows the sessions of users, and tells of each when it has ended: how many pages, the last one, and why.

use tidemill_plugin::{Row, State, config, map_with_state};

/// What is kept of a user.
#[derive(Row)]
pub struct Session {
    pages: i64,
    last_page: String,
}

/// What is told of a session.
#[derive(Row)]
pub struct Ended {
    pages: i64,
    last_page: String,
    why: String,
}

/// What ends a session.
#[config]
pub struct Config {
    /// The page that users leave by.
    leave: String,
}

/// Counts a page, or tells of the session that it ends. Without a page, the user was idle for too long.
#[map_with_state]
pub fn sessions(value: Option<&str>, state: &mut State<Session>, config: &Config) -> Option<Ended> {
    let pages = state.get().map_or(0, |session| session.pages);
    let Some(page) = value else {
        let last_page = state.get().map(|session| session.last_page.clone()).unwrap_or_default();
        return Some(Ended { pages, last_page, why: "idle".to_owned() });
    };
    let (pages, last_page) = (pages + 1, page.to_owned());
    if page == config.leave {
        state.remove();
        return Some(Ended { pages, last_page, why: "left".to_owned() });
    }
    state.update(Session { pages, last_page });
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Keys, Table, update_state};

    #[test]
    fn a_session_ends_with_its_user_leaving_or_falling_silent() {
        let users = Table::new().column("user", ["ada", "bob", "cid"]);
        let visits = Table::new().column("page", ["/", "/mill", "/logout", "/tide"]);
        let first =
            update_state::<sessions>(r#"{"leave": "/logout"}"#, &Keys::new(&users, &[3, 4, 4], &visits))
                .unwrap();
        assert_eq!(first.output.rows(), ["(ada, 3, /logout, left)"]);
        assert_eq!(first.kept, [false, true, false]);
        let none = Table::new().column("page", [""; 0]);
        let later = Keys::new(&users, &[0, 0, 0], &none).with_states(&first.states, &first.kept);
        let later =
            update_state::<sessions>(r#"{"leave": "/logout"}"#, &later.timed_out(&[false, true, false]))
                .unwrap();
        assert_eq!(later.output.rows(), ["(bob, 1, /tide, idle)"]);
    }
}
