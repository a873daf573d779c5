//! Product codes: every form of one trade item's number is one key, whoever scanned or typed it: the number itself, with the identifier
//! of its bar code or without, a GS1 symbol or a Digital Link that names it.

use edgepos_core::{ElementString, Gtin};

use super::redact::is_card_number;

/// The key of a product in sales, stock, prices and questions: the fourteen digits of a GTIN for each of its forms, and any other code
/// as it is. What stands around it, such as the line end of a scanner, is no part of it.
pub(crate) fn key(code: &str) -> String {
    let code = trimmed(code);
    let gtin = match Scanned::of(code) {
        Some(Scanned::Elements(elements)) => elements.gtin(),
        Some(Scanned::Number(gtin)) => Some(gtin),
        Some(Scanned::Unreadable(_)) => None,
        None => Gtin::of_label(code).ok(),
    };
    gtin.map_or_else(|| code.to_owned(), |gtin| gtin.to_string())
}

/// The lot that a scanned symbol or link names beside the product; where it names none, the serial number.
pub(crate) fn lot(code: &str) -> Option<String> {
    match Scanned::of(trimmed(code)) {
        Some(Scanned::Elements(elements)) => elements.get("10").or(elements.get("21")).map(str::to_owned),
        _ => None,
    }
}

/// What a scanner read that says more than a number.
enum Scanned {
    Elements(ElementString),
    /// The number of a bar code of the EAN and UPC family.
    Number(Gtin),
    Unreadable(&'static str),
}

impl Scanned {
    /// `None` for a number, and for a code that is a shop's own.
    fn of(code: &str) -> Option<Self> {
        if let Some(scanned) = ean_upc(code) {
            return Some(scanned.map_or_else(Self::Unreadable, Self::Number));
        }
        if ElementString::is_symbol(code) {
            let unreadable =
                Self::Unreadable("the GS1 symbol cannot be read: check its separators and check digits");
            return Some(ElementString::parse(code).map_or(unreadable, Self::Elements));
        }
        if let Some(elements) = ElementString::from_digital_link(code) {
            return Some(Self::Elements(elements));
        }
        let is_link = code.contains("://") && ["/01/", "/gtin/"].iter().any(|key| code.contains(key));
        is_link.then_some(Self::Unreadable("the Digital Link cannot be read: check its numbers"))
    }
}

/// What stands behind the identifier of a bar code of the EAN and UPC family (ISO/IEC 15424): `]E0`, an EAN-13, or a UPC without the
/// zeros before it; `]E3`, the same with two or five digits more, an issue of what it names; `]E4`, an EAN-8.
fn ean_upc(code: &str) -> Option<Result<Gtin, &'static str>> {
    let rest = code.strip_prefix("]E")?;
    // What begins with another sign is a code of the shop's own.
    let identifier = rest.chars().next().filter(|sign| ('0'..='4').contains(sign))?;
    let digits = &rest[1..];
    let number = match (identifier, digits.len()) {
        ('0', 8) => Gtin::from_upc_e(digits),
        ('0', 12 | 13) | ('4', 8) => Gtin::parse(digits),
        ('3', 15 | 18) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Gtin::parse(&digits[..13]),
        ('1' | '2', _) => return Some(Err("what was scanned is an addition to a number: scan the number")),
        _ => return Some(Err(EAN_UPC)),
    };
    Some(number.map_err(|_| EAN_UPC))
}

const EAN_UPC: &str = "the number behind the identifier cannot be read: check its length and its check digit";

/// The key as the bytes of a counter. What is no text is a vendor's own, and stays as it is.
pub(crate) fn key_of_bytes(code: &[u8]) -> Vec<u8> {
    std::str::from_utf8(code).map_or_else(|_| code.to_vec(), |code| key(code).into_bytes())
}

/// The key of a product that is being entered.
///
/// # Errors
/// When the code has the length of a GTIN, consists of digits, and the last is not their check digit: a misread label would become a
/// product of its own. When it is empty, holds control characters or is a card number.
pub(crate) fn check(code: &str) -> Result<String, &'static str> {
    let trimmed = trimmed(code);
    match Scanned::of(trimmed) {
        Some(Scanned::Elements(elements)) => {
            let gtin = elements.gtin().map(|gtin| gtin.to_string());
            return gtin.ok_or("what was scanned names no trade item (01)");
        }
        Some(Scanned::Number(gtin)) => return Ok(gtin.to_string()),
        Some(Scanned::Unreadable(reason)) => return Err(reason),
        None => {}
    }
    if trimmed.is_empty() || trimmed.len() > MAX_CODE {
        return Err("a product code has 1 to 64 bytes");
    }
    if trimmed.chars().any(char::is_control) {
        return Err("a product code has no control characters");
    }
    let of_gtin =
        matches!(trimmed.len(), 8 | 12 | 13 | 14) && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    // One that was misread may look like a card number of as many digits.
    if of_gtin && Gtin::of_label(trimmed).is_err() {
        return Err("the last digit of the product code is not its check digit");
    }
    if is_card_number(trimmed) {
        return Err("the product code is a card number");
    }
    Ok(key(trimmed))
}

