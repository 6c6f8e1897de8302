//! How often a sync is tried, and how long it waits before it is tried again.

use std::time::Duration;

/// How often, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Syncs in all, the first included; at least 1.
    pub attempts: u32,
    /// Before the second; doubled each time.
    pub wait: Duration,
    /// No wait is longer.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, wait: Duration::from_secs(10), longest_wait: Duration::from_secs(300) }
    }
}

impl Retry {
    /// The most attempts that can be asked for.
    pub const MOST_ATTEMPTS: u32 = 100;

    /// How long to wait after so many failed attempts; None when there is none left. `chance`, of 0 to 1, takes away up
    /// to half, so that syncs that failed together do not all come back together.
    #[must_use]
    pub fn wait_after(&self, failed: u32, chance: f64) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(31);
        let wait = self.wait.saturating_mul(1_u32 << doublings).min(self.longest_wait);
        Some(wait.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry { attempts: 6, wait: Duration::from_secs(10), longest_wait: Duration::from_secs(60) };
        let waits = (1..=6).map(|failed| retry.wait_after(failed, 0.0).map(|wait| wait.as_secs()));
        assert_eq!(waits.collect::<Vec<_>>(), [Some(10), Some(20), Some(40), Some(60), Some(60), None]);
        assert_eq!(retry.wait_after(2, 1.0), Some(Duration::from_secs(10)));
        assert_eq!(Retry { attempts: 1, ..retry }.wait_after(1, 0.5), None);
        assert_eq!(Retry { attempts: 100, ..retry }.wait_after(99, 0.0), Some(Duration::from_secs(60)));
    }
}
