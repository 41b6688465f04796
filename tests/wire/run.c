/*
 * Plays conversations of real clients through the door, the gate and the services, in process and
 * without sockets: run FILE... Each file starts with an empty store. A file is a list of exchanges:
 *
 *   # comment
 *   > METHOD TARGET SERVICE [HOST]     sent as account 111111111111
 *   Header: value
 *
 *   body
 *   < STATUS
 *   Header: value that must be there; '*' stands for anything
 *
 *   body that must come; '*' stands for anything
 */
#include "../unit/services/fixture.h"

#include "front/door/door.h"

#include <stdio.h>
#include <unistd.h>

struct block {
    struct str first; /* the line without "> " or "< " */
    struct http_headers headers;
    struct str body;
    unsigned line;
};

struct play {
    struct fixture f;
    struct gate *gate;
    struct door *door;
    const char *file;
    struct http_response response;
    struct http_request request;
    unsigned failed;
    unsigned answers;
};

static bool begins_block(struct str line) {
    bool request = str_starts(line, S("> ")) && line.n > 2 && line.p[2] >= 'A' && line.p[2] <= 'Z';
    bool answer = str_starts(line, S("< ")) && line.n > 2 && line.p[2] >= '1' && line.p[2] <= '5';
    return request || answer;
}

static struct str peek(struct str text) {
    return str_sub(text, 0, str_find_c(text, '\n', 0));
}

static void drop_line(struct str *text, struct str line) {
    *text = str_sub(*text, line.n + 1, text->n);
}

/* Reads one block off *text. */
static bool read_block(struct arena *a, struct str *text, unsigned *line_no, struct block *ret,
                       char *ret_kind) {
    while (text->n > 0 && !begins_block(peek(*text))) {
        drop_line(text, peek(*text));
        ++*line_no;
    }
    if (text->n == 0) {
        return false;
    }
    struct str line = peek(*text);
    *ret_kind = line.p[0];
    *ret = (struct block){.first = str_sub(line, 2, line.n), .line = ++*line_no};
    drop_line(text, line);
    for (line = peek(*text); text->n > 0 && line.n > 0 && !begins_block(line); line = peek(*text)) {
        size_t colon = str_find_c(line, ':', 0);
        http_header_add(a, &ret->headers, str_sub(line, 0, colon),
                        str_trim(str_sub(line, colon + 1, line.n)));
        drop_line(text, line);
        ++*line_no;
    }
    const char *start = text->p;
    while (text->n > 0 && !begins_block(peek(*text))) {
        ++*line_no;
        drop_line(text, peek(*text));
    }
    ret->body = str_trim(str_n(start, (size_t)(text->p - start)));
    return true;
}

static void sign(struct arena *a, struct http_request *r, struct str service) {
    http_header_add(a, &r->headers, S("X-Amz-Date"), S("20261124T015200Z"));
    http_header_add(a, &r->headers, S("Authorization"),
                    str_printf(a,
                               "AWS4-HMAC-SHA256 Credential=AKIAANYKEY/20261124/eu-west-2/" STR_FMT
                               "/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
                               STR_ARG(service)));
}

static void send_request(struct play *p, const struct block *b) {
    struct arena *a = &p->f.arena;
    struct str rest = b->first;
    struct str service = STR_NONE;
    struct http_request *r = &p->request;
    *r = (struct http_request){.arena = a, .headers = b->headers, .body = b->body};
    str_cut(&rest, ' ', &r->method);
    str_cut(&rest, ' ', &r->target);
    str_cut(&rest, ' ', &service);
    http_header_add(a, &r->headers, S("Host"), rest.p != NULL ? rest : S("127.0.0.1:4566"));
    size_t question = str_find_c(r->target, '?', 0);
    r->path = str_sub(r->target, 0, question);
    r->query = question == (size_t)-1 ? STR_NONE : str_sub(r->target, question + 1, r->target.n);
    r->remote = S("127.0.0.1:50000");
    sign(a, r, service);
    struct http_handler h = door_handler(p->door);
    struct err err = ERR_INIT;
    p->response = (struct http_response){.fd = -1};
    if (!h.begin(h.ud, r, &p->response)) {
        if (r->sink.write != NULL && r->sink.write(r->sink.ud, r->body, &err) < 0) {
            r->sink_error = err;
        }
        h.handle(h.ud, r, &p->response);
    }
    if (r->sink.close != NULL) {
        r->sink.close(r->sink.ud);
    }
}

