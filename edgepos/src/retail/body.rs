//! What an event says beside its envelope, by the table of kinds.

use edgepos_wire::{DecodeError, from_cbor};

use super::envelope::Envelope;
use super::kind::{Kind, KnownKind, each_kind};

/// The type of a body, by its form in the table.
macro_rules! held {
    (cbor $body:path) => { $body };
    (boxed $body:path) => { Box<$body> };
    (opaque) => { Vec<u8> };
}

/// Reads a body, by its form in the table.
macro_rules! read {
    (opaque $name:literal $bytes:ident) => {
        $bytes.clone()
    };
    ($form:ident $name:literal $bytes:ident) => {
        from_cbor($name, $bytes)?
    };
}

macro_rules! bodies {
    ($($(#[$doc:meta])+ $code:literal $constant:ident $variant:ident $name:literal $lane:ident $subject:ident
        $form:ident $($first:ident $(:: $rest:ident)*)?;)+) => {
        $($(
            // Two kinds may have one body: through globs it may come twice.
            #[allow(non_snake_case, unused_imports, unreachable_pub, reason = "one of the two is not needed")]
            mod $constant {
                pub use super::super::$first$(::$rest)*;
            }
            #[allow(unused_imports, unreachable_pub, reason = "one of the two is not needed")]
            pub use $constant::*;
        )?)+

        /// The body of an event, decoded. A vendor that puts a body of its own under a kind reads [`Envelope::body`] itself.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        #[non_exhaustive]
        pub enum Body {
            $($(#[$doc])+ $variant(held!($form $(super::$first$(::$rest)*)?)),)+
            /// A kind of a later version, and its bytes.
            Unknown(Kind, #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))] Vec<u8>),
        }

        impl Envelope {
            /// Reads the body by the event's kind.
            ///
            /// ```
            /// use edgepos::crdt::Hlc;
            /// use edgepos::model::{Body, Envelope, Kind};
            ///
            /// let later = Envelope::new(Kind(999), 0, Hlc(1), vec![7]);
            /// match later.read_body()? {
            ///     Body::Transaction(sale) => println!("{} lines, {} in minor units", sale.lines.len(), sale.total),
            ///     Body::Custom(bytes) => println!("{} bytes of our own", bytes.len()),
            ///     Body::Unknown(kind, bytes) => assert_eq!((kind, bytes), (Kind(999), vec![7])),
            ///     other => println!("{other:?}"),
            /// }
            /// # Ok::<(), edgepos::model::DecodeError>(())
            /// ```
            ///
            /// # Errors
            /// When the bytes are no body of that kind.
            pub fn read_body(&self) -> Result<Body, DecodeError> {
                let Some(kind) = self.kind.known() else {
                    return Ok(Body::Unknown(self.kind, self.body.clone()));
                };
                let bytes = &self.body;
                Ok(match kind {
                    $(KnownKind::$variant => Body::$variant(read!($form $name bytes)),)+
                })
            }
        }
    };
}

each_kind!(bodies);

#[cfg(test)]
mod tests {
    use edgepos_crdt::Hlc;
    use edgepos_wire::to_cbor;

    use super::*;

    #[test]
    fn a_body_is_read_by_its_kind() {
        let opened = DayOpened { day: 20_260_130, float: 5_000, cash: None, store: None };
        let envelope = Envelope::new(Kind::DAY_OPENED, 0, Hlc(1), to_cbor(&opened));
        assert_eq!(envelope.read_body(), Ok(Body::DayOpened(opened)));
        let own = Envelope::new(Kind::CUSTOM, 0, Hlc(1), vec![7]);
        assert_eq!(own.read_body(), Ok(Body::Custom(vec![7])));
        let later = Envelope::new(Kind(999), 0, Hlc(1), vec![8]);
        assert_eq!(later.read_body(), Ok(Body::Unknown(Kind(999), vec![8])));
        let broken = Envelope::new(Kind::TRANSACTION, 0, Hlc(1), vec![0xff]);
        assert!(broken.read_body().is_err());
    }
}
