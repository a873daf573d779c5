//! A file that cannot be replayed is refused with the file, the line, the column and the value.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use reference_terminal::replay::{COLUMNS, Limits, read_baskets, shipped_week};

const HEADER: &str = "timestamp,basket_id,household_id,product_id,quantity,sales_cents,loyalty_discount_cents,coupon_discount_cents";

fn read(text: &str) -> Result<Vec<reference_terminal::replay::Basket>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("baskets.csv");
    std::fs::write(&path, text).unwrap();
    read_baskets(&path, &Limits::default()).map_err(|error| error.to_string())
}

#[test]
fn the_shipped_week_has_what_its_readme_says() {
    let baskets = read_baskets(&shipped_week(), &Limits::default()).unwrap();
    assert_eq!(baskets.len(), 99);
    let lines: Vec<_> = baskets.iter().flat_map(|basket| &basket.lines).collect();
    assert_eq!(lines.len(), 1_084);
    assert_eq!(lines.iter().filter(|line| line.quantity == 0).count(), 7);
    assert_eq!(lines.iter().map(|line| line.quantity).max(), Some(27_053));
    assert!(baskets.is_sorted_by_key(|basket| basket.at));
}

#[test]
fn lines_of_a_basket_need_not_be_adjacent_nor_in_order() {
    let baskets = read(&format!(
        "{HEADER}\r\n2017-05-30T10:00:00,b,1,milk,1,100,0,0\r\n2017-05-29T10:00:00,a,1,bread,2,200,10,0\r\n\
         2017-05-28T10:00:00,b,1,fuel,27053,7464,0,25\r\n"
    ))
    .unwrap();
    assert_eq!(baskets.iter().map(|basket| basket.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(baskets[0].lines.len(), 2);
    assert_eq!(baskets[0].day(), 20170528);
    assert_eq!((baskets[0].total(), baskets[0].coupons()), (7_564, 25));
}

#[test]
fn columns_are_found_by_name() {
    let baskets = read(
        "note,quantity,timestamp,basket_id,household_id,product_id,sales_cents,coupon_discount_cents,\
         loyalty_discount_cents\nx,3,2017-05-29T10:00:00,a,1,bread,200,7,5\n",
    )
    .unwrap();
    let line = &baskets[0].lines[0];
    assert_eq!((line.quantity, line.amount, line.loyalty, line.coupon), (3, 200, 5, 7));
}

#[test]
fn each_malformed_field_is_named() {
    let good = ["2017-05-29T10:00:00", "a", "1", "bread", "1", "100", "0", "0"];
    for (column, value) in [
        (0, "yesterday"),
        (0, "2017-02-30T10:00:00"),
        (0, ""),
        (1, ""),
        (2, ""),
        (3, ""),
        (4, "1.5"),
        (4, ""),
        (4, "99999999999999999999"),
        (4, "2000000000"),
        (5, "1,5"),
        (5, "abc"),
        (6, "-1"),
        (7, "x"),
    ] {
        let mut fields = good.map(str::to_owned);
        fields[column] = format!("\"{value}\"");
        let text = format!("{HEADER}\n{}\n{}\n", good.join(","), fields.join(","));
        let error = read(&text).unwrap_err();
        for part in ["baskets.csv", "line 3", COLUMNS[column], &format!("{value:?}")] {
            assert!(error.contains(part), "{value:?} in {}: {error}", COLUMNS[column]);
        }
    }
}

#[test]
fn too_few_and_too_many_fields_are_named() {
    let error = read(&format!("{HEADER}\n2017-05-29T10:00:00,a,1,bread,1,100,0\n")).unwrap_err();
    assert!(error.contains("baskets.csv: line 2: has 7 fields where the header has 8"), "{error}");
    let error = read(&format!("{HEADER}\n2017-05-29T10:00:00,a,1,bread,1,100,0,0,0\n")).unwrap_err();
    assert!(error.contains("line 2: has 9 fields"), "{error}");
}

#[test]
fn a_missing_column_is_named() {
    let error = read(&HEADER.replace("quantity", "count")).unwrap_err();
    assert!(error.contains("line 1") && error.contains("\"quantity\""), "{error}");
}

#[test]
fn nothing_to_replay_is_an_error() {
    assert!(read("").unwrap_err().contains("has no line below the header"));
    assert!(read(&format!("{HEADER}\n")).unwrap_err().contains("has no line below the header"));
    let missing =
        read_baskets(Path::new("/nonexistent/week.csv"), &Limits::default()).unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/week.csv: cannot be read"), "{missing}");
    let directory = read_baskets(Path::new("/"), &Limits::default()).unwrap_err().to_string();
    assert!(directory.starts_with("/: cannot be read"), "{directory}");
}

#[test]
fn a_file_that_is_not_utf_8_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("baskets.csv");
    std::fs::write(&path, [HEADER.as_bytes(), b"\n2017-05-29T10:00:00,a,1,\xff\xfe,1,100,0,0\n"].concat())
        .unwrap();
    let error = read_baskets(&path, &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("line 2: is not UTF-8"), "{error}");
}

#[test]
fn limits_hold() {
    let line = "2017-05-29T10:00:00,a,1,bread,1,100,0,0\n";
    let error = read(&format!("{HEADER}\n{}", line.repeat(401))).unwrap_err();
    assert!(error.contains("line 402: basket a has more than 400 lines"), "{error}");
    let error = read(&format!("{HEADER}\n{}", line.replace("bread", &"x".repeat(65)))).unwrap_err();
    assert!(error.contains("code of 1 to 64 bytes"), "{error}");
}
