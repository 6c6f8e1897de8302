/* Requests and answers; see http.c. */
#ifndef SLUICE_HTTP_H
#define SLUICE_HTTP_H

#include "python.h"

/* While `bytes_wanted`, the host's next list is put into a new `bytes`, which is kept here. */
extern PyObject *bytes_from_host;
extern int bytes_wanted;

/* Adds the functions to the module; -1 when that failed. */
int http_setup(PyObject *module);

#endif
