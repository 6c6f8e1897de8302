/* `Columns`: the rows of one batch as typed columns.
 *
 * The twin of `sluice._columns`, which says what each method does; a test holds one against the other. Only values
 * of exact built-in types are looked at here, so no code of the author runs between the first column of a row
 * and its last. It runs in the sandbox: a mistake here harms the connector that it works for and nobody else.
 */
#include "columns.h"

#include "send.h"

enum { CELL_BYTES = 8, FIRST_BYTES = 128 };

PyTypeObject *Columns_Type;
static PyObject *kind_names[KINDS], *mixed_name, *empty_name, *empty_bytes;

static const char *const KIND_TEXTS[KINDS] = {"booleans", "integers", "floats", "texts",     "blobs",
                                              "json",     "decimals", "dates",  "datetimes", "timestamps"};

static int is_text(enum Kind kind) { return kind == TEXTS || kind == JSON || kind == DECIMALS; }
static int is_objects(enum Kind kind) { return kind == BLOBS || kind == MIXED; }

/* ---- room */

/* Makes an array hold `needed` bytes; its size doubles. */
static int grow(void **array, size_t *room, size_t needed) {
  if (needed <= *room) return 0;
  size_t wanted = *room ? *room : FIRST_BYTES;
  while (wanted < needed) wanted *= 2;
  void *larger = PyMem_Realloc(*array, wanted);
  if (!larger) {
    PyErr_NoMemory();
    return -1;
  }
  *array = larger;
  *room = wanted;
  return 0;
}

static size_t entry_size(enum Kind kind) {
  if (is_text(kind)) return sizeof(uint32_t);
  return is_objects(kind) ? sizeof(PyObject *) : sizeof(long long);
}

/* Room for one more row; a column without values has none. */
static int reserve(Column *column, Py_ssize_t rows) {
  if (column->kind == NOTHING) return 0;
  return grow(&column->values.any, &column->values_room, ((size_t)rows + 1) * entry_size(column->kind));
}

static void put_empty(Column *column, Py_ssize_t row) {
  switch (column->kind) {
    case NOTHING: return;
    case FLOATS: column->values.floats[row] = 0; return;
    case BLOBS:
    case MIXED:
      column->values.objects[row] = column->kind == BLOBS ? empty_bytes : Py_None;
      Py_IncRef(column->values.objects[row]);
      return;
    default:
      if (is_text(column->kind)) {
        column->values.starts[row] = (uint32_t)column->used;
        column->bytes[column->used++] = 0;
      } else {
        column->values.numbers[row] = 0;
      }
  }
}

static int text_room(Column *column, size_t length) {
  return grow((void **)&column->bytes, &column->bytes_room, column->used + length + 1);
}

/* The first value of a column decides what it holds; the rows before it are NULL. */
static int begin_kind(Column *column, enum Kind kind, Py_ssize_t rows) {
  column->kind = kind;
  if (reserve(column, rows) < 0 || (is_text(kind) && text_room(column, (size_t)rows) < 0)) {
    column->kind = NOTHING;
    return -1;
  }
  for (Py_ssize_t row = 0; row < rows; row++) put_empty(column, row);
  return 0;
}

/* ---- one value */

static int note_null(Column *column, Py_ssize_t row) {
  size_t needed = ((size_t)column->null_count + 1) * sizeof(uint32_t);
  if (grow((void **)&column->nulls, &column->nulls_room, needed) < 0) return -1;
  if (reserve(column, row) < 0 || (is_text(column->kind) && text_room(column, 0) < 0)) return -1;
  put_empty(column, row);
  column->nulls[column->null_count++] = (uint32_t)row;
  return 0;
}

static int put_text(Column *column, const char *text, size_t length, Py_ssize_t row) {
  if (text_room(column, length) < 0) return -1;
  char *to = column->bytes + column->used;
  column->values.starts[row] = (uint32_t)column->used;
  __builtin_memcpy(to, text, length);
  to[length] = 0;
  column->used += length + 1;
  if (!column->holds_nul && __builtin_strlen(to) < length) column->holds_nul = 1;
  return 0;
}

static int is_null(const Column *column, Py_ssize_t row, Py_ssize_t *next) {
  if (*next < column->null_count && column->nulls[*next] == (uint32_t)row) {
    ++*next;
    return 1;
  }
  return 0;
}

