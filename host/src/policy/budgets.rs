//! What may be used of something that several share, over time: a rate, and the budget of one upstream host.
//!
//! The threat: a connector, or many of one batch, that floods a host which is honest to everybody else, or the disk.
//! Time is told from outside, as what passed since any fixed moment.

use std::time::Duration;

use super::limits::Limits;

/// So much per second, on average: a second's worth at once, then evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// When all that was taken would be over if it went evenly.
    over: Duration,
}

impl Rate {
    /// Takes one of `per_second`, and says how long to wait for it.
    pub fn take(&mut self, now: Duration, per_second: u64) -> Duration {
        let each = Duration::from_secs(1) / u32::try_from(per_second.max(1)).unwrap_or(u32::MAX);
        let at_once = Duration::from_secs(1).saturating_sub(each);
        let wait = self.over.saturating_sub(now).saturating_sub(at_once);
        self.over = self.over.max(now).saturating_add(each);
        wait
    }
}

/// What was used of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostBudget {
    rate: Rate,
    requests: u64,
    bytes: u64,
}

/// A host's budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// Of [`Limits::host_requests`].
    #[error("the limit of {0} requests to one host is reached")]
    Requests(u64),
    /// Of [`Limits::host_bytes`].
    #[error("the limit of {0} bytes to and from one host is reached")]
    Bytes(u64),
}

impl HostBudget {
    /// Takes one request, and says how long to wait before it is sent.
    ///
    /// # Errors
    ///
    /// When requests or bytes are used up.
    pub fn request(&mut self, now: Duration, limits: &Limits) -> Result<Duration, Spent> {
        self.check_bytes(limits)?;
        if self.requests >= limits.host_requests {
            return Err(Spent::Requests(limits.host_requests));
        }
        self.requests += 1;
        Ok(self.rate.take(now, limits.requests_per_second))
    }

    /// Takes bytes of a body that has gone either way.
    ///
    /// # Errors
    ///
    /// When they are more than were left.
    pub fn body(&mut self, bytes: u64, limits: &Limits) -> Result<(), Spent> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.check_bytes(limits)
    }

    fn check_bytes(&self, limits: &Limits) -> Result<(), Spent> {
        if self.bytes > limits.host_bytes { Err(Spent::Bytes(limits.host_bytes)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_rate_gives_a_seconds_worth_and_then_goes_evenly() {
        let mut rate = Rate::default();
        let now = ms(5_000);
        let waits: Vec<_> = (0..8).map(|_| rate.take(now, 4).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500, 750, 1_000]);
        assert_eq!(rate.take(ms(60_000), 4), Duration::ZERO, "what was not used is not saved up beyond a second");
        let waits: Vec<_> = (0..4).map(|_| rate.take(ms(60_000), 4).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 250]);
        let mut slow = Rate::default();
        assert_eq!(
            [slow.take(now, 1), slow.take(now, 1), slow.take(now, 0)].map(|wait| wait.as_millis()),
            [0, 1_000, 2_000]
        );
    }

    #[test]
    fn a_host_ends_with_its_requests_or_bytes_and_stays_ended() {
        let limits = Limits { host_requests: 2, host_bytes: 100, ..Limits::default() };
        let mut host = HostBudget::default();
        assert!(host.request(ms(0), &limits).is_ok() && host.request(ms(0), &limits).is_ok());
        assert_eq!(host.request(ms(10_000), &limits), Err(Spent::Requests(2)));

        let mut host = HostBudget::default();
        assert_eq!(host.body(100, &limits), Ok(()));
        assert_eq!(host.body(1, &limits), Err(Spent::Bytes(100)));
        assert_eq!(host.request(ms(10_000), &limits), Err(Spent::Bytes(100)));
        assert_eq!(host.body(u64::MAX, &limits), Err(Spent::Bytes(100)));
    }
}
