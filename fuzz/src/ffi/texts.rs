//! What a program may say, from whole to broken.

/// A configuration of the sans-IO level.
pub(super) const CONFIG: &str = "terminal = 1\nstore = \"07070707070707070707070707070707\"\ndatabase = \"-\"\n\
                                 listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";

/// Requests that read, of every call. `B` is a name or a key.
const WHOLE: [&str; 27] = [
    r#"{"basket":"B","currency":"EUR","lines":[{"no":1,"product":"milk","quantity":2,"amount":258}]}"#,
    r#"{"basket":"B","currency":"JPY","doc_type":"return","lines":[{"no":1,"product":"milk","quantity":-1,"amount":-129,"original":{"basket":"B","line":1}}]}"#,
    r#"{"basket":"B","key":"B","tenders":[{"kind":"cash","amount":258}]}"#,
    r#"{"basket":"B","key":"B","tenders":[{"kind":"card","amount":258,"payment":"B"}],"change":0}"#,
    r#"{"type":"stock_received","from":"x","lines":[{"product":"milk","quantity":9}],"key":"B"}"#,
    r#"{"type":"custom","body":"x","effects":[{"counter":40000,"key":"x","delta":-9223372036854775808}]}"#,
    r#"{"type":"day_opened","day":20261130}"#,
    r#"{"type":"day_closed"}"#,
    r#"{"type":"attached","basket":"B","hash":"0000000000000000000000000000000000000000000000000000000000000000","size":2,"name":"x","media_type":"a/b","content":"ffd8"}"#,
    r#"{"type":"stock_counted","lines":[{"product":"milk","counted":48}]}"#,
    r#"{"type":"cash_moved","reason":"transfer","amount":500,"currency":"EUR","to":"safe"}"#,
    r#"{"type":"shift_opened","shift":"B","operator":"x","cash":[{"currency":"EUR","amount":9}]}"#,
    r#"{"type":"shift_closed","shift":"B","cash":[{"currency":"EUR","amount":9}]}"#,
    r#"{"type":"product_set","product":"milk","name":"Milk","base_unit":"piece","counted":true,"floor":0}"#,
    r#"{"type":"price_set","product":"milk","amount":129,"currency":"EUR"}"#,
    r#"{"type":"payment_intent","payment":"B","basket":"B","kind":"card","amount":258}"#,
    r#"{"type":"payment_outcome","payment":"B","basket":"B","state":"approved","amount":258}"#,
    r#"{"exception":"0000000000000000","episode":1,"resolution":{"action":"accept"},"actor":"x","key":"B"}"#,
    r#"{"days":[{"weekday":6,"sold":18446744073709551615,"shop":1}],"ahead":[1,2],"on_hand":-9223372036854775808}"#,
    r#"{"1-0123456789ab/0":18446744073709551615}"#,
    "B",
    "1-0123456789ab/0:17",
    "1-0123456789ab",
    "milk",
    "00000000000000",
    CONFIG,
    "",
];
const NAME: &str = "000000000000000000000000000000b1";

/// One of them, whole, cut off, or with bytes of the input in its place.
pub(super) fn text(which: usize, cut: u8, instead: &[u8]) -> Vec<u8> {
    match WHOLE.get(which) {
        Some(whole) => {
            let mut text = whole.replace('B', NAME).into_bytes();
            if cut < 16 {
                text.truncate(text.len() * usize::from(cut) / 16);
            }
            text
        }
        None => instead.to_vec(),
    }
}

/// How many kinds of them there are.
pub(super) const KINDS: usize = WHOLE.len() + 2;
