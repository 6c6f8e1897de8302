//! Where lines and events go: a terminal, a plain stream, or JSON for programs.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::log::Level;

/// How often a progress bar is drawn, a second at most.
const DRAWS_PER_SECOND: u8 = 10;

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A person at a terminal: live progress and colours.
    Terminal,
    /// A file or pipe: plain lines.
    Plain,
    /// A program: one JSON object a line.
    Json,
}

type Target = Box<dyn Fn() -> ProgressDrawTarget + Send + Sync>;

/// A shared handle to the output of a command. A write that fails is remembered and
/// returned by [`Output::finish`], so that a closed pipe does not end a sync.
#[derive(Clone)]
pub struct Output {
    shared: Arc<Inner>,
    own: Arc<Own>,
}

/// What one of several syncs has of an output that they share.
#[derive(Default)]
struct Own {
    connection: Option<String>,
    bar: Mutex<Option<ProgressBar>>,
}

struct Inner {
    mode: Mode,
    writer: Mutex<Box<dyn Write + Send>>,
    failure: Mutex<Option<io::Error>>,
    /// Once there are several bars.
    bars: OnceLock<MultiProgress>,
    target: Target,
    clock: fn() -> Timestamp,
}

impl Output {
    /// The process's own output: events on standard output with `json`, otherwise lines and
    /// progress on standard error, live and coloured when that is a terminal. The usual
    /// variables (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`) are honoured.
    #[must_use]
    pub fn standard(json: bool) -> Self {
        if json {
            return Self::plain(Mode::Json, Box::new(io::stdout()));
        }
        let target = || ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let lines = Box::new(anstream::AutoStream::auto(io::stderr()));
        if target().is_hidden() { Self::plain(Mode::Plain, lines) } else { Self::terminal(lines, Box::new(target)) }
    }

    /// Output without live progress to any writer. Lines hold styles; wrap the writer in
    /// [`anstream::StripStream`] or [`anstream::AutoStream`] where they do not belong.
    #[must_use]
    pub fn plain(mode: Mode, writer: Box<dyn Write + Send>) -> Self {
        Self::new(mode, writer, Box::new(ProgressDrawTarget::hidden), Timestamp::now)
    }

    /// Output with live progress drawn on what `target` returns. Lines go to `writer`, which
    /// must be the same terminal.
    #[must_use]
    pub fn terminal(writer: Box<dyn Write + Send>, target: Target) -> Self {
        Self::new(Mode::Terminal, writer, target, Timestamp::now)
    }

    pub(super) fn new(mode: Mode, writer: Box<dyn Write + Send>, target: Target, clock: fn() -> Timestamp) -> Self {
        let shared =
            Inner { mode, writer: Mutex::new(writer), failure: Mutex::default(), bars: OnceLock::new(), target, clock };
        Self { shared: Arc::new(shared), own: Arc::default() }
    }

    /// The part of this output that is of one connection among several: its lines begin with the connection's name,
    /// its events have it as `connection`, and its progress is a line of its own.
    #[must_use]
    pub fn of_connection(&self, connection: &str) -> Self {
        self.shared.bars.get_or_init(|| MultiProgress::with_draw_target((self.shared.target)()));
        let own = Own { connection: Some(connection.to_owned()), bar: Mutex::default() };
        Self { shared: Arc::clone(&self.shared), own: Arc::new(own) }
    }

