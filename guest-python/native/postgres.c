/* Reads rows of PostgreSQL's protocol for a driver, which takes nine tenths of a connector's time to do so in Python.
 *
 * It reads what it is sure of. A value of an unusual form goes to the driver's own function; a message that is no whole
 * row, or whose values raise, is left where it is, and the driver sees it as if nothing had been here. The format is
 * that of "Message Formats" in PostgreSQL's documentation: `D`, the length of what follows with its own four bytes, the
 * number of columns in two, and for each its length in four, -1 for NULL, and its text. It runs in the sandbox: a
 * mistake here harms the connector that it works for and nobody else.
 */
#include "postgres.h"

enum {
  HEAD = 5,          /* a message's type and length */
  EXACT_DIGITS = 18, /* decimal digits that always fit into a signed 64-bit integer */
  FLOAT_BYTES = 40,  /* the longest float8 has 24 */
  DATE = 10,         /* `2024-01-31` */
  SECONDS = 19,      /* and ` 23:59:59` */
  MICROS = 6,        /* digits of a fraction of a second, of which PostgreSQL leaves zeros out */
};

static PyObject *date, *datetime, *decimal, *utc; /* given by `postgres_bind` */

static uint32_t big_endian(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

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

/* The value of a column; NULL with an exception. */
static PyObject *column(char kind, PyObject *function, const char *text, Py_ssize_t length) {
  PyObject *made = NULL;
  switch (kind) {
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

/* The row of a message's body, as a list; NULL when it is unusual, with or without an exception. */
static PyObject *row_of(const unsigned char *at, const unsigned char *end, const char *kinds, PyObject *functions) {
  Py_ssize_t count = PyTuple_Size(functions);
  if (end - at < 2 || (at[0] << 8 | at[1]) != count) return NULL;
  at += 2;
  PyObject *row = PyList_New(count);
  for (Py_ssize_t i = 0; row && i < count; i++) {
    uint32_t length = end - at < 4 ? UINT32_MAX - 1 : big_endian(at);
    at += 4;
    PyObject *value = NULL;
    if (length == UINT32_MAX) {
      value = Py_None;
      Py_IncRef(value);
    } else if (length <= INT32_MAX && (Py_ssize_t)length <= end - at) {
      value = column(kinds[i], PyTuple_GetItem(functions, i), (const char *)at, (Py_ssize_t)length);
      at += length;
    }
    if (!value || PyList_SetItem(row, i, value) < 0) {
      Py_DecRef(row);
      row = NULL;
    }
  }
  return row;
}

/* postgres_rows(ahead: bytes, kinds: bytes, functions: tuple, rows: list): appends the rows that `ahead` begins with, and
 * answers how many bytes they were. */
static PyObject *postgres_rows(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  (void)module;
  if (count != 4 || !decimal || arguments[0]->ob_type != &PyBytes_Type || arguments[1]->ob_type != &PyBytes_Type ||
      arguments[2]->ob_type != &PyTuple_Type || arguments[3]->ob_type != &PyList_Type ||
      PyBytes_Size(arguments[1]) != PyTuple_Size(arguments[2])) {
    PyErr_SetString(PyExc_TypeError, "expected bytes, a kind and a function for each column, and a list");
    return NULL;
  }
  const unsigned char *start = (const unsigned char *)PyBytes_AsString(arguments[0]), *at = start;
  const unsigned char *end = start + PyBytes_Size(arguments[0]);
  const char *kinds = PyBytes_AsString(arguments[1]);
  while (end - at > HEAD && at[0] == 'D') {
    uint32_t length = big_endian(at + 1);
    if (length < 4 || length > INT32_MAX || (Py_ssize_t)length > end - at - 1) break;
    const unsigned char *next = at + 1 + length;
    PyObject *row = row_of(at + HEAD, next, kinds, arguments[2]);
    int appended = row && PyList_Append(arguments[3], row) == 0;
    if (row) Py_DecRef(row);
    if (!appended) {
      PyErr_Clear(); /* the driver comes to the same error, and raises it */
      break;
    }
    at = next;
  }
  return PyLong_FromSsize_t(at - start);
}

/* postgres_bind(date, datetime, utc, Decimal): what values are made of. */
static PyObject *postgres_bind(PyObject *module, PyObject *arguments) {
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
    {"postgres_rows", postgres_rows, METH_FASTCALL, "Appends the rows that some bytes begin with; how many bytes they were."},
    {"postgres_bind", postgres_bind, METH_VARARGS, "Takes what values are made of."},
    {0},
};

int postgres_setup(PyObject *module) { return PyModule_AddFunctions(module, functions); }
