/* Giving a batch to the host as it lies in memory.
 *
 * The contract's operations are imported here in the form of the Canonical ABI, beside the generated bindings that the
 * rest of the SDK uses: those take lists of Python objects, which costs more than all checks of a row. The structs below
 * are the records of `sluice:connector/types` as the ABI lays them out.
 */
#include "send.h"

#include "http.h"

enum { SCHEMA_ABSENT, SCHEMA_PRESENT };
enum { PACKED_TEXTS = 14, PACKED_JSON = 15 }; /* cases of `values`; the others are those of `Kind` */

typedef struct {
  const void *data;
  size_t length;
} List;

typedef struct {
  List name;
  uint8_t kind;
  List values;
  List nulls;
} HostColumn;

typedef struct {
  uint8_t failed;
  struct {
    uint8_t reason;
    List text;
  } refusal;
} HostResult;

_Static_assert(sizeof(HostColumn) == 28 && offsetof(HostColumn, nulls) == 20, "as the Canonical ABI has it");
_Static_assert(sizeof(HostResult) == 16 && offsetof(HostResult, refusal) == 4, "as the Canonical ABI has it");

#define HOST(name)                                                                                      \
  __attribute__((import_module("sluice:connector/operations@0.1.0"), import_name(#name))) void host_##name( \
      int has_schema, const char *schema, size_t schema_length, const char *table, size_t table_length, \
      uint32_t rows, const HostColumn *columns, size_t column_count, HostResult *result)
HOST(upsert);
HOST(update);
HOST(delete);

void *realloc(void *, size_t);
void free(void *);

/* Where the host puts what it answers; the Canonical ABI gives the function its name. */
__attribute__((visibility("default"))) void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)old_size;
  if (!size) return (void *)alignment;
  void *place;
  if (bytes_wanted && !old) {
    bytes_wanted = 0;
    bytes_from_host = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    place = bytes_from_host ? PyBytes_AsString(bytes_from_host) : NULL;
  } else {
    place = realloc(old, size); /* aligned for everything that the contract has */
  }
  /* the host would write at address 0 */
  if (!place) __builtin_trap();
  return place;
}

/* Frees what was made for the columns so far. */
static void free_made(void **made, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; i++) PyMem_Free(made[i]);
}

static List *lists_of_texts(const Column *column, Py_ssize_t rows) {
  List *lists = PyMem_Calloc((size_t)rows, sizeof(List));
  for (Py_ssize_t row = 0; lists && row < rows; row++) {
    size_t start = column->values.starts[row];
    size_t end = row + 1 < rows ? column->values.starts[row + 1] : column->used;
    lists[row] = (List){column->bytes + start, end - start - 1};
  }
  return lists;
}

static List *lists_of_bytes(const Column *column, Py_ssize_t rows) {
  List *lists = PyMem_Calloc((size_t)rows, sizeof(List));
  for (Py_ssize_t row = 0; lists && row < rows; row++) {
    PyObject *bytes = column->values.objects[row];
    lists[row] = (List){PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes)};
  }
  return lists;
}

static uint8_t *booleans(const Column *column, Py_ssize_t rows) {
  uint8_t *all = PyMem_Calloc((size_t)rows, 1);
  for (Py_ssize_t row = 0; all && row < rows; row++) all[row] = (uint8_t)column->values.numbers[row];
  return all;
}

static int32_t *dates(const Column *column, Py_ssize_t rows) {
  int32_t *all = PyMem_Calloc((size_t)rows, sizeof(int32_t));
  for (Py_ssize_t row = 0; all && row < rows; row++) all[row] = (int32_t)column->values.numbers[row];
  return all;
}