static bool matches(struct str glob, struct str text) {
    size_t g = 0;
    size_t star = (size_t)-1;
    size_t retry = 0;
    for (size_t t = 0; t < text.n;) {
        if (g < glob.n && glob.p[g] == '*') {
            star = g++;
            retry = t;
        } else if (g < glob.n && glob.p[g] == text.p[t]) {
            g++;
            t++;
        } else if (star != (size_t)-1) {
            g = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (g < glob.n && glob.p[g] == '*') {
        g++;
    }
    return g == glob.n;
}

static struct str body_of(struct play *p) {
    struct http_response *r = &p->response;
    if (str_is(p->request.method, "HEAD")) {
        return S(""); /* the HTTP server sends none */
    }
    if (r->fd < 0) {
        return str_trim(r->body);
    }
    char *text = arena_alloc(&p->f.arena, (size_t)r->fd_size + 1);
    ssize_t n = pread(r->fd, text, (size_t)r->fd_size, r->fd_offset);
    close(r->fd);
    return str_trim(str_n(text, n > 0 ? (size_t)n : 0));
}

static void differ(struct play *p, const struct block *b, const char *what, struct str want,
                   struct str got) {
    p->failed++;
    fprintf(stderr, "%s:%u: %s\n  want " STR_FMT "\n  got  " STR_FMT "\n", p->file, b->line, what,
            STR_ARG(want), STR_ARG(got));
}

static void expect(struct play *p, const struct block *b) {
    struct arena *a = &p->f.arena;
    struct str status = str_printf(a, "%d", p->response.status ? p->response.status : 200);
    struct str body = body_of(p);
    p->answers++;
    if (!str_eq(status, str_trim(b->first))) {
        differ(p, b, "status", b->first,
               str_printf(a, STR_FMT " " STR_FMT, STR_ARG(status), STR_ARG(body)));
        return;
    }
    for (size_t i = 0; i < b->headers.n; i++) {
        struct str got = http_header(&p->response.headers, b->headers.v[i].name);
        if (!matches(b->headers.v[i].value, got)) {
            differ(p, b, str_z(a, b->headers.v[i].name), b->headers.v[i].value, got);
        }
    }
    if (!matches(b->body, body)) {
        differ(p, b, "body", b->body, body);
    }
}

static void start(struct play *p) {
    struct gate_config config;
    fixture_start(&p->f);
    config = (struct gate_config){.db = p->f.db,
                                  .clock = &p->f.clock,
                                  .rng = &rng_system,
                                  .data_dir = p->f.dir,
                                  .region = S("eu-west-2"),
                                  .any_key_account = S("111111111111")};
    config.services = services_served(&p->f.arena, &config.n_services);
    struct door_config door = {
        .clock = &p->f.clock, .rng = &rng_system, .data_dir = p->f.dir, .region = S("eu-west-2")};
    if (gate_new(&config, &p->gate, &p->f.err) < 0) {
        fail_msg("%s", p->f.err.msg);
    }
    door.gate = p->gate;
    p->door = door_new(&door);
}

static bool play_file(const char *path) {
    struct play p = {.file = path};
    struct str text;
    struct block b;
    char kind = ' ';
    unsigned line = 0;
    start(&p);
    if (file_read(&p.f.arena, path, 8 * 1024 * 1024, &text, &p.f.err) < 0) {
        fprintf(stderr, "%s\n", p.f.err.msg);
        return false;
    }
    while (read_block(&p.f.arena, &text, &line, &b, &kind)) {
        if (kind == '>') {
            send_request(&p, &b);
        } else {
            expect(&p, &b);
        }
    }
    if (door_unknown_members(p.door) > 0) {
        fprintf(stderr, "%s: members that our tables do not have\n", path);
        p.failed++;
    }
    door_free(p.door);
    gate_free(p.gate);
    fixture_end(&p.f);
    printf("%s: %u answers, %u differences\n", path, p.answers, p.failed);
    return p.failed == 0 && p.answers > 0;
}

int main(int argc, char **argv) {
    bool ok = argc > 1;
    for (int i = 1; i < argc; i++) {
        ok = play_file(argv[i]) && ok;
    }
    return ok ? 0 : 1;
}
