/* Reads JSON documents faster than the standard library's scanner, which takes a third of a connector's time.
 *
 * It reads what it is sure of and gives everything else back: the standard library then reads the document from its
 * start and answers, or raises, as it always does. So nothing here is an error, and a document means the same both ways;
 * a test holds one against the other. The grammar is that of RFC 8259. It runs in the sandbox: a mistake here
 * harms the connector that it works for and nobody else.
 */
#include "json.h"

enum {
  DEEPEST = 200,       /* of arrays and objects in one another; the standard library knows its own limit */
  NAMES = 512,         /* names of members that are kept, by their hash; a power of two */
  LONGEST_NAME = 64,   /* bytes of a name that is kept */
  EXACT_DIGITS = 18,   /* decimal digits that always fit into a signed 64-bit integer */
  EXACT_POWER = 22,    /* powers of ten that are exact as doubles */
};

typedef struct {
  const unsigned char *at, *end; /* at `end` is a NUL, as in every text of Python */
  int depth;
} Reader;

static PyObject *unusual; /* what `decode` answers instead of a value */
static PyObject *kept_names[NAMES];

static PyObject *value(Reader *reader);

static void skip_space(Reader *reader) {
  while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t') reader->at++;
}

/* ---- numbers */

static int is_digit(unsigned char byte) { return byte >= '0' && byte <= '9'; }

static const double POWERS[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A fraction of few digits is exact: both numbers are doubles, and one division rounds once. */
static PyObject *fraction(const Reader *from, Reader *reader, long long digits, int count, int scale, int negative) {
  if (count <= EXACT_DIGITS && digits <= 1LL << 53 && scale <= EXACT_POWER) {
    double exact = (double)digits / POWERS[scale];
    return PyFloat_FromDouble(negative ? -exact : exact);
  }
  char *stopped = NULL;
  double rounded = PyOS_string_to_double((const char *)from->at, &stopped, NULL);
  if (PyErr_Occurred() || stopped != (const char *)reader->at) return NULL;
  return PyFloat_FromDouble(rounded);
}

static PyObject *number(Reader *reader) {
  Reader from = *reader;
  int negative = *reader->at == '-', count = 0, scale = 0;
  if (negative) reader->at++;
  if (!is_digit(*reader->at) || (*reader->at == '0' && is_digit(reader->at[1]))) return NULL;
  long long digits = 0;
  for (; is_digit(*reader->at); reader->at++, count++)
    if (count < EXACT_DIGITS) digits = digits * 10 + (*reader->at - '0');
  int fractional = *reader->at == '.';
  if (fractional) {
    if (!is_digit(*++reader->at)) return NULL;
    for (; is_digit(*reader->at); reader->at++, count++, scale++)
      if (count < EXACT_DIGITS) digits = digits * 10 + (*reader->at - '0');
  }
  if (*reader->at == 'e' || *reader->at == 'E') {
    reader->at++;
    if (*reader->at == '+' || *reader->at == '-') reader->at++;
    if (!is_digit(*reader->at)) return NULL;
    while (is_digit(*reader->at)) reader->at++;
    return fraction(&from, reader, 0, EXACT_DIGITS + 1, 0, negative);
  }
  if (fractional) return fraction(&from, reader, digits, count, scale, negative);
  /* longer integers are rare; the standard library also bounds their length */
  return count <= EXACT_DIGITS ? PyLong_FromLongLong(negative ? -digits : digits) : NULL;
}

/* ---- texts */

static uint64_t eight(const unsigned char *at) {
  uint64_t bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/* Whether one of eight bytes is a quote, a backslash or a control character. */
static int is_special(uint64_t bytes) {
  const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  uint64_t quote = bytes ^ (ones * '"'), backslash = bytes ^ (ones * '\\');
  return (((bytes - ones * 0x20) | (quote - ones) | (backslash - ones)) & ~bytes & tops) != 0;
}

/* Moves to the byte that ends what needs no change. */
static void skip_plain(Reader *reader) {
  while (reader->end - reader->at >= 8 && !is_special(eight(reader->at))) reader->at += 8;
  while (*reader->at >= 0x20 && *reader->at != '"' && *reader->at != '\\') reader->at++;
}

static int hex(const unsigned char *at) {
  int result = 0;
  for (int i = 0; i < 4; i++) {
    unsigned char byte = at[i], low = byte | 0x20;
    if (is_digit(byte)) result = result * 16 + (byte - '0');
    else if (low >= 'a' && low <= 'f') result = result * 16 + (low - 'a' + 10);
    else return -1; /* the NUL at the end as well, so nothing beyond it is read */
  }
  return result;
}

static char *put_utf8(char *to, unsigned int code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 0x3F));
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  }
  return to;
}

