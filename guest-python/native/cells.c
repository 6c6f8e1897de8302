/* Values of databases that come as text, as Python has them.
 *
 * It reads the usual forms, and gives every other to the driver's own function for the column. It runs in the sandbox: a
 * mistake here harms the connector that it works for and nobody else.
 */
#include "cells.h"

enum {
  EXACT_DIGITS = 18, /* decimal digits that always fit into a signed 64-bit integer */
  FLOAT_BYTES = 40,  /* the longest double has 24 */
  DATE = 10,         /* `2024-01-31` */
  SECONDS = 19,      /* and ` 23:59:59` */
  MICROS = 6,        /* digits of a fraction of a second; zeros at their end may be left out */
};

static PyObject *date, *datetime, *decimal, *utc; /* given by `cells_bind` */

/* A number of so many digits; -1 when there is something else. */
static int digits(const char *at, int count) {
  int found = 0;
  for (int i = 0; i < count; i++) {
    if (at[i] < '0' || at[i] > '9') return -1;
    found = found * 10 + (at[i] - '0');
  }
  return found;
}

/* What follows answers NULL for an unusual form, with or without an exception. */

static PyObject *integer(const char *text, Py_ssize_t length) {
  int negative = length > 0 && text[0] == '-';
  Py_ssize_t count = length - negative;
  if (count < 1 || count > EXACT_DIGITS) return NULL;
  long long found = 0;
  for (Py_ssize_t i = negative; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return NULL;
    found = found * 10 + (text[i] - '0');
  }
  return PyLong_FromLongLong(negative ? -found : found);
}

static PyObject *floating(const char *text, Py_ssize_t length) {
  char copy[FLOAT_BYTES + 1];
  if (length < 1 || length > FLOAT_BYTES) return NULL;
  char last = text[length - 1], first = text[text[0] == '-' && length > 1];
  if (first < '0' || first > '9' || last < '0' || last > '9') return NULL;
  __builtin_memcpy(copy, text, (size_t)length);
  copy[length] = 0;
  char *end = copy;
  double found = PyOS_string_to_double(copy, &end, NULL);
  if (end != copy + length || PyErr_Occurred()) return NULL;
  return PyFloat_FromDouble(found);
}

/* Calls with numbers, and with one object more if there is one. */
static PyObject *call_with(PyObject *function, const int *numbers, size_t count, PyObject *last) {
  PyObject *arguments[8] = {0};
  PyObject *made = NULL;
  size_t ready = 0;
  for (; ready < count; ready++) {
    arguments[ready] = PyLong_FromLongLong(numbers[ready]);
    if (!arguments[ready]) break;
  }
  if (ready == count) {
    arguments[count] = last;
    made = PyObject_Vectorcall(function, arguments, count + (last != NULL), NULL);
  }
  while (ready > 0) Py_DecRef(arguments[--ready]);
  return made;
}

static int day(const char *text, int *to) {
  to[0] = digits(text, 4);
  to[1] = digits(text + 5, 2);
  to[2] = digits(text + 8, 2);
  return to[0] > 0 && to[1] > 0 && to[2] > 0 && text[4] == '-' && text[7] == '-';
}

static PyObject *day_of(const char *text, Py_ssize_t length) {
  int numbers[3];
  return length == DATE && day(text, numbers) ? call_with(date, numbers, 3, NULL) : NULL;
}

static PyObject *moment(const char *text, Py_ssize_t length, PyObject *zone) {
  int numbers[7];
  if (length < SECONDS || !day(text, numbers) || text[10] != ' ' || text[13] != ':' || text[16] != ':') return NULL;
  numbers[3] = digits(text + 11, 2);
  numbers[4] = digits(text + 14, 2);
  numbers[5] = digits(text + 17, 2);
  numbers[6] = 0;
  if (length > SECONDS) {
    Py_ssize_t count = length - SECONDS - 1;
    if (text[SECONDS] != '.' || count < 1 || count > MICROS) return NULL;
    numbers[6] = digits(text + SECONDS + 1, (int)count);
    if (numbers[6] < 0) return NULL;
    for (; count < MICROS; count++) numbers[6] *= 10;
  }
  if (numbers[3] < 0 || numbers[4] < 0 || numbers[5] < 0) return NULL;
  return call_with(datetime, numbers, 7, zone);
}

