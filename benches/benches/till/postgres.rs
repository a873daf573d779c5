//! The same in PostgreSQL, where it is on the machine, sold by its own `pgbench` over its socket.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use thiserror::Error;

use crate::measure::Figures;
use crate::sale::{LINES, PRODUCTS};

/// Why PostgreSQL is not measured.
#[derive(Debug, Error)]
pub(crate) enum ServerError {
    #[error("{0} is not on this machine")]
    Missing(String),
    #[error("{doing}: {source}")]
    System { doing: String, source: std::io::Error },
    #[error("{program}: {said}")]
    Failed { program: String, said: String },
}

/// A server that ends with the value.
struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
}

/// Sells with so many callers, each with a connection of its own.
///
/// # Errors
/// [`ServerError`], where there is no PostgreSQL or it does not run.
pub(crate) fn sell(callers: usize, sales: usize) -> Result<Figures, ServerError> {
    let server = Server::start()?;
    let mut schema = String::from(
        "CREATE TABLE sale (id bigserial PRIMARY KEY, body text NOT NULL);
         CREATE TABLE key (key uuid PRIMARY KEY);
         CREATE TABLE stock (product int PRIMARY KEY, quantity bigint NOT NULL);",
    );
    schema.push_str(&format!("INSERT INTO stock SELECT p, 0 FROM generate_series(0, {PRODUCTS} - 1) p;"));
    server.run("psql", &["-q", "-d", "postgres", "-c", &schema])?;
    let script = server.folder.path().join("sale.sql");
    std::fs::write(&script, transaction()).map_err(system("writing the script"))?;
    let (clients, each) = (callers.to_string(), (sales / callers).to_string());
    let file = script.display().to_string();
    let told = server.run(
        "pgbench",
        &["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-t", &each, "-f", &file, "postgres"],
    )?;
    let rate = told
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse::<f64>().ok())
        .ok_or_else(|| ServerError::Failed {
            program: "pgbench".into(),
            said: format!("no rate in {told:?}"),
        })?;
    let sales = sales / callers * callers;
    let time = Duration::from_secs_f64(sales as f64 / rate);
    Ok(Figures { sales, time, bytes: None, commits: None, writes: None, latency: None })
}

/// One sale; rows of stock in a fixed order, so that callers do not wait for each other in a circle.
fn transaction() -> String {
    let mut script = String::new();
    for line in 0..LINES as u64 {
        let (from, to) = (line * PRODUCTS / LINES as u64, (line + 1) * PRODUCTS / LINES as u64 - 1);
        script.push_str(&format!("\\set p{line} random({from}, {to})\n"));
    }
    script.push_str("BEGIN;\nINSERT INTO sale (body) VALUES (repeat('x', 785));\nINSERT INTO key VALUES (gen_random_uuid());\n");
    for line in 0..LINES {
        script.push_str(&format!("UPDATE stock SET quantity = quantity - 1 WHERE product = :p{line};\n"));
    }
    script.push_str("COMMIT;\n");
    script
}

impl Server {
    fn start() -> Result<Self, ServerError> {
        let found = Command::new("pg_config").arg("--bindir").output();
        let bin = match found {
            Ok(output) if output.status.success() => {
                PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
            }
            _ => on_path("initdb").ok_or_else(|| ServerError::Missing("initdb".into()))?,
        };
        let server = Self { folder: tempfile::tempdir().map_err(system("making a folder"))?, bin };
        let data = server.folder.path().join("data").display().to_string();
        server.run("initdb", &["-D", &data, "-U", "till", "-A", "trust", "--no-sync"])?;
        let socket = server.folder.path().display().to_string();
        let options = format!("-k {socket} -c listen_addresses='' -c fsync=on -c synchronous_commit=on");
        let log = server.folder.path().join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"])?;
        Ok(server)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ServerError> {
        let path = Some(self.bin.join(program)).filter(|path| path.exists());
        let path = path.or_else(|| on_path(program).map(|folder| folder.join(program)));
        let path = path.ok_or_else(|| ServerError::Missing(program.to_owned()))?;
        let Output { status, stdout, stderr } = Command::new(path)
            .args(arguments)
            .env("PGHOST", self.folder.path())
            .env("PGUSER", "till")
            .stdin(Stdio::null())
            .output()
            .map_err(system(program))?;
        if !status.success() {
            let said = String::from_utf8_lossy(&stderr);
            let said = said.lines().last().unwrap_or("it failed").to_owned();
            return Err(ServerError::Failed { program: program.to_owned(), said });
        }
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.path().join("data").display().to_string();
        // Where it never ran there is nothing to stop.
        let _ = self.run("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]);
    }
}

fn system(doing: &str) -> impl FnOnce(std::io::Error) -> ServerError + '_ {
    move |source| ServerError::System { doing: doing.to_owned(), source }
}

/// The folder on the search path that has this program.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder: &PathBuf| Path::new(folder).join(program).exists())
}
