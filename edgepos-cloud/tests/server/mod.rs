//! PostgreSQL servers of a test's own: a primary, and standbys that confirm each commit.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Generous: a loaded machine starts a server slowly.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where PostgreSQL's programs are; `None`, with the reason printed, where there are none that can be run.
pub(crate) struct Installation {
    bin: PathBuf,
    /// Whom the server runs as where this test runs as root, which it refuses.
    run_as: Option<u32>,
}

impl Installation {
    pub(crate) fn find() -> Option<Self> {
        let bin = std::env::var_os("EDGEPOS_POSTGRES_BIN").map(PathBuf::from).or_else(newest_of_debian);
        let Some(bin) = bin.filter(|bin| bin.join("initdb").exists()) else {
            return skip(
                "there is no PostgreSQL under /usr/lib/postgresql, and EDGEPOS_POSTGRES_BIN names none",
            );
        };
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let is_root = status.lines().any(|line| line.split_whitespace().eq(["Uid:", "0", "0", "0", "0"]));
        let run_as = is_root.then(|| user_id("postgres").or_else(|| user_id("nobody")));
        match run_as {
            Some(None) => skip("PostgreSQL does not run as root, and there is no other user"),
            run_as => Some(Self { bin, run_as: run_as.flatten() }),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        if let Some(user) = self.run_as {
            command.uid(user).current_dir("/");
        }
        command.env_remove("PGDATA").stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    }

    /// A new server with an empty database. Each commit waits for `standbys` where there are any.
    pub(crate) fn primary(&self, folder: &Path) -> Server<'_> {
        let data = self.folder(folder, "primary");
        let text = data.to_str().unwrap();
        self.run(
            "initdb",
            &["-D", text, "-U", "edgepos", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale"],
        );
        Server::start(self, data)
    }

    fn folder(&self, parent: &Path, name: &str) -> PathBuf {
        let data = parent.join(name);
        std::fs::create_dir_all(&data).unwrap();
        // PostgreSQL refuses a folder that others may read.
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        if let Some(user) = self.run_as {
            std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755)).unwrap();
            chown(&data, Some(user), None).unwrap();
        }
        data
    }
}

fn skip(reason: &str) -> Option<Installation> {
    assert!(std::env::var_os("EDGEPOS_REQUIRE_POSTGRES").is_none(), "{reason}");
    println!("skipped: {reason}");
    None
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let numbered = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path))
    });
    numbered.max().map(|(_, path)| path.join("bin"))
}

fn user_id(name: &str) -> Option<u32> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.into_iter().find(|fields| fields.first() == Some(&name))?.get(2)?.parse().ok()
}

/// A running server. It dies with this value.
pub(crate) struct Server<'i> {
    installation: &'i Installation,
    data: PathBuf,
    pub(crate) port: u16,
    child: Child,
}

impl<'i> Server<'i> {
    fn start(installation: &'i Installation, data: PathBuf) -> Self {
        // Another process may take the port in between: then it is tried with the next.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let log = std::fs::File::create(data.with_extension("log")).unwrap();
            let child = installation
                .command("postgres")
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string()])
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
                .args(["-c", "shared_buffers=16MB", "-c", "max_connections=64", "-c", "autovacuum=off"])
                .args(["-c", "hot_standby=on", "-c", "wal_level=replica", "-c", "max_wal_senders=4"])
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            let mut server = Self { installation, data: data.clone(), port, child };
            if server.is_ready() {
                return server;
            }
        }
        panic!(
            "no server starts: {}",
            std::fs::read_to_string(data.with_extension("log")).unwrap_or_default()
        );
    }

    fn is_ready(&mut self) -> bool {
        let since = Instant::now();
        while since.elapsed() < PATIENCE && self.child.try_wait().unwrap().is_none() {
            let port = self.port.to_string();
            let ready = ["-h", "127.0.0.1", "-U", "edgepos", "-d", "postgres", "-p", &port];
            if self
                .installation
                .command("pg_isready")
                .args(ready)
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
            {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Where clients connect; with another server's, to whichever of the two takes writes.
    pub(crate) fn url(&self, other: Option<&Server<'_>>) -> String {
        let other = other.map(|other| format!(",127.0.0.1:{}", other.port)).unwrap_or_default();
        format!("postgresql://edgepos@127.0.0.1:{}{other}/postgres", self.port)
    }

    /// What a query answers, without headings.
    pub(crate) fn query(&self, sql: &str) -> String {
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-U", "edgepos", "-d", "postgres", "-p", &port, "-Atqc", sql];
        let output = self.installation.command("psql").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A standby with all that is here; from now on no commit of this server is acknowledged before the standby has it on disk.
    pub(crate) fn standby(&self, folder: &Path, name: &str) -> Server<'i> {
        let data = self.installation.folder(folder, name);
        let port = self.port.to_string();
        let text = data.to_str().unwrap();
        let from = [
            "-h",
            "127.0.0.1",
            "-U",
            "edgepos",
            "-p",
            &port,
            "-D",
            text,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ];
        self.installation.run("pg_basebackup", &from);
        let standby = Server::start(self.installation, data);
        self.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.query("SELECT pg_reload_conf()");
        let since = Instant::now();
        while self.query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
            assert!(since.elapsed() < PATIENCE, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        standby
    }

    /// It is the one that takes writes from now on, and waits for no standby.
    pub(crate) fn promote(&self) {
        // A standby has the primary's settings, and nobody confirms its commits yet.
        self.query("ALTER SYSTEM SET synchronous_standby_names = ''");
        self.query("SELECT pg_reload_conf()");
        self.query("SELECT pg_promote(true, 60)");
    }

    /// Ends without a word, and all its connections with it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
