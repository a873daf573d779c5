//! What a scanner says is the product that it names, through C; what it misread is refused.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos_ffi::*;
use support::calls::{ask, close, open, show};

#[test]
fn a_symbol_and_a_link_are_one_product_and_a_misread_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    let basket = |basket: u8, product: &str| {
        let line = format!("{{\"no\":1,\"product\":\"{product}\",\"quantity\":1,\"amount\":100}}");
        format!("{{\"basket\":\"{basket:032x}\",\"currency\":\"EUR\",\"lines\":[{line}]}}")
    };
    let scanned = [
        "]C1010950600013435210ABC\\u001d17261231",
        "https://id.gs1.org/01/09506000134352/10/ABC",
        "9506000134352",
    ];
    for (no, code) in scanned.iter().enumerate() {
        ask(node, edgepos_node_begin, &basket(no as u8 + 1, code)).unwrap();
    }
    let open_baskets = show(node, edgepos_node_unresolved);
    assert_eq!(open_baskets.matches("\"product\":\"09506000134352\"").count(), 3, "{open_baskets}");
    assert_eq!(open_baskets.matches("\"lot\":\"ABC\"").count(), 2, "{open_baskets}");
    for misread in ["]C10109506000134351", "https://id.gs1.org/01/09506000134351", "9506000134351"] {
        let refused = ask(node, edgepos_node_begin, &basket(9, misread)).unwrap_err();
        assert_eq!(refused.0, EDGEPOS_BAD_REQUEST, "{misread}: {refused:?}");
    }
    for (currency, status) in
        [("XCG", None), ("BGN", Some(EDGEPOS_BAD_REQUEST)), ("EUT", Some(EDGEPOS_BAD_REQUEST))]
    {
        let draft = basket(7, "milk").replace("EUR", currency);
        let begun = ask(node, edgepos_node_begin, &draft).map_err(|(status, _)| status);
        assert_eq!(begun.err(), status, "{currency}");
    }
    close(node);
}

#[test]
fn a_label_is_its_item_with_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), ",\"labels\":{\"country\":\"SE\"}");
    let item = "02300123400007";
    let price = |product: &str| {
        format!("{{\"type\":\"price_set\",\"product\":\"{product}\",\"amount\":19900,\"currency\":\"SEK\"}}")
    };
    let refused = ask(node, edgepos_node_record, &price("2300123403459")).unwrap_err();
    assert_eq!(refused.0, EDGEPOS_BAD_REQUEST, "{refused:?}");
    assert!(refused.1.contains(item), "{refused:?}");
    ask(node, edgepos_node_record, &price(item)).unwrap();
    let line = "{\"no\":1,\"product\":\"2300123403459\",\"quantity\":0,\"amount\":0}";
    let draft = format!("{{\"basket\":\"{:032x}\",\"currency\":\"SEK\",\"lines\":[{line}]}}", 1);
    ask(node, edgepos_node_begin, &draft).unwrap();
    let open_baskets = show(node, edgepos_node_unresolved);
    for said in [format!("\"product\":\"{item}\""), "\"quantity\":345".into(), "\"amount\":6866".into()] {
        assert!(open_baskets.contains(&said), "{said}: {open_baskets}");
    }
    close(node);
}