static PyObject *value_at(const Column *column, Py_ssize_t row) {
  switch (column->kind) {
    case BOOLEANS: return PyBool_FromLong((long)column->values.numbers[row]);
    case FLOATS: return PyFloat_FromDouble(column->values.floats[row]);
    case BLOBS:
    case MIXED:
      Py_IncRef(column->values.objects[row]);
      return column->values.objects[row];
    default:
      if (!is_text(column->kind)) return PyLong_FromLongLong(column->values.numbers[row]);
      return NULL;
  }
}

static PyObject *text_at(const Column *column, Py_ssize_t row, Py_ssize_t rows) {
  uint32_t start = column->values.starts[row];
  size_t end = row + 1 < rows ? column->values.starts[row + 1] : column->used;
  return PyUnicode_FromStringAndSize(column->bytes + start, (Py_ssize_t)(end - start - 1));
}

static PyObject *plain_at(const Column *column, Py_ssize_t row, Py_ssize_t rows) {
  return is_text(column->kind) ? text_at(column, row, rows) : value_at(column, row);
}

static void drop_objects(Column *column, Py_ssize_t rows) {
  if (!is_objects(column->kind)) return;
  for (Py_ssize_t row = 0; row < rows; row++) Py_DecRef(column->values.objects[row]);
}

/* A value of a second kind came: from now on the column holds pairs. */
static int make_mixed(Column *column, Py_ssize_t rows) {
  Py_ssize_t next = 0;
  size_t room = 0;
  PyObject **pairs = NULL;
  if (grow((void **)&pairs, &room, ((size_t)rows + 1) * sizeof(PyObject *)) < 0) return -1;
  for (Py_ssize_t row = 0; row < rows; row++) {
    PyObject *pair = Py_None;
    if (is_null(column, row, &next)) {
      Py_IncRef(pair);
    } else {
      PyObject *value = plain_at(column, row, rows);
      pair = value ? PyTuple_Pack(2, kind_names[column->kind], value) : NULL;
      if (value) Py_DecRef(value);
    }
    if (!pair) {
      while (row-- > 0) Py_DecRef(pairs[row]);
      PyMem_Free(pairs);
      return -1;
    }
    pairs[row] = pair;
  }
  drop_objects(column, rows);
  PyMem_Free(column->values.any);
  column->used = 0;
  column->kind = MIXED;
  column->values.objects = pairs;
  column->values_room = room;
  return 0;
}

/* ---- a row */

/* A column of NULLs only holds nothing, even if a row that failed has begun it. */
static void forget_kind(Column *column, Py_ssize_t rows) {
  if (column->null_count != rows) return;
  drop_objects(column, rows);
  column->kind = NOTHING;
  column->used = 0;
}

/* Takes back what a row that failed has put into the first `columns` columns. */
static void undo(Columns *self, Py_ssize_t columns) {
  for (Py_ssize_t i = 0; i < columns; i++) {
    Column *column = &self->columns[i];
    if (column->null_count && column->nulls[column->null_count - 1] == (uint32_t)self->rows) column->null_count--;
    if (is_text(column->kind)) column->used = column->values.starts[self->rows];
    if (is_objects(column->kind)) Py_DecRef(column->values.objects[self->rows]);
    forget_kind(column, self->rows);
  }
}

static enum Kind kind_of(const Column *column, PyObject *value) {
  PyTypeObject *type = value->ob_type;
  if (type == &PyUnicode_Type) return column->takes & TAKES_STR ? TEXTS : NOTHING;
  if (type == &PyLong_Type) return column->takes & TAKES_INT ? INTEGERS : NOTHING;
  if (type == &PyFloat_Type) return column->takes & TAKES_FLOAT ? FLOATS : NOTHING;
  if (type == &PyBool_Type) return column->takes & TAKES_BOOL ? BOOLEANS : NOTHING;
  if (type == &PyBytes_Type) return column->takes & TAKES_BYTES ? BLOBS : NOTHING;
  return NOTHING;
}

static int in_range(const Column *column, PyObject *value, long long *number) {
  int overflow;
  *number = PyLong_AsLongLongAndOverflow(value, &overflow);
  return !overflow && column->low <= *number && *number <= column->high;
}

