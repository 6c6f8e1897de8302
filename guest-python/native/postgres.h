/* Rows of PostgreSQL's protocol; see postgres.c. */
#ifndef SLUICE_POSTGRES_H
#define SLUICE_POSTGRES_H

#include "python.h"

/* Adds the functions to the module; -1 when that failed. */
int postgres_setup(PyObject *module);

#endif
