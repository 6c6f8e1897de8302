/* The module, and the fast way of a row: `upsert`, `update` and `delete` as functions of C.
 *
 * They take a row of a table whose batch is open. Whatever is unusual (another table, other columns, a wrong argument)
 * goes to the Python function that knows everything and raises for the author.
 */
#include "cells.h"
#include "columns.h"
#include "http.h"
#include "json.h"
#include "mysql.h"
#include "postgres.h"

typedef struct {
  PyObject *data_name; /* of the argument that holds the row */
  PyObject *open;      /* dict: table name to the pair (Columns, buffer) */
  PyObject *slow;      /* the operation in Python, with the same arguments */
  PyObject *encode;    /* (buffer, column index, value): a pair, or raises */
  PyObject *late;      /* (buffer, pairs): appends a row whose batch was closed meanwhile */
  PyObject *full;      /* (buffer): it is large */
  PyObject *refused;   /* (buffer, row, error): returns when the host took the row, else raises */
} Operation;

enum { OPERATIONS = 3, MAX_ROWS = 1000 };
static Operation operations[OPERATIONS];
static PyObject *table_name, *schema_name;

static PyObject *none(void) {
  Py_IncRef(Py_None);
  return Py_None;
}

/* The row's values as pairs. Runs the author's code, which may do anything, even to the row. */
static PyObject *encoded(Operation *operation, Columns *columns, PyObject *buffer) {
  Py_ssize_t count = columns->count;
  PyObject *pairs = PyList_New(count);
  for (Py_ssize_t i = 0; pairs && i < count; i++) {
    PyObject *value = columns->row[i] ? columns->row[i] : Py_None;
    Py_IncRef(value);
    if (PyList_SetItem(pairs, i, value) < 0) {
      Py_DecRef(pairs);
      pairs = NULL;
    }
  }
  for (Py_ssize_t i = 0; pairs && i < count; i++) {
    PyObject *value = PyList_GetItem(pairs, i);
    PyObject *pair = columns_pair(columns, i, value);
    if (!pair && !PyErr_Occurred()) {
      PyObject *index = PyLong_FromSsize_t(i);
      pair = index ? PyObject_CallFunctionObjArgs(operation->encode, buffer, index, value, NULL) : NULL;
      if (index) Py_DecRef(index);
    }
    if (!pair || PyList_SetItem(pairs, i, pair) < 0) {
      Py_DecRef(pairs);
      pairs = NULL;
    }
  }
  return pairs;
}

static int is_open(Operation *operation, PyObject *key, PyObject *entry) {
  PyObject *found = PyDict_GetItemWithError(operation->open, key);
  if (!found) PyErr_Clear();
  return found == entry;
}

static PyObject *refused(Operation *operation, PyObject *buffer, PyObject *row) {
  PyObject *error = PyErr_GetRaisedException();
  if (!error) return NULL;
  PyObject *done = PyObject_CallFunctionObjArgs(operation->refused, buffer, row, error, NULL);
  Py_DecRef(error);
  return done;
}

/* Appends a row with a value that Python must encode; `entry` is held by the caller. */
static PyObject *append_encoded(Operation *operation, PyObject *key, PyObject *entry, Columns *columns,
                                PyObject *buffer, PyObject *row) {
  Py_ssize_t taken = columns->taken;
  Py_IncRef(row);
  PyObject *pairs = encoded(operation, columns, buffer);
  PyObject *taken_by_host = pairs ? NULL : refused(operation, buffer, row);
  Py_DecRef(row);
  if (!pairs) return taken_by_host;
  PyObject *done;
  if (columns->taken == taken && is_open(operation, key, entry))
    done = columns_place(columns, pairs) < 0 ? NULL : none();
  else
    done = PyObject_CallFunctionObjArgs(operation->late, buffer, pairs, NULL);
  Py_DecRef(pairs);
  return done;
}

static PyObject *append(Operation *operation, PyObject *key, PyObject *entry, PyObject *row) {
  Columns *columns = (Columns *)PyTuple_GetItem(entry, 0);
  PyObject *buffer = PyTuple_GetItem(entry, 1);
  switch (columns_append(columns)) {
    case FAILED: return NULL;
    case CALLS_OUT: {
      PyObject *done = append_encoded(operation, key, entry, columns, buffer, row);
      if (!done) return NULL;
      Py_DecRef(done);
      break;
    }
    default: break;
  }
  if (columns->size < columns->mark && columns->rows < MAX_ROWS) return none();
  return PyObject_CallFunctionObjArgs(operation->full, buffer, NULL);
}

