//! Where a database is and as whom to connect, which holds a password that nobody is to see.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::link::CONNECT_TIMEOUT;

/// After this long without a sign of life a connection that has something on its way is taken to be broken.
const UNHEARD_LIMIT: Duration = Duration::from_secs(30);

/// Where a PostgreSQL database is: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, or `host=… user=…`. It is shown
/// without user and password.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(Config);

impl Address {
    /// How to connect, as `application`, which the server shows.
    pub(super) fn config(&self, application: &str) -> Config {
        let mut config = self.0.clone();
        if config.get_application_name().is_none() {
            config.application_name(application);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNHEARD_LIMIT);
        }
        // Of several servers it is the one that can be written.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // What the parser says may hold a part of the password.
        let config: Config = text.parse().map_err(|_| {
            "it is no connection string; write for example \"postgresql://USER:${PASSWORD}@HOST/DATABASE\", where special characters of the password are written as %40 and the like".to_owned()
        })?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err("connections are not encrypted so far; leave out sslmode, or let a proxy on this machine encrypt".to_owned());
        }
        match config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            true => Err("it names no host; write for example \"postgresql://USER@HOST/DATABASE\"".to_owned()),
            false => Ok(Self(config)),
        }
    }
}

impl fmt::Display for Address {
    /// As `orders at db.example:5432`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.get_dbname().or(self.0.get_user()).unwrap_or("postgres");
        write!(f, "{name} at ")?;
        let ports = self.0.get_ports();
        for (index, host) in self.0.get_hosts().iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let comma = if index > 0 { "," } else { "" };
            match host {
                Host::Tcp(host) => write!(f, "{comma}{host}:{port}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        if self.0.get_hosts().is_empty() {
            let addresses: Vec<String> = self.0.get_hostaddrs().iter().map(ToString::to_string).collect();
            f.write_str(&addresses.join(","))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Address, String> {
        Address::try_from(text.to_owned())
    }

    #[test]
    fn nothing_shows_a_password() {
        let address = read("postgresql://me:s%40cret@db.example:6543/orders?connect_timeout=3").unwrap();
        assert_eq!(address.to_string(), "orders at db.example:6543");
        assert_eq!(format!("{address:?}"), "Address(orders at db.example:6543)");
        assert_eq!(read("host=/run/pg user=me password=s@cret").unwrap().to_string(), "me at /run/pg");
        for wrong in [
            "postgresql://me:secret@db:port/orders",
            "postgresql://me:secret@db/orders?pass=secret",
            "password=secret host=db user",
            "postgresql://me:secret@/orders",
            "postgresql://me:secret@db/orders?sslmode=require",
        ] {
            let said = read(wrong).unwrap_err();
            assert!(!said.contains("cret") && said.contains("; "), "{said}");
        }
    }
}
