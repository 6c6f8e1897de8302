/* Requests and answers as they cross to the host.
 *
 * The contract's `http` interface in the form of the Canonical ABI, beside the generated bindings: those make several
 * Python objects of each header field, and never free the bytes that a request hands over. The structs below are the
 * results of the interface's functions as the ABI lays them out.
 */
#include "http.h"

typedef struct {
  char *data;
  size_t length;
} Text;

typedef struct {
  Text name;
  Text value;
} Header;

typedef struct {
  uint8_t reason; /* case of `error` */
  Text text;
} HostError;

typedef struct {
  uint8_t failed;
  union {
    int32_t handle;
    HostError error;
  } is;
} SendResult;

typedef struct {
  uint8_t failed;
  union {
    struct {
      uint16_t status;
      Text reason;
      struct {
        Header *items;
        size_t count;
      } headers;
    } head;
    HostError error;
  } is;
} HeadResult;

typedef struct {
  uint8_t failed;
  union {
    Text data;
    HostError error;
  } is;
} ReadResult;

_Static_assert(sizeof(Header) == 16, "as the Canonical ABI has it");
_Static_assert(sizeof(SendResult) == 16 && offsetof(SendResult, is.error.text) == 8, "as the Canonical ABI has it");
_Static_assert(sizeof(HeadResult) == 24 && offsetof(HeadResult, is.head.headers) == 16, "as the Canonical ABI has it");
_Static_assert(sizeof(ReadResult) == 16 && offsetof(ReadResult, is.data) == 4, "as the Canonical ABI has it");

#define HOST(name) __attribute__((import_module("sluice:connector/http@0.1.0"), import_name(name)))
HOST("send")
void host_send(const char *method, size_t method_length, const char *url, size_t url_length, const Header *headers,
               size_t header_count, int has_body, const char *body, size_t body_length, int has_connect,
               uint32_t connect, int has_read, uint32_t read, SendResult *result);
HOST("[method]exchange.head") void host_head(int32_t exchange, HeadResult *result);
HOST("[method]exchange.read") void host_read(int32_t exchange, uint32_t most, ReadResult *result);
HOST("[resource-drop]exchange") void host_drop(int32_t exchange);

void free(void *);

static PyObject *failed; /* (case, text): raises */

/* Raises what the host answered; frees the text unless it was made as bytes. */
static PyObject *raise(const HostError *error, int owned) {
  PyObject *reason = PyLong_FromLongLong(error->reason);
  PyObject *text = PyUnicode_FromStringAndSize(error->text.data, (Py_ssize_t)error->text.length);
  if (owned && error->text.length) free(error->text.data);
  PyObject *done = reason && text && failed ? PyObject_CallFunctionObjArgs(failed, reason, text, NULL) : NULL;
  if (reason) Py_DecRef(reason);
  if (text) Py_DecRef(text);
  if (!done) return NULL;
  Py_DecRef(done);
  PyErr_SetString(PyExc_TypeError, "an error was not raised");
  return NULL;
}

/* Text that has a UTF-8 form and is ASCII, as everything of a request is. */
static int take_text(PyObject *object, Text *to) {
  Py_ssize_t length;
  const char *data = NULL;
  if (object->ob_type == &PyUnicode_Type) data = PyUnicode_AsUTF8AndSize(object, &length);
  int ascii = data != NULL;
  for (Py_ssize_t i = 0; ascii && i < length; i++) ascii = (signed char)data[i] >= 0;
  if (ascii) {
    *to = (Text){(char *)data, (size_t)length};
    return 1;
  }
  if (data || !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "expected ASCII text");
  return 0;
}

static int take_bytes(PyObject *object, Text *to) {
  if (object->ob_type != &PyBytes_Type) {
    PyErr_SetString(PyExc_TypeError, "expected bytes");
    return 0;
  }
  *to = (Text){PyBytes_AsString(object), (size_t)PyBytes_Size(object)};
  return 1;
}

/* Milliseconds or None. */
static int take_wait(PyObject *object, int *given, uint32_t *to) {
  *given = object != Py_None;
  *to = 0;
  if (!*given) return 1;
  int overflow = 1;
  long long value = object->ob_type == &PyLong_Type ? PyLong_AsLongLongAndOverflow(object, &overflow) : 0;
  if (overflow || value < 0 || value > UINT32_MAX) {
    PyErr_SetString(PyExc_TypeError, "expected milliseconds between 0 and 4294967295");
    return 0;
  }
  *to = (uint32_t)value;
  return 1;
}

