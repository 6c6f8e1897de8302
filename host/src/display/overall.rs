//! How far a batch has come: how many of its syncs have ended.

use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;

use super::output::{Mode, Output};
use super::units;

/// Counts syncs that end. On a terminal a line above those of the syncs says how many did.
#[derive(Debug)]
pub struct Overall {
    bar: Option<ProgressBar>,
    of: usize,
    ended: AtomicUsize,
    failed: AtomicUsize,
}

impl Overall {
    /// Starts to count the ends of so many syncs.
    #[must_use]
    pub fn start(output: &Output, of: usize) -> Self {
        // One alone has its own line.
        let bar = (output.mode() == Mode::Terminal && of > 1).then(|| output.start_overall_bar());
        let overall = Self { bar, of, ended: AtomicUsize::new(0), failed: AtomicUsize::new(0) };
        overall.draw();
        overall
    }

    /// One ended, well or not; which number it is, such as `3 of 12`, unless it is the only one.
    pub fn ended(&self, well: bool) -> Option<String> {
        let ended = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
        self.failed.fetch_add(usize::from(!well), Ordering::Relaxed);
        self.draw();
        (self.of > 1).then(|| format!("{ended} of {}", self.of))
    }

    fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        let (ended, failed) = (self.ended.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        let of = units::counted(self.of as u64, "sync");
        bar.set_message(match failed {
            0 => format!("{ended} of {of} done"),
            failed => format!("{ended} of {of} done, {failed} without success"),
        });
    }
}

impl Drop for Overall {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::output::tests::output;
    use super::*;

    #[test]
    fn ends_are_counted_unless_there_is_only_one() {
        let (output, _) = output(Mode::Plain);
        let overall = Overall::start(&output, 3);
        assert_eq!(overall.ended(true).unwrap(), "1 of 3");
        assert_eq!(overall.ended(false).unwrap(), "2 of 3");
        assert_eq!(Overall::start(&output, 1).ended(true), None);
    }
}
