//! The codes that are sold in, and the digits of their minor units, are those of a list that others keep: one that is behind is told here.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::model::Currency;

#[test]
fn every_code_of_three_letters_is_in_both_lists_or_in_none() {
    let letters = || b'A'..=b'Z';
    let mut in_use = 0;
    for first in letters() {
        for second in letters() {
            for third in letters() {
                let code = String::from_utf8(vec![first, second, third]).unwrap();
                let theirs = iso_currency::Currency::from_code(&code);
                // ISO 4217 lists VES beside VED, and the other list takes it for one that is superseded.
                let listed = theirs.filter(|theirs| theirs.is_superseded().is_none() || code == "VES");
                let ours = code.parse::<Currency>().ok();
                assert_eq!(ours.is_some(), listed.is_some(), "{code}");
                let Some((ours, listed)) = ours.zip(listed) else { continue };
                // Metals, units of account and the code for tests have no minor unit there.
                assert_eq!(u16::from(ours.exponent()), listed.exponent().unwrap_or(2), "{code}");
                in_use += 1;
            }
        }
    }
    assert_eq!(in_use, 178);
}
