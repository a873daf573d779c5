//! One behaviour in each file.

#![allow(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod support;

mod all_terminals_down;
mod cloned_disk;
mod config_contradictions;
mod decisions_once;
mod deterministic;
mod durable_first;
mod everything_at_once;
mod false_refusals;
mod flapping_link;
mod formats;
mod fuzzed;
mod hostile_messages;
mod impossible_messages;
mod impossible_rows;
mod leader_crash;
mod leader_stopped;
mod lost_disk;
mod membership;
mod one_leader_per_term;
mod one_way_partition;
mod partition_majority;
mod partition_minority;
mod passive_voter;
mod peer_lost;
mod persisted_form;
mod profile_fast;
mod profile_relaxed;
mod quorum_lost_within_lease;
mod reports;
mod restart_from_store;
mod restored_disk;
mod single_terminal;
mod slow_disk;
mod slow_leader;
mod snapshot_lost;
mod split_brain;
mod step_down;
mod term_inflation;
mod two_terminals;
mod unknown_voter;
