//! Who belongs to a store, on the command line: replace a terminal, take one out.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgepos::core::ReplicaId;
use edgepos::{TokenFileError, read_token};
use thiserror::Error;

use crate::api::{Done, ProblemCode, Replace, Retire, WriteOff};
use crate::http::{CallError, Client};
use crate::names::parse_replica;

/// What to tell the store.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Another box takes the place of a terminal. Ask at any terminal of the store, before or after that box is there
    Replace {
        /// The number that both have
        #[arg(value_name = "NUMBER")]
        terminal: u16,
        /// The old box is there, and sells on until the new one has its place
        #[arg(long)]
        planned: bool,
        /// The running terminal that is told
        #[command(flatten)]
        till: Till,
    },
    /// Give up what a terminal that is gone for good has left unsent, as the condition `unsent` tells. Ask at any terminal of the store
    WriteOff {
        /// The number that it had
        #[arg(value_name = "NUMBER")]
        terminal: u16,
        /// The running terminal that is told
        #[command(flatten)]
        till: Till,
    },
    /// Take an incarnation out of what the store decides, for good. Ask at the terminal that leads
    Retire {
        /// The incarnation, such as 3-0123456789ab
        #[arg(value_name = "INCARNATION", value_parser = parse_replica)]
        replica: ReplicaId,
        /// The running terminal that is told
        #[command(flatten)]
        till: Till,
    },
}

/// The running terminal that is told.
#[derive(Debug, Args)]
pub struct Till {
    /// Where that terminal's till calls it
    #[arg(long = "till", value_name = "ADDR", default_value = "127.0.0.1:7101")]
    address: SocketAddr,
    /// The file with its token, where it has one
    #[arg(long = "till-token", value_name = "FILE")]
    token: Option<PathBuf>,
}

impl Till {
    fn client(&self) -> Result<Client, ActionError> {
        let token = self.token.as_ref().map(|path| {
            read_token(path).map_err(|source| ActionError(Failure::Token { path: path.clone(), source }))
        });
        Ok(Client::with_token(token.transpose()?))
    }
}

/// It was not done, or nobody knows.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ActionError(Failure);

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{}: {source}", path.display())]
    Token { path: PathBuf, source: TokenFileError },
}

impl From<CallError> for ActionError {
    fn from(error: CallError) -> Self {
        Self(error.into())
    }
}

impl ActionError {
    /// The exit status: 2 where the call makes no sense, 1 where it may at another time.
    pub(crate) fn status(&self) -> u8 {
        match &self.0 {
            Failure::Token { .. } => 2,
            Failure::Call(CallError::Refused(problem)) if problem.code == ProblemCode::BadRequest => 2,
            Failure::Call(_) => 1,
        }
    }
}

impl Action {
    /// Does it, and says what happens next.
    ///
    /// # Errors
    /// [`ActionError`]. A call whose answer was lost is made again: asked twice is asked once.
    pub async fn run(&self) -> Result<String, ActionError> {
        match self {
            Self::Replace { terminal, planned, till } => {
                let body = Replace { terminal: *terminal, planned: *planned };
                let Done {} = till.client()?.post(till.address, "/replace", &body).await?;
                Ok(format!(
                    "The store replaces terminal {terminal}. Start the new box with another name and joins = true, where it does not run\n\
                     yet; `voters` in GET /status shows when it has its place, `conditions` what it waits for.\n"
                ))
            }
            Self::WriteOff { terminal, till } => {
                let body = WriteOff { terminal: *terminal };
                let Done {} = till.client()?.post(till.address, "/write_off", &body).await?;
                Ok(format!(
                    "The store writes off what terminal {terminal} has left. What turns up all the same is taken and counted.\n"
                ))
            }
            Self::Retire { replica, till } => {
                let body = Retire { replica: replica.to_string() };
                let Done {} = till.client()?.post(till.address, "/retire", &body).await?;
                Ok(format!("The store takes {replica} out. It does not return under this name.\n"))
            }
        }
    }
}
