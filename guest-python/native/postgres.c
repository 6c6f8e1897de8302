/* Reads rows of PostgreSQL's protocol for a driver, which takes nine tenths of a connector's time to do so in Python.
 *
 * It reads what it is sure of. A value of an unusual form goes to the driver's own function; a message that is no whole
 * row, or whose values raise, is left where it is, and the driver sees it as if nothing had been here. The format is
 * that of "Message Formats" in PostgreSQL's documentation: `D`, the length of what follows with its own four bytes, the
 * number of columns in two, and for each its length in four, -1 for NULL, and its text. It runs in the sandbox: a
 * mistake here harms the connector that it works for and nobody else.
 */
#include "cells.h"
#include "postgres.h"

enum { HEAD = 5 /* a message's type and length */ };

static uint32_t big_endian(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The row of a message's body, as a list; NULL when it is unusual, with or without an exception. */
static PyObject *row_of(const Ahead *ahead, const unsigned char *at, const unsigned char *end) {
  Py_ssize_t count = PyTuple_Size(ahead->functions);
  if (end - at < 2 || (at[0] << 8 | at[1]) != count) return NULL;
  at += 2;
  PyObject *row = PyList_New(count);
  for (Py_ssize_t i = 0; row && i < count; i++) {
    PyObject *value = NULL;
    uint32_t length = 0;
    int there = end - at >= 4;
    if (there) {
      length = big_endian(at);
      at += 4;
    }
    if (there && length == UINT32_MAX) {
      value = Py_None;
      Py_IncRef(value);
    } else if (there && length <= INT32_MAX && (Py_ssize_t)length <= end - at) {
      value = cell(ahead->kinds[i], PyTuple_GetItem(ahead->functions, i), (const char *)at,
                   (Py_ssize_t)length);
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
  Ahead ahead;
  if (count != 4) {
    PyErr_SetString(PyExc_TypeError, "expected four arguments");
    return NULL;
  }
  if (!ahead_take(arguments, &ahead)) return NULL;
  const unsigned char *start = ahead.at;
  while (ahead.end - ahead.at > HEAD && ahead.at[0] == 'D') {
    uint32_t length = big_endian(ahead.at + 1);
    if (length < 4 || length > INT32_MAX || (Py_ssize_t)length > ahead.end - ahead.at - 1) break;
    const unsigned char *next = ahead.at + 1 + length;
    if (!ahead_append(&ahead, row_of(&ahead, ahead.at + HEAD, next))) break;
    ahead.at = next;
  }
  return PyLong_FromSsize_t(ahead.at - start);
}

static PyMethodDef functions[] = {
    {"postgres_rows", postgres_rows, METH_FASTCALL, "Appends the rows that some bytes begin with; how many bytes they were."},
    {0},
};

int postgres_setup(PyObject *module) { return PyModule_AddFunctions(module, functions); }
