//! Random programs: mostly what connectors do, sprinkled with what they should not.

use std::collections::BTreeMap;

use sluicegate::landing::TypeMismatch;

use super::program::{Declared, End, Kind, Mode, Name, Operation, Program, Row, SyncSpec, TableSpec};
use super::python::Py;
use super::random::Random;
use super::types::{TYPES, Type};
use super::values::{KINDS, ValueKind, key, suits, value};

/// Names of tables; a number is appended to both.
const TABLES: [Name; 12] = [
    ("orders", "orders"),
    ("Order Items", "order_items"),
    ("userData", "user_data"),
    ("HTTPServer", "http_server"),
    ("Straße", "strasse"),
    ("_private", "private"),
    ("2020 sales", "_2020_sales"),
    ("ÜNÏ cödé", "uni_code"),
    ("select", "select"),
    ("x\"; DROP TABLE y; --", "x_drop_table_y_"),
    ("a.b-c/d", "a_b_c_d"),
    ("Résumé", "resume"),
];

/// Names of columns.
const COLUMNS: [Name; 16] = [
    ("id", "id"),
    ("name", "name"),
    ("createdAt", "created_at"),
    ("custom__c", "custom_c"),
    ("user ID", "user_id"),
    ("2nd", "_2nd"),
    ("_private", "_private"),
    ("PRICE", "price"),
    ("größe", "grosse"),
    ("order", "order"),
    ("sha256", "sha_256"),
    ("email@work", "email_work"),
    ("a'b", "a_b"),
    ("select", "select"),
    ("_fivetran_deleted", "_fivetran_deleted"),
    ("rowid", "rowid"),
];

/// Source schemas.
const SCHEMAS: [Name; 2] = [("s1", "s_1"), ("Sales EU", "sales_eu")];

/// Programs that share one connection, its checkpoints and its crashes.
pub(super) fn group(seed: u64, programs: usize) -> Program {
    let mut random = Random::new(seed);
    let mut parts: Vec<Part> = (0..programs).map(|number| Part::new(&mut random, number)).collect();
    let mut group = Program { tables: Vec::new(), syncs: Vec::new() };
    for part in &mut parts {
        part.first = group.tables.len();
        group.tables.extend(part.tables.iter().map(|habits| habits.spec.clone()));
    }
    let mut checkpoints = 0;
    for _ in 0..1 + random.below(4) {
        let mut queues = Vec::new();
        let (mut declared, mut modes) = (BTreeMap::new(), BTreeMap::new());
        let mismatch = *random.pick(&[TypeMismatch::Fail, TypeMismatch::Fail, TypeMismatch::Widen, TypeMismatch::Null]);
        for part in &mut parts {
            let now = part.declare(&mut random, mismatch);
            modes.extend(part.modes(&mut random));
            let mut queue = part.operations(&mut random, &now);
            queue.reverse();
            queues.push(queue);
            declared.extend(now);
        }
        let operations = merged(&mut random, queues, &mut checkpoints, programs);
        group.syncs.push(SyncSpec {
            modes,
            mismatch,
            quarantine: random.percent(30),
            declared,
            operations,
            end: end(&mut random),
        });
    }
    group
}

fn end(random: &mut Random) -> End {
    match random.below(20) {
        0..=11 => End::Well,
        12..=15 => End::Raise,
        16 => End::Exit,
        17 => End::Abort,
        _ => End::Error,
    }
}

/// The operations of all programs in one order, checkpoints between them; a sync that ends badly
/// is cut anywhere, because its operations are.
fn merged(
    random: &mut Random,
    mut queues: Vec<Vec<Operation>>,
    checkpoints: &mut i64,
    programs: usize,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    let every = programs * (3 + random.below(40));
    loop {
        let filled: Vec<usize> = (0..queues.len()).filter(|index| !queues[*index].is_empty()).collect();
        if filled.is_empty() {
            break;
        }
        let queue = &mut queues[*random.pick(&filled)];
        for _ in 0..1 + random.below(6) {
            operations.extend(queue.pop());
        }
        if random.below(every) < 3 {
            *checkpoints += 1;
            operations.push(Operation::Checkpoint(*checkpoints));
        }
    }
    operations
}

/// One table and how the program treats it.
struct Habits {
    spec: TableSpec,
    /// What a column mostly holds.
    kinds: Vec<ValueKind>,
    /// What its key mostly holds, and how many keys there are.
    keys: (ValueKind, usize),
    mode: Mode,
    /// How often, in percent, a value is of another kind than usual.
    surprises: usize,
}

/// One program.
struct Part {
    tables: Vec<Habits>,
    /// The place of its first table.
    first: usize,
}

impl Part {
    fn new(random: &mut Random, number: usize) -> Self {
        let tables = (0..1 + random.below(3)).map(|place| Habits::new(random, number, place)).collect();
        Self { tables, first: 0 }
    }

    /// What the operator wants now; now and then it changes.
    fn modes(&mut self, random: &mut Random) -> BTreeMap<usize, Mode> {
        for habits in &mut self.tables {
            // A history is never given up.
            if habits.mode != Mode::History && random.percent(10) {
                habits.mode = *random.pick(&[Mode::Soft, Mode::Hard, Mode::History]);
            }
        }
        (self.first..).zip(self.tables.iter().map(|habits| habits.mode)).collect()
    }

