//! Live progress of a sync, read from its counters.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use super::output::{Mode, Output, lock};
use super::summary::SyncSummary;
use super::units;
use crate::counters::Counters;
use crate::log::{Level, LogSink};

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Time between two lines where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// The rate is that of the rows of this last time.
const RATE_WINDOW: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{spinner} {wide_msg}";

/// What a sync is about, for the first event.
#[derive(Clone, Debug, Serialize)]
pub struct Started<'a> {
    /// Name of the connector.
    pub connector: &'a str,
    /// Its version, when its project has one.
    pub version: Option<&'a str>,
    /// Digest of its component.
    pub digest: &'a str,
    /// The connection that is synced.
    pub connection: &'a str,
}

/// Shows a running sync until it is finished or dropped, and takes its log.
///
/// On a terminal: one line, drawn ten times a second at most. Elsewhere: one line every ten
/// seconds. For programs: the events `started`, `log`, `checkpoint` and `finished`; several
/// checkpoints within a tenth of a second make one event, whose numbers count them all.
pub struct SyncProgress {
    shared: Arc<Shared>,
    ticker: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    output: Output,
    counters: Arc<Counters>,
    view: Mutex<View>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// What was shown last, and what the rate is made of.
struct View {
    bar: Option<ProgressBar>,
    samples: VecDeque<(Duration, u64)>,
    checkpoints: u64,
    last_line: Duration,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Moment {
    checkpoints: u64,
    rows: u64,
    bytes: u64,
    requests: u64,
    #[serde(rename = "elapsed_seconds", serialize_with = "super::summary::seconds")]
    elapsed: Duration,
    #[serde(skip)]
    since_checkpoint: Option<Duration>,
}

impl SyncProgress {
    /// Starts to show a sync.
    #[must_use]
    pub fn start(output: Output, counters: Arc<Counters>, started: &Started<'_>) -> Self {
        let shared = Arc::new(Shared::new(output, counters, started));
        let weak = Arc::downgrade(&shared);
        // without a thread to draw it, a sync runs all the same
        let ticker = thread::Builder::new().name("progress".to_owned()).spawn(move || tick_until_stopped(&weak)).ok();
        Self { shared, ticker: Mutex::new(ticker) }
    }

    /// Takes the progress away and tells programs how the sync ended. People get the summary
    /// from [`SyncSummary::write`].
    pub fn finish(&self, summary: &SyncSummary) {
        self.stop();
        self.shared.output.event("finished", summary);
    }

    fn stop(&self) {
        *lock(&self.shared.stopped) = true;
        self.shared.stop.notify_all();
        if let Some(ticker) = lock(&self.ticker).take() {
            // a ticker that panicked has nothing left to draw
            drop(ticker.join());
            self.shared.look(self.shared.moment());
        }
        self.shared.output.clear_bar();
    }
}

impl Drop for SyncProgress {
    fn drop(&mut self) {
        self.stop();
    }
}

impl LogSink for SyncProgress {
    fn line(&self, level: Level, text: &str) {
        self.shared.output.log(level, text);
    }
}

fn tick_until_stopped(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let stopped = lock(&shared.stopped);
        let waited = shared.stop.wait_timeout_while(stopped, LOOK, |stopped| !*stopped);
        let (stopped, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *stopped {
            return;
        }
        drop(stopped);
        shared.look(shared.moment());
    }
}

impl Shared {
    fn new(output: Output, counters: Arc<Counters>, started: &Started<'_>) -> Self {
        output.event("started", started);
        let bar = (output.mode() == Mode::Terminal).then(|| output.start_bar(TEMPLATE));
        let view = View { bar, samples: VecDeque::new(), checkpoints: 0, last_line: Duration::ZERO };
        Self { output, counters, view: Mutex::new(view), stopped: Mutex::new(false), stop: Condvar::new() }
    }

    fn moment(&self) -> Moment {
        Moment {
            checkpoints: self.counters.checkpoints(),
            rows: self.counters.rows(),
            bytes: self.counters.bytes(),
            requests: self.counters.requests(),
            elapsed: self.counters.elapsed(),
            since_checkpoint: self.counters.since_checkpoint(),
        }
    }

