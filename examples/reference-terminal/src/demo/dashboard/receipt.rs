//! A receipt as a page to print. What it shows came from a till, and is text: nothing of it becomes markup.

use std::fmt::Write as _;

use serde_json::Value;

/// The page of a booked transaction, as `GET /transaction` has it; `name` says what a product is called.
pub(super) fn page(booked: &Value, name: impl Fn(&str) -> Option<String>) -> String {
    let transaction = &booked["transaction"];
    let text = |value: &Value| match value {
        Value::String(text) => escaped(text),
        Value::Null => String::new(),
        other => escaped(&other.to_string()),
    };
    let currency = text(&transaction["currency"]);
    let mut rows = String::new();
    for line in transaction["lines"].as_array().into_iter().flatten() {
        let code = line["product"].as_str().unwrap_or_default();
        let called = name(code).unwrap_or_else(|| code.to_owned());
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            escaped(&called),
            text(&line["quantity"]),
            cents(&line["unit_price"]),
            cents(&line["amount"])
        );
    }
    let mut tenders = String::new();
    for tender in transaction["tenders"].as_array().into_iter().flatten() {
        let kind = text(&tender["kind"]);
        let _ = writeln!(
            tenders,
            "<tr><td>{kind}</td><td class=\"number\">{}</td></tr>",
            cents(&tender["amount"])
        );
    }
    let number = format!("{} {}", text(&transaction["series"]), text(&transaction["number"]));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Receipt {number}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"stylesheet\" href=\"/receipt.css\"><script type=\"module\" src=\"/print.js\"></script></head>\n<body><main>\n\
         <h1>Receipt {number}</h1>\n<p>Terminal {}, business day {}</p>\n\
         <table><thead><tr><th scope=\"col\">Product</th><th scope=\"col\" class=\"number\">Pieces</th>\
         <th scope=\"col\" class=\"number\">Each</th><th scope=\"col\" class=\"number\">{currency}</th></tr></thead>\n<tbody>{rows}</tbody>\n\
         <tfoot><tr><th scope=\"row\" colspan=\"3\">Total</th><td class=\"number total\">{}</td></tr></tfoot></table>\n\
         <h2>Paid</h2>\n<table><tbody>{tenders}</tbody></table>\n\
         <p class=\"event\">{}</p>\n<p class=\"event\">Basket {}</p>\n\
         <button type=\"button\" id=\"print\">Print</button>\n</main></body></html>\n",
        text(&booked["terminal"]),
        text(&booked["business_day"]),
        cents(&transaction["total"]),
        text(&booked["event"]),
        text(&transaction["basket"]),
    )
}

/// Minor units with two decimals.
fn cents(value: &Value) -> String {
    let Some(amount) = value.as_i64() else { return String::new() };
    let sign = if amount < 0 { "−" } else { "" };
    format!("{sign}{}.{:02}", amount.unsigned_abs() / 100, amount.unsigned_abs() % 100)
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_receipt_has_its_lines_to_the_cent_and_no_markup_of_others() {
        let booked = json!({
            "event": "1-0123456789ab/0:17", "terminal": 1, "business_day": 20170604,
            "transaction": {
                "series": "S", "number": 7, "currency": "USD", "total": -5, "basket": "00",
                "lines": [{ "product": "<script>alert(1)</script>", "quantity": 2, "unit_price": 129, "amount": 258 }],
                "tenders": [{ "kind": "cash", "amount": 258 }],
            },
        });
        let page = page(&booked, |_| None);
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"), "{page}");
        for part in ["Receipt S 7", ">2.58<", ">−0.05<", "Terminal 1, business day 20170604"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