    fn declare(&self, random: &mut Random, mismatch: TypeMismatch) -> BTreeMap<usize, Declared> {
        let mut all = BTreeMap::new();
        for (place, habits) in self.tables.iter().enumerate() {
            // A table with a key is known by it in every sync.
            if !habits.spec.key.is_empty() || random.percent(40) {
                all.insert(self.first + place, habits.declare(random, mismatch));
            }
        }
        all
    }

    fn operations(&self, random: &mut Random, declared: &BTreeMap<usize, Declared>) -> Vec<Operation> {
        let mut operations = Vec::new();
        for _ in 0..random.below(12) {
            let place = random.below(self.tables.len());
            let types = declared.get(&(self.first + place));
            self.tables[place].act(random, self.first + place, types, &mut operations);
        }
        operations
    }
}

impl Habits {
    fn new(random: &mut Random, program: usize, place: usize) -> Self {
        let (name, stored) = *random.pick(&TABLES);
        let schema = random.percent(15).then(|| *random.pick(&SCHEMAS));
        let number = format!("{program} {place}");
        let suffix = format!("{program}_{place}");
        let stored = match schema {
            Some((_, schema)) => format!("{schema}_{}_{suffix}", stored.trim_matches('_')),
            None => format!("{}_{suffix}", stored.trim_end_matches('_')),
        };
        let mut columns = COLUMNS.to_vec();
        while columns.len() > 6 {
            columns.remove(random.below(columns.len()));
        }
        let key = match random.below(10) {
            0..=5 => vec![0],
            6..=7 => vec![1, 0],
            _ => Vec::new(),
        };
        let spec = TableSpec {
            program,
            schema: schema.map(|(source, _)| source),
            name: format!("{name} {number}"),
            stored,
            columns,
            key,
        };
        Self {
            kinds: spec.columns.iter().map(|_| *random.pick(&KINDS)).collect(),
            keys: (*random.pick(&KINDS[..6]), 1 + random.below(6)),
            mode: *random.pick(&[Mode::Soft, Mode::Soft, Mode::Hard, Mode::History]),
            surprises: *random.pick(&[0, 0, 5, 30]),
            spec,
        }
    }

    fn declare(&self, random: &mut Random, mismatch: TypeMismatch) -> Declared {
        let mut declared = Declared::new();
        let often = *random.pick(&[0, 30, 80]);
        for place in 0..self.spec.columns.len() {
            // A key that does not fit and must not be NULL ends the sync; that is tested elsewhere.
            let risky = mismatch == TypeMismatch::Null && self.spec.key.contains(&place);
            if random.percent(often) && !risky {
                let usual = if self.spec.key.contains(&place) { self.keys.0 } else { self.kinds[place] };
                let fitting: Vec<Type> = TYPES.into_iter().filter(|data_type| suits(*data_type, usual)).collect();
                let from: &[Type] = if random.percent(10) || fitting.is_empty() { &TYPES } else { &fitting };
                declared.insert(place, *random.pick(from));
            }
        }
        declared
    }

    fn act(&self, random: &mut Random, place: usize, types: Option<&Declared>, operations: &mut Vec<Operation>) {
        let kind = match random.below(20) {
            0..=11 => Kind::Upsert,
            12..=14 => Kind::Update,
            15..=17 => Kind::Delete,
            _ => return operations.push(Operation::Truncate(place)),
        };
        // Many rows of one shape, so that the SDK's fast ways are taken too.
        let rows = if random.percent(6) { 9 + random.below(40) } else { 1 + random.below(3) };
        let named: Vec<usize> = (0..self.spec.columns.len()).filter(|_| random.percent(60)).collect();
        for _ in 0..rows {
            operations.push(Operation::Rows(kind, place, self.row(random, kind, &named, types)));
        }
    }

    /// A row with its whole key; those without have tests of their own.
    fn row(&self, random: &mut Random, kind: Kind, named: &[usize], types: Option<&Declared>) -> Row {
        let declared = |column: &usize| types.and_then(|types| types.get(column)).copied();
        let mut row = Row::new();
        if kind != Kind::Delete || self.spec.key.is_empty() {
            for column in named {
                row.insert(*column, self.value(random, self.kinds[*column], declared(column)));
            }
        }
        for column in &self.spec.key {
            let kind = if random.percent(self.surprises / 3) { *random.pick(&KINDS[..6]) } else { self.keys.0 };
            row.insert(*column, key(kind, random.below(self.keys.1)));
        }
        row
    }

    fn value(&self, random: &mut Random, usual: ValueKind, declared: Option<Type>) -> Py {
        if random.percent(12) {
            return Py::None;
        }
        let surprise = random.percent(self.surprises);
        let kind = match declared {
            _ if surprise => *random.pick(&KINDS),
            Some(declared) if !suits(declared, usual) => {
                let fitting: Vec<_> = KINDS.into_iter().filter(|kind| suits(declared, *kind)).collect();
                *random.pick(&fitting)
            }
            _ => usual,
        };
        value(random, kind, declared)
    }
}
