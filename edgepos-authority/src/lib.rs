//! The authority of a store: who belongs to it, signed with a key that is on no terminal.
//!
//! An [`Authority`] is a directory, on a machine of the back office or in the cloud. It makes certificates and the signed
//! [`Roster`](edgepos::identity::Roster), which says whose certificate counts. A terminal comes to its own by [`enrol`], with a token that
//! somebody types, or by a directory that is carried to it:
//!
//! ```
//! use edgepos::core::{StoreId, WallMs};
//! use edgepos::identity::Identity;
//! use edgepos_authority::{Authority, Holder};
//!
//! let (dir, now) = (tempfile::tempdir()?, WallMs(1_700_000_000_000));
//! let store = StoreId([7; 16]);
//! let mut authority = Authority::create(&dir.path().join("authority"), store, now)?;
//! authority.issue(3, Holder::First, &dir.path().join("till-3"), now)?;
//! Identity::read(&dir.path().join("till-3"), store, 3)?;
//!
//! // Stolen: whoever hears the next roster closes its connections and lets it in no more.
//! authority.revoke(3, now)?;
//! assert!(authority.roster().members.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod authority;
mod certify;
mod deliver;
mod enrolment;
mod frame;
mod join;
mod token;

pub use authority::{Authority, AuthorityError, Holder, Issued};
pub use certify::CertifyError;
pub use deliver::{DeliverError, deliver};
pub use enrolment::{ENROLMENT_TIME, EnrolError, Enrolled, Invitation, MAX_FAILURES, enrol};
pub use join::{JoinError, Joined, join};
pub use token::{Token, TokenError};
