//! Money is a whole number of minor units beside its currency; there is no floating point anywhere.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Largest quantity or amount of a line or a payment: sums of a whole receipt, and of 10⁶ receipts, stay inside 64 bits.
pub(crate) const MAX_MAGNITUDE: u64 = 1_000_000_000_000;

/// An ISO 4217 currency code, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The text is no currency code.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0:?} is no ISO 4217 code that is in use")]
pub struct CurrencyError(String);

impl CurrencyError {
    fn of(text: &str) -> Self {
        Self(text.chars().take(16).collect())
    }
}

/// The codes of ISO 4217 (list one, as published for 2026), by rising letters. BGN went with the euro in Bulgaria, ANG with the
/// Caribbean guilder.
const IN_USE: [[u8; 3]; CODES] = codes();
const CODES: usize = LIST.len() / 4;
const LIST: &str = "\
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP \
    CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS \
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR \
    MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD \
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST \
    XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ";

const fn codes() -> [[u8; 3]; CODES] {
    let (list, mut codes, mut at) = (LIST.as_bytes(), [[0; 3]; CODES], 0);
    while at < CODES {
        codes[at] = [list[4 * at], list[4 * at + 1], list[4 * at + 2]];
        at += 1;
    }
    codes
}

impl Currency {
    /// The US dollar.
    pub const USD: Self = Self(*b"USD");
    /// The euro of the euro area.
    pub const EUR: Self = Self(*b"EUR");

    /// How many decimal digits the minor unit stands for: 0 for the yen, 3 for the Kuwaiti dinar, 2 for most
    /// (ISO 4217 table A.1; a code that is not in it counts as 2).
    pub fn exponent(self) -> u8 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// What a cash rounding stays below, in minor units: one major unit, where no shop gives less than a coin of it; more where the
    /// smallest coin is, and a hundred of a currency without a minor unit.
    pub(crate) fn rounds_below(self) -> u64 {
        match &self.0 {
            b"HUF" => 500,
            b"COP" | b"TZS" => 5_000,
            b"IDR" | b"MMK" => 10_000,
            b"IRR" | b"LBP" | b"LAK" | b"UZS" => 500_000,
            b"GNF" | b"PYG" | b"UGX" | b"VND" => 1_000,
            _ => 10u64.pow(u32::from(self.exponent())).max(100),
        }
    }

    /// The code that a receipt says, which need not be in use any more: three capital letters. Goods come back in such a currency on a
    /// receipt of it that is held; whatever else is begun in it is refused.
    ///
    /// # Errors
    /// When it is not three capital letters.
    pub fn of_receipt(text: &str) -> Result<Self, CurrencyError> {
        Self::of_record(text).ok_or_else(|| CurrencyError::of(text))
    }

    /// Whether ISO 4217 lists it. A code of an old receipt need not be: it is read, and nothing new is sold in it.
    pub fn is_in_use(self) -> bool {
        IN_USE.binary_search(&self.0).is_ok()
    }

    /// The code that an event or a row says, which need not be one that is in use.
    pub(crate) fn of_record(text: &str) -> Option<Self> {
        let code = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters: checked when made")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if Self(code).is_in_use() => Ok(Self(code)),
            _ => Err(CurrencyError::of(text)),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

impl<C> minicbor::Encode<C> for Currency {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Currency {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let at = d.position();
        // An old receipt says a code that is no longer in use.
        Self::of_record(d.str()?)
            .ok_or_else(|| minicbor::decode::Error::message("expected a currency code").at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_parse_or_say_why_not() {
        assert_eq!("JPY".parse::<Currency>().unwrap().exponent(), 0);
        assert_eq!("KWD".parse::<Currency>().unwrap().exponent(), 3);
        assert_eq!(Currency::EUR.exponent(), 2);
        for bad in ["", "eur", "EURO", "E1R", "€"] {
            assert!(bad.parse::<Currency>().is_err() && Currency::of_receipt(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_list_is_that_of_2026() {
        assert!(IN_USE.is_sorted() && IN_USE.as_flattened().iter().all(u8::is_ascii_uppercase));
        for code in ["XCG", "ZWG", "XAD", "SLE", "EUR", "CHF", "MRU", "STN", "VED"] {
            assert!(code.parse::<Currency>().is_ok(), "{code}");
        }
        for code in ["BGN", "ANG", "CUC", "HRK", "SLL", "ZWL", "EUT", "UDS", "XXY", "DEM"] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
            let receipt = edgepos_wire::to_cbor(&code);
            let read: Currency = edgepos_wire::from_cbor("currency", &receipt).unwrap();
            assert_eq!((read.as_str(), read.is_in_use()), (code, false), "an old receipt still says it");
            assert_eq!(Currency::of_receipt(code), Ok(read));
        }
        let exponents =
            ["HUF", "IDR", "COP", "PKR", "RSD", "IQD", "MGA", "MRU", "ISK", "UYW", "CLF", "XOF", "TND"];
        let of = |code: &str| code.parse::<Currency>().unwrap().exponent();
        assert_eq!(exponents.map(of), [2, 2, 2, 2, 2, 3, 2, 2, 0, 4, 4, 0, 3], "ISO's, and not CLDR's");
    }
}
