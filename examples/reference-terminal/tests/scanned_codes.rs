//! A till scans: every form of one item's number, a GS1 symbol and a Digital Link are one product, and a misread one is refused.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::Terminal;

/// Forms of one number, as scanners say them; the last two name a lot as well.
const FORMS: [&str; 6] = [
    "012345678905",
    "0012345678905",
    "00012345678905",
    " 0012345678905\r\n",
    "]C1010001234567890510ABC\u{1d}17261231",
    "https://id.gs1.org/01/00012345678905/10/ABC",
];

fn basket(number: usize, currency: &str, product: &str) -> Value {
    let line = json!({ "no": 1, "product": product, "quantity": 1, "amount": 100 });
    json!({ "basket": format!("{number:032x}"), "doc_type": "sale", "currency": currency, "lines": [line] })
}

#[test]
fn what_is_scanned_is_the_product_that_it_names() {
    // More than may be in memory: what is listed comes from the disk.
    let till = Terminal::start("max_open_baskets = 2\n", &[]);
    let begin = |call: &Value| support::ask(&till.address, "POST", "/begin", &call.to_string());
    for (no, form) in FORMS.iter().enumerate() {
        let (status, answer) = begin(&basket(no + 1, "EUR", form));
        assert_eq!(status, 200, "{form:?}: {answer}");
    }
    let open: Value = serde_json::from_str(&support::ask(&till.address, "GET", "/unresolved", "").1).unwrap();
    let lines: Vec<&Value> = open.as_array().unwrap().iter().map(|basket| &basket["lines"][0]).collect();
    assert_eq!(lines.len(), FORMS.len(), "those that left memory are listed as well: {open}");
    assert!(lines.iter().all(|line| line["product"] == "00012345678905"), "{open}");
    let lots: Vec<&Value> = lines.iter().map(|line| &line["lot"]).filter(|lot| **lot == "ABC").collect();
    assert_eq!(lots.len(), 2, "{open}");
    for misread in [
        "012345678906",
        "]C10100012345678906",
        "]C1010001234567890510",
        "https://id.gs1.org/01/00012345678906",
        "]C110ABC",
    ] {
        let (status, answer) = begin(&basket(90, "EUR", misread));
        assert_eq!(status, 400, "{misread}: {answer}");
    }
    // The currencies of 2026: what is out is read on old receipts, and taken on none.
    for (no, currency, taken) in [(91, "XCG", 200), (92, "ZWG", 200), (93, "BGN", 400), (94, "ANG", 400)] {
        let (status, answer) = begin(&basket(no, currency, "milk"));
        assert_eq!(status, taken, "{currency}: {answer}");
    }
    let pay = json!({ "basket": format!("{:032x}", 1), "key": format!("{:032x}", 1),
        "tenders": [{ "kind": "cash", "amount": 100 }] });
    let (status, answer) = support::ask(&till.address, "POST", "/commit", &pay.to_string());
    assert_eq!(status, 200, "a basket that left memory is paid: {answer}");
    let receipt: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&receipt["number"], &receipt["total"]), (&json!(1), &json!(100)));
}

#[test]
fn a_label_of_the_scale_is_its_item_with_what_it_says() {
    let till = Terminal::start("labels = { country = \"SE\" }\n", &[]);
    let post = |path: &str, body: &Value| support::ask(&till.address, "POST", path, &body.to_string());
    // 0.345 kg, its item, and an item with a price of 12.34.
    let (label, item, priced) = ("2300123403459", "02300123400007", "2000123412344");
    let cheese = |product: &str| json!({ "type": "product_set", "product": product, "name": "cheese", "base_unit": "kg", "scale": 3 });
    let price = json!({ "type": "price_set", "product": item, "amount": 19_900, "currency": "SEK" });
    let (status, answer) = post("/record", &cheese(label));
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains(item), "the item is named: {answer}");
    for record in [cheese(item), price] {
        let (status, answer) = post("/record", &record);
        assert_eq!(status, 200, "{answer}");
    }
    let line = |no: u16, product: &str, quantity: i64, amount: i64| json!({ "no": no, "product": product, "quantity": quantity, "amount": amount });
    let basket =
        |lines: Vec<Value>| json!({ "basket": format!("{:032x}", 1), "currency": "SEK", "lines": lines });
    for (no, quantity, amount) in [(1, 1, 0), (2, 0, 1_233)] {
        let code = if no == 1 { label } else { priced };
        let (status, answer) = post("/begin", &basket(vec![line(no, code, quantity, amount)]));
        assert_eq!(status, 400, "{answer}");
        assert!(answer.contains(&format!("line {no}: its ")), "{answer}");
    }
    let both = basket(vec![line(1, label, 0, 0), line(2, priced, 0, 0)]);
    let (status, answer) = post("/begin", &both);
    assert_eq!(status, 200, "{answer}");
    let begun: Value = serde_json::from_str(&answer).unwrap();
    // 0.345 kg at 199.00 are 68.655.
    assert_eq!(begun["total"], json!(6_866 + 1_234));
    let open: Value = serde_json::from_str(&support::get(&till.address, "/unresolved")).unwrap();
    let said = |no: usize, field: &str| open[0]["lines"][no][field].clone();
    assert_eq!(
        (said(0, "product"), said(0, "quantity"), said(0, "scale")),
        (json!(item), json!(345), json!(3))
    );
    assert_eq!((said(1, "product"), said(1, "quantity")), (json!("02000123400006"), json!(1)));
    let pay = json!({ "basket": format!("{:032x}", 1), "key": format!("{:032x}", 1),
        "tenders": [{ "kind": "cash", "amount": 8_100 }] });
    let (status, answer) = post("/commit", &pay);
    assert_eq!(status, 200, "{answer}");
    let left = support::get(&till.address, &format!("/counters?product={item}"));
    assert!(left.contains("-345"), "{left}");
}

#[test]
fn labels_that_have_no_one_meaning_are_refused_before_a_file_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("terminal.toml");
    let text = "terminal = 1\nstore = \"00000000000000000000000000000001\"\ndatabase = \"till.db\"\n\
         listen = \"127.0.0.1:0\"\ntill = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";
    for (labels, place, reason) in [
        ("[labels]\ncountry = \"NO\"\n", "labels.country", "unknown variant `NO`"),
        (
            "[[labels.patterns]]\npattern = \"31IIIIIVVVVV\"\nvalue = \"weight\"\n",
            "labels.patterns",
            "begins with 02",
        ),
        (
            "[labels]\ncountry = \"SE\"\n[[labels.patterns]]\npattern = \"20IIIIIVVVVV\"\nvalue = \"weight\"\n",
            "line 9",
            "no number begins as two of them do",
        ),
    ] {
        std::fs::write(&path, format!("{text}{labels}")).unwrap();
        let said = support::refused(&["run", "--config", path.to_str().unwrap()]);
        assert!(said.contains(place) && said.contains(reason), "{said}");
        assert!(!dir.path().join("till.db").exists());
    }
}