/* A list of pairs of name and value; its items live as long as the list is left alone. */
static Header *take_headers(PyObject *list, Py_ssize_t count) {
  Header *headers = PyMem_Calloc((size_t)count + 1, sizeof(Header));
  if (!headers) PyErr_NoMemory();
  for (Py_ssize_t i = 0; headers && i < count; i++) {
    PyObject *pair = PyList_GetItem(list, i);
    int good = pair->ob_type == &PyTuple_Type && PyTuple_Size(pair) == 2;
    if (!good) PyErr_SetString(PyExc_TypeError, "expected pairs of name and value");
    if (good && take_text(PyTuple_GetItem(pair, 0), &headers[i].name) &&
        take_bytes(PyTuple_GetItem(pair, 1), &headers[i].value))
      continue;
    PyMem_Free(headers);
    headers = NULL;
  }
  return headers;
}

static PyObject *http_send(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  (void)module;
  Text method, url, body = {0};
  int has_connect, has_read;
  uint32_t connect, read;
  if (count != 6 || arguments[2]->ob_type != &PyList_Type) {
    PyErr_SetString(PyExc_TypeError, "expected method, url, a list of headers, body and two timeouts");
    return NULL;
  }
  int has_body = arguments[3] != Py_None;
  if (!take_text(arguments[0], &method) || !take_text(arguments[1], &url) ||
      (has_body && !take_bytes(arguments[3], &body)) || !take_wait(arguments[4], &has_connect, &connect) ||
      !take_wait(arguments[5], &has_read, &read))
    return NULL;
  Py_ssize_t header_count = PyList_Size(arguments[2]);
  Header *headers = take_headers(arguments[2], header_count);
  if (!headers) return NULL;
  SendResult result = {0};
  host_send(method.data, method.length, url.data, url.length, headers, (size_t)header_count, has_body, body.data,
            body.length, has_connect, connect, has_read, read, &result);
  PyMem_Free(headers);
  return result.failed ? raise(&result.is.error, 1) : PyLong_FromLongLong(result.is.handle);
}

static int take_handle(PyObject *object, int32_t *to) {
  int overflow = 1;
  long long value = object->ob_type == &PyLong_Type ? PyLong_AsLongLongAndOverflow(object, &overflow) : 0;
  if (overflow) PyErr_SetString(PyExc_TypeError, "expected an exchange");
  *to = (int32_t)value;
  return !overflow;
}

/* The fields as a list of pairs; frees them, also when there is no memory for the list. */
static PyObject *header_list(Header *headers, size_t count) {
  PyObject *list = PyList_New((Py_ssize_t)count);
  for (size_t i = 0; i < count; i++) {
    Header *header = &headers[i];
    PyObject *name = list ? PyUnicode_FromStringAndSize(header->name.data, (Py_ssize_t)header->name.length) : NULL;
    PyObject *value = name ? PyBytes_FromStringAndSize(header->value.data, (Py_ssize_t)header->value.length) : NULL;
    PyObject *pair = value ? PyTuple_Pack(2, name, value) : NULL;
    if (name) Py_DecRef(name);
    if (value) Py_DecRef(value);
    if (header->name.length) free(header->name.data);
    if (header->value.length) free(header->value.data);
    if (list && (!pair || PyList_SetItem(list, (Py_ssize_t)i, pair) < 0)) {
      Py_DecRef(list);
      list = NULL;
    }
  }
  if (count) free(headers);
  return list;
}

static PyObject *http_head(PyObject *module, PyObject *exchange) {
  (void)module;
  int32_t handle;
  if (!take_handle(exchange, &handle)) return NULL;
  HeadResult result = {0};
  host_head(handle, &result);
  if (result.failed) return raise(&result.is.error, 1);
  Text *text = &result.is.head.reason;
  PyObject *headers = header_list(result.is.head.headers.items, result.is.head.headers.count);
  PyObject *reason = PyUnicode_FromStringAndSize(text->data, (Py_ssize_t)text->length);
  if (text->length) free(text->data);
  PyObject *status = PyLong_FromLongLong(result.is.head.status);
  PyObject *head = headers && reason && status ? PyTuple_Pack(3, status, reason, headers) : NULL;
  if (headers) Py_DecRef(headers);
  if (reason) Py_DecRef(reason);
  if (status) Py_DecRef(status);
  return head;
}

