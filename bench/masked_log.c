/*
 * The path of a build's output: pipe -> masker with 20 (or 200) secrets in all their encodings ->
 * log file, beside the same bytes copied from pipe to file. Alternating runs, medians, a ratio.
 *
 * usage: masked_log [MEGABYTES] [ROUNDS]
 */
#include "base/arena.h"
#include "flow/command/log.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, MAX_ROUNDS = 15 };

static char *text; /* Terraform-like lines */
static size_t text_n;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_text(size_t n) {
    text = mem_alloc(n + 300);
    while (text_n < n) {
        text_n += (size_t)snprintf(text + text_n, 300,
                                   "module.logs[%zu].aws_cloudwatch_log_group.this: Refreshing "
                                   "state... [id=/aws/lambda/production-%08x]\n",
                                   text_n % 97, (unsigned)(text_n * 2654435761U));
    }
    text_n = n;
}

struct feed {
    int fd;
};

static void *write_all(void *ud) {
    struct feed *f = ud;
    struct err err = ERR_INIT;
    if (fd_write_all(f->fd, text, text_n, &err) < 0) {
        fprintf(stderr, "masked_log: %s\n", err.msg);
        exit(1);
    }
    close(f->fd);
    return NULL;
}

/* Seconds for one run; log NULL: plain copy to out_fd. */
static double run(struct build_log *log, int out_fd) {
    static char chunk[CHUNK];
    int fds[2];
    pthread_t writer;
    struct err err = ERR_INIT;
    if (pipe2(fds, O_CLOEXEC) < 0 || fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024) < 0) {
        perror("pipe");
        exit(1);
    }
    struct feed feed = {fds[1]};
    double begin = now();
    pthread_create(&writer, NULL, write_all, &feed);
    ssize_t n = 0;
    while ((n = read(fds[0], chunk, sizeof(chunk))) > 0) {
        if (log != NULL) {
            build_log_output(log, str_n(chunk, (size_t)n));
        } else if (fd_write_all(out_fd, chunk, (size_t)n, &err) < 0) {
            exit(1);
        }
    }
    double seconds = now() - begin;
    pthread_join(writer, NULL);
    close(fds[0]);
    return seconds;
}

static double run_masked(const char *dir, int secrets) {
    struct build_log *log = NULL;
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    if (build_log_open(dir, &clock_system, &log, &err) < 0) {
        fprintf(stderr, "masked_log: %s\n", err.msg);
        exit(1);
    }
    for (int i = 0; i < secrets; i++) {
        build_log_hide(log, rng_alnum(&rng_system, &a, 12 + (size_t)i % 52));
    }
    double seconds = run(log, -1);
    build_log_close(log);
    arena_done(&a);
    return seconds;
}

static int by_value(const void *x, const void *y) {
    double d = *(const double *)x - *(const double *)y;
    return d < 0 ? -1 : d > 0;
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return v[n / 2];
}

int main(int argc, char **argv) {
    size_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 100; /* a log takes at most 128 */
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    static const int secrets[] = {20, 200};
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *dir = NULL;
    double plain[MAX_ROUNDS], masked[2][MAX_ROUNDS];
    rounds = rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds < 1 ? 1 : rounds;
    make_text(megabytes << 20);
    for (int i = 0; i < rounds; i++) {
        for (int k = -1; k < 2; k++) {
            if (dir_make_temp(&a, "masked_log", &dir, &err) < 0) {
                fprintf(stderr, "masked_log: %s\n", err.msg);
                return 1;
            }
            if (k < 0) {
                int fd cleanup_fd = file_open(str_printf(&a, "%s/copy", dir).p,
                                              O_WRONLY | O_CREAT | O_APPEND, 0600, &err);
                plain[i] = run(NULL, fd);
            } else {
                masked[k][i] = run_masked(dir, secrets[k]);
            }
            if (tree_remove(dir, &err) < 0) {
                fprintf(stderr, "masked_log: %s\n", err.msg);
                return 1;
            }
        }
    }
    double bytes = (double)text_n;
    double copy = median(plain, rounds);
    printf("plain copy                 %5.2f GB/s\n", bytes / copy / 1e9);
    for (int k = 0; k < 2; k++) {
        double m = median(masked[k], rounds);
        printf("masked, %3d secrets        %5.2f GB/s   %.2f of the copy\n", secrets[k],
               bytes / m / 1e9, copy / m);
    }
    arena_done(&a);
    free(text);
    return 0;
}
