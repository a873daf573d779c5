//! Checkers of the folding rules: every interleaving of a small store, and long random runs of a larger one with faults. Both run the
//! crate's own code, with each rule broken in turn to show that they would notice.

mod model;
mod simulation;
mod truth;
