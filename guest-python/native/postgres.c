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
      value = cell(kinds[i], PyTuple_GetItem(functions, i), (const char *)at, (Py_ssize_t)length);
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
  if (count != 4 || arguments[0]->ob_type != &PyBytes_Type || arguments[1]->ob_type != &PyBytes_Type ||
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

static PyMethodDef functions[] = {
    {"postgres_rows", postgres_rows, METH_FASTCALL, "Appends the rows that some bytes begin with; how many bytes they were."},
    {0},
};

int postgres_setup(PyObject *module) { return PyModule_AddFunctions(module, functions); }
