/* Reads rows of MySQL's protocol for a driver, as postgres.c does for another.
 *
 * A packet that is no whole row, is out of its order, or has values that raise is left where it is, and the driver sees
 * it as if nothing had been here. The format is that of "Text Resultset Row" in MySQL's documentation: a packet has its
 * length in three bytes, least significant first, and its number in one; in it is the text of each column, with its
 * length before it in one byte, or after 252 in two, after 253 in three, after 254 in eight; 251 is NULL.
 */
#include "cells.h"
#include "mysql.h"

enum {
  HEAD = 4,           /* a packet's length and number */
  SHORT_END = 9,      /* a packet that begins with 254 and is shorter is the end of the rows */
  WHOLE = 0xffffff,   /* a packet of this length goes on in the next one */
  NULL_VALUE = 251,
  TWO_BYTES = 252,
  THREE_BYTES = 253,
  EIGHT_BYTES = 254,
  ERROR = 255,
};

/* A number of so many bytes, least significant first. */
static uint64_t number(const unsigned char *at, int bytes) {
  uint64_t found = 0;
  for (int i = bytes; i > 0; i--) found = found << 8 | at[i - 1];
  return found;
}

/* The length of the next value, which is moved behind; -1 for NULL, -2 when there is none. */
static Py_ssize_t length_of(const unsigned char **at, const unsigned char *end) {
  if (*at == end) return -2;
  unsigned char first = *(*at)++;
  if (first < NULL_VALUE) return first;
  if (first == NULL_VALUE) return -1;
  int bytes = first == TWO_BYTES ? 2 : first == THREE_BYTES ? 3 : first == EIGHT_BYTES ? 8 : 0;
  if (!bytes || end - *at < bytes) return -2;
  uint64_t length = number(*at, bytes);
  *at += bytes;
  return length < WHOLE ? (Py_ssize_t)length : -2;
}

/* The row of a packet, as a tuple; NULL when it is unusual, with or without an exception. */
static PyObject *row_of(const Ahead *ahead, const unsigned char *at, const unsigned char *end) {
  Py_ssize_t count = PyTuple_Size(ahead->functions);
  PyObject *row = PyTuple_New(count);
  for (Py_ssize_t i = 0; row && i < count; i++) {
    Py_ssize_t length = length_of(&at, end);
    PyObject *value = NULL;
    if (length == -1) {
      value = Py_None;
      Py_IncRef(value);
    } else if (length >= 0 && length <= end - at) {
      value = cell(ahead->kinds[i], PyTuple_GetItem(ahead->functions, i), (const char *)at, length);
      at += length;
    }
    if (!value || PyTuple_SetItem(row, i, value) < 0) {
      Py_DecRef(row);
      row = NULL;
    }
  }
  if (row && at != end) {
    Py_DecRef(row);
    row = NULL;
  }
  return row;
}

/* mysql_rows(ahead: bytes, kinds: bytes, functions: tuple, rows: list, number: int): appends the rows that `ahead` begins
 * with, whose packets are numbered from that, and answers how many bytes they were. */
static PyObject *mysql_rows(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  (void)module;
  int overflow = 1;
  long long next = 0;
  Ahead ahead;
  if (count == 5 && arguments[4]->ob_type == &PyLong_Type) next = PyLong_AsLongLongAndOverflow(arguments[4], &overflow);
  if (overflow) {
    PyErr_SetString(PyExc_TypeError, "expected five arguments, the last a number");
    return NULL;
  }
  if (!ahead_take(arguments, &ahead)) return NULL;
  const unsigned char *start = ahead.at;
  for (; ahead.end - ahead.at > HEAD && ahead.at[3] == (next & 0xff); next++) {
    Py_ssize_t length = (Py_ssize_t)number(ahead.at, 3);
    const unsigned char *body = ahead.at + HEAD;
    int ends = body[0] == ERROR || (body[0] == EIGHT_BYTES && length < SHORT_END);
    if (ends || length < 1 || length >= WHOLE || length > ahead.end - body) break;
    if (!ahead_append(&ahead, row_of(&ahead, body, body + length))) break;
    ahead.at = body + length;
  }
  return PyLong_FromSsize_t(ahead.at - start);
}

static PyMethodDef functions[] = {
    {"mysql_rows", mysql_rows, METH_FASTCALL, "Appends the rows that some bytes begin with; how many bytes they were."},
    {0},
};

int mysql_setup(PyObject *module) { return PyModule_AddFunctions(module, functions); }
