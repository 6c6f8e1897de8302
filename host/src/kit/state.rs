//! States are small, and change at checkpoints alone.

use super::{CheckResult, Ran, Verdict};
use crate::display::units;

/// The largest state that passes, in bytes. A state is read and written with each checkpoint: it is for cursors.
pub const STATE_BYTES: usize = 64 * 1024;

pub(super) fn check(first: &Ran) -> CheckResult {
    let journal = &first.journal;
    let largest = journal.checkpoints.iter().enumerate().max_by_key(|(_, checkpoint)| checkpoint.state_bytes);
    let Some((number, largest)) = largest else {
        return CheckResult::skipped("no checkpoint, so that the state stays {}");
    };
    let bytes = |bytes: usize| units::bytes(bytes as u64);
    let mut result = CheckResult::passed(format!("the largest has {}", bytes(largest.state_bytes)));
    if largest.state_bytes > STATE_BYTES {
        result = result.and(
            Verdict::Failed,
            format!(
                "the state of checkpoint {} has {}; more than {} is no cursor",
                number + 1,
                bytes(largest.state_bytes),
                bytes(STATE_BYTES)
            ),
            Some("keep where to go on from, not what was sent".to_owned()),
        );
    }
    let kept = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    if journal.state.as_deref().and_then(kept) != kept(&first.state) {
        result = result.and(
            Verdict::Failed,
            "the state after the sync is not that of its last checkpoint",
            Some("this is a fault of Sluice: please report it".to_owned()),
        );
    }
    result
}
