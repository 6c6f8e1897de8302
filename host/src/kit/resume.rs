//! A sync that is cut and resumed ends in the same tables as one that is not.

use std::collections::BTreeSet;

use super::compare::{Difference, differences};
use super::{Bench, CheckResult, Options, Ran, Setting, Trouble, Verdict, how_to_record, listed};
use crate::display::units::counted;
use crate::trial::CutAfter;

/// Most checkpoints after which a sync is cut, unless told otherwise.
pub const MOST_CUTS: usize = 50;
/// Operations between checkpoints after which it is cut too, at most.
const BETWEEN: usize = 10;
/// Cuts that are told one by one.
const TOLD: usize = 3;

/// How a sync that was cut and resumed ended.
enum Ended {
    /// In the same tables.
    Same,
    /// In others.
    Differs(Vec<Difference>),
    /// Badly.
    Failed(String),
    /// Nobody knows: what it asked for, and whether an entry was missing or only the order chose one.
    Unknown(Vec<String>, bool),
    /// Before it came to the cut.
    Early,
}

pub(super) fn check(bench: &Bench<'_>, options: &Options, first: &Ran) -> Result<CheckResult, Trouble> {
    let (after, between) = cuts(first, options);
    let note = format!(
        "cut after {} and {} between, seed {}",
        counted(after.len() as u64, "checkpoint"),
        counted(between.len() as u64, "operation"),
        options.seed
    );
    let mut found = Found::default();
    for (chance, operation) in (1..).zip(after.iter().chain(&between)) {
        let ended = cut_and_resume(bench, options, first, *operation, chance)?;
        found.add(&place(first, *operation), ended);
    }
    if found.cuts == 0 {
        let nothing = match (options.cuts, first.journal.checkpoints.is_empty()) {
            (0, _) => "no cuts are wanted (--cuts 0)",
            (_, true) => "nothing to cut: no checkpoint, and one operation at most",
            (_, false) => "nothing to cut: no operation comes after another",
        };
        return Ok(CheckResult::skipped(nothing));
    }
    Ok(found.result(bench, note))
}

/// After which operations to cut: checkpoints, evenly where there are many, and others by chance. After the last
/// operation there is nothing to resume: that is a further sync.
fn cuts(first: &Ran, options: &Options) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let journal = &first.journal;
    let places: Vec<u64> = journal.checkpoints.iter().map(|checkpoint| checkpoint.operation).collect();
    let inner: Vec<u64> = places.iter().copied().filter(|place| *place < journal.operations).collect();
    let after = evenly(&inner, options.cuts);
    let mut others: Vec<u64> = (1..journal.operations).filter(|place| places.binary_search(place).is_err()).collect();
    let mut random = Random(options.seed);
    let mut between = BTreeSet::new();
    while between.len() < BETWEEN.min(options.cuts) && !others.is_empty() {
        let chosen = random.below(others.len());
        between.insert(others.swap_remove(chosen));
    }
    (after, between)
}

/// At most `most` of them, the first and the last among those.
fn evenly(all: &[u64], most: usize) -> BTreeSet<u64> {
    let last = all.len().saturating_sub(1);
    let wanted = most.min(all.len());
    (0..wanted).filter_map(|n| all.get(n * last / wanted.saturating_sub(1).max(1)).copied()).collect()
}

fn cut_and_resume(
    bench: &Bench<'_>,
    options: &Options,
    first: &Ran,
    operation: u64,
    chance: u64,
) -> Result<Ended, Trouble> {
    let warehouse = bench.fresh();
    let cut = Setting { cut: Some(CutAfter::Operation(operation)), ..Setting::default() };
    let before = bench.sync(&warehouse, cut)?;
    if !before.journal.was_cut {
        return Ok(Ended::Early);
    }
    let after = bench.sync(&warehouse, Setting { chance, ..Setting::default() })?;
    // Databases add up, and nothing is looked at again.
    let _ = std::fs::remove_dir_all(&warehouse);
    Ok(ended(first, &after, options))
}