    fn look(&self, now: Moment) {
        let mut view = lock(&self.view);
        match self.output.mode() {
            Mode::Terminal => {
                let rate = view.rate(now);
                if let Some(bar) = &view.bar {
                    bar.set_message(now.words(rate));
                    bar.tick();
                }
            }
            Mode::Plain => {
                let rate = view.rate(now);
                if now.elapsed.saturating_sub(view.last_line) >= PLAIN_EVERY {
                    view.last_line = now.elapsed;
                    self.output.timed_line(format_args!("syncing: {}", now.words(rate)));
                }
            }
            Mode::Json => {
                if now.checkpoints > view.checkpoints {
                    view.checkpoints = now.checkpoints;
                    self.output.event("checkpoint", &now);
                }
            }
        }
    }
}

impl View {
    fn rate(&mut self, now: Moment) -> Option<f64> {
        let oldest = now.elapsed.saturating_sub(RATE_WINDOW);
        // the last sample before the window is where the window starts
        while self.samples.get(1).is_some_and(|(at, _)| *at <= oldest) {
            self.samples.pop_front();
        }
        self.samples.push_back((now.elapsed, now.rows));
        let (at, rows) = self.samples.front().copied()?;
        units::per_second(now.rows.saturating_sub(rows), now.elapsed.saturating_sub(at))
    }
}

impl Moment {
    fn words(&self, rate: Option<f64>) -> String {
        let mut words = units::counted(self.rows, "row");
        if let Some(rate) = rate {
            words += &format!(", {} rows/s", units::rate(rate));
        }
        if self.checkpoints > 0 {
            words += &format!(", {}", units::counted(self.checkpoints, "checkpoint"));
        }
        if let Some(age) = self.since_checkpoint {
            words += &format!(" (last {} ago)", units::duration(age));
        }
        words + &format!(", {}, {}", units::counted(self.requests, "request"), units::duration(self.elapsed))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::output::tests::{Shared as Text, noon, output};
    use super::super::summary::tests::summary;
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::io;

    const STARTED: Started<'_> =
        Started { connector: "orders", version: Some("1.2.0"), digest: "3f9a", connection: "orders" };

    fn at(seconds: u64, rows: u64, checkpoints: u64) -> Moment {
        Moment {
            rows,
            checkpoints,
            requests: 3,
            elapsed: Duration::from_secs(seconds),
            since_checkpoint: (checkpoints > 0).then_some(Duration::from_millis(2_100)),
            ..Moment::default()
        }
    }

    #[test]
    fn a_plain_line_comes_every_ten_seconds() {
        let (output, text) = output(Mode::Plain);
        let shared = Shared::new(output, Arc::default(), &STARTED);
        for second in 0..25 {
            shared.look(at(second, second * 1_000, second / 12));
        }
        insta::assert_snapshot!(text.text(), @r"
        12:00:00.120 syncing: 10,000 rows, 1,000 rows/s, 3 requests, 10.0 s
        12:00:00.120 syncing: 20,000 rows, 1,000 rows/s, 1 checkpoint (last 2.10 s ago), 3 requests, 20.0 s
        ");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut view = View { bar: None, samples: VecDeque::new(), checkpoints: 0, last_line: Duration::ZERO };
        assert_eq!(view.rate(at(0, 0, 0)), None);
        assert_eq!(view.rate(at(1, 5_000, 0)), Some(5_000.0));
        for second in 2..=20 {
            view.rate(at(second, 5_000, 0));
        }
        assert_eq!(view.rate(at(21, 5_100, 0)), Some(20.0));
        assert!(view.samples.len() < 10);
    }

    #[test]
    fn programs_get_events() {
        let (output, text) = output(Mode::Json);
        let shared = Shared::new(output, Arc::default(), &STARTED);
        shared.look(at(1, 10, 0));
        shared.look(at(2, 20, 1));
        shared.look(at(3, 30, 1));
        insta::assert_snapshot!(text.text(), @r#"
        {"event":"started","time":"2025-03-01T12:00:00.120Z","connector":"orders","version":"1.2.0","digest":"3f9a","connection":"orders"}
        {"event":"checkpoint","time":"2025-03-01T12:00:00.120Z","checkpoints":1,"rows":20,"bytes":0,"requests":3,"elapsed_seconds":2.0}
        "#);
    }

    #[test]
    fn the_last_checkpoint_is_never_lost() {
        let (output, text) = output(Mode::Json);
        let counters = Arc::new(Counters::default());
        let progress = SyncProgress::start(output, counters.clone(), &STARTED);
        counters.checkpointed();
        progress.finish(&summary());
        let lines: Vec<serde_json::Value> =
            text.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["started", "checkpoint", "finished"]);
        assert_eq!(lines[2]["outcome"]["class"], "success");
    }

    /// A terminal that keeps what is drawn on it.
    #[derive(Clone, Debug)]
    struct Terminal(Arc<Mutex<Vec<String>>>);

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(text.trim_end().to_owned());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn on_a_terminal_log_lines_stand_above_the_bar() {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let terminal = Terminal(drawn.clone());
        let target = Box::new(move || ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let text = Text::default();
        let output = Output::new(Mode::Terminal, Box::new(text.clone()), target, noon);
        let shared = Shared::new(output.clone(), Arc::default(), &STARTED);
        shared.look(at(1, 10, 0));
        output.log(Level::Info, "page 1");
        output.clear_bar();
        output.log(Level::Info, "after");
        let drawn = drawn.lock().unwrap().join("\n");
        assert!(drawn.contains("10 rows, 3 requests, 1.00 s"), "{drawn}");
        assert!(drawn.ends_with("<clear>"), "{drawn}");
        assert_eq!(text.text(), "12:00:00.120 INFO     page 1\n12:00:00.120 INFO     after\n");
    }
}
