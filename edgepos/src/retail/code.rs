//! Product codes: every form of one trade item's number is one key, whoever scanned or typed it.

use edgepos_core::Gtin;

/// The key of a product in sales, stock, prices and questions: the fourteen digits of a GTIN for each of its forms, and any other code
/// as it is. What stands around it, such as the line end of a scanner, is no part of it.
pub(crate) fn key(code: &str) -> String {
    let code = trimmed(code);
    Gtin::of_label(code).map_or_else(|_| code.to_owned(), |gtin| gtin.to_string())
}

/// The key as the bytes of a counter. What is no text is a vendor's own, and stays as it is.
pub(crate) fn key_of_bytes(code: &[u8]) -> Vec<u8> {
    std::str::from_utf8(code).map_or_else(|_| code.to_vec(), |code| key(code).into_bytes())
}

/// The key of a product that is being entered.
///
/// # Errors
/// When the code has the length of a GTIN, consists of digits, and the last is not their check digit: a misread label would become a
/// product of its own. When it is empty or holds control characters.
pub(crate) fn check(code: &str) -> Result<String, &'static str> {
    let trimmed = trimmed(code);
    if trimmed.is_empty() || trimmed.len() > MAX_CODE {
        return Err("a product code has 1 to 64 bytes");
    }
    if trimmed.chars().any(char::is_control) {
        return Err("a product code has no control characters");
    }
    let of_gtin =
        matches!(trimmed.len(), 8 | 12 | 13 | 14) && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    if of_gtin && Gtin::of_label(trimmed).is_err() {
        return Err("the last digit of the product code is not its check digit");
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