/* One escape, at its backslash; NULL when it is none, or half of a pair. It never grows: `\u0041` has six bytes. */
static char *escape(Reader *reader, char *to) {
  unsigned char kind = reader->at[1];
  reader->at += 2;
  switch (kind) {
    case '"':
    case '\\':
    case '/': *to++ = (char)kind; return to;
    case 'b': *to++ = '\b'; return to;
    case 'f': *to++ = '\f'; return to;
    case 'n': *to++ = '\n'; return to;
    case 'r': *to++ = '\r'; return to;
    case 't': *to++ = '\t'; return to;
    case 'u': break;
    default: return NULL;
  }
  int code = hex(reader->at);
  if (code < 0) return NULL;
  reader->at += 4;
  if (code >= 0xD800 && code < 0xE000) {
    int low = code < 0xDC00 && reader->at[0] == '\\' && reader->at[1] == 'u' ? hex(reader->at + 2) : -1;
    if (low < 0xDC00 || low >= 0xE000) return NULL;
    reader->at += 6;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  return put_utf8(to, (unsigned int)code);
}

static PyObject *escaped(Reader *reader, const unsigned char *start) {
  /* as far as the quote that ends it, which is no escaped one */
  const unsigned char *quote = reader->at;
  while (*quote != '"') {
    if (*quote < 0x20) return NULL;
    quote += *quote == '\\' && quote[1] ? 2 : 1;
  }
  char *text = PyMem_Malloc((size_t)(quote - start));
  if (!text) return NULL;
  char *to = text;
  reader->at = start;
  while (to && *reader->at != '"') {
    const unsigned char *plain = reader->at;
    skip_plain(reader);
    __builtin_memcpy(to, plain, (size_t)(reader->at - plain));
    to += reader->at - plain;
    if (*reader->at == '\\') to = escape(reader, to);
    else if (*reader->at != '"') to = NULL;
  }
  PyObject *made = to ? PyUnicode_FromStringAndSize(text, to - text) : NULL;
  PyMem_Free(text);
  reader->at++;
  return made;
}

/* A text, after its first quote. */
static PyObject *text(Reader *reader) {
  const unsigned char *start = reader->at;
  skip_plain(reader);
  if (*reader->at == '\\') return escaped(reader, start);
  if (*reader->at != '"') return NULL;
  return PyUnicode_FromStringAndSize((const char *)start, reader->at++ - start);
}

/* The name of a member, after its first quote. Rows have the same names, so they are kept. */
static PyObject *name(Reader *reader) {
  const unsigned char *start = reader->at;
  uint32_t hash = 2166136261u; /* FNV-1a */
  while (*reader->at >= 0x20 && *reader->at != '"' && *reader->at != '\\') hash = (hash ^ *reader->at++) * 16777619u;
  if (*reader->at != '"' || reader->at - start > LONGEST_NAME) {
    reader->at = start;
    return text(reader);
  }
  Py_ssize_t length = reader->at++ - start, kept_length = 0;
  PyObject **kept = &kept_names[(hash ^ hash >> 16) % NAMES];
  if (*kept) {
    const char *bytes = PyUnicode_AsUTF8AndSize(*kept, &kept_length);
    if (bytes && kept_length == length && __builtin_memcmp(bytes, start, (size_t)length) == 0) {
      Py_IncRef(*kept);
      return *kept;
    }
  }
  PyObject *made = PyUnicode_FromStringAndSize((const char *)start, length);
  if (made) {
    if (*kept) Py_DecRef(*kept);
    *kept = made;
    Py_IncRef(made);
  }
  return made;
}

/* ---- arrays and objects */

/* After a value: 1 when another one follows, 0 at the end, -1 when it is neither. */
static int more(Reader *reader, unsigned char closing) {
  skip_space(reader);
  unsigned char byte = *reader->at;
  if (byte != ',' && byte != closing) return -1;
  reader->at++;
  skip_space(reader);
  return byte == ',';
}

static int put_item(Reader *reader, PyObject *list) {
  PyObject *item = value(reader);
  if (!item) return -1;
  int done = PyList_Append(list, item);
  Py_DecRef(item);
  return done;
}

static int put_member(Reader *reader, PyObject *dict) {
  if (*reader->at != '"') return -1;
  reader->at++;
  PyObject *key = name(reader);
  if (!key) return -1;
  int done = -1;
  skip_space(reader);
  if (*reader->at == ':') {
    reader->at++;
    skip_space(reader);
    PyObject *item = value(reader);
    if (item) {
      done = PyDict_SetItem(dict, key, item);
      Py_DecRef(item);
    }
  }
  Py_DecRef(key);
  return done;
}

/* An array or an object, at its bracket. */
static PyObject *collection(Reader *reader, PyObject *made, unsigned char closing,
                            int (*put)(Reader *, PyObject *)) {
  if (!made) return NULL;
  if (reader->depth++ == DEEPEST) goto strange;
  reader->at++;
  skip_space(reader);
  if (*reader->at == closing) {
    reader->at++;
  } else {
    int follows = 1;
    while (follows == 1) follows = put(reader, made) < 0 ? -1 : more(reader, closing);
    if (follows < 0) goto strange;
  }
  reader->depth--;
  return made;
strange:
  Py_DecRef(made);
  return NULL;
}

static PyObject *constant(Reader *reader, const char *word, Py_ssize_t length, PyObject *meant) {
  if (reader->end - reader->at < length || __builtin_memcmp(reader->at, word, (size_t)length) != 0) return NULL;
  reader->at += length;
  Py_IncRef(meant);
  return meant;
}

static PyObject *value(Reader *reader) {
  switch (*reader->at) {
    case '"': reader->at++; return text(reader);
    case '{': return collection(reader, PyDict_New(), '}', put_member);
    case '[': return collection(reader, PyList_New(0), ']', put_item);
    case 't': return constant(reader, "true", 4, Py_True);
    case 'f': return constant(reader, "false", 5, Py_False);
    case 'n': return constant(reader, "null", 4, Py_None);
    default: return number(reader);
  }
}

/* decode(document: str): the value, or `unusual`. */
static PyObject *decode(PyObject *module, PyObject *document) {
  (void)module;
  Py_ssize_t length = 0;
  const char *bytes = document->ob_type == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(document, &length) : NULL;
  PyObject *found = NULL;
  if (bytes) {
    Reader reader = {(const unsigned char *)bytes, (const unsigned char *)bytes + length, 0};
    skip_space(&reader);
    found = value(&reader);
    skip_space(&reader);
    if (found && reader.at != reader.end) {
      Py_DecRef(found);
      found = NULL;
    }
  }
  if (found) return found;
  PyErr_Clear();
  Py_IncRef(unusual);
  return unusual;
}

static PyObject *standard; /* the standard library's reader */

/* read(document): the value. In C, so that an error of the standard library has no frame of ours in its traceback. */
static PyObject *read(PyObject *module, PyObject *document) {
  PyObject *found = decode(module, document);
  if (found != unusual || !standard) return found;
  Py_DecRef(found);
  return PyObject_CallFunctionObjArgs(standard, document, NULL);
}

static PyObject *use_standard(PyObject *module, PyObject *reader) {
  (void)module;
  Py_IncRef(reader);
  if (standard) Py_DecRef(standard);
  standard = reader;
  Py_IncRef(Py_None);
  return Py_None;
}

static PyMethodDef functions[] = {
    {"decode_json", decode, METH_O, "The value of a JSON document, or `unusual_json` when the standard library must see it."},
    {"read_json", read, METH_O, "The value of a JSON document; what is unusual is read by the standard library."},
    {"use_standard_json", use_standard, METH_O, "Takes the standard library's reader, for `read_json`."},
    {0},
};

int json_setup(PyObject *module) {
  unusual = PyList_New(0); /* an object that no document is */
  if (!unusual || PyModule_AddObjectRef(module, "unusual_json", unusual) < 0) return -1;
  return PyModule_AddFunctions(module, functions);
}
