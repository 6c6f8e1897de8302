//! A harness that throws bytes at whatever reads a stranger's bytes, and asserts what must hold of the answer.
//!
//! It runs on stable Rust, as a part of the tests. `cargo test` takes the kept corpus (`tests/fuzz/corpus/`) and some
//! thousand mutations with a fixed seed, so that it says the same every time. For long:
//!
//! ```text
//! tests/fuzz/run.sh 600                       # each target ten minutes, guided by coverage
//! SLUICE_FUZZ_SECONDS=60 cargo test --release --lib fuzzing::       # blind, all at once
//! ```
//!
//! | variable | what it does |
//! |---|---|
//! | `SLUICE_FUZZ_SECONDS` | how long each target is attacked, instead of a number of mutations |
//! | `SLUICE_FUZZ_SEED` | the seed; the time when a run is long and there is none |
//! | `SLUICE_FUZZ_KEEP` | a folder for the inputs that showed something new, below it one of each target |
//!
//! An input that breaks a property is written beside the build (`target/…/fuzz/`) and its path is in the message;
//! put it into the corpus with the fix.
//!
//! A target answers what came of an input (`Seen`), and an input with a new answer is kept to be changed further. Built
//! with `tests/fuzz/instrument.sh`, new paths through the code count as well.

mod coverage;
pub(crate) mod memory;
mod mutate;
mod targets;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use coverage::Coverage;

/// What came of an input, in one number: its kind, not its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen(u64);

impl Seen {
    /// A text without what differs between inputs of one kind: digits and what stands in quotes.
    pub(crate) fn text(text: &str) -> Self {
        let mut quoted = false;
        let kind = text.chars().filter(|c| {
            quoted ^= matches!(c, '`' | '"' | '\'');
            !quoted && !c.is_ascii_digit()
        });
        Self::of(&kind.collect::<String>())
    }

    /// Anything that has few values.
    pub(crate) fn of(value: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The size of a thing, roughly.
    pub(crate) fn and(self, size: usize) -> Self {
        Self::of(&(self.0, size.checked_ilog2()))
    }
}

/// Something that reads a stranger's bytes.
pub(crate) struct Target {
    /// Also the name of its corpus.
    pub(crate) name: &'static str,
    /// What means something to it.
    pub(crate) words: &'static [&'static str],
    /// The longest input.
    pub(crate) longest: usize,
    /// Mutations in a brief run.
    pub(crate) brief: usize,
    /// Inputs to begin with, beside the corpus.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Panics when a property does not hold.
    pub(crate) attack: fn(&[u8]) -> Seen,
}

/// No input may take longer in a long run: a reader that is not linear shows here.
const SLOWEST: Duration = Duration::from_secs(20);

struct Run<'a> {
    target: &'a Target,
    seed: u64,
    random: fastrand::Rng,
    coverage: Coverage,
    answers: HashSet<Seen>,
    corpus: Vec<Vec<u8>>,
    executions: u64,
    slowest: Duration,
    now: Option<std::fs::File>,
}

/// Attacks a target, for as long as the surroundings say.
pub(crate) fn run(target: &Target) {
    let variable = |name: &str| std::env::var(name).ok();
    let long = variable("SLUICE_FUZZ_SECONDS").map(|text| Duration::from_secs(text.parse().unwrap()));
    let clock = || std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
    let seed = variable("SLUICE_FUZZ_SEED").map(|text| text.parse().unwrap());
    let seed = seed.unwrap_or_else(|| if long.is_some() { clock() } else { 1 });
    let started = Instant::now();
    let mut run = Run::new(target, seed);
    if long.is_some() {
        run.now = Some(std::fs::File::create(run.place("now")).unwrap());
        println!("{}: seed {seed}, {} inputs, coverage {}", target.name, run.corpus.len(), run.coverage.is_there());
    }
    run.first();
    let mut told = started;
    loop {
        match long {
            None if run.executions >= target.brief as u64 => break,
            Some(long) if started.elapsed() >= long => break,
            _ => run.once(),
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!("{}", run.summary(started));
        }
    }
    println!("{}", run.summary(started));
    if let Some(folder) = variable("SLUICE_FUZZ_KEEP") {
        run.keep(&Path::new(&folder).join(target.name));
    }
}