/* Puts a value of one of the exact types into a column that holds its kind already. */
static enum Outcome put_exact(Columns *self, Column *column, PyObject *value, enum Kind kind) {
  Py_ssize_t row = self->rows;
  switch (kind) {
    case TEXTS: {
      Py_ssize_t length;
      const char *text = PyUnicode_AsUTF8AndSize(value, &length);
      if (!text) {
        PyErr_Clear(); /* half of a surrogate pair: the encoder says so to the author */
        return CALLS_OUT;
      }
      if (put_text(column, text, (size_t)length, row) < 0) return FAILED;
      self->size += length;
      return APPENDED;
    }
    case INTEGERS: {
      long long number;
      if (!in_range(column, value, &number)) return CALLS_OUT;
      column->values.numbers[row] = number;
      return APPENDED;
    }
    case FLOATS: column->values.floats[row] = PyFloat_AsDouble(value); return APPENDED;
    case BOOLEANS: column->values.numbers[row] = value == Py_True; return APPENDED;
    default:
      self->size += PyBytes_Size(value);
      Py_IncRef(value);
      column->values.objects[row] = value;
      return APPENDED;
  }
}

static enum Outcome append_value(Columns *self, Column *column, PyObject *value) {
  if (!value || value == Py_None) {
    if (!(column->takes & TAKES_NONE)) return CALLS_OUT;
    return note_null(column, self->rows) < 0 ? FAILED : APPENDED;
  }
  enum Kind kind = kind_of(column, value);
  if (kind == NOTHING) return CALLS_OUT;
  if (column->kind == NOTHING && begin_kind(column, kind, self->rows) < 0) return FAILED;
  if (column->kind != kind) return CALLS_OUT; /* a second kind: as a pair */
  if (reserve(column, self->rows) < 0) return FAILED;
  enum Outcome outcome = put_exact(self, column, value, kind);
  if (outcome == CALLS_OUT) forget_kind(column, self->rows);
  return outcome;
}

enum Outcome columns_find(Columns *self, PyObject *row) {
  if (row->ob_type != &PyDict_Type) return UNKNOWN;
  Py_ssize_t size = PyDict_Size(row), position = 0, i = 0;
  if (self->sparse ? size > self->count : size != self->count) return UNKNOWN;
  PyObject *key, *value;
  while (i < size && PyDict_Next(row, &position, &key, &value) && key == self->columns[i].name) self->row[i++] = value;
  if (i == self->count) return APPENDED;
  /* other order, other key objects, or columns left out */
  Py_ssize_t found = i;
  for (; i < self->count; i++) {
    self->row[i] = PyDict_GetItemWithError(row, self->columns[i].name);
    if (self->row[i]) {
      found++;
    } else if (PyErr_Occurred()) {
      PyErr_Clear();
      return UNKNOWN;
    }
  }
  return found == size ? APPENDED : UNKNOWN;
}

enum Outcome columns_append(Columns *self) {
  Py_ssize_t size = self->size;
  self->size += self->count * CELL_BYTES;
  for (Py_ssize_t i = 0; i < self->count; i++) {
    enum Outcome outcome = append_value(self, &self->columns[i], self->row[i]);
    if (outcome != APPENDED) {
      undo(self, i);
      self->size = size;
      return outcome;
    }
  }
  self->rows++;
  return APPENDED;
}

PyObject *columns_pair(Columns *self, Py_ssize_t index, PyObject *value) {
  Column *column = &self->columns[index];
  long long number;
  if (value == Py_None) {
    if (!(column->takes & TAKES_NONE)) return NULL;
    Py_IncRef(Py_None);
    return Py_None;
  }
  enum Kind kind = kind_of(column, value);
  if (kind == NOTHING || (kind == INTEGERS && !in_range(column, value, &number))) return NULL;
  if (kind == TEXTS && !PyUnicode_AsUTF8AndSize(value, NULL)) {
    PyErr_Clear();
    return NULL;
  }
  return PyTuple_Pack(2, kind_names[kind], value);
}

static enum Kind named_kind(PyObject *name) {
  for (int kind = 0; kind < KINDS; kind++)
    if (name == kind_names[kind]) return (enum Kind)kind;
  for (int kind = 0; kind < KINDS; kind++)
    if (PyUnicode_Compare(name, kind_names[kind]) == 0) return (enum Kind)kind;
  return NOTHING;
}

static enum Outcome put_value(Columns *self, Column *column, PyObject *value, enum Kind kind) {
  if (is_text(kind)) return put_exact(self, column, value, TEXTS);
  if (kind == FLOATS || kind == BOOLEANS || kind == BLOBS) return put_exact(self, column, value, kind);
  int overflow;
  column->values.numbers[self->rows] = PyLong_AsLongLongAndOverflow(value, &overflow);
  return overflow ? FAILED : APPENDED;
}

