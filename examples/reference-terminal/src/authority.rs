//! The authority of a store on the command line, and the enrolment of a box by it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgepos::core::{StoreId, WallMs};
use edgepos::{Clock, SystemClock};
use edgepos_authority::{
    Authority, AuthorityError, DeliverError, EnrolError, Holder, Invitation, JoinError, Token, deliver,
    enrol, join,
};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::names::{NameError, parse_16};

/// What an authority does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make the authority of a store: a key, which stays in this directory, and an empty roster
    New {
        /// The store, 32 hexadecimal digits
        #[arg(long, value_name = "ID", value_parser = store)]
        store: StoreId,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Enrol a box over the network: shows a token that is good for a quarter of an hour and for one use, and waits for it
    Enrol {
        /// Whom it is for
        #[command(flatten)]
        whom: Whom,
        /// Where to wait
        #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:7300")]
        listen: SocketAddr,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Make the identity of a box here, to be carried to it
    Issue {
        /// Whom it is for
        #[command(flatten)]
        whom: Whom,
        /// The directory to make
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Give the certificate in this directory another 400 days; the terminal goes by it from its next start
    Renew {
        /// The identity, or a copy of it without key.pem
        #[arg(long, value_name = "DIR")]
        identity: PathBuf,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Take a terminal off the roster, and tell the store with `push`
    Revoke {
        /// The terminal's number
        #[arg(value_name = "NUMBER")]
        terminal: u16,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Hand the roster to running terminals; each of them tells those that it is connected to
    Push {
        /// A running terminal and where the others call it, such as 2=192.168.0.2:7201
        #[arg(long = "to", value_name = "N=ADDR", required = true, value_parser = place)]
        to: Vec<(u16, String)>,
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
    /// Show who is on the roster
    Show {
        /// The authority's directory
        #[command(flatten)]
        at: Directory,
    },
}

/// The directory of an authority.
#[derive(Debug, Args)]
pub struct Directory {
    /// The authority's directory
    #[arg(long = "dir", value_name = "DIR", default_value = "authority")]
    directory: PathBuf,
}

/// A terminal that comes to a store.
#[derive(Debug, Args)]
pub struct Whom {
    /// The terminal's number
    #[arg(value_name = "NUMBER")]
    terminal: u16,
    /// The box that has this number is dead or stolen: its key is taken off the roster
    #[arg(long, conflicts_with = "beside")]
    in_place: bool,
    /// The box that has this number goes on until this one has its place
    #[arg(long)]
    beside: bool,
}

/// Enrols this box.
#[derive(Debug, Args)]
pub struct Enrol {
    /// The token that the authority shows
    #[arg(long, value_name = "TOKEN")]
    token: Token,
    /// Where the authority waits, host:port
    #[arg(long, value_name = "ADDR")]
    at: String,
    /// The identity's directory, to be named as `identity` in the terminal's configuration
    #[arg(long, value_name = "DIR", default_value = "identity")]
    out: PathBuf,
}

/// It was not done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ActionError {
    /// The authority's files, or what was asked of it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Nobody was enrolled.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// This box was not enrolled.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// A terminal was not told.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the call beneath it says.
        source: io::Error,
    },
}

impl ActionError {
    /// The exit status: 2 where the call makes no sense, 1 where it may at another time.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Authority(_) | Self::Listen { .. } => 2,
            Self::Enrol(_) | Self::Join(_) | Self::Deliver(_) => 1,
        }
    }
}

impl Whom {
    fn holder(&self) -> Holder {
        match (self.in_place, self.beside) {
            (true, _) => Holder::InPlace,
            (false, true) => Holder::Beside,
            (false, false) => Holder::First,
        }
    }
}

impl Action {
    /// Does it, and says what happens next.
    ///
    /// # Errors
    /// [`ActionError`].
    pub async fn run(&self) -> Result<String, ActionError> {
        match self {
            Self::New { store, at } => {
                Authority::create(&at.directory, *store, now())?;
                let place = at.directory.display();
                Ok(format!(
                    "{place} is the authority of store {store}. Whoever has this directory can make terminals of the store: keep it off\n\
                     the tills, and a copy locked away.\n"
                ))
            }
            Self::Enrol { whom, listen, at } => enrolment(whom, *listen, at).await,
            Self::Issue { whom, out, at } => {
                let mut authority = Authority::open(&at.directory)?;
                let key = authority.issue(whom.terminal, whom.holder(), out, now())?;
                let (terminal, out) = (whom.terminal, out.display());
                Ok(format!(
                    "{out} is the identity of terminal {terminal}, key {key}. Name it as `identity` there.\n"
                ))
            }
            Self::Renew { identity, at } => {
                let terminal = Authority::open(&at.directory)?.renew(identity, now())?;
                Ok(format!(
                    "The certificate of terminal {terminal} is renewed; it counts from its next start.\n"
                ))
            }
            Self::Revoke { terminal, at } => {
                let mut authority = Authority::open(&at.directory)?;
                let keys = authority.revoke(*terminal, now())?;
                let version = authority.roster().version;
                Ok(format!(
                    "Version {version} of the roster lists terminal {terminal} no more ({keys} keys). Now tell one running terminal: \
                     authority push\n"
                ))
            }
            Self::Push { to, at } => {
                let authority = Authority::open(&at.directory)?;
                let mut said = String::new();
                for (terminal, address) in to {
                    deliver(&authority, *terminal, address, now()).await?;
                    said.push_str(&format!(
                        "terminal {terminal} has version {}\n",
                        authority.roster().version
                    ));
                }
                Ok(said)
            }
            Self::Show { at } => {
                let authority = Authority::open(&at.directory)?;
                let roster = authority.roster();
                let mut said = format!("store {}, version {}\n", roster.store, roster.version);
                for member in &roster.members {
                    said.push_str(&format!("terminal {}: key {}\n", member.terminal, member.key));
                }
                Ok(said)
            }
        }
    }
}

async fn enrolment(whom: &Whom, address: SocketAddr, at: &Directory) -> Result<String, ActionError> {
    let mut authority = Authority::open(&at.directory)?;
    let listen = |source| ActionError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let place = listener.local_addr().map_err(listen)?;
    let show = |token: &Token| {
        // Whoever started this may have closed the pipe: then nobody comes with the token.
        let _ = writeln!(io::stdout(), "TOKEN {token}\nWAITING {place}");
    };
    let enrolled =
        enrol(&mut authority, Invitation::new(whom.terminal, whom.holder()), &listener, now, show).await?;
    Ok(format!(
        "Terminal {} is enrolled with key {}, after {} wrong tokens. The store hears of it when it connects.\n",
        whom.terminal, enrolled.key, enrolled.failures
    ))
}

impl Enrol {
    /// Does it, and says what happens next.
    ///
    /// # Errors
    /// [`ActionError`].
    pub async fn run(&self) -> Result<String, ActionError> {
        let joined = join(&self.token, &self.at, &self.out).await?;
        Ok(format!(
            "This box is terminal {} of store {}. Name {} as `identity` in its configuration.\n",
            joined.terminal,
            joined.store,
            self.out.display()
        ))
    }
}

fn now() -> WallMs {
    SystemClock::new().now().wall
}

fn store(text: &str) -> Result<StoreId, NameError> {
    parse_16(text).map(StoreId)
}

/// It is not a terminal and its address.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("expected N=host:port, such as 2=192.168.0.2:7201")]
struct PlaceError;

fn place(text: &str) -> Result<(u16, String), PlaceError> {
    let (number, address) = text.split_once('=').ok_or(PlaceError)?;
    let number = number.parse().ok().filter(|number| *number > 0).ok_or(PlaceError)?;
    let has_port =
        address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if has_port { Ok((number, address.to_owned())) } else { Err(PlaceError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_or_say_why_not() {
        assert_eq!(place("2=192.168.0.2:7201"), Ok((2, "192.168.0.2:7201".into())));
        assert_eq!(place("2=till-2:7201"), Ok((2, "till-2:7201".into())));
        for bad in ["", "2", "2=", "2=till", "0=till:1", "x=till:1", "2=:1", "2=till:x"] {
            assert_eq!(place(bad), Err(PlaceError), "{bad}");
        }
    }
}
