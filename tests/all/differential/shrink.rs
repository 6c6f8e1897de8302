//! Making a failing program small: what is left out must not make it right.

use super::compare::Difference;
use super::play;
use super::program::{Operation, Program};

/// A smaller program that fails too, perhaps in another way.
pub(super) fn shrink(program: &Program, difference: &Difference) -> Program {
    let mut small = program.clone();
    if let Some(table) = difference.table {
        keep(&mut small, program.only(program.tables[table].program));
    } else {
        for part in 0..program.tables.last().map_or(0, |table| table.program + 1) {
            if keep(&mut small, program.only(part)) {
                break;
            }
        }
    }
    while syncs(&mut small) | operations(&mut small) | columns(&mut small) | declarations(&mut small) {}
    small
}

/// Takes the smaller one when it fails.
fn keep(small: &mut Program, smaller: Program) -> bool {
    let fails = play(&smaller).is_err();
    if fails {
        *small = smaller;
    }
    fails
}

fn syncs(small: &mut Program) -> bool {
    let mut shrunk = false;
    for index in (0..small.syncs.len()).rev() {
        let mut smaller = small.clone();
        smaller.syncs.remove(index);
        shrunk |= !smaller.syncs.is_empty() && keep(small, smaller);
    }
    shrunk
}

/// Leaves out runs of operations, long ones first.
fn operations(small: &mut Program) -> bool {
    let mut shrunk = false;
    for sync in 0..small.syncs.len() {
        let mut length = small.syncs[sync].operations.len();
        while length > 0 {
            let mut start = 0;
            while start < small.syncs[sync].operations.len() {
                let mut smaller = small.clone();
                let operations = &mut smaller.syncs[sync].operations;
                let end = operations.len().min(start + length);
                operations.drain(start..end);
                if keep(small, smaller) {
                    shrunk = true;
                } else {
                    start += length;
                }
            }
            length /= 2;
        }
    }
    shrunk
}

/// Leaves single values out of rows.
fn columns(small: &mut Program) -> bool {
    let mut shrunk = false;
    for sync in 0..small.syncs.len() {
        for index in 0..small.syncs[sync].operations.len() {
            let Operation::Rows(_, _, row) = &small.syncs[sync].operations[index] else { continue };
            for column in row.keys().copied().collect::<Vec<_>>() {
                let mut smaller = small.clone();
                if let Operation::Rows(_, _, row) = &mut smaller.syncs[sync].operations[index] {
                    row.remove(&column);
                }
                shrunk |= keep(small, smaller);
            }
        }
    }
    shrunk
}

fn declarations(small: &mut Program) -> bool {
    let mut shrunk = false;
    for sync in 0..small.syncs.len() {
        let declared = small.syncs[sync].declared.clone();
        for (table, columns) in declared {
            let mut smaller = small.clone();
            if small.tables[table].key.is_empty()
                && smaller.syncs[sync].declared.remove(&table).is_some()
                && keep(small, smaller)
            {
                shrunk = true;
                continue;
            }
            for column in columns.keys() {
                let mut smaller = small.clone();
                smaller.syncs[sync].declared.get_mut(&table).expect("declared").remove(column);
                shrunk |= keep(small, smaller);
            }
        }
    }
    shrunk
}