static PyObject *append_to(Operation *operation, PyObject *key, PyObject *row, int *unknown) {
  PyObject *entry = PyDict_GetItemWithError(operation->open, key);
  if (!entry && PyErr_Occurred()) return NULL;
  PyObject *columns = entry ? PyTuple_GetItem(entry, 0) : NULL;
  if (!columns || columns->ob_type != Columns_Type || columns_find((Columns *)columns, row) != APPENDED) {
    *unknown = 1;
    return NULL;
  }
  Py_IncRef(entry);
  PyObject *done = append(operation, key, entry, row);
  Py_DecRef(entry);
  return done;
}

static int is_str(const PyObject *object) { return object->ob_type == &PyUnicode_Type; }

static PyObject *call(Operation *operation, PyObject *const *arguments, Py_ssize_t positional, PyObject *names) {
  PyObject *table = positional > 0 ? arguments[0] : NULL, *row = positional > 1 ? arguments[1] : NULL;
  Py_ssize_t named = names ? PyTuple_Size(names) : 0;
  PyObject *schema = NULL;
  int usual = positional <= 2;
  for (Py_ssize_t i = 0; usual && i < named; i++) {
    PyObject *name = PyTuple_GetItem(names, i);
    if (name == table_name && !table) table = arguments[positional + i];
    else if (name == operation->data_name && !row) row = arguments[positional + i];
    else if (name == schema_name && arguments[positional + i] != Py_None) schema = arguments[positional + i];
    else usual = 0;
  }
  if (usual && table && row && is_str(table) && (!schema || is_str(schema))) {
    PyObject *key = schema ? PyTuple_Pack(2, schema, table) : table;
    if (!key) return NULL;
    if (!schema) Py_IncRef(key);
    int unknown = 0;
    PyObject *done = append_to(operation, key, row, &unknown);
    Py_DecRef(key);
    if (!unknown) return done;
  }
  return PyObject_Vectorcall(operation->slow, arguments, (size_t)positional, names);
}

#define OPERATION(number)                                                                                        \
  static PyObject *call_##number(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) { \
    (void)self;                                                                                                  \
    return call(&operations[number], arguments, count, names);                                                   \
  }
OPERATION(0)
OPERATION(1)
OPERATION(2)

static PyMethodDef functions[OPERATIONS] = {
    {"upsert", call_0, METH_FASTCALL | METH_KEYWORDS,
     "upsert(table, data, *, schema=None, file=None)\n--\n\nInsert a row, or replace the one with the same primary key."},
    {"update", call_1, METH_FASTCALL | METH_KEYWORDS,
     "update(table, modified, *, schema=None, file=None)\n--\n\nChange the given columns of a row."},
    {"delete", call_2, METH_FASTCALL | METH_KEYWORDS,
     "delete(table, keys, *, schema=None)\n--\n\nMark a row as deleted."},
};

/* bind(number, data_name, open, slow, encode, late, full, refused): the operation as a function. */
static PyObject *bind(PyObject *module, PyObject *arguments) {
  int number;
  Operation operation;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "iOO!OOOOO", &number, &operation.data_name, &PyDict_Type, &operation.open,
                        &operation.slow, &operation.encode, &operation.late, &operation.full,
                        &operation.refused))
    return NULL;
  if (number < 0 || number >= OPERATIONS) {
    PyErr_SetString(PyExc_TypeError, "no such operation");
    return NULL;
  }
  /* for the life of the guest */
  Py_IncRef(operation.data_name);
  Py_IncRef(operation.open);
  Py_IncRef(operation.slow);
  Py_IncRef(operation.encode);
  Py_IncRef(operation.late);
  Py_IncRef(operation.full);
  Py_IncRef(operation.refused);
  operations[number] = operation;
  return PyCFunction_NewEx(&functions[number], NULL, NULL);
}

static PyMethodDef members[] = {
    {"bind", bind, METH_VARARGS, "An operation as a function; see native.c."},
    {0},
};
static PyModuleDef definition = {
    .ob_base = {.ob_refcnt = 1}, .m_name = "sluice._native", .m_doc = "The fast ways of a row, of a request, of a JSON document and of rows of databases.", .m_size = -1, .m_methods = members};

__attribute__((visibility("default"))) PyObject *PyInit__native(void) {
  PyObject *module = PyModule_Create2(&definition, PYTHON_API_VERSION);
  if (!module) return NULL;
  table_name = PyUnicode_InternFromString("table");
  schema_name = PyUnicode_InternFromString("schema");
  if (!table_name || !schema_name || columns_setup(module) < 0 || http_setup(module) < 0 ||
      json_setup(module) < 0 || cells_setup(module) < 0 || postgres_setup(module) < 0 || mysql_setup(module) < 0) {
    Py_DecRef(module);
    return NULL;
  }
  return module;
}
