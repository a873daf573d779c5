//! How a till grows with what it has sold, as a picture.

use std::fmt::Write as _;

use serde_json::Value;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
/// Decades that the axes show: sales from 10³ on, and figures from 0.001 on.
const FIRST_SALES: f64 = 3.0;
const FIRST_FIGURE: f64 = -3.0;
const FIGURE_DECADES: f64 = 8.0;

/// What is drawn: the figure's name in the report, what it is called, its colour.
const LINES: [(&str, &str, &str); 4] = [
    ("resident_mb", "memory after selling, MB", "#1f77b4"),
    ("resident_after_start_mb", "memory after a start, MB", "#2ca02c"),
    ("start_s", "start, s", "#d62728"),
    ("disk_bytes_a_sale", "disk, bytes a sale", "#9467bd"),
];

/// Both axes are logarithmic.
pub(crate) fn svg(grown: &[Value]) -> String {
    let most = grown.iter().filter_map(|row| row["sales"].as_f64()).fold(1e4, f64::max).log10().ceil();
    let x = |sales: f64| LEFT + (sales.log10() - FIRST_SALES) / (most - FIRST_SALES) * (WIDTH - LEFT - 20.0);
    let y = |figure: f64| {
        let decades = figure.max(1e-3).log10() - FIRST_FIGURE;
        HEIGHT - BOTTOM - decades / FIGURE_DECADES * (HEIGHT - BOTTOM - 20.0)
    };
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    );
    out.push_str(r#"<rect width="100%" height="100%" fill="white"/>"#);
    // A string takes any text.
    for decade in 0..=FIGURE_DECADES as i32 {
        let figure = 10f64.powi(decade + FIRST_FIGURE as i32);
        let at = y(figure);
        let _ = write!(out, r##"<path d="M{LEFT} {at:.1}H{}" stroke="#ddd"/>"##, WIDTH - 20.0);
        let _ =
            write!(out, r#"<text x="{}" y="{:.1}" text-anchor="end">{figure}</text>"#, LEFT - 6.0, at + 4.0);
    }
    for row in grown {
        if let Some(sales) = row["sales"].as_f64() {
            let _ = write!(
                out,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{sales} sales</text>"#,
                x(sales),
                HEIGHT - BOTTOM + 18.0
            );
        }
    }
    for (place, (name, called, colour)) in LINES.iter().enumerate() {
        let points: Vec<String> = grown
            .iter()
            .filter_map(|row| {
                Some(format!("{:.1},{:.1}", x(row["sales"].as_f64()?), y(row[*name].as_f64()?)))
            })
            .collect();
        let _ = write!(
            out,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            points.join(" ")
        );
        let at = LEFT + 150.0 * place as f64 * 0.93;
        let _ = write!(out, r#"<text x="{at:.0}" y="{}" fill="{colour}">{called}</text>"#, HEIGHT - 8.0);
    }
    out.push_str("</svg>\n");
    out
}
