//! A PostgreSQL server for tests: in a folder of its own, on a free port, as a user without rights.
//!
//! It ends with whoever started it, however that ends: a shell waits for a word on its input, or the end of it, which the
//! system brings about. Then it stops the server, and removes the folder unless the word says otherwise.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::wait_until;

/// Where Debian puts the programs, below the version.
const FOLDER: &str = "/usr/lib/postgresql";

/// Holds a password that has to be written as %40 in addresses.
const PASSWORD: &str = "s@cret";

/// A server. Dropping it stops it.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    running: Option<Running>,
}

struct Running {
    shell: Child,
    /// Its end stops the server.
    input: Option<ChildStdin>,
}

/// The server that tests share, each with a database of its own.
static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// A database of the server that tests share.
pub struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

/// The database `name` of the server that tests share, which no other test names.
pub fn database(name: &str) -> Database<'static> {
    SHARED.database(name)
}

impl Postgres {
    /// Makes a server and starts it.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("tidemill-postgres-").tempdir().unwrap();
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        for path in [folder.path(), &password] {
            if let Some((user, group)) = unprivileged() {
                chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, running: None };
        let mut initdb = server.program("initdb");
        initdb.args([
            "--username=tidemill",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(server.data());
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.resume();
        server
    }

    /// Starts it again, where it was before.
    pub fn resume(&mut self) {
        let shell = r#"
            "$@" >>"$FOLDER/log" 2>&1 & server=$!
            read -r word; kill -QUIT $server; wait $server
            [ "$word" = keep ] || rm -rf "$FOLDER""#;
        let program = programs().join("postgres");
        let mut command = as_unprivileged("sh");
        command.args(["-c", shell, "sh"]).arg(program).arg("-D").arg(self.data());
        command.args(["-p", &self.port.to_string()]);
        // What is tested are crashes of clients. Nothing needs to survive one of the machine.
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"]
        {
            command.args(["-c", setting]);
        }
        command
            .env("FOLDER", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut shell = command.spawn().unwrap();
        let input = shell.stdin.take();
        self.running = Some(Running { shell, input });
        let ready = || self.psql("postgres", "SELECT 1").is_ok().then_some(());
        wait_until(&format!("a server in {}", self.folder.path().display()), ready);
    }

    /// Stops it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.input.take().unwrap().write_all(b"keep\n").unwrap();
            running.shell.wait().unwrap();
        }
    }

    /// Makes the database `name`.
    pub fn database(&self, name: &str) -> Database<'_> {
        self.psql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        self.existing(name)
    }

    /// The database `name`, which is there.
    pub fn existing(&self, name: &str) -> Database<'_> {
        Database { server: self, name: name.to_owned() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = as_unprivileged(programs().join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "tidemill"]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]).env("PGPASSWORD", PASSWORD);
        let output = psql.output().unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.input.take());
            // Where it fails there is nothing left to stop.
            let _ = running.shell.wait();
        }
    }
}

impl Database<'_> {
    /// Where it is, with the password.
    pub fn address(&self) -> String {
        self.address_with("s%40cret")
    }

    /// Where it is, with `password`, as addresses have it.
    pub fn address_with(&self, password: &str) -> String {
        format!("postgresql://tidemill:{password}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// What `sql` answers: a row a line, fields with `|` between them.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<String> {
        let answer = self.server.psql(&self.name, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        answer.lines().map(str::to_owned).collect()
    }

    /// The same where it may be that the database isn't there or has no such table.
    pub fn try_query(&self, sql: &str) -> Option<Vec<String>> {
        let answer = self.server.psql(&self.name, sql).ok()?;
        Some(answer.lines().map(str::to_owned).collect())
    }
}

/// The folder of the newest server's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir(FOLDER).into_iter().flatten();
    let folders = versions.map(|version| version.unwrap().path().join("bin"));
    let found = folders.filter(|folder| folder.join("initdb").exists()).max();
    found.expect("there is no PostgreSQL in /usr/lib/postgresql; `cargo xtask test` installs it")
}

/// A command that root starts as another user, because a server refuses root.
fn as_unprivileged(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// The ids of the user `nobody`, where this is root.
fn unprivileged() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if user.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let nobody = users.lines().find_map(|line| line.strip_prefix("nobody:"))?;
    let mut fields = nobody.split(':').skip(1).map_while(|field| field.parse().ok());
    Some((fields.next()?, fields.next()?))
}