PyObject *bytes_from_host;
int bytes_wanted;

/* The next bytes as a new `bytes`; none when there are none. */
static PyObject *next_bytes(int32_t handle, uint32_t most, ReadResult *result) {
  bytes_from_host = NULL;
  bytes_wanted = 1;
  host_read(handle, most, result);
  bytes_wanted = 0;
  PyObject *bytes = bytes_from_host;
  bytes_from_host = NULL;
  return bytes;
}

static int take_read(PyObject *const *arguments, Py_ssize_t count, int32_t *handle, uint32_t *most) {
  int given;
  if (count == 2 && take_handle(arguments[0], handle) && take_wait(arguments[1], &given, most)) return 1;
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "expected an exchange and a number of bytes");
  return 0;
}

static PyObject *http_read(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  (void)module;
  int32_t handle;
  uint32_t most;
  if (!take_read(arguments, count, &handle, &most)) return NULL;
  ReadResult result = {0};
  PyObject *bytes = next_bytes(handle, most, &result);
  if (result.failed) {
    raise(&result.is.error, 0);
    if (bytes) Py_DecRef(bytes);
    return NULL;
  }
  return bytes ? bytes : PyBytes_FromStringAndSize(NULL, 0);
}

/* Reads until there are `size` bytes, the first of which are given. */
static PyObject *gathered(int32_t handle, PyObject *first, Py_ssize_t size) {
  PyObject *whole = PyBytes_FromStringAndSize(NULL, size);
  if (!whole) return NULL;
  char *to = PyBytes_AsString(whole);
  Py_ssize_t length = PyBytes_Size(first);
  __builtin_memcpy(to, PyBytes_AsString(first), (size_t)length);
  while (length < size) {
    ReadResult result = {0};
    PyObject *more = next_bytes(handle, (uint32_t)(size - length), &result);
    Py_ssize_t got = more && !result.failed ? PyBytes_Size(more) : 0;
    if (got) __builtin_memcpy(to + length, PyBytes_AsString(more), (size_t)got);
    if (more) Py_DecRef(more);
    if (!got) {
      PyObject *part = PyBytes_FromStringAndSize(to, length);
      Py_DecRef(whole);
      return part;
    }
    length += got;
  }
  return whole;
}

/* As many bytes, fewer before an error or the end, which the next read says; none is NULL without an exception. */
static PyObject *exactly(int32_t handle, uint32_t size) {
  ReadResult result = {0};
  PyObject *first = next_bytes(handle, size, &result);
  if (first && !result.failed && PyBytes_Size(first) != (Py_ssize_t)size) {
    PyObject *whole = gathered(handle, first, (Py_ssize_t)size);
    Py_DecRef(first);
    return whole;
  }
  if (first && result.failed) {
    Py_DecRef(first);
    first = NULL;
  }
  return first;
}

/* Attributes of a response and of the file that it reads. */
enum { LENGTH, LEFT, READ, POSITION, BUFFER, PENDING, EXCHANGE, HANDLE, CHUNKED, NAMES };
static const char *const spelled[NAMES] = {"length",  "length_remaining", "_fp_bytes_read", "_position", "_buffer",
                                           "_pending", "exchange",         "_handle",        "chunked"};
static PyObject *names[NAMES];

static int number(PyObject *of, int name, long long *to) {
  PyObject *value = PyObject_GetAttr(of, names[name]);
  if (!value) return 0;
  int overflow = 1;
  if (value->ob_type == &PyLong_Type) *to = PyLong_AsLongLongAndOverflow(value, &overflow);
  Py_DecRef(value);
  if (overflow) PyErr_SetString(PyExc_TypeError, "expected a number");
  return !overflow;
}

static int set_number(PyObject *of, int name, long long to) {
  PyObject *value = PyLong_FromLongLong(to);
  if (!value) return 0;
  int done = PyObject_SetAttr(of, names[name], value) == 0;
  Py_DecRef(value);
  return done;
}

