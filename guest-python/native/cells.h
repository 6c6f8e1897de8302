/* Values of databases that come as text; see cells.c. */
#ifndef SLUICE_CELLS_H
#define SLUICE_CELLS_H

#include "python.h"

/* The value of a text of this kind; NULL with an exception.
 *
 * `s` text, `y` bytes, `i` integer, `f` float, `n` Decimal, `b` PostgreSQL's boolean, `d` date, `t` date and time, `z` the
 * same in UTC. Integers, floats and times of another form than the usual are what `function` makes of the text. Of every
 * other kind all are; of `x` what it makes of the bytes. */
PyObject *cell(char kind, PyObject *function, const char *text, Py_ssize_t length);

/* What a driver's buffer begins with, and the rows that are read of it. */
typedef struct {
  const unsigned char *at, *end;
  const char *kinds;   /* one for each column */
  PyObject *functions; /* tuple: the driver's for each column */
  PyObject *rows;      /* list */
} Ahead;

/* Takes (ahead: bytes, kinds: bytes, functions: tuple, rows: list), which the caller of the function holds; 0 with an
 * exception. */
int ahead_take(PyObject *const *arguments, Ahead *ahead);

/* Appends a row and gives it up; 0 when there is none or no memory, without an exception: the driver comes to the same
 * error, and raises it. */
int ahead_append(const Ahead *ahead, PyObject *row);

/* Adds the functions to the module; -1 when that failed. */
int cells_setup(PyObject *module);

#endif
