/*
 * A source that is a folder of S3: its objects, in the order of their names, become one archive,
 * which is unpacked like any other: names that lead elsewhere are refused there, in one place.
 */
#include "flow/build/source.h"

#include "gen/s3.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MAX_OBJECTS = 100000 };

struct packing {
    struct supervision *s;
    const struct plan_source *source;
    struct zip_writer *zip;
    int dir; /* the build's own folder on the host */
    size_t objects;
};

static int list_page(struct packing *p, struct str after, struct arena *a,
                     struct s3_list_objects_v2_output *ret, struct err *err) {
    struct supervision *s = p->s;
    int64_t since = clock_mono_ms(s->clock);
    struct s3_list_objects_v2_request in = {
        .bucket = p->source->bucket, .prefix = p->source->key, .continuation_token = after};
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        *ret = (struct s3_list_objects_v2_output){0};
        result = account_target(s, a, &target, err) < 0 ||
                         s3_call_list_objects_v2(&target, a, &in, ret, err) < 0
                     ? -1
                     : 0;
    } while (result < 0 && account_retry(s, since, err));
    return result;
}

/* The object lies in a file of the host for a moment: the archive is written from files. */
static int keep(struct packing *p, struct aws_body *body, struct err *err) {
    int from cleanup_fd = body->fd;
    int to cleanup_fd = file_open_at(p->dir, "object", O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
    char chunk[65536];
    ssize_t n = 0;
    if (to < 0) {
        return -1;
    }
    if (lseek(from, body->offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "object");
    }
    while ((n = read(from, chunk, sizeof(chunk))) > 0) {
        if (fd_write_all(to, chunk, (size_t)n, err) < 0) {
            return -1;
        }
    }
    return n < 0 ? err_sys(err, errno, "object") : 0;
}

static int add_object(struct packing *p, struct arena *a, struct str key, struct err *err) {
    struct str name = str_sub(key, p->source->key.n, key.n);
    struct aws_body body;
    if (name.n == 0 || str_ends(name, S("/"))) {
        return 0; /* what consoles make to show an empty folder */
    }
    if (++p->objects > MAX_OBJECTS) {
        return err_set(err, ERR_LIMIT, "more than %d objects", MAX_OBJECTS);
    }
    if (str_find_c(name, '\0', 0) != (size_t)-1) {
        return err_set(err, ERR_INVALID, "an object's name holds a NUL character");
    }
    struct arena_mark mark = arena_mark(&p->s->arena);
    int result = object_get(p->s, p->source->bucket, key, STR_NONE, &body, err) < 0 ||
                         keep(p, &body, err) < 0
                     ? -1
                     : zip_add(p->zip, p->dir, "object", str_z(a, name), ZIP_LINKS_KEEP, err);
    arena_reset(&p->s->arena, mark);
    return result;
}

static int add_all(struct packing *p, struct err *err) {
    struct str after = STR_NONE;
    struct arena pages[2] = {ARENA_INIT, ARENA_INIT}; /* a page's token lives one page longer */
    int result = 0;
    size_t page = 0;
    do {
        struct arena *a = &pages[page++ % 2];
        struct s3_list_objects_v2_output out;
        arena_done(a);
        result = list_page(p, after, a, &out, err);
        for (size_t i = 0; result == 0 && i < out.contents.n; i++) {
            result = add_object(p, a, out.contents.v[i].key, err);
        }
        after = result == 0 && out.is_truncated ? out.next_continuation_token : STR_NONE;
    } while (result == 0 && after.n > 0);
    arena_done(&pages[0]);
    arena_done(&pages[1]);
    return result;
}

static int pack(struct packing *p, int fd, struct err *err) {
    struct zip_limits limits = {.bytes = p->s->plan.disk_mib << 20, .store = true};
    if (zip_begin(fd, &limits, &p->zip, err) < 0 || add_all(p, err) < 0) {
        return -1;
    }
    if (p->objects == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is nothing");
    }
    return zip_end(p->zip, err);
}

static void remove_file(struct supervision *s, const char *name) {
    struct err ignored = ERR_INIT;
    if (file_remove(str_printf(&s->arena, "%s/%s", s->dir, name).p, &ignored) < 0) {
        return; /* it goes with the build's folder */
    }
}

int source_from_s3_folder(struct supervision *s, const struct plan_source *source,
                          const char *directory, struct err *err) {
    struct packing p = {.s = s, .source = source};
    int dir cleanup_fd = file_open(s->dir, O_RDONLY | O_DIRECTORY, 0, err);
    int fd cleanup_fd =
        dir < 0 ? -1 : file_open_at(dir, "folder.zip", O_RDWR | O_CREAT | O_TRUNC, 0600, err);
    p.dir = dir;
    int result = fd < 0 ? -1 : pack(&p, fd, err);
    zip_free(p.zip);
    if (result == 0 && lseek(fd, 0, SEEK_SET) < 0) {
        result = err_sys(err, errno, "source");
    }
    if (result == 0) {
        result = source_unpack(s, fd, directory, err);
    }
    remove_file(s, "object");
    remove_file(s, "folder.zip");
    return result < 0 ? err_wrap(err, "s3://" STR_FMT "/" STR_FMT, STR_ARG(source->bucket),
                                 STR_ARG(source->key))
                      : 0;
}
