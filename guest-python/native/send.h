/* Giving a batch to the host; see send.c. */
#ifndef SLUICE_SEND_H
#define SLUICE_SEND_H

#include "columns.h"

/* Columns.send(operation, schema, table, refused): whether the rows were sent; false leaves them to `take`. */
PyObject *columns_send(PyObject *columns, PyObject *arguments);

#endif
