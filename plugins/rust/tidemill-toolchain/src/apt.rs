//! Packages from Debian's archive, installed without asking anybody.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::step::{self, step};

/// How a command gets an administrator's rights without asking anybody.
pub enum Root {
    /// This process has them.
    Already,
    /// `sudo` gives them without a password.
    Sudo,
}

impl Root {
    /// None where there is no such way.
    pub fn find() -> Option<Root> {
        let user = step::output(Command::new("id").arg("-u")).ok()?;
        if user == "0" {
            return Some(Root::Already);
        }
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        sudo.status().is_ok_and(|status| status.success()).then_some(Root::Sudo)
    }

    /// The command `program` with these rights.
    pub fn command(&self, program: &str) -> Command {
        match self {
            Root::Already => Command::new(program),
            Root::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", program]);
                sudo
            }
        }
    }

    fn apt_get(&self) -> Command {
        let mut apt = self.command("apt-get");
        apt.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        apt
    }
}

/// Whether this machine installs its packages by `apt-get`.
pub fn is_here() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

/// Installs `packages` and what they need, for the purpose `why`; where that fails, once more with fresh package lists.
pub fn install(root: &Root, packages: &[&str], why: &str) -> Result<()> {
    if !is_here() {
        bail!("there is no apt-get here");
    }
    let install = || {
        let mut apt = root.apt_get();
        step::run(apt.args(["install", "--yes", "--no-install-recommends"]).args(packages))
    };
    step(format!("installing {} with apt-get, {why}", packages.join(" and ")), || {
        install().or_else(|_| {
            eprintln!("    trying once more with fresh package lists");
            step::run(root.apt_get().arg("update"))?;
            install()
        })
    })
}
