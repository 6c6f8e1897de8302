/* Rows of one batch, kept as columns; see columns.c. */
#ifndef SLUICE_COLUMNS_H
#define SLUICE_COLUMNS_H

#include "python.h"

/* What a column holds so far. In the order of `sluice._contract.KINDS`; `NOTHING` before its first value. */
enum Kind { BOOLEANS, INTEGERS, FLOATS, TEXTS, BLOBS, JSON, DECIMALS, DATES, DATETIMES, TIMESTAMPS, NOTHING, MIXED };
enum { KINDS = NOTHING };

/* Which exact Python types a column takes as they are. */
enum { TAKES_BOOL = 1, TAKES_INT = 2, TAKES_FLOAT = 4, TAKES_STR = 8, TAKES_BYTES = 16, TAKES_NONE = 32 };

typedef struct {
  PyObject *name;
  unsigned takes;
  long long low, high; /* of int */
  enum Kind kind;
  union {
    long long *numbers;
    double *floats;
    PyObject **objects; /* bytes; in a mixed column None or a pair (kind, value) */
    uint32_t *starts;   /* of texts in `bytes` */
    void *any;
  } values;
  char *bytes; /* texts, each with a NUL after it */
  size_t used; /* of `bytes` */
  int holds_nul;
  uint32_t *nulls;
  Py_ssize_t null_count;
  size_t values_room, bytes_room, nulls_room; /* in bytes */
} Column;

typedef struct {
  PyObject ob_base;
  Py_ssize_t count; /* of columns */
  Py_ssize_t rows;
  Py_ssize_t size;  /* of the values, as `sluice._buffer.MAX_BYTES` counts */
  Py_ssize_t taken; /* how often the rows were taken */
  Py_ssize_t mark;  /* the size at which the writer looks at the batch */
  int sparse;       /* rows may leave columns out */
  Column *columns;
  PyObject **row; /* scratch: the values of one row, borrowed */
} Columns;

/* What became of a row. */
enum Outcome { FAILED = -1, UNKNOWN, APPENDED, CALLS_OUT };

extern PyTypeObject *Columns_Type;

int columns_setup(PyObject *module);

/* Finds the values of a row: `UNKNOWN` unless it is a dict with these columns. They stand in `self->row`. */
enum Outcome columns_find(Columns *self, PyObject *row);

/* Appends the values that were found: `CALLS_OUT` when one of them needs an encoder. All or nothing. */
enum Outcome columns_append(Columns *self);

/* The pair (kind, value) of a value that needs no encoder, None for None; NULL without an exception when it
 * needs one. A new reference. */
PyObject *columns_pair(Columns *self, Py_ssize_t index, PyObject *value);

/* Appends a row of pairs, all or nothing; 0 or -1. */
int columns_place(Columns *self, PyObject *pairs);

/* Empties it; memory is kept for the next rows. */
void columns_clear(Columns *self);

#endif
