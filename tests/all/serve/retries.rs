//! An attempt that waits to be made again outlives the process.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::*;

/// A server that answers each request as its number says.
fn scripted(answers: fn(usize) -> Option<u16>) -> (Server, Receiver<()>) {
    let (asked, number) = (channel(), Arc::new(AtomicUsize::default()));
    let (tell, told) = (Mutex::new(asked.0), asked.1);
    let server = Server::start(move |_, stream| {
        let answer = answers(number.fetch_add(1, Ordering::SeqCst) + 1);
        // The test may have ended.
        let _ = tell.lock().unwrap().send(());
        match answer {
            Some(status) => write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: 2\r\n\r\nok")?,
            // Whoever asks is killed meanwhile.
            None => drop(std::io::Read::read(stream, &mut [0])),
        }
        Ok(true)
    });
    (server, told)
}

fn killed(mut serving: Serving) {
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
}

/// Attempts and outcomes of all runs, the first one first.
fn attempts(fleet: &Fleet) -> Vec<(u64, String)> {
    let mut runs = runs(fleet);
    runs.reverse();
    for pair in runs.windows(2) {
        assert!(pair[0]["ended"].as_str() <= pair[1]["started"].as_str(), "two at once: {pair:?}");
    }
    let of = |run: &Value| (run["attempt"].as_u64().unwrap(), run["outcome"].as_str().unwrap().to_owned());
    runs.iter().map(of).collect()
}

fn expected(of: &[(u64, &str)]) -> Vec<(u64, String)> {
    of.iter().map(|(attempt, outcome)| (*attempt, (*outcome).to_owned())).collect()
}

/// Holds the last run against when it was to begin at the earliest; answers when the next is.
fn began_and_waits(fleet: &Fleet, not_before: Timestamp, waits: f64) -> Timestamp {
    let last = runs(fleet).swap_remove(0);
    let time = |key: &str| last[key].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time("started") >= not_before, "{last} began before {not_before}");
    time("ended") + SignedDuration::try_from_secs_f64(waits).unwrap()
}

#[test]
fn a_wait_goes_on_after_a_kill_and_no_attempt_is_made_too_many() {
    let (server, _told) = scripted(|_| Some(500));
    let retry = format!("{DAILY}\nretry = {{ attempts = 3, wait = \"1s\", longest_wait = \"1s\" }}");
    let fleet = Fleet::new("").asking("fails", &server, 1, &retry);
    let mut not_before = Timestamp::MIN;
    for attempt in [2, 3] {
        let (serving, _) = Serving::start(&fleet);
        let again = serving.wait_for("retry");
        assert_eq!(again["attempt"], attempt);
        killed(serving);
        not_before = began_and_waits(&fleet, not_before, again["wait_seconds"].as_f64().unwrap());
    }
    let (serving, _) = Serving::start(&fleet);
    let ended = serving.wait_for("ended");
    assert_eq!((&ended["outcome"], &ended["attempts"]), (&json!("connector"), &json!(3)));
    killed(serving);
    began_and_waits(&fleet, not_before, 0.0);
    assert_eq!(attempts(&fleet), expected(&[(1, "connector"), (2, "connector"), (3, "connector")]));
    let (serving, _) = Serving::start(&fleet);
    serving.stop();
    assert_eq!(attempts(&fleet).len(), 3, "it is over until its schedule says so");
}

#[test]
fn an_attempt_that_was_cut_short_is_made_again_and_has_not_failed() {
    let (server, told) = scripted(|number| match number {
        1 | 3 => Some(500),
        2 => None,
        _ => Some(200),
    });
    let retry = format!("{DAILY}\nretry = {{ attempts = 3, wait = \"1ms\", longest_wait = \"1ms\" }}");
    let fleet = Fleet::new("").asking("fails", &server, 1, &retry);
    let (serving, _) = Serving::start(&fleet);
    told.recv().unwrap();
    told.recv().unwrap();
    killed(serving);
    let (serving, _) = Serving::start(&fleet);
    let ended = serving.wait_for("ended");
    serving.stop();
    assert_eq!((&ended["outcome"], &ended["attempts"]), (&json!("success"), &json!(3)), "{:?}", runs(&fleet));
    let all = [(1, "connector"), (2, "interrupted"), (2, "connector"), (3, "success")];
    assert_eq!(attempts(&fleet), expected(&all));
}

#[test]
fn who_waits_keeps_no_place_and_a_sync_by_hand_ends_the_wait() {
    let (server, _told) = scripted(|number| Some(if number == 1 { 500 } else { 200 }));
    let retry = format!("{DAILY}\nretry = {{ attempts = 3, wait = \"1h\", longest_wait = \"1h\" }}");
    let fleet = Fleet::new("concurrency = 1").asking("fails", &server, 1, &retry).rows("other", 10, DAILY);
    let (serving, _) = Serving::start(&fleet);
    serving.wait_for("retry");
    assert_eq!(serving.ended(1), ["other"]);
    killed(serving);
    let (serving, _) = Serving::start(&fleet);
    let batch = fleet.batch(&["--only", "fails"]);
    assert_eq!(batch.outcome("fails"), "success", "{}", batch.said);
    serving.stop();
    let (serving, _) = Serving::start(&fleet);
    serving.stop();
    let all = runs(&fleet).into_iter().filter(|run| run["connection"] == "fails");
    let all: Vec<_> = all.map(|run| run["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all, ["success", "connector"]);
}

#[test]
fn the_timeout_of_the_file_is_for_all_attempts_of_a_sync() {
    let (server, _told) = scripted(|_| Some(500));
    let retry = format!("{DAILY}\nretry = {{ attempts = 100, wait = \"1h\", longest_wait = \"1h\" }}");
    let fleet = Fleet::new("timeout = \"5m\"").asking("fails", &server, 1, &retry);
    let (serving, _) = Serving::start(&fleet);
    let next = serving.events.iter().find(|event| event["event"] == "retry" || event["event"] == "ended").unwrap();
    assert_eq!(
        (&next["event"], &next["outcome"], &next["attempts"]),
        (&json!("ended"), &json!("connector"), &json!(1))
    );
    serving.stop();
    assert_eq!(attempts(&fleet), expected(&[(1, "connector")]));
}
