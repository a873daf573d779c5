//! Each row of each country, and each label written and read back.

use edgepos_core::Gtin;
use proptest::prelude::*;

use super::pattern::{LabelPatternError, LabelValue, Said};
use super::*;
use crate::retail::money::Currency;

fn money(code: &str) -> Currency {
    code.parse().unwrap()
}

/// A number of 13 digits from twelve.
fn number(twelve: &str) -> String {
    Gtin::from_twelve(twelve).unwrap().to_string()[1..].to_owned()
}

fn read(country: LabelCountry, twelve: &str) -> Result<Option<Read>, &'static str> {
    Labels::of(country).read(&number(twelve))
}

#[test]
fn each_row_of_each_country_is_read() {
    use LabelCountry::{De, Dk, Ee, Fi, Gb, Lt, Lv, Se};
    let price = |minor, code| Said::Price(minor, money(code));
    let weights = [("23", 3), ("24", 2), ("25", 1)];
    let weighs = [Se, Fi, Ee, Lv, Lt].into_iter().flat_map(|country| {
        weights.map(|(prefix, decimals)| {
            let twelve = |value: &str| format!("{prefix}123456{value}");
            (country, twelve("1234"), twelve("0000"), Said::Weight(1_234, decimals))
        })
    });
    let rows = [
        (Se, "201234561234", "201234560000", price(1_234, "SEK")),
        (Se, "211234561234", "211234560000", price(12_340, "SEK")),
        (Se, "221234561234", "221234560000", price(123_400, "SEK")),
        (Gb, "201234592875", "201234500000", price(2_875, "GBP")),
        (Gb, "281234592875", "281234500000", price(2_875, "GBP")),
        (Dk, "211234003975", "211234000000", price(3_975, "DKK")),
        (Dk, "221234003975", "221234000000", price(3_975, "DKK")),
        (Dk, "231234003975", "231234000000", price(3_975, "DKK")),
        (Dk, "241234123456", "241234000000", price(123_456, "DKK")),
        (Dk, "261234001505", "261234000000", Said::Weight(1_505, 3)),
        (Dk, "271234501505", "271234500000", Said::Weight(1_505, 3)),
        (Dk, "281234001505", "281234000000", Said::Weight(1_505, 3)),
        (De, "221234614685", "221234000000", price(14_685, "EUR")),
        (De, "231234614685", "231234000000", price(14_685, "EUR")),
        (De, "251234614685", "251234000000", Said::Count(14_685)),
        (De, "261234614685", "261234000000", Said::Count(14_685)),
        (De, "281234614685", "281234000000", Said::Weight(14_685, 3)),
        (De, "291234614685", "291234000000", Said::Weight(14_685, 3)),
    ]
    .map(|(country, label, item, said)| (country, label.to_owned(), item.to_owned(), said));
    let mut seen = std::collections::BTreeSet::new();
    for (country, label, item, said) in rows.into_iter().chain(weighs) {
        let labels = Labels::of(country);
        let item = format!("0{}", number(&item));
        let found = read(country, &label).unwrap().unwrap();
        assert_eq!((&found.item, found.value), (&item, said), "{country:?} {label}");
        // As a scanner says it with a zero in front, and in a GS1 symbol.
        let symbol = format!("]C1010{}10ABC", number(&label));
        for form in [format!("0{}\r\n", number(&label)), symbol] {
            assert_eq!(labels.read(&form), Ok(Some(found.clone())), "{form}");
        }
        assert_eq!(labels.item(&number(&label)), item);
        assert_eq!(labels.read(&item), Ok(None), "the item itself says nothing: {country:?} {item}");
        // A wrong last digit makes no number of it.
        let mut wrong = number(&label).into_bytes();
        wrong[12] = if wrong[12] == b'9' { b'0' } else { wrong[12] + 1 };
        let wrong = String::from_utf8(wrong).unwrap();
        assert_eq!(labels.read(&wrong), Ok(None));
        assert!(code::check(&wrong).is_err(), "and it is refused as a product: {wrong}");
        seen.insert((country as u8, label[..2].to_owned()));
    }
    let all: usize = LabelCountry::ALL.iter().map(|country| country.patterns().len()).sum();
    assert_eq!(seen.len(), all, "a row without a line here");
}

