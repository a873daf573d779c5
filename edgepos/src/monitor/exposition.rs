//! The figures as text that Prometheus reads: its exposition format, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::metrics::{NOTICES, NOTICES_HELP, Sample};

/// The content type of the text.
pub const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Counts of notices by name.
pub(super) type Counts = BTreeMap<&'static str, u64>;

/// The text. A figure that is not known is left out.
pub(super) fn text(sample: &Sample, notices: &Counts, alerts: &[(&'static str, bool)]) -> String {
    let mut out = String::new();
    write_all(&mut out, sample, notices, alerts).expect("a string takes what is written");
    out
}

fn write_all(
    out: &mut String,
    sample: &Sample,
    notices: &Counts,
    alerts: &[(&'static str, bool)],
) -> fmt::Result {
    for (gauge, value) in sample.gauges().filter(|(_, value)| !value.is_nan()) {
        writeln!(out, "# HELP {} {}\n# TYPE {0} gauge", gauge.name, gauge.help)?;
        if value.is_infinite() {
            writeln!(out, "{} +Inf", gauge.name)?;
        } else {
            writeln!(out, "{} {value}", gauge.name)?;
        }
    }
    writeln!(out, "# HELP edgepos_alert 1 while the alert is on\n# TYPE edgepos_alert gauge")?;
    for (name, firing) in alerts {
        writeln!(out, "edgepos_alert{{alert=\"{name}\"}} {}", u8::from(*firing))?;
    }
    writeln!(out, "# HELP {NOTICES} {NOTICES_HELP}\n# TYPE {NOTICES} counter")?;
    for (name, count) in notices {
        writeln!(out, "{NOTICES}{{notice=\"{name}\"}} {count}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_help_its_type_and_its_value() {
        let sample = Sample { queued: 7.0, inference_p99: f64::NAN, ..Sample::default() };
        let text = text(&sample, &Counts::from([("leased", 2)]), &[("queue", true)]);
        let queued = "# HELP edgepos_queued_events events here that the cloud is not known to hold\n\
                      # TYPE edgepos_queued_events gauge\nedgepos_queued_events 7\n";
        assert!(text.contains(queued), "{text}");
        assert!(text.contains("edgepos_alert{alert=\"queue\"} 1\n"), "{text}");
        assert!(text.ends_with("edgepos_notices_total{notice=\"leased\"} 2\n"), "{text}");
        assert!(!text.contains("inference_p99"), "what is not known is left out: {text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(name.starts_with("edgepos_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