/* Describes a column to the host. `made` gets memory that must live until it was sent; 0 when there is none. */
static int describe(const Column *column, Py_ssize_t rows, HostColumn *to, void **made) {
  Py_ssize_t length;
  to->name.data = PyUnicode_AsUTF8AndSize(column->name, &length);
  if (!to->name.data) return 0;
  to->name.length = (size_t)length;
  to->kind = (uint8_t)column->kind;
  to->nulls = (List){column->nulls, (size_t)column->null_count};
  to->values = (List){column->values.any, (size_t)rows};
  switch (column->kind) {
    case TEXTS:
    case JSON:
      if (!column->holds_nul) {
        to->kind = column->kind == TEXTS ? PACKED_TEXTS : PACKED_JSON;
        to->values = (List){column->bytes, column->used - 1};
        return 1;
      }
      *made = lists_of_texts(column, rows);
      break;
    case DECIMALS: *made = lists_of_texts(column, rows); break;
    case BLOBS: *made = lists_of_bytes(column, rows); break;
    case BOOLEANS: *made = booleans(column, rows); break;
    case DATES: *made = dates(column, rows); break;
    default: return 1;
  }
  to->values.data = *made;
  return *made != NULL;
}

/* Columns of one kind only are sent from here; what is rare takes the way through Python. */
static int is_plain(const Columns *self) {
  for (Py_ssize_t i = 0; i < self->count; i++) {
    const Column *column = &self->columns[i];
    if (column->kind >= KINDS || column->null_count == self->rows) return 0;
  }
  return self->rows > 0;
}

static void call_host(int operation, PyObject *schema, PyObject *table, const Columns *self, const HostColumn *columns,
                      HostResult *result) {
  Py_ssize_t schema_length = 0, table_length = 0;
  int has_schema = schema == Py_None ? SCHEMA_ABSENT : SCHEMA_PRESENT;
  const char *schema_text = has_schema ? PyUnicode_AsUTF8AndSize(schema, &schema_length) : NULL;
  const char *table_text = PyUnicode_AsUTF8AndSize(table, &table_length);
  /* direct calls: the linker gives a pointer to an import no address */
#define CALL(name)                                                                                            \
  host_##name(has_schema, schema_text, (size_t)schema_length, table_text, (size_t)table_length, (uint32_t)self->rows, \
              columns, (size_t)self->count, result)
  if (operation == 0) CALL(upsert);
  else if (operation == 1) CALL(update);
  else CALL(delete);
}

static PyObject *answer(const HostResult *result, PyObject *refused) {
  if (!result->failed) return PyBool_FromLong(1);
  PyObject *reason = PyLong_FromLongLong(result->refusal.reason);
  PyObject *text = PyUnicode_FromStringAndSize(result->refusal.text.data, (Py_ssize_t)result->refusal.text.length);
  PyObject *raised = reason && text ? PyObject_CallFunctionObjArgs(refused, reason, text, NULL) : NULL;
  if (reason) Py_DecRef(reason);
  if (text) Py_DecRef(text);
  if (result->refusal.text.length) free((void *)result->refusal.text.data);
  return raised;
}

PyObject *columns_send(PyObject *object, PyObject *arguments) {
  Columns *self = (Columns *)object;
  int operation;
  PyObject *schema, *table, *refused;
  if (!PyArg_ParseTuple(arguments, "iOO!O", &operation, &schema, &PyUnicode_Type, &table, &refused)) return NULL;
  if (!is_plain(self)) return PyBool_FromLong(0);
  HostColumn *columns = PyMem_Calloc((size_t)self->count + 1, sizeof(HostColumn));
  void **made = PyMem_Calloc((size_t)self->count + 1, sizeof(void *));
  int whole = columns && made;
  for (Py_ssize_t i = 0; whole && i < self->count; i++)
    whole = describe(&self->columns[i], self->rows, &columns[i], &made[i]);
  HostResult result = {0};
  if (whole) call_host(operation, schema, table, self, columns, &result);
  if (made) free_made(made, self->count);
  PyMem_Free(made);
  PyMem_Free(columns);
  if (!whole) return PyErr_Occurred() ? NULL : PyErr_NoMemory();
  columns_clear(self);
  return answer(&result, refused);
}