    /// Who reads this output.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.shared.mode
    }

    /// Writes a line for people, above the progress bar if there is one. Nothing when a
    /// program reads.
    pub fn line(&self, text: &str) {
        if self.mode() == Mode::Json {
            return;
        }
        let bar = lock(&self.own.bar).clone();
        let line = match &self.own.connection {
            Some(connection) => format!("[{connection}] {text}\n"),
            None => format!("{text}\n"),
        };
        let write = || self.write(line.as_bytes());
        match (self.shared.bars.get(), bar) {
            (Some(bars), _) if self.mode() == Mode::Terminal => bars.suspend(write),
            (None, Some(bar)) => bar.suspend(write),
            _ => write(),
        }
    }

    /// Writes a line with the time of day in UTC before it.
    pub fn timed_line(&self, text: impl fmt::Display) {
        if self.mode() != Mode::Json {
            self.line(&format!("{} {text}", self.time_of_day()));
        }
    }

    /// Writes one event for programs: `fields` with `event` and `time` before them. Nothing
    /// when people read.
    pub fn event(&self, event: &str, fields: &impl Serialize) {
        if self.mode() != Mode::Json {
            return;
        }
        let time = format!("{:.3}", (self.shared.clock)());
        match self.written(event, time, fields) {
            Ok(mut line) => {
                line.push(b'\n');
                self.write(&line);
            }
            Err(error) => self.failed(error.into()),
        }
    }

    fn written(&self, event: &str, time: String, fields: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        let Some(connection) = &self.own.connection else {
            return serde_json::to_vec(&Event { event, time, connection: None, fields });
        };
        // Some events name their connection themselves.
        let fields = serde_json::to_value(fields)?;
        let connection = fields.get("connection").is_none().then_some(connection.as_str());
        serde_json::to_vec(&Event { event, time, connection, fields: &fields })
    }

    /// Writes one message of the connector. `text` holds no control characters.
    pub fn log(&self, level: Level, text: &str) {
        match self.mode() {
            Mode::Json => self.event("log", &LogFields { level: level.as_str(), message: text }),
            Mode::Terminal | Mode::Plain => {
                let style = level_style(level);
                self.timed_line(format_args!("{style}{:<8}{style:#} {text}", level.as_str()));
            }
        }
    }

    /// Flushes.
    ///
    /// # Errors
    ///
    /// The first error of any write since the output was made.
    pub fn finish(&self) -> io::Result<()> {
        let flushed = lock(&self.shared.writer).flush();
        match lock(&self.shared.failure).take() {
            Some(error) => Err(error),
            None => flushed,
        }
    }

    /// Starts a progress bar at the bottom of the terminal. There is one at a time, of each connection.
    pub(super) fn start_bar(&self, template: &str) -> ProgressBar {
        let bar = match (self.shared.bars.get(), self.mode()) {
            (Some(bars), Mode::Terminal) => bars.add(ProgressBar::no_length()),
            _ => ProgressBar::with_draw_target(None, (self.shared.target)()),
        };
        let named = self.own.connection.as_ref().map(|connection| format!("{connection}: {template}"));
        let template = named.as_deref().unwrap_or(template);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        *lock(&self.own.bar) = Some(bar.clone());
        bar
    }

    /// Starts the one bar that stands above those of the connections.
    pub(super) fn start_overall_bar(&self) -> ProgressBar {
        let bars = self.shared.bars.get_or_init(|| MultiProgress::with_draw_target((self.shared.target)()));
        let bar = bars.insert(0, ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        bar
    }

    pub(super) fn clear_bar(&self) {
        if let Some(bar) = lock(&self.own.bar).take() {
            bar.finish_and_clear();
        }
    }

    fn time_of_day(&self) -> String {
        (self.shared.clock)().to_zoned(TimeZone::UTC).strftime("%H:%M:%S%.3f").to_string()
    }

    fn write(&self, bytes: &[u8]) {
        let mut writer = lock(&self.shared.writer);
        let written = writer.write_all(bytes).and_then(|()| writer.flush());
        drop(writer);
        if let Err(error) = written {
            self.failed(error);
        }
    }

    fn failed(&self, error: io::Error) {
        lock(&self.shared.failure).get_or_insert(error);
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("mode", &self.shared.mode).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Event<'a, T> {
    event: &'a str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(flatten)]
    fields: &'a T,
}

#[derive(Serialize)]
struct LogFields<'a> {
    level: &'a str,
    message: &'a str,
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Debug | Level::Fine => Style::new().dimmed(),
        Level::Info => Style::new(),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Error => AnsiColor::Red.on_default(),
        Level::Severe | Level::Critical => AnsiColor::Red.on_default().bold(),
    }
}

// a thread that panicked while it wrote leaves at worst half a line
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
pub(super) mod tests {
    use super::*;

    /// A writer that others can read.
    #[derive(Clone, Default)]
    pub(in crate::display) struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub(in crate::display) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in crate::display) fn noon() -> Timestamp {
        "2025-03-01T12:00:00.120Z".parse().unwrap()
    }

    pub(in crate::display) fn output(mode: Mode) -> (Output, Shared) {
        let shared = Shared::default();
        let writer = Box::new(shared.clone());
        (Output::new(mode, writer, Box::new(ProgressDrawTarget::hidden), noon), shared)
    }

    #[test]
    fn log_lines_have_time_level_and_colour() {
        let (output, shared) = output(Mode::Plain);
        output.log(Level::Info, "hello");
        output.log(Level::Warning, "careful");
        assert_eq!(shared.text(), "12:00:00.120 INFO     hello\n12:00:00.120 \u{1b}[33mWARNING \u{1b}[0m careful\n");
        let stripped = anstream::adapter::strip_str(&shared.text()).to_string();
        assert_eq!(stripped, "12:00:00.120 INFO     hello\n12:00:00.120 WARNING  careful\n");
    }

    #[test]
    fn programs_get_one_object_a_line_and_nothing_else() {
        let (output, shared) = output(Mode::Json);
        output.line("for people");
        output.log(Level::Error, "it \"broke\"\nbadly");
        assert_eq!(
            shared.text(),
            "{\"event\":\"log\",\"time\":\"2025-03-01T12:00:00.120Z\",\"level\":\"ERROR\",\"message\":\"it \\\"broke\\\"\\nbadly\"}\n"
        );
        let (output, shared) = self::output(Mode::Plain);
        output.event("started", &());
        assert_eq!(shared.text(), "");
    }

    #[test]
    fn one_of_several_connections_is_named() {
        let (output, shared) = output(Mode::Plain);
        output.of_connection("shop").log(Level::Info, "hello");
        output.line("all");
        assert_eq!(shared.text(), "[shop] 12:00:00.120 INFO     hello\nall\n");
        let (output, shared) = self::output(Mode::Json);
        let shop = output.of_connection("shop");
        shop.log(Level::Info, "hello");
        shop.event("finished", &serde_json::json!({"connection": "shop"}));
        output.event("batch_finished", &());
        let lines: Vec<serde_json::Value> =
            shared.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["connection"], "shop");
        assert_eq!(shared.text().lines().nth(1).unwrap().matches("connection").count(), 1);
        assert!(lines[2].get("connection").is_none());
    }

    #[test]
    fn a_closed_pipe_is_reported_at_the_end() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = Output::plain(Mode::Plain, Box::new(Closed));
        output.line("lost");
        output.line("lost too");
        assert_eq!(output.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(output.finish().is_ok());
    }
}