static PyObject *moment_in_utc(const char *text, Py_ssize_t length) {
  int there = length > 3 && text[length - 3] == '+' && text[length - 2] == '0' && text[length - 1] == '0';
  return there ? moment(text, length - 3, utc) : NULL;
}

static PyObject *with_text(PyObject *function, const char *text, Py_ssize_t length) {
  PyObject *string = PyUnicode_FromStringAndSize(text, length);
  PyObject *made = string ? PyObject_CallFunctionObjArgs(function, string, NULL) : NULL;
  if (string) Py_DecRef(string);
  return made;
}

static PyObject *with_bytes(PyObject *function, const char *text, Py_ssize_t length) {
  PyObject *bytes = PyBytes_FromStringAndSize(text, length);
  PyObject *made = bytes ? PyObject_CallFunctionObjArgs(function, bytes, NULL) : NULL;
  if (bytes) Py_DecRef(bytes);
  return made;
}

PyObject *cell(char kind, PyObject *function, const char *text, Py_ssize_t length) {
  PyObject *made = NULL;
  if (!decimal) {
    PyErr_SetString(PyExc_TypeError, "nothing was bound");
    return NULL;
  }
  switch (kind) {
    case 'y': return PyBytes_FromStringAndSize(text, length);
    case 'x': return with_bytes(function, text, length);
    case 's': return PyUnicode_FromStringAndSize(text, length);
    case 'b': return PyBool_FromLong(length == 1 && text[0] == 't');
    case 'n': return with_text(decimal, text, length);
    case 'i': made = integer(text, length); break;
    case 'f': made = floating(text, length); break;
    case 'd': made = day_of(text, length); break;
    case 't': made = moment(text, length, NULL); break;
    case 'z': made = moment_in_utc(text, length); break;
    default: break;
  }
  if (made) return made;
  PyErr_Clear();
  return with_text(function, text, length);
}

int ahead_take(PyObject *const *arguments, Ahead *ahead) {
  PyObject *bytes = arguments[0], *kinds = arguments[1];
  if (bytes->ob_type != &PyBytes_Type || kinds->ob_type != &PyBytes_Type || arguments[2]->ob_type != &PyTuple_Type ||
      arguments[3]->ob_type != &PyList_Type || PyBytes_Size(kinds) != PyTuple_Size(arguments[2])) {
    PyErr_SetString(PyExc_TypeError, "expected bytes, a kind and a function for each column, and a list");
    return 0;
  }
  const unsigned char *at = (const unsigned char *)PyBytes_AsString(bytes);
  *ahead = (Ahead){at, at + PyBytes_Size(bytes), PyBytes_AsString(kinds), arguments[2], arguments[3]};
  return 1;
}

int ahead_append(const Ahead *ahead, PyObject *row) {
  int appended = row && PyList_Append(ahead->rows, row) == 0;
  if (row) Py_DecRef(row);
  if (!appended) PyErr_Clear();
  return appended;
}

/* cells_bind(date, datetime, utc, Decimal): what values are made of. */
static PyObject *cells_bind(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *taken[4];
  if (!PyArg_ParseTuple(arguments, "OOOO", &taken[0], &taken[1], &taken[2], &taken[3])) return NULL;
  for (int i = 0; i < 4; i++) Py_IncRef(taken[i]); /* for the life of the guest */
  date = taken[0];
  datetime = taken[1];
  utc = taken[2];
  decimal = taken[3];
  Py_IncRef(Py_None);
  return Py_None;
}

static PyMethodDef functions[] = {
    {"cells_bind", cells_bind, METH_VARARGS, "Takes what values of databases are made of."},
    {0},
};

int cells_setup(PyObject *module) { return PyModule_AddFunctions(module, functions); }