static int place_pair(Columns *self, Column *column, PyObject *pair) {
  if (pair == Py_None) return note_null(column, self->rows);
  enum Kind kind = named_kind(PyTuple_GetItem(pair, 0));
  PyObject *value = PyTuple_GetItem(pair, 1);
  if (kind == NOTHING) {
    PyErr_SetString(PyExc_TypeError, "a value of an unknown kind");
    return -1;
  }
  if (column->kind == NOTHING && begin_kind(column, kind, self->rows) < 0) return -1;
  if (column->kind != kind && column->kind != MIXED && make_mixed(column, self->rows) < 0) return -1;
  if (reserve(column, self->rows) < 0) return -1;
  if (column->kind != MIXED) {
    if (put_value(self, column, value, kind) == APPENDED) return 0;
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a value that its kind cannot hold");
    return -1;
  }
  if (is_text(kind)) {
    Py_ssize_t length;
    if (!PyUnicode_AsUTF8AndSize(value, &length)) return -1;
    self->size += length;
  } else if (kind == BLOBS) {
    self->size += PyBytes_Size(value);
  }
  Py_IncRef(pair);
  column->values.objects[self->rows] = pair;
  return 0;
}

int columns_place(Columns *self, PyObject *pairs) {
  Py_ssize_t size = self->size;
  self->size += self->count * CELL_BYTES;
  for (Py_ssize_t i = 0; i < self->count; i++) {
    if (place_pair(self, &self->columns[i], PyList_GetItem(pairs, i)) < 0) {
      undo(self, i);
      self->size = size;
      return -1;
    }
  }
  self->rows++;
  return 0;
}

/* ---- taking the rows */

