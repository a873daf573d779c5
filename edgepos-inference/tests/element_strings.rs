//! Symbols that say more than a number: GS1-128, DataBar, GS1 QR code and DataMatrix, and a Digital Link.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "embedded", feature = "barcode"))]

mod drawn;
mod support;

use drawn::{View, picture, reader, widths};
use edgepos_inference::{Scan, Symbology};

/// Bars and spaces as BWIPP (bwip-js 4.11.4) draws them.
const OMNIDIRECTIONAL: &str = "01121216121337111124411111511141117514111142211";
const EXPANDED: &str = "01113215122184113412231111413223114632113331314111432364111124125111";
const GS1_128: &str = "2112324111312221221213222221223121311131231411222121412221222213121141311321311331212133113121314111312232111232211113231232211112422331112";
/// The same article and lot with the brackets among the bars, as jsbarcode and python-barcode draw it.
const BRACKETED: &str = "2112144111311322121231221232212212131131411213222221223121311131231411222121412221221141311322121232211231222212131321311331212133113121313112222331112";
const GS1_QR: &str = "1fd877f,1055b41,175ab5d,175375d,175d15d,104b941,1fd557f,11b00,d6645f,8192a3,7cc917,17323f3,1940194,a01276,1663d61,93d0fe,14c75f0,1631e,1fdcd57,1043516,17537fd,1748a04,1756719,10582f0,1fc25cb";
const LINK: &str = "1fd6d27f,105a5941,1746f65d,17518d5d,1744235d,1042df41,1fd5557f,13ce00,16e6904b,170e22d1,12d868e6,1f9d8301,1ee51c2c,142ae647,10e352f7,1e338522,194a03ba,42c99ae,136934d4,7300934,c49b3fc,1aeb1f,1fdf875a,10540919,174a71f7,1755d7ba,17559525,104fbdaa,1fda6baa";
const GS1_MATRIX: &str = "aaaaa,d822f,89a84,b6d41,e2a7e,aa1c1,f9a56,952e7,a6d80,d232f,88972,b14e3,f3bc8,db557,fcd6a,cb397,ce26a,d81d5,89fe2,fffff";

fn bars(symbol: &str) -> Scan {
    rows_of_bars(&[widths(symbol)]).expect("a clear symbol")
}

fn rows_of_bars(rows: &[String]) -> Option<Scan> {
    let view = View { module: 3.0, degrees: 0.0, height: 40.0 };
    let width = (3.0 * (rows[0].len() + 30) as f32) as u32;
    reader().read_picture(picture(rows, view, (width, 200))).answer()
}

fn matrix(rows: &str, side: usize) -> Scan {
    let rows: Vec<String> =
        rows.split(',').map(|row| format!("{:0side$b}", u32::from_str_radix(row, 16).unwrap())).collect();
    let view = View { module: 6.0, degrees: 0.0, height: side as f32 };
    reader().read_picture(picture(&rows, view, (320, 300))).answer().expect("a clear symbol")
}

fn says(scan: &Scan) -> (Symbology, Option<u64>, Option<String>) {
    (scan.symbology, scan.gtin.map(|gtin| gtin.number()), scan.gs1.as_ref().map(ToString::to_string))
}

const MILK: Option<u64> = Some(4_012_345_678_901);

#[test]
fn gs1_128_keeps_its_separators() {
    let scan = bars(GS1_128);
    assert_eq!(scan.text, "010401234567890110LOT7\u{1d}21A1");
    assert_eq!(says(&scan), (Symbology::Code128, MILK, Some("(01)04012345678901(10)LOT7(21)A1".to_owned())));
    assert!(!scan.requires_confirmation, "both halves say so: {scan:?}");
}

#[test]
fn brackets_among_the_bars_are_read_past() {
    let scan = bars(BRACKETED);
    assert_eq!(scan.text, "(01)04012345678901(10)LOT7");
    assert_eq!(says(&scan), (Symbology::Code128, MILK, Some("(01)04012345678901(10)LOT7".to_owned())));
}

/// Where the lower half has the same bars in another order, with a wrong check character, half of the symbol speaks for the
/// other: a person must.
#[test]
fn half_a_gs1_128_asks() {
    // Each character has six widths.
    let swapped = [&GS1_128[..12], &GS1_128[18..24], &GS1_128[12..18], &GS1_128[24..]].concat();
    assert_ne!(swapped, GS1_128);
    for rows in [[GS1_128, &swapped], [&swapped, GS1_128]] {
        let scan = rows_of_bars(&rows.map(widths));
        let scan = scan.expect("a clear half");
        assert_eq!(scan.text, "010401234567890110LOT7\u{1d}21A1");
        assert!(scan.requires_confirmation, "{scan:?}");
    }
    assert_eq!(rows_of_bars(&[widths(&swapped)]), None);
}

#[test]
fn databar() {
    let number = Some("(01)04012345678901".to_owned());
    assert_eq!(says(&bars(OMNIDIRECTIONAL)), (Symbology::DataBar, MILK, number));
    let expected = Some("(01)90012345678908(3103)001750".to_owned());
    let scan = bars(EXPANDED);
    assert_eq!(says(&scan), (Symbology::DataBarExpanded, Some(90_012_345_678_908), expected));
    assert!(scan.requires_confirmation, "however clear it is: {scan:?}");
}

#[test]
fn matrix_codes() {
    let elements = Some("(01)04012345678901(10)LOT7(17)261231".to_owned());
    assert_eq!(says(&matrix(GS1_QR, 25)), (Symbology::Qr, MILK, elements.clone()));
    assert_eq!(says(&matrix(GS1_MATRIX, 20)), (Symbology::DataMatrix, MILK, elements));
    let link = matrix(LINK, 29);
    assert_eq!(link.text, "https://shop.example/01/04012345678901/10/LOT7");
    assert_eq!(says(&link), (Symbology::Qr, MILK, Some("(01)04012345678901(10)LOT7".to_owned())));
}
