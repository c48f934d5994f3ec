//! A PostgreSQL server for tests: in a folder of its own, on a free port, as a user without rights.
//!
//! It ends with whoever started it, however that ends: a shell waits for a word on its input, or the end of it, which the
//! system brings about. Then it stops the server, and removes the folder unless the word says otherwise.

mod programs;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;

use crate::programs::{as_unprivileged, programs, unprivileged};

/// Holds a password that has to be written as %40 in addresses.
const PASSWORD: &str = "s@cret";
const ENCODED: &str = "s%40cret";

/// How long a server may take to start. Far more than it takes, because machines that test are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server. Dropping it stops it.
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Running>,
}

struct Running {
    shell: Child,
    /// Its end stops the server.
    input: Option<ChildStdin>,
}

/// A database of a server.
pub struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

impl Postgres {
    /// Makes a server and starts it.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tidemill-postgres-").tempdir()?;
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD)?;
        for path in [folder.path(), &password] {
            if let Some((user, group)) = unprivileged() {
                chown(path, Some(user), Some(group))?;
            }
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Self { folder, programs: programs()?, port, running: None };
        let mut initdb = server.program("initdb");
        initdb.args([
            "--username=tidemill",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(server.data());
        let made = initdb.output().context("cannot run initdb")?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        server.resume()?;
        Ok(server)
    }

    /// Starts it again, where it was before.
    pub fn resume(&mut self) -> Result<()> {
        let shell = r#"
            "$@" >>"$FOLDER/log" 2>&1 & server=$!
            read -r word; kill -QUIT $server; wait $server
            [ "$word" = keep ] || rm -rf "$FOLDER""#;
        let mut command = as_unprivileged("sh");
        command.args(["-c", shell, "sh"]).arg(self.programs.join("postgres")).arg("-D").arg(self.data());
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
        let mut shell = command.spawn().context("cannot start a server")?;
        let input = shell.stdin.take();
        self.running = Some(Running { shell, input });
        let end = Instant::now() + PATIENCE;
        while let Err(error) = self.psql("postgres", "SELECT 1") {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            ensure!(Instant::now() < end, "the server doesn't start: {error}\n{}", log());
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Stops it at once, as a crash would.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            let mut input = running.input.take().context("it is being stopped")?;
            input.write_all(b"keep\n")?;
            running.shell.wait()?;
        }
        Ok(())
    }

    /// Makes the database `name`.
    pub fn database(&self, name: &str) -> Result<Database<'_>> {
        self.psql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.existing(name))
    }

    /// The database `name`, which is there.
    pub fn existing(&self, name: &str) -> Database<'_> {
        Database { server: self, name: name.to_owned() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = as_unprivileged(self.programs.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "tidemill"]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]).env("PGPASSWORD", PASSWORD);
        let output = psql.output().context("cannot run psql")?;
        if !output.status.success() {
            bail!("{sql}: {}", String::from_utf8_lossy(&output.stderr));
        }
        String::from_utf8(output.stdout).map_err(|_| anyhow!("{sql}: the answer is no text"))
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
        self.address_with(ENCODED)
    }

    /// Where it is, with `password`, as addresses have it.
    pub fn address_with(&self, password: &str) -> String {
        self.written(password, self.server.port)
    }

    /// Where it is to whoever connects to `port` instead, with the password.
    pub fn address_at(&self, port: u16) -> String {
        self.written(ENCODED, port)
    }

    fn written(&self, password: &str, port: u16) -> String {
        format!("postgresql://tidemill:{password}@127.0.0.1:{port}/{}", self.name)
    }

    /// Where its server listens on the loopback interface.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// What `sql` answers: a row a line, fields with `|` between them.
    pub fn query(&self, sql: &str) -> Result<Vec<String>> {
        let answer = self.server.psql(&self.name, sql)?;
        Ok(answer.lines().map(str::to_owned).collect())
    }
}
