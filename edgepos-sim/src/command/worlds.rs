//! The subcommand that explores small worlds.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;
use edgepos_sim::small::{Limits, WORLDS, World, explore, replay};

/// Explores small worlds.
#[derive(Debug, Args)]
pub(crate) struct Worlds {
    /// Explores this world alone.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(WORLDS.iter().map(|world| world.name)))]
    name: Option<String>,
    /// Longest path before faults are over, in steps.
    #[arg(long, value_name = "N", default_value_t = 60)]
    depth: usize,
    /// Most states of each world.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    states: usize,
    /// Explores the worlds too that take longer than a minute.
    #[arg(long)]
    long: bool,
    /// A world that is not explored to its end is a failure.
    #[arg(long)]
    complete: bool,
    /// With --name: walks this one path, which an exploration printed, and shows everything that happens.
    #[arg(long, value_name = "CHOICES", value_delimiter = '.', requires = "name")]
    path: Option<Vec<usize>>,
}

impl Worlds {
    pub(super) fn run(&self) -> ExitCode {
        let is_chosen = |world: &&World| match &self.name {
            Some(name) => *name == world.name,
            None => self.long || !world.long,
        };
        let chosen = WORLDS.iter().filter(is_chosen).copied();
        if let Some(path) = &self.path {
            chosen.flat_map(|world| replay(world, path)).for_each(|line| println!("{line}"));
            return ExitCode::SUCCESS;
        }
        println!(
            "no symmetry: ids decide what counts, so states that differ in who is who are different states"
        );
        let limits = Limits { depth: self.depth, states: self.states };
        let mut bad = false;
        for world in chosen {
            println!("{}: {}", world.name, world.about);
            let began = Instant::now();
            let found = explore(world, limits);
            println!(
                "  {} states by {} steps ({} led to a state that was known), {} brought to rest, longest path {}, {}, {:.1} s",
                found.states,
                found.steps,
                found.merged,
                found.settled,
                found.deepest,
                if found.complete { "to the end" } else { "cut short" },
                began.elapsed().as_secs_f64()
            );
            bad |= self.complete && !found.complete;
            if let Some(failure) = found.failure {
                bad = true;
                failure.violations.iter().for_each(|violation| println!("  BROKEN {violation}"));
                failure.steps.iter().for_each(|step| println!("    {step}"));
                let path: Vec<String> = failure.path.iter().map(usize::to_string).collect();
                let path = path.join(".");
                println!(
                    "  replay: cargo run --release -p edgepos-sim -- worlds --name {} --path {path}",
                    world.name
                );
            }
        }
        ExitCode::from(u8::from(bad))
    }
}
