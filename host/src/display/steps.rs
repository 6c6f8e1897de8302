//! Steps of a longer work, such as a build: what is being done and how long it took.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::output::{Mode, Output};
use super::units;

const TEMPLATE: &str = "{spinner} {msg} ({elapsed})";
const TICK: Duration = Duration::from_millis(100);

/// One step under way. Dropping it without [`Step::done`] says that it failed.
#[derive(Debug)]
pub struct Step {
    output: Output,
    name: String,
    started: Instant,
    over: bool,
}

#[derive(Serialize)]
struct StepStarted<'a> {
    step: &'a str,
}

#[derive(Serialize)]
struct StepFinished<'a> {
    step: &'a str,
    ok: bool,
    detail: Option<&'a str>,
    #[serde(serialize_with = "super::summary::seconds")]
    seconds: Duration,
}

impl Step {
    /// Starts a step. `name` says what is done, such as `compiling to a component`.
    #[must_use]
    pub fn start(output: &Output, name: impl Into<String>) -> Self {
        let step = Self { output: output.clone(), name: name.into(), started: Instant::now(), over: false };
        match output.mode() {
            Mode::Json => output.event("step_started", &StepStarted { step: &step.name }),
            Mode::Plain => output.line(&format!("{} ...", step.name)),
            Mode::Terminal => {
                let bar = output.start_bar(TEMPLATE);
                bar.set_message(step.name.clone());
                bar.enable_steady_tick(TICK);
            }
        }
        step
    }

    /// Ends the step well. `detail` says what came out, such as `18.3 MiB`.
    pub fn done(mut self, detail: Option<&str>) {
        self.end(true, detail, self.started.elapsed());
    }

    fn end(&mut self, ok: bool, detail: Option<&str>, seconds: Duration) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if self.output.mode() == Mode::Terminal {
            self.output.clear_bar();
        }
        self.output.event("step_finished", &StepFinished { step: &self.name, ok, detail, seconds });
        let verb = if ok { "done in" } else { "failed after" };
        let detail = detail.map(|detail| format!(", {detail}")).unwrap_or_default();
        self.output.line(&format!("{}: {verb} {}{detail}", self.name, units::duration(seconds)));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end(false, None, self.started.elapsed());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::output::tests::output;
    use super::*;

    #[test]
    fn a_step_says_how_it_ended() {
        let (output, text) = output(Mode::Plain);
        let mut step = Step::start(&output, "compiling");
        step.end(true, Some("18.3 MiB"), Duration::from_millis(1_500));
        drop(step);
        let mut step = Step::start(&output, "checking");
        step.end(false, None, Duration::from_millis(20));
        insta::assert_snapshot!(text.text(), @r"
        compiling ...
        compiling: done in 1.50 s, 18.3 MiB
        checking ...
        checking: failed after 20 ms
        ");
    }

    #[test]
    fn a_dropped_step_has_failed() {
        let (output, text) = output(Mode::Json);
        drop(Step::start(&output, "compiling"));
        Step::start(&output, "checking").done(None);
        let lines: Vec<serde_json::Value> =
            text.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!((&lines[1]["step"], &lines[1]["ok"]), (&"compiling".into(), &false.into()));
        assert_eq!((&lines[3]["step"], &lines[3]["ok"]), (&"checking".into(), &true.into()));
        assert!(lines[3]["seconds"].is_number());
    }
}
