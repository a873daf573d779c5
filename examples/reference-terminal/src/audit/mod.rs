//! `audit`: compares what tills and the cloud hold, chain by chain, by the hashes where each ends. One hash vouches for all that lies
//! before it, so that no event is read but where histories part.

mod holder;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use edgepos::core::{Chain, EventId, Seq, StoreId};

pub use self::holder::AuditError;
use self::holder::Holder;

/// Whom to compare. A till's file may be open in a running till.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The SQLite files of tills.
    pub tills: Vec<PathBuf>,
    /// The cloud's SQLite file, and the store that is looked at in it.
    pub cloud: Option<(PathBuf, StoreId)>,
    /// The address of a running cloud, and the store that is looked at in it.
    pub cloud_at: Option<(SocketAddr, StoreId)>,
}

/// What came of the comparison.
#[derive(Debug)]
pub struct Findings {
    chains: Vec<Line>,
}

/// One chain.
#[derive(Debug)]
struct Line {
    chain: Chain,
    /// Who holds it how far; 0 is nothing of it.
    ends: Vec<(String, Seq)>,
    /// Two that hold different histories of it, and the last position at which they agree.
    forks: Vec<(String, String, Seq)>,
    /// Two of which one has no hash where the other ends.
    unknown: Vec<(String, String)>,
}

/// Compares everybody with everybody.
///
/// # Errors
/// When one of them cannot be read at all.
pub async fn compare(options: &Options) -> Result<Findings, AuditError> {
    let mut holders = Vec::new();
    for path in &options.tills {
        holders.push(Holder::till(path)?);
    }
    if let Some((path, store)) = &options.cloud {
        holders.push(Holder::cloud(path, *store)?);
    }
    if let Some((address, store)) = options.cloud_at {
        holders.push(Holder::cloud_at(address, store).await?);
    }
    let all: BTreeSet<Chain> = holders.iter().flat_map(|holder| holder.heads().keys().copied()).collect();
    let mut chains = Vec::new();
    for chain in all {
        chains.push(look(chain, &holders).await?);
    }
    Ok(Findings { chains })
}

async fn look(chain: Chain, holders: &[Holder]) -> Result<Line, AuditError> {
    let end = |holder: &Holder| holder.heads().get(&chain).copied();
    let ends = holders
        .iter()
        .map(|holder| (holder.name().to_owned(), end(holder).map_or(Seq::ZERO, |(seq, _)| seq)));
    let mut line = Line { chain, ends: ends.collect(), forks: Vec::new(), unknown: Vec::new() };
    for (at, one) in holders.iter().enumerate() {
        for other in &holders[at + 1..] {
            let (Some(a), Some(b)) = (end(one), end(other)) else { continue };
            // Where the one that holds less ends, the other must have the same.
            let (short, (seq, hash), long) = if a.0 <= b.0 { (one, a, other) } else { (other, b, one) };
            match long.hash(EventId::new(chain, seq)).await? {
                Some(same) if same == hash => {}
                Some(_) => {
                    let parting = parting(chain, seq, short, long).await?;
                    line.forks.push((one.name().into(), other.name().into(), parting));
                }
                None => line.unknown.push((one.name().into(), other.name().into())),
            }
        }
    }
    Ok(line)
}

/// The last position at which both have the same hash, found by halves; they differ at `differs`.
async fn parting(chain: Chain, differs: Seq, one: &Holder, other: &Holder) -> Result<Seq, AuditError> {
    let (mut same, mut differs) = (0, differs.0);
    while differs - same > 1 {
        let middle = same + (differs - same) / 2;
        let id = EventId::new(chain, Seq(middle));
        let (a, b) = (one.hash(id).await?, other.hash(id).await?);
        if a.is_some() && a == b { same = middle } else { differs = middle }
    }
    Ok(Seq(same))
}

impl Findings {
    /// Whether no chain has two histories, and each could be compared.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.chains.iter().all(|line| line.forks.is_empty() && line.unknown.is_empty())
    }

    /// Whether everybody also holds every chain as far as everybody else.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.agree() && self.chains.iter().all(|line| !line.is_behind())
    }
}

impl Line {
    fn is_behind(&self) -> bool {
        let furthest = self.ends.iter().map(|(_, seq)| *seq).max();
        self.ends.iter().any(|(_, seq)| Some(*seq) != furthest)
    }
}

/// A line for each chain, what is wrong below it, and a sum at the end.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &self.chains {
            let Line { chain, ends, forks, unknown } = line;
            let state = match () {
                () if !forks.is_empty() => "forked",
                () if !unknown.is_empty() => "unknown",
                () if line.is_behind() => "behind",
                () => "same",
            };
            *sums.entry(state).or_default() += 1;
            let ends: Vec<String> = ends.iter().map(|(name, seq)| format!("{name} {seq}")).collect();
            writeln!(f, "{state:<8} {chain}  {}", ends.join(", "))?;
            for (one, other, same) in forks {
                writeln!(f, "         {one} and {other} differ behind position {same}")?;
            }
            for (one, other) in unknown {
                writeln!(f, "         {one} and {other} cannot be compared: an event is pruned or damaged")?;
            }
        }
        let of = |state| sums.get(state).copied().unwrap_or(0);
        writeln!(
            f,
            "{} chains: {} the same, {} behind, {} unknown, {} forked",
            self.chains.len(),
            of("same"),
            of("behind"),
            of("unknown"),
            of("forked")
        )
    }
}
