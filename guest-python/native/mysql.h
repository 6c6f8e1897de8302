/* Rows of MySQL's protocol; see mysql.c. */
#ifndef SLUICE_MYSQL_H
#define SLUICE_MYSQL_H

#include "python.h"

/* Adds the functions to the module; -1 when that failed. */
int mysql_setup(PyObject *module);

#endif