/// Longest code, in bytes.
const MAX_CODE: usize = 64;

fn trimmed(code: &str) -> &str {
    code.trim_matches(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A German EAN that was misread has as many digits as a Visa card of long ago, and may pass its check.
    #[test]
    fn a_misread_number_is_told_its_check_digit() {
        assert!(is_card_number("4006381333932"));
        assert!(check("4006381333932").is_err_and(|reason| reason.contains("check digit")));
    }

    #[test]
    fn every_form_of_one_number_is_one_key() {
        for form in
            ["0012345678905", "012345678905", "00012345678905", "0012345678905\r", "\t012345678905 \r\n"]
        {
            assert_eq!(key(form), "00012345678905", "{form:?}");
            assert_eq!(check(form).as_deref(), Ok("00012345678905"), "{form:?}");
        }
        assert_eq!(key("01234565"), key("012345000065"), "UPC-E");
        assert_eq!(key_of_bytes(b"012345678905"), b"00012345678905");
    }

    const ITEM: &str = "09506000134352";

    #[test]
    fn symbols_and_links_are_the_item_that_they_name() {
        for (form, lot_or_serial) in [
            ("]C1010950600013435210ABC\u{1d}17261231", Some("ABC")),
            ("]C1\u{1d}010950600013435221X7", Some("X7")),
            ("]e001095060001343523103000345", None),
            ("]d20109506000134352\u{1d}10A\u{1d}21B\r\n", Some("A")),
            ("]Q3392212\u{1d}0109506000134352", None),
            ("010950600013435210ABC\u{1d}17261231", Some("ABC")),
            ("https://id.gs1.org/01/09506000134352/10/A%2FB?17=261231", Some("A/B")),
            ("http://shop.example/p/gtin/9506000134352", None),
        ] {
            assert_eq!(key(form), ITEM, "{form:?}");
            assert_eq!(check(form).as_deref(), Ok(ITEM), "{form:?}");
            assert_eq!(lot(form).as_deref(), lot_or_serial, "{form:?}");
        }
        assert_eq!((key("9506000134352"), lot("9506000134352")), (ITEM.to_owned(), None));
    }

    #[test]
    fn a_number_with_the_identifier_of_its_bar_code_is_the_number() {
        for (form, number) in [
            ("]E04006381333931", "4006381333931"),
            ("]E04006381333931\r\n", "4006381333931"),
            ("]E00012345678905", "012345678905"),
            ("]E0012345678905", "012345678905"),
            ("]E001234565", "012345000065"),
            ("]E3400638133393112", "4006381333931"),
            ("]E3400638133393112345", "4006381333931"),
            ("]E02300123403459", "2300123403459"),
        ] {
            assert_eq!(check(form), Ok(key(number)), "{form:?}");
            assert_eq!((key(form), lot(form)), (key(number), None), "{form:?}");
        }
        // Eight digits that would be a UPC-E without the identifier.
        assert_eq!(key("]E401234565"), "00000001234565");
        for code in [
            "]E0",
            "]E04006381333930",
            "]E04006381333931x",
            "]E0400638133393",
            "]E096385074",
            "]E112",
            "]E212345",
            "]E34006381333931",
            "]E3400638133393099",
            "]E340063813339311é",
            "]E496385075",
            "]E44006381333931",
        ] {
            assert!(check(code).is_err(), "{code}");
            assert_eq!(key(code), code, "what is on record stays itself");
        }
    }

    #[test]
    fn what_was_scanned_and_names_no_item_makes_no_product() {
        for code in [
            "]C10109506000134351",
            "]C1010950600013435",
            "]C1",
            "]C1ABC",
            "]C1021950600013435210A",
            "]C100123456789012345675",
            "]e010ABC",
            "https://id.gs1.org/01/09506000134351",
            "https://id.gs1.org/01/09506000134352/10",
            "https://id.gs1.org/gtin/",
        ] {
            assert!(check(code).is_err(), "{code}");
            assert_eq!(key(code), code, "what is on record stays itself");
        }
        for own in ["https://shop.example/milk", "]E94006381333931", "]Ex", "01095060001343521"] {
            assert_eq!(check(own).as_deref(), Ok(own));
        }
    }

    #[test]
    fn other_codes_stay_as_they_are() {
        for code in [
            "milk",
            "5978656",
            "P01",
            "007",
            "4011",
            "0012345678905x",
            "123456789",
            "4006381333931-2",
            "fuel 95",
            "é",
        ] {
            assert_eq!(key(code), code);
            assert_eq!(check(code).as_deref(), Ok(code));
        }
        assert_eq!(key_of_bytes(&[0xFF, 1]), [0xFF, 1]);
        assert_eq!(
            key("0012345678906"),
            "0012345678906",
            "what is on record with a wrong digit stays itself"
        );
    }

    #[test]
    fn a_misread_label_makes_no_product() {
        for code in
            ["0012345678906", "012345678906", "00012345678906", "12345678", "01234566", "0012345678906\r"]
        {
            assert!(check(code).is_err(), "{code}");
        }
        for code in ["", " ", "\r\n", "a\rb", &"x".repeat(65)] {
            assert!(check(code).is_err(), "{code:?}");
        }
    }
}