static PyObject *texts_of(const Column *column, Py_ssize_t rows) {
  if (!column->holds_nul) return PyUnicode_FromStringAndSize(column->bytes, (Py_ssize_t)column->used - 1);
  PyObject *list = PyList_New(rows);
  for (Py_ssize_t row = 0; list && row < rows; row++) {
    PyObject *text = text_at(column, row, rows);
    if (!text || PyList_SetItem(list, row, text) < 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

static PyObject *list_of(const Column *column, Py_ssize_t rows) {
  PyObject *list = PyList_New(rows);
  for (Py_ssize_t row = 0; list && row < rows; row++) {
    PyObject *value = value_at(column, row);
    if (!value || PyList_SetItem(list, row, value) < 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

static PyObject *nulls_of(const Column *column) {
  PyObject *list = PyList_New(column->null_count);
  for (Py_ssize_t i = 0; list && i < column->null_count; i++) {
    PyObject *index = PyLong_FromSsize_t((Py_ssize_t)column->nulls[i]);
    if (!index || PyList_SetItem(list, i, index) < 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

/* (name, kind, values, nulls) */
static PyObject *column_of(const Column *column, Py_ssize_t rows) {
  int empty = column->null_count == rows;
  PyObject *values = empty ? PyList_New(0) : is_text(column->kind) ? texts_of(column, rows) : list_of(column, rows);
  PyObject *nulls = values ? nulls_of(column) : NULL;
  PyObject *kind = empty ? empty_name : column->kind == MIXED ? mixed_name : kind_names[column->kind];
  PyObject *all = nulls ? PyTuple_Pack(4, column->name, kind, values, nulls) : NULL;
  if (values) Py_DecRef(values);
  if (nulls) Py_DecRef(nulls);
  return all;
}

void columns_clear(Columns *self) {
  for (Py_ssize_t i = 0; i < self->count; i++) {
    Column *column = &self->columns[i];
    drop_objects(column, self->rows);
    column->kind = NOTHING;
    column->used = 0;
    column->holds_nul = 0;
    column->null_count = 0;
  }
  self->rows = 0;
  self->size = 0;
  self->taken++;
}

static PyObject *take(PyObject *object, PyObject *nothing) {
  Columns *self = (Columns *)object;
  (void)nothing;
  PyObject *list = PyList_New(self->count);
  for (Py_ssize_t i = 0; list && i < self->count; i++) {
    PyObject *column = column_of(&self->columns[i], self->rows);
    if (!column || PyList_SetItem(list, i, column) < 0) {
      Py_DecRef(list);
      list = NULL;
    }
  }
  columns_clear(self);
  return list;
}

/* ---- the type */

static PyObject *place(PyObject *object, PyObject *pairs) {
  Columns *self = (Columns *)object;
  if (pairs->ob_type != &PyList_Type || PyList_Size(pairs) != self->count) {
    PyErr_SetString(PyExc_TypeError, "a list with one pair a column is needed");
    return NULL;
  }
  if (columns_place(self, pairs) < 0) return NULL;
  Py_IncRef(Py_None);
  return Py_None;
}

static int read_rule(Column *column, PyObject *rule) {
  if (!PyArg_ParseTuple(rule, "OILL", &column->name, &column->takes, &column->low, &column->high)) return -1;
  Py_IncRef(column->name);
  column->kind = NOTHING;
  return 0;
}

static PyObject *create(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  (void)keywords;
  PyObject *rules;
  int sparse;
  if (!PyArg_ParseTuple(arguments, "O!p", &PyTuple_Type, &rules, &sparse)) return NULL;
  Columns *self = (Columns *)PyType_GenericAlloc(type, 0);
  if (!self) return NULL;
  Py_ssize_t count = PyTuple_Size(rules);
  self->sparse = sparse;
  self->columns = PyMem_Calloc((size_t)count + 1, sizeof(Column));
  self->row = PyMem_Calloc((size_t)count + 1, sizeof(PyObject *));
  if (!self->columns || !self->row) {
    Py_DecRef((PyObject *)self);
    return PyErr_NoMemory();
  }
  for (; self->count < count; self->count++) {
    if (read_rule(&self->columns[self->count], PyTuple_GetItem(rules, self->count)) < 0) {
      Py_DecRef((PyObject *)self);
      return NULL;
    }
  }
  return (PyObject *)self;
}

static void destroy(PyObject *object) {
  Columns *self = (Columns *)object;
  PyTypeObject *type = object->ob_type;
  if (self->columns) columns_clear(self);
  for (Py_ssize_t i = 0; i < self->count; i++) {
    Column *column = &self->columns[i];
    PyMem_Free(column->values.any);
    PyMem_Free(column->bytes);
    PyMem_Free(column->nulls);
    Py_DecRef(column->name);
  }
  PyMem_Free(self->columns);
  PyMem_Free(self->row);
  PyObject_Free(self);
  Py_DecRef((PyObject *)type);
}

static PyObject *get_rows(PyObject *self, void *closure) {
  (void)closure;
  return PyLong_FromSsize_t(((Columns *)self)->rows);
}

static PyObject *get_size(PyObject *self, void *closure) {
  (void)closure;
  return PyLong_FromSsize_t(((Columns *)self)->size);
}

static PyObject *get_mark(PyObject *self, void *closure) {
  (void)closure;
  return PyLong_FromSsize_t(((Columns *)self)->mark);
}

static int set_mark(PyObject *self, PyObject *mark, void *closure) {
  (void)closure;
  int overflow;
  long long bytes = mark ? PyLong_AsLongLongAndOverflow(mark, &overflow) : -1;
  if (bytes < 0) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "mark is a number of bytes");
    return -1;
  }
  ((Columns *)self)->mark = (Py_ssize_t)bytes;
  return 0;
}

static PyMethodDef methods[] = {
    {"place", place, METH_O, "Append a row of pairs (kind, value), None for NULL."},
    {"send", columns_send, METH_VARARGS, "Give the rows to the host; false when only `take` can."},
    {"take", take, METH_NOARGS, "Empty it: a list of (name, kind, values, nulls)."},
    {0},
};
static PyGetSetDef attributes[] = {
    {"rows", get_rows, 0, "The number of rows.", 0},
    {"size", get_size, 0, "Bytes of the values.", 0},
    {"mark", get_mark, set_mark, "The size at which the batch is looked at again.", 0},
    {0},
};
static PyType_Slot slots[] = {
    {Py_tp_new, create},        {Py_tp_dealloc, destroy}, {Py_tp_methods, methods}, {Py_tp_getset, attributes},
    {Py_tp_doc, "Rows as columns."}, {0, 0},
};
static PyType_Spec spec = {"sluice._native.Columns", sizeof(Columns), 0, 0, slots};

int columns_setup(PyObject *module) {
  for (int kind = 0; kind < KINDS; kind++)
    if (!(kind_names[kind] = PyUnicode_InternFromString(KIND_TEXTS[kind]))) return -1;
  mixed_name = PyUnicode_InternFromString("mixed");
  empty_name = PyUnicode_InternFromString("");
  empty_bytes = PyBytes_FromStringAndSize("", 0);
  Columns_Type = (PyTypeObject *)PyType_FromSpec(&spec);
  if (!mixed_name || !empty_name || !empty_bytes || !Columns_Type) return -1;
  return PyModule_AddObjectRef(module, "Columns", (PyObject *)Columns_Type);
}