fn ended(first: &Ran, after: &Ran, options: &Options) -> Ended {
    if !after.missing().is_empty() {
        return Ended::Unknown(after.missing().to_vec(), true);
    }
    let differs = differences(&first.contents, &after.contents, &options.ignored);
    let unknown = !after.repeated().is_empty();
    match after.failure() {
        Some(_) | None if unknown && (after.result.is_err() || !differs.is_empty()) => {
            Ended::Unknown(after.repeated().to_vec(), false)
        }
        Some(failure) => Ended::Failed(failure),
        None if differs.is_empty() => Ended::Same,
        None => Ended::Differs(differs),
    }
}

fn place(first: &Ran, operation: u64) -> String {
    let checkpoints = &first.journal.checkpoints;
    let number = checkpoints.iter().position(|checkpoint| checkpoint.operation == operation);
    match number {
        Some(number) => format!("after checkpoint {} of {}", number + 1, checkpoints.len()),
        None => format!("after operation {operation} of {}", first.journal.operations),
    }
}

#[derive(Default)]
struct Found {
    cuts: u64,
    wrong: u64,
    told: Vec<(String, &'static str)>,
    missing: BTreeSet<String>,
    repeated: BTreeSet<String>,
    undecided: u64,
}

impl Found {
    fn add(&mut self, place: &str, ended: Ended) {
        self.cuts += 1;
        let (text, hint) = match ended {
            Ended::Same => return,
            Ended::Unknown(requests, missing) => {
                self.undecided += 1;
                let all = if missing { &mut self.missing } else { &mut self.repeated };
                all.extend(requests);
                return;
            }
            Ended::Early => (
                "the sync did not come to it again: it does other things the second time".to_owned(),
                "the checks replay and idempotence say more",
            ),
            Ended::Failed(failure) => (
                format!("the resumed sync failed: {failure}"),
                "a sync must be able to go on from the state of every checkpoint",
            ),
            Ended::Differs(differences) => {
                let hint = advice(&differences);
                let all = differences.iter().map(ToString::to_string).collect::<Vec<_>>();
                (all.join("; "), hint)
            }
        };
        self.wrong += 1;
        if self.told.len() < TOLD {
            self.told.push((format!("cut {place}: {text}"), hint));
        }
    }

    fn result(self, bench: &Bench<'_>, note: String) -> CheckResult {
        let mut result = CheckResult::passed(note);
        for (text, hint) in &self.told {
            result = result.and(Verdict::Failed, text.clone(), Some((*hint).to_owned()));
        }
        if self.wrong > self.told.len() as u64 {
            let more = self.wrong - self.told.len() as u64;
            result = result.and(Verdict::Failed, format!("and {} more", counted(more, "cut")), None);
        }
        if self.undecided > 0 {
            let cuts = format!("{} of {} cuts cannot be decided with this cassette", self.undecided, self.cuts);
            let text = match self.missing.is_empty() {
                false => format!(
                    "{cuts}: the resumed sync asks for {}",
                    listed(&self.missing.into_iter().collect::<Vec<_>>())
                ),
                true => format!(
                    "{cuts}: it has several entries for one request, of which a resumed sync may want another: {}",
                    listed(&self.repeated.into_iter().collect::<Vec<_>>())
                ),
            };
            result = result.and(Verdict::Undecided, text, Some(how_to_record(bench)));
        }
        result
    }
}

/// What is probably wrong, by what the tables look like.
pub(super) fn advice(differences: &[Difference]) -> &'static str {
    let any = |count: fn(&Difference) -> u64| differences.iter().any(|one| count(one) > 0);
    match (any(|one| one.missing), any(|one| one.extra)) {
        (true, false) => {
            "the state was ahead of the rows: send all rows that a state says are done before its checkpoint, and go \
             on from the first that is not"
        }
        (false, true) | (true, true) => {
            "rows that are sent again must have the same primary key: use one of the source, no counter and no chance"
        }
        (false, false) => {
            "rows that are sent again must have the same values; --ignore-column leaves one out that need not, such as \
             the time of the sync"
        }
    }
}

/// Numbers that look random and are the same for a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_checkpoints_are_sampled_evenly_with_both_ends() {
        let all: Vec<u64> = (1..=200).collect();
        let some = evenly(&all, 50);
        assert_eq!((some.len(), some.first(), some.last()), (50, Some(&1), Some(&200)));
        assert_eq!(evenly(&all, 1), [1].into());
        assert_eq!(evenly(&[3, 9], 50), [3, 9].into());
        assert!(evenly(&[], 50).is_empty() && evenly(&all, 0).is_empty());
    }
}
