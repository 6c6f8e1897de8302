/* JSON documents; see json.c. */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include "python.h"

/* Adds the functions to the module; -1 when that failed. */
int json_setup(PyObject *module);

#endif