/* Whether nothing lies between what was given and what comes next from the host: 1 or 0, -1 with an exception. */
static int in_step(PyObject *file) {
  long long position;
  if (!number(file, POSITION, &position)) return -1;
  PyObject *buffer = PyObject_GetAttr(file, names[BUFFER]);
  PyObject *chunked = buffer ? PyObject_GetAttr(file, names[CHUNKED]) : NULL;
  int is = chunked ? chunked != Py_True && buffer->ob_type == &PyBytes_Type && PyBytes_Size(buffer) == position : -1;
  if (buffer) Py_DecRef(buffer);
  if (chunked) Py_DecRef(chunked);
  return is;
}

/* The handle that a file reads from: 1, or 0 when there is none; -1 with an exception. */
static int handle_of(PyObject *file, int32_t *to) {
  PyObject *pending = PyObject_GetAttr(file, names[PENDING]);
  PyObject *exchange = pending ? PyObject_GetAttr(pending, names[EXCHANGE]) : NULL;
  if (pending) Py_DecRef(pending);
  if (!exchange) return -1;
  PyObject *handle = NULL;
  int found = exchange != Py_None;
  if (found) handle = PyObject_GetAttr(exchange, names[HANDLE]);
  Py_DecRef(exchange);
  if (!found) return 0;
  if (!handle) return -1;
  found = handle != Py_None;
  int good = !found || take_handle(handle, to);
  Py_DecRef(handle);
  return good ? found : -1;
}

/* What came of a piece is kept for `read`. */
static int keep(PyObject *file, PyObject *part) {
  return PyObject_SetAttr(file, names[BUFFER], part) == 0 && set_number(file, POSITION, 0);
}

static PyObject *http_piece(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  (void)module;
  int overflow = 1;
  long long size = 0, length = 0, left = 0, before = 0;
  if (count == 4 && arguments[3]->ob_type == &PyLong_Type)
    size = PyLong_AsLongLongAndOverflow(arguments[3], &overflow);
  if (overflow || size <= 0 || size > UINT32_MAX) {
    PyErr_SetString(PyExc_TypeError, "expected a file, its response twice, and a number of bytes");
    return NULL;
  }
  PyObject *file = arguments[0], *received = arguments[1], *response = arguments[2];
  if (!number(received, LENGTH, &length) || !number(response, LEFT, &left) || !number(response, READ, &before))
    return NULL;
  int32_t handle;
  int able = length > size ? in_step(file) : 0;
  if (able > 0) able = handle_of(file, &handle);
  if (able < 0) return NULL;
  if (!able) return PyBytes_FromStringAndSize(NULL, 0);
  PyObject *data = exactly(handle, (uint32_t)size);
  if (!data) return PyErr_Occurred() ? NULL : PyBytes_FromStringAndSize(NULL, 0);
  int whole = PyBytes_Size(data) == size;
  int good = whole ? set_number(received, LENGTH, length - size) && set_number(response, LEFT, left - size) &&
                         set_number(response, READ, before + size)
                   : keep(file, data);
  if (good && whole) return data;
  Py_DecRef(data);
  return good ? PyBytes_FromStringAndSize(NULL, 0) : NULL;
}

static PyObject *http_drop(PyObject *module, PyObject *exchange) {
  (void)module;
  int32_t handle;
  if (!take_handle(exchange, &handle)) return NULL;
  host_drop(handle);
  Py_IncRef(Py_None);
  return Py_None;
}

static PyObject *http_bind(PyObject *module, PyObject *raises) {
  (void)module;
  Py_IncRef(raises); /* for the life of the guest */
  failed = raises;
  Py_IncRef(Py_None);
  return Py_None;
}

PyMethodDef http_functions[] = {
    {"http_send", http_send, METH_FASTCALL, "http_send(method, url, headers, body, connect_ms, read_ms): a handle."},
    {"http_head", http_head, METH_O, "http_head(handle): status, reason and a list of headers."},
    {"http_read", http_read, METH_FASTCALL, "http_read(handle, most): the next bytes."},
    {"http_piece", http_piece, METH_FASTCALL, "http_piece(file, received, response, size): a whole piece, or nothing."},
    {"http_drop", http_drop, METH_O, "http_drop(handle): end the exchange."},
    {"http_bind", http_bind, METH_O, "http_bind(raises): call this with the case and text of an error."},
    {0},
};

int http_setup(PyObject *module) {
  for (int i = 0; i < NAMES; i++)
    if (!(names[i] = PyUnicode_InternFromString(spelled[i]))) return -1;
  return PyModule_AddFunctions(module, http_functions);
}