impl<'a> Run<'a> {
    fn new(target: &'a Target, seed: u64) -> Self {
        let mut corpus = (target.seeds)();
        corpus.extend(kept(target.name));
        let random = fastrand::Rng::with_seed(seed);
        let (executions, answers, slowest) = (0, HashSet::new(), Duration::ZERO);
        Self { target, seed, random, coverage: Coverage::new(), answers, corpus, executions, slowest, now: None }
    }

    /// Everything that is known already, and nothing at all.
    fn first(&mut self) {
        for input in std::iter::once(Vec::new()).chain(self.corpus.clone()) {
            self.attack(&input);
        }
    }

    fn once(&mut self) {
        let mut input = self.random.choice(&self.corpus).cloned().unwrap_or_default();
        for _ in 0..self.random.usize(1..=6) {
            let other = self.random.choice(&self.corpus).cloned().unwrap_or_default();
            mutate::mutate(&mut input, &other, self.target.words, &mut self.random);
        }
        input.truncate(self.target.longest);
        if self.attack(&input) {
            self.corpus.push(input);
        }
    }

    /// Whether it showed something new.
    fn attack(&mut self, input: &[u8]) -> bool {
        if let Some(file) = &mut self.now {
            // What ends the process leaves its cause behind.
            file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(input)).unwrap();
        }
        self.executions += 1;
        let started = Instant::now();
        self.coverage.begin();
        let answer = catch_unwind(AssertUnwindSafe(|| (self.target.attack)(input)));
        let covered = self.coverage.end();
        self.slowest = self.slowest.max(started.elapsed());
        match answer {
            Ok(_) if self.now.is_some() && started.elapsed() > SLOWEST => {
                panic!("{}", self.found(input, "took too long"))
            }
            Ok(answer) => {
                let answered = self.answers.insert(answer);
                // Where places are counted, many answers are one.
                covered || (answered && !self.coverage.is_there())
            }
            Err(panic) => {
                eprintln!("{}", self.found(input, "broke a property"));
                resume_unwind(panic)
            }
        }
    }

    fn found(&self, input: &[u8], what: &str) -> String {
        let path = self.place(&format!("{:016x}", Seen::of(&input).0));
        std::fs::write(&path, input).unwrap();
        let (name, seed, shown) = (self.target.name, self.seed, input.escape_ascii());
        format!(
            "{name}: an input of {} bytes {what} (seed {seed}), kept in {}: {shown:.300}",
            input.len(),
            path.display()
        )
    }

    fn place(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{}-{name}", self.target.name))
    }

    fn summary(&self, started: Instant) -> String {
        let (name, seconds) = (self.target.name, started.elapsed().as_secs_f64());
        format!(
            "{name}: {} executions in {seconds:.0} s, {} kinds of answers, {} places, {} inputs kept, slowest {:.0?}",
            self.executions,
            self.answers.len(),
            self.coverage.places(),
            self.corpus.len(),
            self.slowest
        )
    }

    /// Writes down the inputs, shortest first, without which something would not be seen.
    fn keep(mut self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let mut all = std::mem::take(&mut self.corpus);
        all.sort_by_key(|input| (input.len(), input.clone()));
        self.answers.clear();
        self.coverage.forget();
        for input in all {
            if self.attack(&input) {
                std::fs::write(folder.join(format!("{:016x}", Seen::of(&input).0)), &input).unwrap();
            }
        }
    }
}

fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(name);
    let Ok(files) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Texts as inputs.
pub(crate) fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
