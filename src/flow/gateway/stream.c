/* Bytes of a connection and heads of HTTP/1.1 messages. What cannot be read exactly is refused:
 * the gateway must never see another request than serve does. */
#include "flow/gateway/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void stream_set_timeout(int fd, int ms) {
    struct timeval t = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

void stream_init(struct stream *s, int fd, SSL *ssl) {
    *s = (struct stream){.fd = fd, .ssl = ssl, .buffer = mem_alloc(STREAM_BUFFER)};
}

void stream_done(struct stream *s) {
    if (s->ssl != NULL) {
        SSL_shutdown(s->ssl);
        SSL_free(s->ssl);
    }
    if (s->fd >= 0) {
        shutdown(s->fd, SHUT_RDWR);
        close(s->fd);
    }
    free(s->buffer);
    *s = (struct stream){.fd = -1};
}

int stream_fill(struct stream *s) {
    if (s->begin == s->end) {
        s->begin = s->end = 0;
    } else if (s->end == STREAM_BUFFER && s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    size_t room = STREAM_BUFFER - s->end;
    if (room == 0) {
        return -1;
    }
    ssize_t n = 0;
    do {
        ERR_clear_error();
        n = s->ssl ? SSL_read(s->ssl, s->buffer + s->end, (int)room)
                   : recv(s->fd, s->buffer + s->end, room, 0);
    } while (n < 0 && s->ssl == NULL && errno == EINTR);
    if (n > 0) {
        s->end += (size_t)n;
        return 1;
    }
    return n == 0 ? 0 : -1;
}

bool stream_write(struct stream *s, struct str bytes) {
    while (bytes.n > 0) {
        ssize_t n = s->ssl ? SSL_write(s->ssl, bytes.p, bytes.n > 1 << 30 ? 1 << 30 : (int)bytes.n)
                           : send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0) {
            if (s->ssl == NULL && n < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return true;
}

/* Offset behind the empty line, 0 if it is not there yet. */
static size_t head_end(struct str data) {
    size_t at = str_find(data, S("\r\n\r\n"), 0);
    return at == (size_t)-1 ? 0 : at + 4;
}

static bool token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (!token_char(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

static bool has_word(struct str list, const char *word) {
    struct str part = STR_NONE;
    while (str_cut(&list, ',', &part)) {
        if (str_ieq(str_trim(part), str_c(word))) {
            return true;
        }
    }
    return false;
}

static bool note_header(struct message *m, struct str name, struct str value) {
    long long length = 0;
    if (str_ieq(name, S("content-length"))) {
        if (!str_to_i64(value, &length) || length < 0 || (m->length >= 0 && m->length != length)) {
            return false;
        }
        m->length = length;
    } else if (str_ieq(name, S("transfer-encoding"))) {
        m->chunked = str_ieq(value, S("chunked"));
        return m->chunked;
    } else if (str_ieq(name, S("connection"))) {
        m->close |= has_word(value, "close");
    } else if (str_ieq(name, S("expect"))) {
        m->expects = str_ieq(value, S("100-continue"));
    }
    return true;
}

static bool read_start(struct message *m, struct str line, bool answer) {
    struct str part = STR_NONE;
    long long status = 0;
    if (answer) {
        m->close = str_starts(line, S("HTTP/1.0"));
        return str_starts(line, S("HTTP/1.")) && str_to_i64(str_sub(line, 9, 3), &status) &&
               (m->status = (int)status) >= 100;
    }
    str_cut(&line, ' ', &m->method);
    if (!is_token(m->method) || !str_cut(&line, ' ', &m->target) || m->target.n == 0 ||
        !str_cut(&line, ' ', &part) || line.p != NULL) {
        return false;
    }
    m->close = str_is(part, "HTTP/1.0");
    return m->close || str_is(part, "HTTP/1.1");
}

static bool parse_head(struct message *m, struct str head, bool answer) {
    struct str line = STR_NONE;
    bool first = true;
    while (str_cut(&head, '\n', &line) && head.p != NULL) {
        if (line.n == 0 || line.p[line.n - 1] != '\r') {
            return false;
        }
        line = str_sub(line, 0, line.n - 1);
        if (first) {
            first = false;
            if (!read_start(m, line, answer)) {
                return false;
            }
            continue;
        }
        if (line.n == 0) {
            break;
        }
        size_t colon = str_find_c(line, ':', 0);
        struct str name = colon == (size_t)-1 ? STR_NONE : str_sub(line, 0, colon);
        struct str value =
            colon == (size_t)-1 ? STR_NONE : str_trim(str_sub(line, colon + 1, line.n));
        if (!is_token(name) || m->headers.n == HTTP_MAX_HEADERS ||
            memchr(value.p, '\0', value.n) != NULL || memchr(value.p, '\r', value.n) != NULL ||
            !note_header(m, name, value)) {
            return false;
        }
        http_header_add(m->arena, &m->headers, name, value);
    }
    return !first && !(m->chunked && m->length >= 0);
}

int message_read(struct stream *s, struct arena *a, bool answer, struct message *ret) {
    *ret = (struct message){.arena = a, .length = -1};
    size_t end = 0;
    while ((end = head_end(stream_data(s))) == 0) {
        int got = stream_fill(s);
        if (got <= 0) {
            return got == 0 && s->begin == s->end ? 0 : -1;
        }
    }
    struct str head = str_dup(a, str_sub(stream_data(s), 0, end));
    stream_drop(s, end);
    return parse_head(ret, head, answer) ? 1 : -1;
}

struct str stream_peek_host(struct stream *s, struct arena *a) {
    size_t end = 0;
    while ((end = head_end(stream_data(s))) == 0) {
        if (stream_fill(s) <= 0) {
            return STR_NONE;
        }
    }
    struct message m = {.arena = a, .length = -1};
    if (!parse_head(&m, str_dup(a, str_sub(stream_data(s), 0, end)), false)) {
        return STR_NONE;
    }
    struct str host = http_header(&m.headers, S("Host"));
    size_t colon = host.p ? str_rfind_c(host, ':') : (size_t)-1;
    return colon == (size_t)-1 ? host : str_sub(host, 0, colon);
}

/* Exactly n bytes, or all that come (n < 0), to the sink. */
static int take_bytes(struct stream *s, int64_t n, body_sink *sink, void *ud) {
    while (n != 0) {
        if (s->begin == s->end) {
            int got = stream_fill(s);
            if (got <= 0) {
                return got == 0 && n < 0 ? 0 : -1;
            }
        }
        struct str data = stream_data(s);
        data = n > 0 && (int64_t)data.n > n ? str_sub(data, 0, (size_t)n) : data;
        if (!sink(ud, data)) {
            return -1;
        }
        stream_drop(s, data.n);
        n -= n > 0 ? (int64_t)data.n : 0;
    }
    return 0;
}

/* One line without its end, at most 1 KiB. */
static int take_line(struct stream *s, char line[1024], size_t *ret_n) {
    for (;;) {
        struct str data = stream_data(s);
        size_t at = str_find(data, S("\r\n"), 0);
        if (at != (size_t)-1 && at < 1024) {
            memcpy(line, data.p, at);
            *ret_n = at;
            stream_drop(s, at + 2);
            return 0;
        }
        if (data.n >= 1024 || stream_fill(s) <= 0) {
            return -1;
        }
    }
}

static int chunk_size(struct stream *s, int64_t *ret) {
    char line[1024];
    size_t n = 0;
    *ret = 0;
    if (take_line(s, line, &n) < 0 || n == 0) {
        return -1;
    }
    for (size_t i = 0; i < n && line[i] != ';' && line[i] != ' '; i++) {
        char c = line[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0 || *ret > INT64_MAX / 32) {
            return -1;
        }
        *ret = *ret * 16 + digit;
    }
    return 0;
}

static int take_chunks(struct stream *s, body_sink *sink, void *ud, int64_t max) {
    char line[1024];
    size_t n = 0;
    int64_t total = 0;
    for (;;) {
        int64_t size = 0;
        if (chunk_size(s, &size) < 0) {
            return -1;
        }
        if (size == 0) {
            break;
        }
        total += size;
        if (total > max || take_bytes(s, size, sink, ud) < 0 || take_line(s, line, &n) < 0 ||
            n != 0) {
            return -1;
        }
    }
    do { /* trailers */
        if (take_line(s, line, &n) < 0) {
            return -1;
        }
    } while (n > 0);
    return 0;
}

int message_body(struct stream *s, const struct message *m, bool answer_to_head, body_sink *sink,
                 void *ud, int64_t max) {
    bool answer = m->status != 0;
    if (answer_to_head || (answer && (m->status < 200 || m->status == 204 || m->status == 304))) {
        return 0;
    }
    if (m->chunked) {
        return take_chunks(s, sink, ud, max);
    }
    if (m->length >= 0) {
        return m->length > max ? -1 : take_bytes(s, m->length, sink, ud);
    }
    return answer ? take_bytes(s, -1, sink, ud) : 0;
}

bool answer_text(struct stream *s, int status, const char *reason, const char *type,
                 struct str body, bool head, bool close) {
    struct arena a = ARENA_INIT;
    struct str text =
        str_printf(&a,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                   "Cache-Control: no-store\r\n%s\r\n",
                   status, reason, type, body.n, close ? "Connection: close\r\n" : "");
    bool sent = stream_write(s, head ? text : str_concat(&a, text, body));
    arena_done(&a);
    return sent;
}
