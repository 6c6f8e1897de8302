// Rows as JavaScript has them, and batches as the contract has them: `batch` in wit/connector.wit says what each part is.

const MICROSECONDS_OF_A_DAY = 86_400_000_000n;

// The `data-type` of the contract, and the case of `values` that carries it.
const TYPES = {
  boolean: ['booleans', (values) => values.map((value) => value ?? false)],
  int: ['integers', (values) => BigInt64Array.from(values, (value) => BigInt(value ?? 0))],
  long: ['integers', (values) => BigInt64Array.from(values, (value) => BigInt(value ?? 0))],
  double: ['floats', (values) => Float64Array.from(values, (value) => value ?? 0)],
  text: ['texts', (values) => values.map((value) => value ?? '')],
  json: ['json', (values) => values.map((value) => JSON.stringify(value ?? null))],
  // As text: a JavaScript number would round it.
  decimal: ['decimals', (values) => values.map((value) => value ?? '0')],
  binary: ['blobs', (values) => values.map((value) => value ?? new Uint8Array())],
  'naive-date': ['dates', (values) => Int32Array.from(values, (value) => (value === null ? 0 : days(value)))],
  'naive-datetime': ['datetimes', (values) => BigInt64Array.from(values, microseconds)],
  'utc-datetime': ['timestamps', (values) => BigInt64Array.from(values, microseconds)],
};

// Days since 1970-01-01 of `YYYY-MM-DD`.
function days(text) {
  return Date.parse(`${text}T00:00:00Z`) / 86_400_000;
}

// Microseconds since 1970-01-01T00:00:00 of `YYYY-MM-DDTHH:MM:SS.ffffff`, to the last one: a Date has milliseconds only.
function microseconds(text) {
  if (text === null) return 0n;
  const [, day, hours, minutes, seconds, fraction = ''] =
    text.match(/^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?Z?$/) ?? refuse(text);
  const clock = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return BigInt(days(day)) * MICROSECONDS_OF_A_DAY + BigInt(clock) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

function refuse() {
  throw new TypeError('a time that is not YYYY-MM-DDTHH:MM:SS');
}

// The declaration of a table for `schema`. A column is `type` or `[type, ...payload]`.
export function definition(table) {
  const columns = Object.entries(table.columns).map(([name, type]) => {
    const [tag, ...payload] = [type].flat();
    return { name, dataType: payload.length > 0 ? { tag, val: payload } : { tag } };
  });
  return { name: tableName(table), primaryKey: table.primaryKey, columns };
}

export function tableName(table) {
  return { schema: undefined, name: table.name };
}

// Rows that all name the same columns, as one batch.
export function batch(table, rows) {
  const columns = Object.keys(rows[0]).map((name) => {
    const [tag, convert] = TYPES[[table.columns[name]].flat()[0]];
    const values = rows.map((row) => row[name] ?? null);
    // NULLs are listed by row; in their places stands something that the host ignores.
    const nulls = Uint32Array.from(values.flatMap((value, row) => (value === null ? [row] : [])));
    return { name, values: { tag, val: convert(values) }, nulls };
  });
  return { rows: rows.length, columns };
}
