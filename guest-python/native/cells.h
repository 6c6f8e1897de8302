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

/* Adds the functions to the module; -1 when that failed. */
int cells_setup(PyObject *module);

#endif