#[test]
fn a_wrong_check_digit_of_the_value_is_refused() {
    for (country, right) in [
        (LabelCountry::Gb, "201234592875"),
        (LabelCountry::De, "221234614685"),
        (LabelCountry::De, "251234614685"),
        (LabelCountry::De, "281234614685"),
    ] {
        let at = if country == LabelCountry::Gb { 7 } else { 6 };
        for digit in b'0'..=b'9' {
            let mut label = right.as_bytes().to_vec();
            label[at] = digit;
            let label = String::from_utf8(label).unwrap();
            assert_eq!(read(country, &label).is_ok(), label == right, "{label}");
        }
    }
    assert!(read(LabelCountry::Gb, "201234510000").is_err(), "of no price as well");
}

#[test]
fn other_numbers_are_products_of_their_own() {
    let se = Labels::of(LabelCountry::Se);
    for code in ["milk", "4006381333931", "96385074", "20123451", "2612345612347", "12012345612341", "", "é"]
    {
        assert_eq!(se.read(code), Ok(None), "{code}");
        assert_eq!(se.item(code), code);
    }
    for prefix in ["02", "26", "27", "28", "29"] {
        assert_eq!(read(LabelCountry::Se, &format!("{prefix}1234561234")), Ok(None));
    }
    for prefix in ["20", "21", "22"] {
        assert_eq!(read(LabelCountry::Fi, &format!("{prefix}1234561234")), Ok(None));
    }
    assert_eq!(Labels::default().read(&number("201234561234")), Ok(None), "nobody has said what it means");
    // A case of 14 digits is no label.
    let case = ["1", "3", "9"].map(|first| format!("{first}{}", &number("201234561234")[..12]));
    for twelve in case {
        let all = (0..10).map(|last| format!("{twelve}{last}"));
        assert!(all.clone().any(|case| Gtin::parse(&case).is_ok()));
        assert!(all.into_iter().all(|case| se.read(&case) == Ok(None)));
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    use LabelPatternError::{Check, Currency as Of, Decimals, Places, Prefix, Value};
    let eur = Some(money("EUR"));
    for (pattern, value, decimals, currency, refused) in [
        ("21IIIIIVVVV", LabelValue::Weight, 0, None, Places),
        ("21IIIIIVVVVVV", LabelValue::Weight, 0, None, Places),
        ("21IIIIIVVVVZ", LabelValue::Weight, 0, None, Places),
        ("21IIIII1VVVV", LabelValue::Weight, 0, None, Places),
        ("21IIIIIVVVé", LabelValue::Weight, 0, None, Places),
        ("", LabelValue::Weight, 0, None, Places),
        ("IIIIIIIVVVVV", LabelValue::Weight, 0, None, Prefix),
        ("2IIIIIIVVVVV", LabelValue::Weight, 0, None, Prefix),
        ("40IIIIIVVVVV", LabelValue::Weight, 0, None, Prefix),
        ("21IIIIIIIIII", LabelValue::Weight, 0, None, Value),
        ("21IIIVVIVVVV", LabelValue::Weight, 0, None, Value),
        ("21VVVVVVVVVV", LabelValue::Weight, 0, None, Value),
        ("21IIIICCVVVV", LabelValue::Weight, 0, None, Check),
        ("21IIICVVVVVV", LabelValue::Weight, 0, None, Check),
        ("21IIIIIVVVVV", LabelValue::Price, 2, None, Of),
        ("21IIIIIVVVVV", LabelValue::Weight, 2, eur, Of),
        ("21IIIIIVVVVV", LabelValue::Price, 3, eur, Decimals),
        ("21IIIIIVVVVV", LabelValue::Price, 1, Some(money("JPY")), Decimals),
        ("21IIIIIVVVVV", LabelValue::Weight, 6, None, Decimals),
        ("21IIIIIVVVVV", LabelValue::Count, 1, None, Decimals),
    ] {
        assert_eq!(LabelPattern::new(pattern, value, decimals, currency), Err(refused), "{pattern}");
    }
    let weight = |pattern: &str| LabelPattern::new(pattern, LabelValue::Weight, 3, None).unwrap();
    let labels = |patterns: &[&str]| Labels {
        country: Some(LabelCountry::Fi),
        patterns: patterns.iter().map(|pattern| weight(pattern)).collect(),
    };
    assert_eq!(labels(&["21IIIIIVVVVV", "220IIIIVVVVV", "221IIIIVVVVV"]).check(), Ok(()));
    for two in [&["21IIIIIVVVVV", "210IIIIVVVVV"][..], &["21IIIIIVVVVV", "21IIIIIIVVVV"], &["231IIIIVVVVV"]] {
        assert!(labels(two).check().is_err(), "{two:?}");
    }
    let many: Vec<String> = (0..33).map(|shop| format!("21{shop:02}IIIVVVVV")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(labels(&many[..32]).check(), Ok(()));
    assert!(labels(&many).check().is_err());
    for country in LabelCountry::ALL {
        assert_eq!(Labels::of(country).check(), Ok(()), "{country:?}");
    }
}

#[test]
fn what_a_digit_says_that_says_nothing_is_no_part_of_the_item() {
    let own = LabelPattern::new("0212IIXVVVVV", LabelValue::Price, 2, Some(money("USD"))).unwrap();
    let labels = Labels { country: None, patterns: vec![own] };
    // UPC-A with number system 2.
    let upc = &number("021234701299")[1..];
    let found = labels.read(upc).unwrap().unwrap();
    assert_eq!(found.item, format!("0{}", number("021234000000")));
    assert_eq!(found.value, Said::Price(1_299, money("USD")));
}

proptest! {
    /// What is printed is read: one item, whatever it costs or weighs, and every value as it was.
    #[test]
    fn what_is_printed_is_read(
        country in proptest::sample::select(LabelCountry::ALL.to_vec()), row in 0usize..8,
        item in 0u64..1_000_000, value in 1i64..1_000_000,
    ) {
        let patterns = country.patterns();
        let pattern = &patterns[row % patterns.len()];
        let text = pattern.as_str();
        let width = |sign| text.matches(sign).count();
        let value = value % 10_i64.pow(width('V') as u32);
        let digits = format!("{value:0width$}", width = width('V'));
        let check = verifier::digit(digits.as_bytes()).map_or('0', |digit| char::from(b'0' + digit));
        let items = format!("{:0width$}", item % 10_u64.pow(width('I') as u32), width = width('I'));
        let (mut items, mut values) = (items.chars(), digits.chars());
        let twelve: String = text.chars().map(|place| match place {
            'I' => items.next().unwrap(),
            'V' => values.next().unwrap(),
            'C' => check,
            digit => digit,
        }).collect();
        let found = read(country, &twelve).unwrap();
        prop_assert_eq!(found.is_none(), value == 0);
        if let Some(found) = found {
            prop_assert_eq!(Gtin::parse(&found.item).unwrap().to_string(), &*found.item);
            let zeroed: String = text.chars().zip(twelve.chars())
                .map(|(place, digit)| if "VC".contains(place) { '0' } else { digit }).collect();
            prop_assert_eq!(found.item, format!("0{}", number(&zeroed)));
            let said = match found.value {
                Said::Weight(said, _) | Said::Count(said) => said,
                Said::Price(minor, currency) => {
                    minor / 10_i64.pow(u32::from(currency.exponent() - pattern.decimals()))
                }
            };
            prop_assert_eq!(said, value);
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_read(text in any::<String>(), digits in "[0-9]{1,15}") {
        for country in LabelCountry::ALL {
            let labels = Labels::of(country);
            let _ = (labels.read(&text), labels.read(&digits), labels.item(&digits).into_owned());
            let _ = LabelPattern::new(&text, LabelValue::Weight, 3, None);
        }
    }
}
