#include "json.h"

#include "inside.h"

const char *td_json_skip(const char *at) {
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
  return at;
}

static const char *string_end(const char *at) {
  for (at++; *at && *at != '"'; at++) {
    if (*at == '\\' && !*++at) return NULL;
  }
  return *at ? at + 1 : NULL;
}

const char *td_json_end(const char *at) {
  size_t depth = 0;
  do {
    at = td_json_skip(at);
    if (!*at) return NULL;
    if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      if (depth-- == 0) return NULL;
      at++;
    } else if (*at == ',' || *at == ':') {
      if (depth == 0) return NULL;
      at++;
    } else if (*at == '"') {
      if (!(at = string_end(at))) return NULL;
    } else {
      at += strcspn(at, " \t\r\n,:]}");
    }
  } while (depth > 0);
  return at;
}

static uint32_t hex4(const char *at) {
  char digits[5] = {0};
  strncpy(digits, at, 4);
  return (uint32_t)strtoul(digits, NULL, 16);
}

static char *put_utf8(char *to, uint32_t c) {
  if (c < 0x80) {
    *to++ = (char)c;
  } else if (c < 0x800) {
    *to++ = (char)(0xc0 | c >> 6);
    *to++ = (char)(0x80 | (c & 63));
  } else if (c < 0x10000) {
    *to++ = (char)(0xe0 | c >> 12);
    *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  } else {
    *to++ = (char)(0xf0 | c >> 18);
    *to++ = (char)(0x80 | (c >> 12 & 63));
    *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  }
  return to;
}

char *td_json_string(const char *at) {
  const char *end = string_end(at);
  char *text = td_malloc(end ? (size_t)(end - at) : 1), *to = text;
  for (at++; end && at < end - 1; at++) {
    if (*at != '\\') {
      *to++ = *at;
      continue;
    }
    static const char from[] = "bfnrt", real[] = "\b\f\n\r\t";
    const char *found = *++at ? strchr(from, *at) : NULL;
    if (*at == 'u' && end - at > 5) {
      uint32_t c = hex4(at + 1);
      at += 4;
      /* Two halves of a pair. */
      if (c >= 0xd800 && c < 0xdc00 && at[1] == '\\' && at[2] == 'u' && end - at > 7) {
        c = 0x10000 + ((c - 0xd800) << 10) + ((hex4(at + 3) - 0xdc00) & 0x3ff);
        at += 6;
      }
      to = put_utf8(to, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    } else {
      *to++ = found ? real[found - from] : *at;
    }
  }
  *to = 0;
  return text;
}
