//! Values of limits as people write them.

use super::limits::{Limits, Row, Unit};

/// Limits that contradict each other, or that no machine can keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A limit is below what anything can run with.
    #[error("limit {name} is {value}, at least {least} is needed")]
    TooLow {
        /// The limit.
        name: &'static str,
        /// What was asked.
        value: u128,
        /// The floor.
        least: u128,
    },
    /// A limit is above its ceiling.
    #[error("limit {name} is {value}, at most {most} is possible")]
    TooHigh {
        /// The limit.
        name: &'static str,
        /// What was asked.
        value: u128,
        /// The ceiling.
        most: u128,
    },
    /// No limit is called so.
    #[error("there is no limit {0}; docs/limits.md lists them")]
    Unknown(String),
    /// A value that cannot be read.
    #[error("limit {name}: write {written}")]
    Written {
        /// The limit.
        name: &'static str,
        /// How its values are written.
        written: &'static str,
    },
}

impl Row {
    fn parse(&self, text: &str) -> Option<u128> {
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at_checked(split)?;
        let factor: u128 = match (self.unit, suffix) {
            (Unit::Count | Unit::Bytes, "") | (Unit::Time, "ms") => 1,
            (Unit::Bytes, "KiB") => 1 << 10,
            (Unit::Bytes, "MiB") => 1 << 20,
            (Unit::Bytes, "GiB") => 1 << 30,
            (Unit::Time, "" | "s") => 1_000,
            (Unit::Time, "m") => 60_000,
            (Unit::Time, "h") => 3_600_000,
            _ => return None,
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(part) || part.len() > 3 || (factor == 1 && digits.contains('.')) {
            return None;
        }
        let thousandths: u128 = if part.is_empty() { 0 } else { format!("{part:0<3}").parse().ok()? };
        whole.parse::<u128>().ok()?.checked_mul(factor)?.checked_add(thousandths * factor / 1_000)
    }

    const fn written(&self) -> &'static str {
        match self.unit {
            Unit::Bytes => "bytes, such as 1048576, 512KiB, 64MiB or 2GiB",
            Unit::Time => "seconds, such as 90 or 1.5, or 500ms, 5m or 2h",
            Unit::Count => "a whole number",
        }
    }
}

impl Limits {
    /// Sets a limit by its name. [`check`](Self::check) says whether all of them can be kept.
    ///
    /// ```
    /// use sluicegate::policy::limits::Limits;
    ///
    /// let mut limits = Limits::default();
    /// limits.set("response_bytes", "64MiB")?;
    /// limits.set("cpu", "2.5m")?;
    /// assert_eq!((limits.response_bytes, limits.cpu.as_secs()), (64 << 20, 150));
    /// assert!(limits.set("cpu", "fast").is_err() && limits.set("speed", "1").is_err());
    /// # Ok::<(), sluicegate::policy::limits::LimitsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such limit, or the text is no value of its kind.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), LimitsError> {
        let row = Row::find(name).ok_or_else(|| LimitsError::Unknown(name.escape_debug().to_string()))?;
        let number = row.parse(text).ok_or(LimitsError::Written { name: row.name, written: row.written() })?;
        (row.set)(self, number);
        Ok(())
    }
}
